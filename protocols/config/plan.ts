/**
 * What an operator's request means in the config as it is: the change to make, that there is
 * nothing to do, or one clear sentence why it cannot be. Pure arithmetic on what is known now;
 * carried out as a configuration change.
 */
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import { barredIn, barring, equalBarred, lifting } from './barred.ts'
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../base/config.ts'
import type { ChangeRequest } from '../base/change-request.ts'
import type { Barred, Clusters, Config } from '../base/config.ts'
import type { Hindrance, KnownNow, KnownPeer } from './known.ts'
import { holdsMajority, majoritySize } from '../base/quorum.ts'
import { members } from './transfer.ts'
import { protocolMinAfter } from './versions.ts'

export type Plan =
  | { readonly kind: 'change'; readonly next: Clusters; readonly barred: Barred; readonly protocolMin: number }
  | { readonly kind: 'withdrawal' }
  /** All is as asked for. */
  | { readonly kind: 'nothing' }
  /** Not now, but perhaps soon. */
  | { readonly kind: 'wait'; readonly detail: string }
  | { readonly kind: 'refusal'; readonly detail: string }

const HINDRANCES: Readonly<Record<Hindrance, string>> = {
  silent: 'does not answer; start it, or look at its connection',
  'catching up': 'is still catching up',
  'store put back': 'runs on an older copy of its store; empty its store, and it comes back as a new one',
  'protocol too old': 'speaks a protocol version that is too old for this network; start a newer release there',
}

/** @returns what to do about the request in this config */
export function planChange(config: Config, request: ChangeRequest, known: KnownNow): Plan {
  const malformed = contradiction(request)
  if (malformed !== undefined) return refusal(malformed)
  if (request.withdraw) return { kind: config.next === undefined ? 'nothing' : 'withdrawal' }
  if (config.next !== undefined) return { kind: 'wait', detail: `another change is in flight, in epoch ${config.epoch}` }
  const stranger = findStranger(config, request, known.peers)
  if (stranger !== undefined) return refusal(stranger)
  const next = without(config.clusters, request)
  for (const peerId of request.add) {
    const hindered = admit(next, peerId, request.removeCluster, known.peers)
    if (hindered !== undefined) return hindered
  }
  const barred = barredAfter(config, request, known.peers)
  if (equalClusters(config.clusters, next) && equalBarred(barredIn(config), barred)) return { kind: 'nothing' }
  const reason = unsound(next) ?? (request.force ? undefined : unreachable(next, known.isUp))
  return reason === undefined ? { kind: 'change', next, barred, protocolMin: protocolMinAfter(config, next, known) } : refusal(reason)
}

/** @returns why the request can be meant in no config, in one sentence; undefined when it can */
export function contradiction({ add, remove, removeCluster, force, withdraw }: ChangeRequest): string | undefined {
  const isEmpty = add.length === 0 && remove.length === 0 && removeCluster === undefined
  if (withdraw && (!isEmpty || force)) return '"withdraw" stands alone: leave the other fields away, and ask for the change afterwards.'
  if (isEmpty && !withdraw) return 'It asks for nothing; name peers to "add" or to "remove", a "removeCluster", or "withdraw": true.'
  const both = add.find((peerId) => remove.includes(peerId))
  return both === undefined ? undefined : `"add" and "remove" both name ${both}; name it in one of them.`
}

/** True when both have the same voters in the same clusters. */
export function equalClusters(a: Clusters, b: Clusters): boolean {
  return a.size === b.size && [...a].every(([clusterId, voters]) => equalVoters(voters, b.get(clusterId) ?? []))
}

/** Which clusters have no majority that answers, and who in them does not; for people. */
export function describeSilent(clusters: Clusters, isUp: (voter: Identity) => boolean): string {
  const parts: string[] = []
  for (const [clusterId, voters] of clusters) {
    const silent = voters.filter((voter) => !isUp(voter))
    if (voters.length - silent.length >= majoritySize(voters.length)) continue
    parts.push(
      `${silent.length} of ${voters.length} voters of ${clusterId} do not answer (${silent.map((voter) => voter.peerId).join(', ')})`,
    )
  }
  return parts.join(', ')
}

function refusal(detail: string): Plan {
  return { kind: 'refusal', detail }
}

