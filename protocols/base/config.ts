import type { ClusterId, Identity, NetworkId, PeerId } from './identity.ts'

/** The voters of each cluster. A cluster without voters is left out. */
export type Clusters = ReadonlyMap<ClusterId, readonly Identity[]>

/**
 * Whom growth passes over, because somebody removed them: in the order of their removal, each once.
 */
export interface Barred {
  readonly peers: readonly PeerId[]
  readonly clusters: readonly ClusterId[]
}

/**
 * The agreed, numbered answer to "who votes". With `next` it is joint: every data operation needs a
 * quorum of both sets.
 */
export interface Config {
  readonly networkId: NetworkId
  readonly epoch: number
  readonly clusters: Clusters
  readonly next?: Clusters
  /** Left out when nobody is barred. */
  readonly barred?: Barred
  /** Who is barred once the joint config is finished. Left out when nobody is. */
  readonly nextBarred?: Barred
  /**
   * From config 0 of a founder that waits for company until its cluster has its first voters: it
   * decides configs and nothing else.
   */
  readonly forming: boolean
  /** Peers that speak no protocol version from this one on may not vote. */
  readonly protocolMin: number
}

/** The most voters a cluster has; further peers are learners. */
export const VOTERS_PER_CLUSTER_MAX = 5
/** The most clusters that vote; peers of further clusters are learners. */
export const VOTING_CLUSTERS_MAX = 7
/**
 * The most peers that are barred, and the most clusters: of more, those removed first are
 * forgotten.
 */
export const BARRED_MAX = 256
/** The oldest version of the wire protocol spoken here. */
export const PROTOCOL_VERSION = 1
/** The version from which on peers know offers (`agreement/offers.ts`). */
export const OFFERS_SINCE = 4
