/**
 * Through whom a cluster is reached: alive peers before suspect ones, near ones before far ones.
 * The one in use stays in front while it does well. Asking for the order changes nothing; whom it
 * shows is remembered when something changes.
 */
import type { ClusterId, PeerId } from '../base/identity.ts'
import type { RosterPeer } from './roster-peer.ts'

/**
 * A representative is left for another only when that one is nearer by this factor, or when it
 * falls silent.
 */
const STICKINESS = 2
/**
 * Below this a busy event loop, not the network, is what is measured: peers nearer than this are
 * equally near.
 */
const NEAR_MS = 4

export class Nearness {
  private readonly peers: ReadonlyMap<PeerId, RosterPeer>
  /** The peer in front of each cluster, as it was when something last changed. */
  private readonly inUse = new Map<ClusterId, PeerId>()
  /**
   * Connected peers by cluster, the one to be used first in front; worked out once between two
   * changes.
   */
  private readonly order = new Map<ClusterId, readonly PeerId[]>()

  constructor(peers: ReadonlyMap<PeerId, RosterPeer>) {
    this.peers = peers
  }

  /** Peers came, went, or changed. */
  onChange(): void {
    for (const [cluster, [first]] of this.order) if (first !== undefined) this.inUse.set(cluster, first)
    this.order.clear()
  }

  representatives(cluster: ClusterId): readonly PeerId[] {
    let ordered = this.order.get(cluster)
    if (ordered === undefined) this.order.set(cluster, (ordered = this.ordered(cluster)))
    return ordered
  }

  /** The one of these to go through, if any is connected. */
  nearest(peerIds: Iterable<PeerId>): PeerId | undefined {
    let nearest: RosterPeer | undefined
    for (const peerId of peerIds) {
      const peer = this.peers.get(peerId)
      if (peer?.isConnected === true && (nearest === undefined || byRank(peer, nearest) < 0)) nearest = peer
    }
    return nearest?.peerId
  }

  private ordered(cluster: ClusterId): readonly PeerId[] {
    const candidates = [...this.peers.values()].filter((peer) => peer.isConnected && peer.clusterId === cluster)
    candidates.sort(byRank)
    const [best] = candidates
    const held = candidates.find((peer) => peer.peerId === this.inUse.get(cluster))
    const isHeldGood = held !== undefined && best !== undefined && rank(held) <= rank(best) * STICKINESS
    const first = isHeldGood ? held : best
    if (first === undefined) return []
    return [first.peerId, ...candidates.filter((peer) => peer !== first).map((peer) => peer.peerId)]
  }
}

/** The one to be used first comes first. */
function byRank(a: RosterPeer, b: RosterPeer): number {
  return rank(a) - rank(b) || a.preference - b.preference
}

/** Smaller is better. */
function rank(peer: RosterPeer): number {
  const rttMs = Math.max(peer.rttMs ?? 1_000, NEAR_MS)
  return peer.state === 'alive' ? rttMs : rttMs + 1_000_000
}
