/**
 * What a peer shows of itself: `/status`, `/peers`, `/clusters` and `/config`, read off the core.
 */
import type { ClusterId, Identity, IdentityId, PeerId } from '../../protocols/base/identity.ts'
import { equalBytes } from '../../protocols/base/record.ts'
import type { Clusters } from '../../protocols/base/config.ts'
import { majoritySize } from '../../protocols/base/quorum.ts'
import type { PeerState } from '../../protocols/effects.ts'
import type { RosterPeer } from '../../protocols/membership/roster-peer.ts'
import { describePair } from '../../protocols/membership/reachability.ts'
import type { PeerCore } from '../../protocols/peer.ts'
import { lossesThatHurt } from '../losses.ts'
import type { Clock } from '../ports/clock.ts'
import type { ChangeView, ConfigView, MemberView, PeerView, QuorumView, StatusView } from '../ports/replicator.ts'
import type { Behind, Lag } from './lag.ts'
import type { PeerNames } from './peer-names.ts'

/** How many peers one warning names. */
const NAMED_MAX = 3

/** What the core does not know of the peer it runs in. */
export interface Surroundings {
  readonly clock: Clock
  readonly version: string
  /** What people call the peers. */
  readonly names: PeerNames
  readonly addresses: () => readonly string[]
  readonly ready: () => boolean
  /** Warnings that do not come from the core. */
  readonly warnings: () => readonly string[]
  /** Why a peer could not be reached the last time; undefined when it could. */
  readonly failure: (peerId: PeerId) => string | undefined
  /** Of the token file in force; undefined without one. */
  readonly tokensFingerprint: () => string | undefined
  /** What the secrets in force are told by, the one that is proved first. */
  readonly secrets: () => readonly string[]
  /** Which of them each connected peer has proved. */
  readonly provedBy: () => ReadonlyMap<PeerId, string>
  /** How many keys the fullest peer held, and when. */
  readonly lag: Lag
}

/** This peer, and all that it has met lately or that vote. */
export function peersView(core: PeerCore, { clock, addresses, names }: Surroundings): PeerView[] {
  const nowMs = clock.nowMs()
  const wallMs = clock.wallMs()
  const self: PeerView = {
    id: core.identity.peerId,
    name: names.of(core.identity.peerId) ?? null,
    clusterId: core.clusterId,
    addresses: addresses(),
    role: core.isVoter ? 'voter' : 'learner',
    state: 'self',
    rttMs: null,
    lastSeenAt: new Date(wallMs).toISOString(),
  }
  const others = [...core.roster.all()].map((peer): PeerView => {
    return {
      id: peer.peerId,
      name: names.of(peer.peerId) ?? null,
      clusterId: peer.clusterId,
      addresses: peer.addresses,
      role: core.chain.voterOf(peer.peerId) === undefined ? 'learner' : 'voter',
      state: peer.state,
      // The usual one: a mean would tell of a pause at the start for minutes, where few are measured.
      rttMs: peer.usualRoundTripMs === undefined ? null : Math.round(peer.usualRoundTripMs * 1_000) / 1_000,
      lastSeenAt: new Date(wallMs - (nowMs - peer.lastHeardMs)).toISOString(),
    }
  })
  return [self, ...others]
}

/** Peer ids by cluster: this peer, and all that are not gone. */
export function clustersView(core: PeerCore): Record<string, string[]> {
  const clusters: Record<string, string[]> = { [core.clusterId]: [core.identity.peerId] }
  for (const { peerId, clusterId, state } of core.roster.all()) {
    if (state !== 'gone') (clusters[clusterId] ??= []).push(peerId)
  }
  return clusters
}

/** Who the peer is, whether it can take puts, what it holds, and what is wrong in words. */
export function statusView(core: PeerCore, surroundings: Surroundings): StatusView {
  const { config, chosen } = core
  const fingerprint = surroundings.tokensFingerprint()
  const quorum = quorumView(core)
  return {
    peerId: core.identity.peerId,
    name: surroundings.names.of(core.identity.peerId) ?? null,
    clusterId: core.clusterId,
    version: surroundings.version,
    networkId: core.chain.networkId ?? null,
    epoch: core.chain.epoch,
    role: core.isVoter ? 'voter' : 'learner',
    ready: surroundings.ready(),
    config: config === undefined ? null : { clusters: named(config.clusters), ...(config.next && { next: named(config.next) }) },
    changing: config?.next !== undefined,
    quorum,
    keys: {
      count: chosen.count,
      bytes: chosen.bytes,
      root: Buffer.from(chosen.tree.rootHash()).toString('hex'),
      clusters: rootsView(core, chosen.tree.rootHash(), (peer) => core.roster.freshHealth(peer)?.root),
      behind: behindView(core, surroundings),
    },
    inDoubt: core.doubts.size,
    ...typesView(core),
    tokens: fingerprint === undefined ? null : { fingerprint },
    secrets: surroundings.secrets(),
    provedBy: Object.fromEntries(surroundings.provedBy()),
    warnings: [
      ...surroundings.warnings(),
      ...coreWarnings(core),
      ...lossesThatHurt(quorum),
      ...[...core.types.values()].flatMap((type) => type.warnings?.() ?? []),
      ...tokenWarnings(core, fingerprint),
      ...absences(core, surroundings.failure),
      ...sharedNames(core, surroundings.names),
    ].map((warning) => surroundings.names.inText(warning)),
  }
}

