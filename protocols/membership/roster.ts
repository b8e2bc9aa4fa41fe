/**
 * The roster: what this peer knows now of who is there, where, and in which cluster. Soft: it chooses whom to ask and
 * what to show, and is never used for counting votes.
 */
import { CEILING_NONE, compareCeilings, higherCeiling } from '../base/ballot.ts'
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../base/outbox.ts'
import type { PeerState } from '../effects.ts'
import { ROSTER_ENTRIES_MAX } from '../wire/messages.ts'
import type { Greeting, Health, RosterEntry } from '../wire/messages.ts'
import type { Neighbours } from '../relay/spread.ts'

/** Between heartbeats to a connected peer. */
export const HEARTBEAT_MS = 500
/** Silent for so long, a peer is suspect: four heartbeats. */
const SUSPECT_AFTER_MS = 2_000
/** Silent for so long, its connection is closed, so that it is dialled anew. */
const DISCONNECT_AFTER_MS = 6_000
/** Not heard of for so long, a peer counts as gone. */
const GONE_AFTER_MS = 30_000
/** Gone for so long, a peer that does not vote is forgotten. */
const FORGOTTEN_AFTER_MS = 3_600_000
/** Weight of the newest round trip in the running mean. */
const RTT_WEIGHT = 0.25
/** A representative is left for another only when that one is nearer by this factor, or when it falls silent. */
const STICKINESS = 2

/** A peer as this one knows it. */
export interface RosterPeer {
  readonly peerId: PeerId
  identity: Identity
  readonly clusterId: ClusterId
  addresses: readonly string[]
  minPeers: number
  isConnected: boolean
  state: PeerState
  rttMs: number | undefined
  lastHeardMs: number
  /** When it last answered a heartbeat. */
  lastAnsweredMs: number
  health: Health | undefined
  /** The highest ceiling it told for its present incarnation. */
  ceiling: Ceiling
  /** Its first heartbeat since it was met has come; a greeting may be older than a heartbeat of an earlier connection. */
  hasBeaten: boolean
}

export class Roster implements Neighbours {
  readonly clusterId: ClusterId
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly peers = new Map<PeerId, RosterPeer>()
  /** Stores that came back older than they were: somebody put a copy back. Their votes could break promises. */
  private readonly putBack = new Set<IdentityId>()
  private readonly clusters = new Set<ClusterId>()
  private readonly sticky = new Map<ClusterId, PeerId>()
  /** Connected peers by cluster, the one to be used first in front; worked out anew after every change and tick. */
  private readonly order = new Map<ClusterId, readonly PeerId[]>()

  constructor(clusterId: ClusterId, moment: Moment, outbox: Outbox) {
    this.clusterId = clusterId
    this.moment = moment
    this.outbox = outbox
  }

  get(peerId: PeerId): RosterPeer | undefined {
    return this.peers.get(peerId)
  }

  all(): Iterable<RosterPeer> {
    return this.peers.values()
  }

  connected(): RosterPeer[] {
    return [...this.peers.values()].filter((peer) => peer.isConnected)
  }

  isConnected(peerId: PeerId): boolean {
    return this.peers.get(peerId)?.isConnected ?? false
  }

  clusterIds(): Iterable<ClusterId> {
    if (this.clusters.size === 0) for (const peer of this.peers.values()) this.clusters.add(peer.clusterId)
    return this.clusters
  }

  connectedOf(cluster: ClusterId): Iterable<PeerId> {
    return this.representatives(cluster)
  }

  /** Alive peers before suspect ones, near ones before far ones, but the one in use stays in front while it does well. */
  representatives(cluster: ClusterId): readonly PeerId[] {
    let ordered = this.order.get(cluster)
    if (ordered === undefined) this.order.set(cluster, (ordered = this.ordered(cluster)))
    return ordered
  }

  /** @returns the peer, as it is known from now on */
  greeted(remote: Greeting): RosterPeer {
    const { peerId } = remote.identity
    const before = this.peers.get(peerId)
    const { nowMs } = this.moment
    const peer: RosterPeer = {
      peerId,
      identity: remote.identity,
      clusterId: remote.clusterId,
      addresses: remote.addresses,
      minPeers: remote.minPeers,
      isConnected: true,
      state: 'alive',
      rttMs: before?.rttMs,
      lastHeardMs: nowMs,
      lastAnsweredMs: Number.NEGATIVE_INFINITY,
      health: undefined,
      ceiling: before?.identity.id === remote.identity.id ? before.ceiling : CEILING_NONE,
      hasBeaten: false,
    }
    this.peers.set(peerId, peer)
    this.order.clear()
    this.clusters.clear()
    if (before?.state !== 'alive') this.outbox.note({ kind: 'peer-state', peerId, state: 'alive', reason: 'connected' })
    return peer
  }

