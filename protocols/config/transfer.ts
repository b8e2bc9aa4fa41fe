/**
 * What a joint config needs before its new voters may stand alone: every list of an old quorum, held durably by a new
 * quorum. Each new voter pulls from each old one and says whose list it has; here those words are added up.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Clusters } from './config.ts'
import { holdsMajority } from './quorum.ts'

/** For each new voter that told: the old voters whose lists it holds, every mark on disk. */
export type Coverage = ReadonlyMap<IdentityId, ReadonlySet<IdentityId>>

/**
 * True when some quorum of `next` holds the lists of one quorum of `old`. Found greedily: voters that cover the least are
 * left out one by one for as long as the rest is a quorum. It may miss a quorum that exists, for a while; never the reverse.
 */
export function isTransferred(old: Clusters, next: Clusters, coverage: Coverage): boolean {
  const holders = members(next).filter((voter) => coverage.has(voter.id))
  holders.sort((a, b) => (coverage.get(b.id)?.size ?? 0) - (coverage.get(a.id)?.size ?? 0))
  while (holdsMajority(next, (voter) => holders.some((holder) => holder.id === voter.id))) {
    const coveredByAll = (source: Identity): boolean => holders.every((holder) => coverage.get(holder.id)?.has(source.id) === true)
    if (holdsMajority(old, coveredByAll)) return true
    holders.pop()
  }
  return false
}

/** Every voter of the clusters. */
export function members(clusters: Clusters): Identity[] {
  return [...clusters.values()].flat()
}