/** Who votes and who learns, by cluster, and the change in flight. */
export function configView(core: PeerCore, { clock, names }: Surroundings): ConfigView {
  const { config } = core
  const clusters: Record<string, { voters: MemberView[]; learners: MemberView[] }> = {}
  const of = (clusterId: ClusterId): { voters: MemberView[]; learners: MemberView[] } => {
    return (clusters[clusterId] ??= { voters: [], learners: [] })
  }
  const member = (id: PeerId, state: PeerState): MemberView => ({ id, name: names.of(id) ?? null, state })
  const voting = new Set<IdentityId>()
  for (const [clusterId, voters] of config?.clusters ?? []) {
    for (const voter of voters) {
      voting.add(voter.id)
      of(clusterId).voters.push(member(voter.peerId, stateOf(core, voter)))
    }
  }
  if (!voting.has(core.identity.id)) of(core.clusterId).learners.push(member(core.identity.peerId, 'self'))
  for (const { identity, clusterId, state } of core.roster.all()) {
    // What was removed is no member any more, though it may be remembered for a while.
    if (!voting.has(identity.id) && !core.isRemoved(identity.peerId)) of(clusterId).learners.push(member(identity.peerId, state))
  }
  return {
    networkId: core.chain.networkId ?? null,
    epoch: core.chain.epoch,
    clusters,
    removed: { peers: [...(config?.barred?.peers ?? [])], clusters: [...(config?.barred?.clusters ?? [])] },
    change: changeView(core, clock),
  }
}

function stateOf(core: PeerCore, voter: Identity): PeerState {
  if (voter.id === core.identity.id) return 'self'
  const peer = core.roster.get(voter.peerId)
  return peer !== undefined && peer.identity.id === voter.id ? peer.state : 'gone'
}

function changeView({ changeView: change }: PeerCore, clock: Clock): ChangeView | null {
  if (change === undefined) return null
  const { epoch, from, to, sinceMs, covered, needed } = change
  const startedSecondsAgo = Math.max(0, Math.round(clock.nowMs() - sinceMs)) / 1_000
  return { epoch, from: named(from), to: named(to), startedSecondsAgo, covered, needed }
}

function named(clusters: Clusters): Record<string, string[]> {
  return Object.fromEntries([...clusters].map(([clusterId, voters]) => [clusterId, voters.map((voter) => voter.peerId)]))
}

function quorumView(core: PeerCore): Record<string, QuorumView> {
  const view: Record<string, QuorumView> = {}
  for (const [clusterId, voters] of core.config?.clusters ?? []) {
    const up = voters.filter((voter) => core.hasAnswered(voter)).length
    view[clusterId] = { voters: voters.length, up, needed: majoritySize(voters.length) }
  }
  return view
}

/**
 * The most keys that any peer is known to hold, this one among them. Peers tell of all that they
 * hold, also of what no client can name, so that is counted here too.
 */
export function mostKeys(core: PeerCore): number {
  return Math.max(core.chosen.tree.keyCount, ...[...core.roster.all()].map((peer) => core.roster.freshHealth(peer)?.keyCount ?? 0))
}

/** Of each cluster, the peer that is furthest behind of those that told of themselves lately. */
function behindView(core: PeerCore, { lag, clock }: Surroundings): Record<string, Behind> {
  const nowMs = clock.nowMs()
  lag.look(nowMs, mostKeys(core))
  const least = new Map<string, number>([[core.clusterId, core.chosen.tree.keyCount]])
  for (const peer of core.roster.all()) {
    const count = core.roster.freshHealth(peer)?.keyCount
    if (count !== undefined) least.set(peer.clusterId, Math.min(least.get(peer.clusterId) ?? count, count))
  }
  return Object.fromEntries([...least].map(([clusterId, count]) => [clusterId, lag.behind(nowMs, count)]))
}

/**
 * What the further types show of themselves, and whether peers hold the same of those that they
 * repair.
 */
function typesView(core: PeerCore): object {
  const rowsOf = new Map(
    core.repairedTypes.map(({ name, code, collection: { tree } }) => {
      const root = tree.rootHash()
      const toldBy = (peer: RosterPeer): Uint8Array | undefined =>
        core.roster.freshHealth(peer)?.types?.find(({ type }) => type === code)?.root
      return [name, { count: tree.keyCount, root: Buffer.from(root).toString('hex'), clusters: rootsView(core, root, toldBy) }]
    }),
  )
  return Object.fromEntries([...core.types].map(([name, type]) => [name, { ...rowsOf.get(name), ...type.status?.() }]))
}

