/**
 * The roster: what this peer knows now of who is there, where, and in which cluster. Soft: it chooses whom to ask and
 * what to show, and is never used for counting votes.
 */
import { CEILING_NONE, compareCeilings, higherCeiling } from '../base/ballot.ts'
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Neighbours } from '../base/reach.ts'
import type { Outbox } from '../outbox.ts'
import type { PeerState } from '../effects.ts'
import { DOUBTED_MAX } from '../base/limits.ts'
import type { Greeting } from '../wire/greeting.ts'
import type { Health } from '../wire/membership-messages.ts'

/** Silent for so long, a watched peer is suspect. With the tick and the word of others that is within 3 s of its last sign. */
const SUSPECT_AFTER_MS = 2_500
/** Silent for so long, a watched peer is doubted: those who do not watch it are told, and ask it themselves. */
const DOUBT_AFTER_MS = 1_750
/** How long a doubt is believed; it is told again as long as it lasts. */
const DOUBT_KEPT_MS = 5_000
/** Silent for so long, a peer that nobody watches is suspect: it missed two of its rare heartbeats. */
const UNWATCHED_SUSPECT_AFTER_MS = 75_000
/** Silent for so long, the connection of a watched peer is closed, so that it is dialled anew. */
const DISCONNECT_AFTER_MS = 6_000
/** Lost for so long, a peer counts as gone. */
const GONE_AFTER_MS = 30_000
/** What a peer said of itself in a heartbeat is looked at for so long. */
const FRESH_MS = 3_000
/** Gone for so long, a peer that does not vote is forgotten. */
const FORGOTTEN_AFTER_MS = 3_600_000
/**
 * Up to so many peers everybody is connected to everybody, which is quickest; far beyond it the greetings and heartbeats would cost more
 * than the peers are worth. Peers of the own cluster, and voters, are connected whatever their number.
 */
export const CONNECTED_PEERS_MAX = 64
/** Weight of the newest round trip in the running mean. */
const RTT_WEIGHT = 0.25
/** A representative is left for another only when that one is nearer by this factor, or when it falls silent. */
const STICKINESS = 2
/** Below this a busy event loop, not the network, is what is measured: peers nearer than this are equally near. */
const NEAR_MS = 4

/** A peer as this one knows it. */
export interface RosterPeer {
  readonly peerId: PeerId
  identity: Identity
  readonly clusterId: ClusterId
  addresses: readonly string[]
  minPeers: number
  /** The highest protocol version that it speaks. */
  protocolMax: number
  isConnected: boolean
  state: PeerState
  /** Why it is in this state, in words. */
  reason: string
  rttMs: number | undefined
  lastHeardMs: number
  /** When it last answered a heartbeat. */
  lastAnsweredMs: number
  /** When its connection was lost, if it was. */
  lostAtMs: number
  /** Asked every second, and expected to be heard, from this time on; undefined: asked rarely, and looked after by its neighbours. */
  watchedFromMs: number | undefined
  /** When another peer last told that it is silent. */
  doubtedAtMs: number
  /** Of two peers that are equally near, the lower is chosen; different at each peer that chooses. */
  preference: number
  health: Health | undefined
  /** The highest ceiling it told for its present incarnation. */
  ceiling: Ceiling
  /** Its first heartbeat since it was met has come; a greeting may be older than a heartbeat of an earlier connection. */
  hasBeaten: boolean
  /** When its last heartbeat came. */
  beatAtMs: number
}

export class Roster implements Neighbours {
  readonly clusterId: ClusterId
  private readonly self: PeerId
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly peers = new Map<PeerId, RosterPeer>()
  /** Stores that came back older than they were: somebody put a copy back. Their votes could break promises. */
  private readonly putBack = new Set<IdentityId>()
  private readonly clusters = new Set<ClusterId>()
  private readonly sticky = new Map<ClusterId, PeerId>()
  /** Connected peers by cluster, the one to be used first in front; worked out anew after every change and tick. */
  private readonly order = new Map<ClusterId, readonly PeerId[]>()
  /** The end of the last time that this process stood still. */
  private awakeFromMs = Number.NEGATIVE_INFINITY