function findStranger(config: Config, { add, remove, removeCluster }: ChangeRequest, peers: readonly KnownPeer[]): string | undefined {
  const barred = barredIn(config)
  const voters = members(config.clusters)
  const isKnown = (peerId: PeerId): boolean =>
    peers.some(({ identity }) => identity.peerId === peerId) || voters.some((voter) => voter.peerId === peerId)
  const added = add.find((peerId) => !isKnown(peerId))
  if (added !== undefined) return `${added} is not known here: start it with -peer, and ask again when /peers shows it`
  const removed = remove.find((peerId) => !isKnown(peerId) && !barred.peers.includes(peerId))
  if (removed !== undefined) return `${removed} is not known here: /config shows who votes, /peers who is there`
  if (removeCluster === undefined || config.clusters.has(removeCluster) || barred.clusters.includes(removeCluster)) return undefined
  if (peers.some(({ clusterId }) => clusterId === removeCluster)) return undefined
  return `no cluster ${removeCluster} is known here: /config shows those that vote, /clusters those that are there`
}

/** The clusters without whoever is removed. */
function without(clusters: Clusters, { remove, removeCluster }: ChangeRequest): Map<ClusterId, readonly Identity[]> {
  const left = new Map<ClusterId, readonly Identity[]>()
  for (const [clusterId, voters] of clusters) {
    const kept = clusterId === removeCluster ? [] : voters.filter((voter) => !remove.includes(voter.peerId))
    if (kept.length > 0) left.set(clusterId, kept)
  }
  return left
}

/** Gives a peer a vote in its cluster. @returns why not, when it cannot be given one */
function admit(
  next: Map<ClusterId, readonly Identity[]>,
  peerId: PeerId,
  removed: ClusterId | undefined,
  peers: readonly KnownPeer[],
): Plan | undefined {
  const peer = peers.find(({ identity }) => identity.peerId === peerId)
  const present = members(next).find((voter) => voter.peerId === peerId)
  if (present !== undefined && (peer === undefined || peer.identity.id === present.id)) return undefined
  // Removed with its cluster in the same breath, or voting from a place that this peer does not
  // see.
  if (peer === undefined) return refusal(`${peerId} is not known here: start it with -peer, and ask again when /peers shows it`)
  const { identity, clusterId, hindrance } = peer
  if (clusterId === removed) return refusal(`${peerId} cannot be added to ${clusterId} while that is removed`)
  if (hindrance !== undefined) {
    const detail = `${peerId} cannot vote now: it ${HINDRANCES[hindrance]}`
    return hindrance === 'catching up' ? { kind: 'wait', detail } : refusal(detail)
  }
  const voters = next.get(clusterId) ?? []
  next.set(clusterId, [...voters.filter((voter) => voter.peerId !== peerId), identity])
  return undefined
}

function barredAfter(config: Config, { add, remove, removeCluster }: ChangeRequest, peers: readonly KnownPeer[]): Barred {
  const clustersOf = peers.filter(({ identity }) => add.includes(identity.peerId)).map(({ clusterId }) => clusterId)
  const lifted = lifting(barredIn(config), add, clustersOf)
  return barring(lifted, remove, removeCluster === undefined ? [] : [removeCluster])
}

function unsound(next: Clusters): string | undefined {
  if (next.size === 0) return 'no voter would be left: a network needs at least one'
  if (next.size > VOTING_CLUSTERS_MAX) {
    return `more than ${VOTING_CLUSTERS_MAX} clusters would vote: remove one in the same request`
  }
  const full = [...next].find(([, voters]) => voters.length > VOTERS_PER_CLUSTER_MAX)
  if (full === undefined) return undefined
  return `${full[0]} would have more than ${VOTERS_PER_CLUSTER_MAX} voters: remove one in the same request, or replace it`
}

function unreachable(next: Clusters, isUp: (voter: Identity) => boolean): string | undefined {
  if (holdsMajority(next, isUp)) return undefined
  const silent = describeSilent(next, isUp)
  return `the new voters would have no quorum now: ${silent}; start them, remove them as well, or force the change`
}

function equalVoters(a: readonly Identity[], b: readonly Identity[]): boolean {
  return a.length === b.length && a.every((voter) => b.some((other) => other.id === voter.id))
}
