/**
 * Who is silent. A peer watches its own cluster and one peer of every other; the rest is looked
 * after by its neighbours, who tell when they doubt it.
 */
import type { ClusterId, PeerId } from '../base/identity.ts'
import { DOUBTED_MAX } from '../base/limits.ts'
import type { Moment } from '../base/moment.ts'
import type { Nearness } from './nearness.ts'
import { patienceMs } from './roster-peer.ts'
import type { RosterPeer } from './roster-peer.ts'

/**
 * A watched peer becomes suspect after this much silence. With the tick and the word of others that
 * is within 3 s of its last sign.
 */
const SUSPECT_AFTER_MS = 2_500
/**
 * A watched peer is doubted after this much silence. Peers that do not watch it are told, and ask
 * it themselves.
 */
const DOUBT_AFTER_MS = 1_750
/** A doubt is believed for this time. It is told again as long as it lasts. */
const DOUBT_KEPT_MS = 5_000
/**
 * A peer that nobody watches becomes suspect after this much silence: it missed two of its rare
 * heartbeats.
 */
const UNWATCHED_SUSPECT_AFTER_MS = 75_000
/**
 * The connection of a watched peer is closed after this much silence. The peer is then dialled
 * anew.
 */
const DISCONNECT_AFTER_MS = 6_000
/**
 * The same for a peer whose distance is not known yet: it may be so far that its first answer takes
 * this long.
 */
const UNMEASURED_DISCONNECT_AFTER_MS = 24_000
/**
 * Each of these is longer for a far peer, by its patience: a doubt by one, what follows from it by
 * two, so that who is asked because of a doubt has time to answer; and the end of the connection by
 * three.
 */
const SUSPECT_PATIENCE = 2
const DISCONNECT_PATIENCE = 3

/** What its silence makes of a connected peer. */
export interface Judgement {
  readonly isSuspect: boolean
  /** Its connection is closed, so that it is dialled anew. */
  readonly isGivenUp: boolean
}

export class Liveness {
  private readonly self: PeerId
  private readonly clusterId: ClusterId
  private readonly moment: Moment
  private readonly peers: ReadonlyMap<PeerId, RosterPeer>
  private readonly nearness: Nearness
  /** The end of the last time that this process stood still. */
  private awakeFromMs = Number.NEGATIVE_INFINITY

  constructor(self: PeerId, clusterId: ClusterId, moment: Moment, peers: ReadonlyMap<PeerId, RosterPeer>, nearness: Nearness) {
    this.self = self
    this.clusterId = clusterId
    this.moment = moment
    this.peers = peers
    this.nearness = nearness
  }

  /**
   * Peers of the own cluster that are silent to this one: whoever relies on it to watch them is
   * told.
   */
  doubted(): PeerId[] {
    const doubted: PeerId[] = []
    for (const peer of this.peers.values()) {
      if (peer.clusterId !== this.clusterId || !peer.isConnected || peer.watchedFromMs === undefined) continue
      if (this.silentMs(peer) > doubtAfterMs(peer) && doubted.length < DOUBTED_MAX) doubted.push(peer.peerId)
    }
    return doubted
  }

  /** Another peer says that these are silent. That is no more than a reason to ask them. */
  onDoubted(peerIds: readonly PeerId[]): void {
    const { nowMs } = this.moment
    for (const peerId of peerIds) {
      const peer = this.peers.get(peerId)
      if (peer?.isConnected === true && nowMs - peer.lastHeardMs > doubtAfterMs(peer)) peer.doubtedAtMs = nowMs
    }
  }

  /** This process stood still until now. Its silence does not count against other peers. */
  onStoodStill(): void {
    this.awakeFromMs = this.moment.nowMs
  }

  /**
   * When somebody's silence becomes noticeable, if it is not broken; now while anybody is neither
   * alive nor gone, or doubted.
   */
  restUntilMs(): number {
    const { nowMs } = this.moment
    let untilMs = Number.POSITIVE_INFINITY
    for (const peer of this.peers.values()) {
      if (peer.state === 'gone') continue
      if (peer.state === 'suspect' || nowMs - peer.doubtedAtMs < doubtKeptMs(peer)) return nowMs
      const limitMs = peer.watchedFromMs === undefined ? UNWATCHED_SUSPECT_AFTER_MS : doubtAfterMs(peer)
      untilMs = Math.min(untilMs, nowMs + limitMs - this.silentMs(peer))
    }
    return untilMs
  }

  judge(peer: RosterPeer): Judgement {
    const silentMs = this.silentMs(peer)
    const isWatched = peer.watchedFromMs !== undefined
    return {
      isSuspect: silentMs > (isWatched ? suspectAfterMs(peer) : UNWATCHED_SUSPECT_AFTER_MS),
      isGivenUp: isWatched && silentMs > disconnectAfterMs(peer),
    }
  }

  /** Decides anew whom this peer watches. */
  watch(isVoter: (peerId: PeerId) => boolean): void {
    const near = this.nearness.representatives(this.clusterId)
    const isOneOfAll = isVoter(this.self) || !near.some(isVoter)
    for (const peer of this.peers.values()) {
      const isNear = peer.clusterId === this.clusterId && (isOneOfAll || isVoter(peer.peerId))
      const fromMs = peer.isConnected ? this.watchFrom(peer, isNear) : undefined
      peer.watchedFromMs = fromMs === undefined ? undefined : (peer.watchedFromMs ?? fromMs)
    }
  }

  /**
   * Watched are the own cluster (by a peer without a vote: its voters), and of every other cluster
   * the representative alone. When that one falls silent all of its cluster are, and those that
   * anybody doubts, and those that are suspect already.
   *
   * @returns from when on it is expected to be heard; undefined when it is not watched
   */
  private watchFrom(peer: RosterPeer, isNear: boolean): number | undefined {
    const { nowMs } = this.moment
    if (isNear || peer.state !== 'alive') return nowMs
    if (nowMs - peer.doubtedAtMs < doubtKeptMs(peer)) return peer.doubtedAtMs - doubtAfterMs(peer)
    if (peer.clusterId === this.clusterId) return undefined
    const [first] = this.nearness.representatives(peer.clusterId)
    if (first === peer.peerId) return nowMs
    const representative = first === undefined ? undefined : this.peers.get(first)
    if (representative?.watchedFromMs === undefined) return undefined
    const silentMs = this.silentMs(representative)
    return silentMs > doubtAfterMs(representative) ? nowMs - silentMs + patienceMs(representative) : undefined
  }

  /** How long it could have been heard and was not. */
  private silentMs(peer: RosterPeer): number {
    return this.moment.nowMs - Math.max(peer.lastHeardMs, peer.watchedFromMs ?? 0, this.awakeFromMs)
  }
}

function doubtAfterMs(peer: RosterPeer): number {
  return DOUBT_AFTER_MS + patienceMs(peer)
}

function suspectAfterMs(peer: RosterPeer): number {
  return SUSPECT_AFTER_MS + SUSPECT_PATIENCE * patienceMs(peer)
}

function doubtKeptMs(peer: RosterPeer): number {
  return DOUBT_KEPT_MS + SUSPECT_PATIENCE * patienceMs(peer)
}

function disconnectAfterMs(peer: RosterPeer): number {
  if (peer.usualRoundTripMs === undefined) return UNMEASURED_DISCONNECT_AFTER_MS
  return DISCONNECT_AFTER_MS + DISCONNECT_PATIENCE * patienceMs(peer)
}
