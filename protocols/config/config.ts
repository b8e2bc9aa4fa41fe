import type { ClusterId, Identity, NetworkId } from '../base/identity.ts'

/** The voters of each cluster. A cluster without voters is left out. */
export type Clusters = ReadonlyMap<ClusterId, readonly Identity[]>

/**
 * The agreed, numbered answer to "who votes". With `next` it is joint: every data operation needs a quorum of both sets.
 */
export interface Config {
  readonly networkId: NetworkId
  readonly epoch: number
  readonly clusters: Clusters
  readonly next?: Clusters
  /** From config 0 of a founder that waits for company until its cluster has its first voters: it decides configs and nothing else. */
  readonly forming: boolean
  /** Peers that speak no protocol version from this one on may not vote. */
  readonly protocolMin: number
}

/** The most voters a cluster has; further peers are learners. */
export const VOTERS_PER_CLUSTER_MAX = 5
/** The most clusters that vote; peers of further clusters are learners. */
export const VOTING_CLUSTERS_MAX = 7
/** The version of the wire protocol spoken here. */
export const PROTOCOL_VERSION = 1