  /** True for a voter whose store is an old copy, as far as this peer remembers: its votes do not count here. */
  isPutBack(id: IdentityId): boolean {
    return this.putBack.size > 0 && this.putBack.has(id)
  }

  lost(peerId: PeerId, reason: string): void {
    const peer = this.peers.get(peerId)
    if (peer === undefined) return
    peer.isConnected = false
    this.order.clear()
    this.change(peer, 'suspect', reason)
  }

  heard(peerId: PeerId): RosterPeer | undefined {
    const peer = this.peers.get(peerId)
    if (peer === undefined) return undefined
    peer.lastHeardMs = this.moment.nowMs
    if (peer.isConnected && peer.state !== 'alive') this.change(peer, 'alive', 'answers again')
    return peer
  }

  /**
   * Takes what a heartbeat tells. The ceiling is raised at every opening; one that is lower than before tells of an older
   * copy of the store, put back.
   */
  beat(peer: RosterPeer, health: Health): void {
    peer.health = health
    if (!peer.hasBeaten && compareCeilings(health.ceiling, peer.ceiling) < 0 && !this.putBack.has(peer.identity.id)) {
      this.putBack.add(peer.identity.id)
      this.outbox.note({ kind: 'refused', peerId: peer.peerId, reason: 'an older copy of its store was put back; its votes do not count' })
    }
    peer.hasBeaten = true
    peer.ceiling = higherCeiling(peer.ceiling, health.ceiling)
  }

  answered(peer: RosterPeer, sentAtMs: number): void {
    const rttMs = this.moment.nowMs - sentAtMs
    // The number is our own, come back; one that never was is passed over.
    if (!(rttMs >= 0 && rttMs < GONE_AFTER_MS)) return
    peer.rttMs = peer.rttMs === undefined ? rttMs : peer.rttMs + (rttMs - peer.rttMs) * RTT_WEIGHT
    peer.lastAnsweredMs = this.moment.nowMs
  }

  /** What to pass on to a newcomer. */
  entries(except: PeerId): RosterEntry[] {
    const entries: RosterEntry[] = []
    for (const { peerId, clusterId, addresses, state } of this.peers.values()) {
      if (peerId !== except && state !== 'gone' && addresses.length > 0) entries.push({ peerId, clusterId, addresses })
      if (entries.length === ROSTER_ENTRIES_MAX) break
    }
    return entries
  }

  /** @param isVoter voters are remembered for good */
  tick(isVoter: (peerId: PeerId) => boolean): void {
    const { nowMs } = this.moment
    this.order.clear()
    this.clusters.clear()
    for (const peer of this.peers.values()) {
      const silentMs = nowMs - peer.lastHeardMs
      if (peer.isConnected && silentMs > DISCONNECT_AFTER_MS) this.outbox.disconnect(peer.peerId, 'silent')
      if (peer.isConnected && silentMs > SUSPECT_AFTER_MS) this.change(peer, 'suspect', 'timed out')
      if (!peer.isConnected && silentMs > GONE_AFTER_MS) this.change(peer, 'gone', 'not heard of')
      if (peer.state === 'gone' && silentMs > FORGOTTEN_AFTER_MS && !isVoter(peer.peerId)) this.peers.delete(peer.peerId)
    }
  }

  private ordered(cluster: ClusterId): readonly PeerId[] {
    const candidates = [...this.peers.values()].filter((peer) => peer.isConnected && peer.clusterId === cluster)
    candidates.sort((a, b) => rank(a) - rank(b) || (a.peerId < b.peerId ? -1 : 1))
    const [best] = candidates
    const held = candidates.find((peer) => peer.peerId === this.sticky.get(cluster))
    const isHeldGood = held !== undefined && best !== undefined && rank(held) <= rank(best) * STICKINESS + 1
    const first = isHeldGood ? held : best
    if (first === undefined) return []
    this.sticky.set(cluster, first.peerId)
    return [first.peerId, ...candidates.filter((peer) => peer !== first).map((peer) => peer.peerId)]
  }

  private change(peer: RosterPeer, state: PeerState, reason: string): void {
    if (peer.state === state) return
    peer.state = state
    this.order.clear()
    this.outbox.note({ kind: 'peer-state', peerId: peer.peerId, state, reason })
  }
}

/** Smaller is better. */
function rank(peer: RosterPeer): number {
  const rttMs = peer.rttMs ?? 1_000
  return peer.state === 'alive' ? rttMs : rttMs + 1_000_000
}