  constructor(self: PeerId, clusterId: ClusterId, moment: Moment, outbox: Outbox) {
    this.self = self
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

  /** A peer that could have more connections has one to everybody it has heard of. */
  get isFew(): boolean {
    return this.connected().length < CONNECTED_PEERS_MAX
  }

  clusterOf(peerId: PeerId): ClusterId | undefined {
    return this.peers.get(peerId)?.clusterId
  }

  nearest(peerIds: Iterable<PeerId>): PeerId | undefined {
    let nearest: RosterPeer | undefined
    for (const peerId of peerIds) {
      const peer = this.peers.get(peerId)
      if (peer?.isConnected === true && (nearest === undefined || byRank(peer, nearest) < 0)) nearest = peer
    }
    return nearest?.peerId
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
      protocolMax: remote.protocolMax,
      isConnected: true,
      state: 'alive',
      reason: 'connected',
      rttMs: before?.rttMs,
      lastHeardMs: nowMs,
      lastAnsweredMs: Number.NEGATIVE_INFINITY,
      lostAtMs: nowMs,
      watchedFromMs: undefined,
      doubtedAtMs: Number.NEGATIVE_INFINITY,
      preference: preferenceOf(this.self, peerId),
      health: undefined,
      ceiling: before?.identity.id === remote.identity.id ? before.ceiling : CEILING_NONE,
      hasBeaten: false,
      beatAtMs: Number.NEGATIVE_INFINITY,
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
    peer.watchedFromMs = undefined
    peer.lostAtMs = this.moment.nowMs
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
    peer.beatAtMs = this.moment.nowMs
    if (!peer.hasBeaten && compareCeilings(health.ceiling, peer.ceiling) < 0 && !this.putBack.has(peer.identity.id)) {
      this.putBack.add(peer.identity.id)
      this.outbox.note({ kind: 'refused', peerId: peer.peerId, reason: 'an older copy of its store was put back; its votes do not count' })
    }
    peer.hasBeaten = true
    peer.ceiling = higherCeiling(peer.ceiling, health.ceiling)
  }

  /** @param echoMs the time at which it was asked, moved on by as long as the question lay there */
  answered(peer: RosterPeer, echoMs: number): void {
    const rttMs = this.moment.nowMs - echoMs
    // The number is our own, come back; one that never was is passed over.
    if (!(rttMs >= 0 && rttMs < GONE_AFTER_MS)) return
    peer.rttMs = peer.rttMs === undefined ? rttMs : peer.rttMs + (rttMs - peer.rttMs) * RTT_WEIGHT
    peer.lastAnsweredMs = this.moment.nowMs
  }

  /**
   * Whether it answered within a time, itself or, when it is one of those that are looked after by their neighbours, one of them: they
   * would tell if it were silent.
   */
  hasAnswered(peer: RosterPeer, withinMs: number): boolean {
    const { nowMs } = this.moment
    if (!peer.isConnected) return false
    if (nowMs - peer.lastAnsweredMs <= withinMs) return true
    if (peer.watchedFromMs !== undefined || peer.state !== 'alive') return false
    return this.representatives(peer.clusterId).some((near) => nowMs - (this.peers.get(near)?.lastAnsweredMs ?? 0) <= withinMs)
  }

  /** What it said of itself, if that was not long ago. */
  freshHealth(peer: RosterPeer): Health | undefined {
    return peer.isConnected && this.moment.nowMs - peer.beatAtMs <= FRESH_MS ? peer.health : undefined
  }

  /** Peers of the own cluster that are silent to this one: whoever relies on it to watch them is told. */
  doubted(): PeerId[] {
    const doubted: PeerId[] = []
    for (const peer of this.peers.values()) {
      if (peer.clusterId !== this.clusterId || !peer.isConnected || peer.watchedFromMs === undefined) continue
      if (this.silentMs(peer) > DOUBT_AFTER_MS && doubted.length < DOUBTED_MAX) doubted.push(peer.peerId)
    }
    return doubted
  }

  /** Another peer says that these are silent. That is no more than a reason to ask them. */
  doubt(peerIds: readonly PeerId[]): void {
    const { nowMs } = this.moment
    for (const peerId of peerIds) {
      const peer = this.peers.get(peerId)
      if (peer?.isConnected === true && nowMs - peer.lastHeardMs > DOUBT_AFTER_MS) peer.doubtedAtMs = nowMs
    }
  }

  /**
   * @param isVoter voters are remembered for good
   * @param isRemoved who was removed from the network is forgotten as soon as it is gone
   */
  tick(isVoter: (peerId: PeerId) => boolean, isRemoved: (peerId: PeerId) => boolean = () => false): void {
    const { nowMs } = this.moment
    this.order.clear()
    this.clusters.clear()
    this.watch(isVoter)
    for (const peer of this.peers.values()) {
      if (peer.isConnected) this.judge(peer)
      else {
        const lostMs = nowMs - peer.lostAtMs
        if (lostMs > GONE_AFTER_MS) this.change(peer, 'gone', peer.reason)
        const isForgotten = lostMs > FORGOTTEN_AFTER_MS || (peer.state === 'gone' && isRemoved(peer.peerId))
        if (isForgotten && !isVoter(peer.peerId)) this.peers.delete(peer.peerId)
      }
    }
  }

  /** This process stood still until now. That it heard nobody is nobody's fault. */
  stoodStill(): void {
    this.awakeFromMs = this.moment.nowMs
  }

  /** When somebody's silence becomes noticeable, if it is not broken; now while anybody is neither alive nor gone, or doubted. */
  restUntilMs(): number {
    const { nowMs } = this.moment
    let untilMs = Number.POSITIVE_INFINITY
    for (const peer of this.peers.values()) {
      if (peer.state === 'gone') continue
      if (peer.state === 'suspect' || nowMs - peer.doubtedAtMs < DOUBT_KEPT_MS) return nowMs
      const limitMs = peer.watchedFromMs === undefined ? UNWATCHED_SUSPECT_AFTER_MS : DOUBT_AFTER_MS
      untilMs = Math.min(untilMs, nowMs + limitMs - this.silentMs(peer))
    }
    return untilMs
  }

  private judge(peer: RosterPeer): void {
    const silentMs = this.silentMs(peer)
    const isWatched = peer.watchedFromMs !== undefined
    if (silentMs > (isWatched ? SUSPECT_AFTER_MS : UNWATCHED_SUSPECT_AFTER_MS)) this.change(peer, 'suspect', 'silent')
    if (isWatched && silentMs > DISCONNECT_AFTER_MS) this.outbox.disconnect(peer.peerId, 'silent')
  }

  /** How long it could have been heard and was not. */
  private silentMs(peer: RosterPeer): number {
    return this.moment.nowMs - Math.max(peer.lastHeardMs, peer.watchedFromMs ?? 0, this.awakeFromMs)
  }

  private watch(isVoter: (peerId: PeerId) => boolean): void {
    const near = this.representatives(this.clusterId)
    const isOneOfAll = isVoter(this.self) || !near.some(isVoter)
    for (const peer of this.peers.values()) {
      const isNear = peer.clusterId === this.clusterId && (isOneOfAll || isVoter(peer.peerId))
      const fromMs = peer.isConnected ? this.watchFrom(peer, isNear) : undefined
      peer.watchedFromMs = fromMs === undefined ? undefined : (peer.watchedFromMs ?? fromMs)
    }
  }

  /**
   * Watched are the own cluster (by a peer without a vote: its voters), and of every other cluster the representative alone. When that
   * one falls silent all of its cluster are, and those that anybody doubts, and those that are suspect already.
   *
   * @returns from when on it is expected to be heard; undefined when it is not watched
   */
  private watchFrom(peer: RosterPeer, isNear: boolean): number | undefined {
    const { nowMs } = this.moment
    if (isNear || peer.state !== 'alive') return nowMs
    if (nowMs - peer.doubtedAtMs < DOUBT_KEPT_MS) return peer.doubtedAtMs - DOUBT_AFTER_MS
    if (peer.clusterId === this.clusterId) return undefined
    const [first] = this.representatives(peer.clusterId)
    if (first === peer.peerId) return nowMs
    const representative = first === undefined ? undefined : this.peers.get(first)
    if (representative?.watchedFromMs === undefined) return undefined
    const silentMs = this.silentMs(representative)
    return silentMs > DOUBT_AFTER_MS ? nowMs - silentMs : undefined
  }

  private ordered(cluster: ClusterId): readonly PeerId[] {
    const candidates = [...this.peers.values()].filter((peer) => peer.isConnected && peer.clusterId === cluster)
    candidates.sort(byRank)
    const [best] = candidates
    const held = candidates.find((peer) => peer.peerId === this.sticky.get(cluster))
    const isHeldGood = held !== undefined && best !== undefined && rank(held) <= rank(best) * STICKINESS
    const first = isHeldGood ? held : best
    if (first === undefined) return []
    this.sticky.set(cluster, first.peerId)
    return [first.peerId, ...candidates.filter((peer) => peer !== first).map((peer) => peer.peerId)]
  }

  private change(peer: RosterPeer, state: PeerState, reason: string): void {
    if (peer.state === state) return
    peer.state = state
    peer.reason = reason
    this.order.clear()
    this.outbox.note({ kind: 'peer-state', peerId: peer.peerId, state, reason })
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

/** A number for a pair of peers, spread evenly: else all that are equally near would go through the same one (FNV-1a, 32 bits). */
function preferenceOf(chooser: PeerId, chosen: PeerId): number {
  let hash = 0x811c9dc5
  for (const character of `${chooser} ${chosen}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return hash
}
