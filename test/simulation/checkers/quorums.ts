/**
 * Quorum arithmetic once more, in the dumbest way: the checkers may not rest on what they check.
 */
import type { IdentityId } from '../../../protocols/base/identity.ts'
import type { Clusters, Config } from '../../../protocols/base/config.ts'

/** More than half of the clusters have more than half of their voters in the set. */
export function holds(clusters: Clusters, has: (id: IdentityId) => boolean): boolean {
  let won = 0
  for (const voters of clusters.values()) if (voters.filter((voter) => has(voter.id)).length > voters.length / 2) won += 1
  return won > clusters.size / 2
}

/** A quorum for clients' data: of both sets while joint. */
export function holdsData(config: Config, has: (id: IdentityId) => boolean): boolean {
  return holds(config.clusters, has) && (config.next === undefined || holds(config.next, has))
}

/** Everybody with a vote, in either set. */
export function votersOf(config: Config): IdentityId[] {
  const ids = new Set<IdentityId>()
  for (const clusters of [config.clusters, config.next]) {
    for (const voters of clusters?.values() ?? []) for (const voter of voters) ids.add(voter.id)
  }
  return [...ids]
}
