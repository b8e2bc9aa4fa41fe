/**
 * Who must have an operation on disk before a client that waits for it is answered. Voters count as
 * the pair of peer and store.
 */
import type { Clusters, Config } from '../base/config.ts'
import type { ClusterId, IdentityId } from '../base/identity.ts'
import { majoritySize } from '../base/quorum.ts'
import type { Wait } from './requests.ts'

/**
 * True when enough voters of the config have it; while the config is joint, enough of both of its
 * sets.
 */
export function isKept(config: Config, clusterId: ClusterId, wait: Wait, has: (voter: IdentityId) => boolean): boolean {
  if (wait === 'here') return true
  return isKeptBy(config.clusters, clusterId, wait, has) && (config.next === undefined || isKeptBy(config.next, clusterId, wait, has))
}

function isKeptBy(clusters: Clusters, clusterId: ClusterId, wait: 'cluster' | 'network', has: (voter: IdentityId) => boolean): boolean {
  const count = (cluster: ClusterId): number => (clusters.get(cluster) ?? []).filter((voter) => has(voter.id)).length
  if (wait === 'cluster') return count(clusterId) >= majoritySize(clusters.get(clusterId)?.length ?? 0)
  const reached = [...clusters.keys()].filter((cluster) => count(cluster) > 0).length
  return reached >= majoritySize(clusters.size)
}
