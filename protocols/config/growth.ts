/**
 * Who should vote: the plan that turns learners into voters. Pure arithmetic on what is known now;
 * the plan is carried out as a configuration change, so two peers with different views can do no
 * harm.
 */
import { compareIdentities } from '../base/identity.ts'
import type { ClusterId, Identity, IdentityId } from '../base/identity.ts'
import { barredIn, isBarred } from './barred.ts'
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../base/config.ts'
import type { Clusters, Config } from '../base/config.ts'

/** A peer that could vote: connected, complete, and speaking a protocol that is new enough. */
export interface Candidate {
  readonly identity: Identity
  readonly clusterId: ClusterId
  readonly minPeers: number
}

/**
 * The voters that should be, or undefined when they already are. A cluster gets its first voters
 * all at once, when as many peers as the largest `-min-peers` among them are there; the first
 * cluster before any other. Then it grows to the next odd number, up to five. A voter whose store
 * was lost takes its old place as whoever it is now, and one that is gone for good gives its place
 * to another peer of its cluster; nobody else loses a place. Whoever is barred gets none.
 *
 * @param peers every peer that could vote, present voters among them
 * @param gone voters that have been silent for so long that they are replaced
 */
export function planGrowth(config: Config, peers: readonly Candidate[], gone: ReadonlySet<IdentityId> = new Set()): Clusters | undefined {
  if (config.next !== undefined) return undefined
  const barred = barredIn(config)
  const candidates = peers.filter(({ identity, clusterId }) => !isBarred(barred, identity.peerId, clusterId))
  const next = new Map<ClusterId, readonly Identity[]>()
  for (const [clusterId, voters] of config.clusters) {
    const first = config.forming ? (firstVoters(clusterId, voters, candidates) ?? voters) : undefined
    next.set(clusterId, first ?? grown(clusterId, voters, candidates, gone))
  }
  for (const clusterId of config.forming ? [] : newClusters(config, candidates)) {
    const voters = next.size < VOTING_CLUSTERS_MAX ? firstVoters(clusterId, [], candidates) : undefined
    if (voters !== undefined) next.set(clusterId, voters)
  }
  const isNew = ([clusterId, voters]: [ClusterId, readonly Identity[]]): boolean => {
    const before = config.clusters.get(clusterId) ?? []
    return !voters.every((voter) => before.some((other) => other.id === voter.id))
  }
  return [...next].some(isNew) ? next : undefined
}

/** How many of this many peers should vote, once a cluster votes at all. */
export function voterCount(peers: number): number {
  const most = Math.min(peers, VOTERS_PER_CLUSTER_MAX)
  return most % 2 === 1 ? most : most - 1
}

function firstVoters(
  clusterId: ClusterId,
  founders: readonly Identity[],
  candidates: readonly Candidate[],
): readonly Identity[] | undefined {
  const members = candidates.filter((candidate) => candidate.clusterId === clusterId)
  const needed = Math.max(1, ...members.map((member) => member.minPeers))
  if (members.length < needed) return undefined
  const count = Math.max(voterCount(members.length), Math.min(needed, VOTERS_PER_CLUSTER_MAX))
  const others = sorted(members).filter((member) => !founders.some((founder) => founder.peerId === member.peerId))
  return [...founders, ...others].slice(0, count)
}

function grown(
  clusterId: ClusterId,
  voters: readonly Identity[],
  candidates: readonly Candidate[],
  gone: ReadonlySet<IdentityId>,
): readonly Identity[] {
  const members = sorted(candidates.filter((candidate) => candidate.clusterId === clusterId))
  const learners = members.filter((member) => !voters.some((voter) => voter.peerId === member.peerId))
  const kept = voters.map((voter) => {
    const present = members.find((member) => member.peerId === voter.peerId)
    return present ?? (gone.has(voter.id) ? learners.shift() : undefined) ?? voter
  })
  const count = Math.max(kept.length, voterCount(kept.length + learners.length))
  return [...kept, ...learners.slice(0, count - kept.length)]
}

function newClusters(config: Config, candidates: readonly Candidate[]): ClusterId[] {
  const clusterIds = new Set(candidates.map((candidate) => candidate.clusterId))
  return [...clusterIds].filter((clusterId) => !config.clusters.has(clusterId)).toSorted()
}

function sorted(members: readonly Candidate[]): Identity[] {
  return members.map((member) => member.identity).toSorted(compareIdentities)
}
