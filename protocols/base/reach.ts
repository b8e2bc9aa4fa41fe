/**
 * Who can be reached now, as the roles that send questions and results see it. Soft: no vote is
 * counted by it.
 */
import type { ClusterId, Identity, PeerId } from './identity.ts'

/** Whom a question can be sent to now. */
export interface Reach {
  readonly clusterId: ClusterId
  isConnected(peerId: PeerId): boolean
  /**
   * The same, and with the store that is meant: a peer that lost its disk is connected and is
   * another voter.
   */
  isConnectedAs(identity: Identity): boolean
  /** Whether a peer understands messages of this protocol version. */
  speaks(peerId: PeerId, version: number): boolean
  /** Connected peers of a cluster, the one to be used first in front. */
  representatives(cluster: ClusterId): readonly PeerId[]
  /**
   * To a peer and back, as heartbeats measured it last; undefined until they have. A connection
   * that was lost changes nothing in it.
   */
  roundTripMs(peerId: PeerId): number | undefined
}

/** Who is connected, by cluster. */
export interface Neighbours extends Reach {
  /**
   * False where there are so many peers that this one, without a vote, need not be connected to
   * each cluster.
   */
  readonly isFew: boolean
  clusterIds(): Iterable<ClusterId>
  clusterOf(peerId: PeerId): ClusterId | undefined
  /** The one of these to go through, if any is connected: alive before suspect, near before far. */
  nearest(peerIds: Iterable<PeerId>): PeerId | undefined
  /** Connected peers of the cluster, in no order; without this peer itself. */
  connectedOf(cluster: ClusterId): Iterable<PeerId>
}
