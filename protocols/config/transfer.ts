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
 * True when a quorum of `next` holds the lists of a quorum of `old`, each holder of one of its own: what was chosen under
 * the old voters was accepted by a quorum, which meets every other, so each such holder has it by itself.
 */
export function isTransferred(old: Clusters, next: Clusters, coverage: Coverage): boolean {
  return holdsMajority(next, (holder) => holdsMajority(old, (source) => coverage.get(holder.id)?.has(source.id) === true))
}

/** Every voter of the clusters. */
export function members(clusters: Clusters): Identity[] {
  return [...clusters.values()].flat()
}
