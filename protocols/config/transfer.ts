/**
 * What a joint config needs before its new voters may stand alone: every list of an old quorum,
 * held durably by a new quorum. Each new voter pulls from each old one and says whose list it has;
 * here those words are added up.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Clusters } from '../base/config.ts'
import { holdsMajority, majoritySize } from '../base/quorum.ts'

/** For each new voter that told: the old voters whose lists it holds, every mark on disk. */
export type Coverage = ReadonlyMap<IdentityId, ReadonlySet<IdentityId>>

/**
 * True when a quorum of `next` holds the lists of a quorum of `old`, each holder of one of its own:
 * what was chosen under the old voters was accepted by a quorum, which meets every other, so each
 * such holder has it by itself.
 */
export function isTransferred(old: Clusters, next: Clusters, coverage: Coverage): boolean {
  return holdsMajority(next, (holder) => holdsMajority(old, (source) => coverage.get(holder.id)?.has(source.id) === true))
}

/** Every voter of the clusters. */
export function members(clusters: Clusters): Identity[] {
  return [...clusters.values()].flat()
}

/**
 * How far the transfer is, for people: of the clusters that come first, as many as are needed.
 *
 * @returns equal numbers when it is done, and only then
 */
export function transferProgress(old: Clusters, next: Clusters, coverage: Coverage): { covered: number; needed: number } {
  const holds = (holder: Identity): boolean => holdsMajority(old, (source) => coverage.get(holder.id)?.has(source.id) === true)
  const byCluster = [...next.values()].map((voters) => {
    const needed = majoritySize(voters.length)
    return { covered: Math.min(needed, voters.filter(holds).length), needed }
  })
  const nearest = byCluster.toSorted((a, b) => a.needed - a.covered - (b.needed - b.covered)).slice(0, majoritySize(next.size))
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  return { covered: sum(nearest.map(({ covered }) => covered)), needed: sum(nearest.map(({ needed }) => needed)) }
}
