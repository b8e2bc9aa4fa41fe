/**
 * Quorum arithmetic: hierarchical (more than half of the clusters have more than half of their
 * voters), and while a config is joint, of both of its sets. Any two quorums share a cluster and
 * inside it a voter. Three answers: won, lost (can no longer be won) and pending.
 */
import type { ClusterId, Identity, IdentityId } from './identity.ts'
import type { Clusters, Config } from './config.ts'

export type Verdict = 'won' | 'lost' | 'pending'

/** More than half of `total` say yes, can no longer do so, or neither yet. */
export function majority(yes: number, no: number, total: number): Verdict {
  if (yes * 2 > total) return 'won'
  return (total - no) * 2 > total ? 'pending' : 'lost'
}

/** Whether the voters that `has` names hold a hierarchical majority of the clusters. */
export function holdsMajority(clusters: Clusters, has: (voter: Identity) => boolean): boolean {
  let clustersWon = 0
  for (const voters of clusters.values()) {
    let yes = 0
    for (const voter of voters) if (has(voter)) yes += 1
    if (majority(yes, 0, voters.length) === 'won') clustersWon += 1
  }
  return majority(clustersWon, 0, clusters.size) === 'won'
}

/** The smallest number of voters that is more than half. */
export function majoritySize(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/** Who must be asked and who must agree, worked out once for a config. */
export class Quorum {
  /** Everybody who votes, each once, in both sets. */
  readonly voters: readonly Identity[]
  /** The same, by the cluster they are reached through. */
  readonly votersByCluster: ReadonlyMap<ClusterId, readonly Identity[]>
  /** How many voters each block (a cluster of one set) has. */
  readonly blockSizes: readonly number[]
  /** For each set, the place behind its last block. */
  readonly setEnds: readonly number[]
  private readonly blocksByVoter = new Map<IdentityId, readonly number[]>()

  /** @param sets one set of clusters, or two while joint */
  constructor(sets: readonly Clusters[]) {
    const voters: Identity[] = []
    const votersByCluster = new Map<ClusterId, Identity[]>()
    const blockSizes: number[] = []
    const setEnds: number[] = []
    for (const clusters of sets) {
      for (const [clusterId, members] of clusters) {
        const ofCluster = votersByCluster.get(clusterId) ?? []
        votersByCluster.set(clusterId, ofCluster)
        for (const voter of members) {
          const before = this.blocksByVoter.get(voter.id)
          if (before === undefined) {
            voters.push(voter)
            ofCluster.push(voter)
          }
          this.blocksByVoter.set(voter.id, [...(before ?? []), blockSizes.length])
        }
        blockSizes.push(members.length)
      }
      setEnds.push(blockSizes.length)
    }
    this.voters = voters
    this.votersByCluster = votersByCluster
    this.blockSizes = blockSizes
    this.setEnds = setEnds
  }

  /** The blocks a voter sits in; undefined for somebody without a vote. */
  blocksOf(voter: IdentityId): readonly number[] | undefined {
    return this.blocksByVoter.get(voter)
  }

  has(voter: IdentityId): boolean {
    return this.blocksByVoter.has(voter)
  }
}

/** The quorum of data registers: both sets while joint. */
export function dataQuorum(config: Config): Quorum {
  return new Quorum(config.next === undefined ? [config.clusters] : [config.clusters, config.next])
}

/**
 * The quorum that decides the next config: always the config's own clusters, so that an epoch has
 * one successor.
 */
export function configQuorum(config: Config): Quorum {
  return new Quorum([config.clusters])
}

/**
 * Counts one question's answers. A voter counts once, by its first answer; somebody without a vote
 * does not count.
 */
export class Tally {
  private readonly quorum: Quorum
  private readonly counted = new Set<IdentityId>()
  private readonly yesByBlock: number[]
  private readonly noByBlock: number[]

  constructor(quorum: Quorum) {
    this.quorum = quorum
    this.yesByBlock = quorum.blockSizes.map(() => 0)
    this.noByBlock = quorum.blockSizes.map(() => 0)
  }

  yes(voter: IdentityId): void {
    this.count(voter, this.yesByBlock)
  }

  no(voter: IdentityId): void {
    this.count(voter, this.noByBlock)
  }

  /** Won when every set is won; lost as soon as one is. */
  verdict(): Verdict {
    let from = 0
    let verdict: Verdict = 'won'
    for (const end of this.quorum.setEnds) {
      const ofSet = this.verdictOfSet(from, end)
      if (ofSet === 'lost') return 'lost'
      if (ofSet === 'pending') verdict = 'pending'
      from = end
    }
    return verdict
  }

  private count(voter: IdentityId, byBlock: number[]): void {
    const blocks = this.quorum.blocksOf(voter)
    if (blocks === undefined || this.counted.has(voter)) return
    this.counted.add(voter)
    for (const block of blocks) byBlock[block] = (byBlock[block] ?? 0) + 1
  }

  private verdictOfSet(from: number, end: number): Verdict {
    let won = 0
    let lost = 0
    for (let block = from; block < end; block += 1) {
      const verdict = majority(this.yesByBlock[block] ?? 0, this.noByBlock[block] ?? 0, this.quorum.blockSizes[block] ?? 0)
      if (verdict === 'won') won += 1
      else if (verdict === 'lost') lost += 1
    }
    return majority(won, lost, end - from)
  }
}