/** Whether all peers of a cluster that told of themselves lately hold just what this one holds. */
function rootsView(
  core: PeerCore,
  root: Uint8Array,
  toldBy: (peer: RosterPeer) => Uint8Array | undefined,
): Record<string, 'equal' | 'different' | 'unknown'> {
  const view: Record<string, 'equal' | 'different' | 'unknown'> = { [core.clusterId]: 'equal' }
  const peersByCluster = Map.groupBy(core.roster.all(), (peer): ClusterId => peer.clusterId)
  for (const [clusterId, peers] of peersByCluster) {
    const roots = peers.flatMap((peer) => toldBy(peer) ?? [])
    if (roots.length > 0) view[clusterId] = roots.every((other) => equalBytes(other, root)) ? 'equal' : 'different'
    else if (clusterId !== core.clusterId) view[clusterId] = 'unknown'
  }
  return view
}

/** Peers that ask other tokens of their clients than this one does, or none. */
function tokenWarnings({ identity, roster }: PeerCore, fingerprint: string | undefined): string[] {
  const others = roster.connected().filter(({ health }) => health !== undefined && health.tokens !== fingerprint)
  if (others.length === 0) return []
  const shown = others.slice(0, NAMED_MAX).map(({ peerId }) => peerId)
  const more = others.length > NAMED_MAX ? [`${others.length - NAMED_MAX} more`] : []
  const without = others.filter(({ health }) => health?.tokens === undefined).map(({ peerId }) => peerId)
  const bare = fingerprint === undefined ? [identity.peerId] : without.slice(0, NAMED_MAX)
  const none = bare.length === 0 ? '' : `; no file has ${bare.join(', ')}`
  return [`the token files of ${identity.peerId} and ${[...shown, ...more].join(', ')} differ${none}`]
}

/** What one name of several peers leaves open: which of them is meant by it. */
function sharedNames({ identity, roster, chain }: PeerCore, names: PeerNames): string[] {
  const there = [...roster.all()].filter(({ peerId, state }) => state !== 'gone' || chain.voterOf(peerId) !== undefined)
  const shared = names.shared([identity.peerId, ...there.map(({ peerId }) => peerId)])
  return [...shared].map(
    ([name, ids]) => `${ids.length} peers are called ${name}: ${ids.slice(0, NAMED_MAX).join(', ')}; give each a -name of its own`,
  )
}

/** Voters that are not alive, and why, as far as it is known here. */
function absences({ roster, chain }: PeerCore, failure: Surroundings['failure']): string[] {
  const absent = [...roster.all()].filter(({ peerId, state }) => state !== 'alive' && chain.voterOf(peerId) !== undefined)
  return absent.map((peer) => `${peer.peerId} of ${peer.clusterId} is ${peer.state}: ${whyNotAlive(peer, failure)}`)
}

/** The last try to reach it tells more than how it was lost. */
export function whyNotAlive({ peerId, reason, isConnected }: RosterPeer, failure: Surroundings['failure']): string {
  return isConnected ? reason : (failure(peerId) ?? reason)
}

function coreWarnings(core: PeerCore): string[] {
  const warnings: string[] = []
  const { config, roster, clusterId, minPeers } = core
  if (config !== undefined && config.clusters.size === 2) {
    warnings.push('two voting clusters need each other: a third, even of one peer started with -min-peers 1, removes that')
  }
  const told = new Set([
    minPeers,
    ...[...roster.all()].filter((peer) => peer.clusterId === clusterId && peer.state !== 'gone').map((peer) => peer.minPeers),
  ])
  if (told.size > 1)
    warnings.push(`peers of ${clusterId} were started with different -min-peers: ${[...told].toSorted((a, b) => a - b).join(', ')}`)
  for (const { peerId, identity } of roster.all()) {
    if (!roster.isPutBack(identity.id)) continue
    warnings.push(
      `refused ${peerId} as a voter: an older copy of its store was put back; empty its store, and it takes its place as a new one`,
    )
  }
  if (core.isTooOld) {
    warnings.push(
      `this peer speaks protocol versions up to ${core.protocolMax}, and its network lets vote from ${config?.protocolMin} on: it learns; start a newer release`,
    )
  }
  for (const { peerId, state, protocolMax } of roster.all()) {
    if (state === 'gone' || protocolMax >= (config?.protocolMin ?? 0)) continue
    warnings.push(`${peerId} speaks protocol versions up to ${protocolMax}, too old to vote: it learns; start a newer release there`)
  }
  for (const pair of core.apart) {
    warnings.push(`${describePair(pair)}: peers of one cluster, and voters, must; see firewalls between them, and -announce`)
  }
  if (core.chosen.divergedCount > 0) {
    warnings.push(`${core.chosen.divergedCount} keys have two chosen records and are not served; see the log`)
  }
  return warnings
}
