/**
 * Heartbeats over the peers' own connections: who answers, how fast, in which epoch, holding what.
 * Those who watch each other answer with their next one; others are answered at once.
 */
import type { PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import type { Health } from '../wire/membership-messages.ts'
import type { Message } from '../wire/messages.ts'
import { patienceMs } from './roster-peer.ts'
import type { Reachability } from './reachability.ts'
import type { Roster } from './roster.ts'
import type { RosterPeer } from './roster-peer.ts'

/** Between heartbeats to a peer that is watched. */
export const HEARTBEAT_MS = 1_000
/**
 * Between heartbeats to any other: that its connection still leads somewhere, how far away it is,
 * what it holds.
 */
const RARE_MS = 30_000
/**
 * When one heartbeat is due, those that are due within this time leave with it: for one peer to
 * wake once costs less than to wake often.
 */
const TOGETHER_MS = 400
/**
 * Whoever asked no longer ago than this is told at once when a peer of this cluster falls silent.
 */
const WATCHER_KEPT_MS = 3_000

type Heartbeat = Extract<Message, { readonly kind: 'heartbeat' }>

/** What has been said between this peer and another. */
interface Exchange {
  /** When the other was last asked, or given an answer that was due at once. */
  lastBeatMs: number
  /** The heartbeat of the other that waits for its answer. */
  question: { readonly sentAtMs: number; readonly cameAtMs: number } | undefined
  /** When the other last asked. */
  askedAtMs: number
  /** Whom this peer reaches, as the other was told last, and when. */
  reachedTold: readonly PeerId[] | undefined
  reachedToldAtMs: number
}

export class Heartbeats {
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly roster: Roster
  private readonly reachability: Reachability
  private readonly health: (to: PeerId) => Health
  private readonly exchanges = new Map<PeerId, Exchange>()
  private doubted: readonly PeerId[] = []
  private wasCaughtUp = false
  private lastTokens: string | undefined

  constructor(moment: Moment, outbox: Outbox, roster: Roster, reachability: Reachability, health: (to: PeerId) => Health) {
    this.moment = moment
    this.outbox = outbox
    this.roster = roster
    this.reachability = reachability
    this.health = health
  }

  /** A peer was met. Nothing of an earlier connection is answered. */
  met(peer: RosterPeer): void {
    this.exchanges.delete(peer.peerId)
    this.reachability.lost(peer.peerId)
    this.exchange(peer.peerId).lastBeatMs = this.moment.nowMs
    this.tell(peer.peerId, true)
  }

  lost(peerId: PeerId): void {
    this.exchanges.delete(peerId)
    this.reachability.lost(peerId)
  }

  tick(): void {
    const { nowMs } = this.moment
    const before = this.doubted
    this.doubted = this.roster.doubted()
    const isNews = this.doubted.some((peerId) => !before.includes(peerId))
    const dueUntilMs = this.dueAtMs() <= nowMs ? nowMs + TOGETHER_MS : nowMs
    for (const peer of this.roster.connected()) {
      const { peerId } = peer
      const exchange = this.exchange(peerId)
      const isDue = this.beatAtMs(peer) <= dueUntilMs
      if (isDue) exchange.lastBeatMs = nowMs
      if (isDue || (isNews && nowMs - exchange.askedAtMs < WATCHER_KEPT_MS + patienceMs(peer))) this.tell(peerId, isDue)
    }
  }

  /** When the next heartbeat is due. */
  dueAtMs(): number {
    return this.roster.connected().reduce((nextMs, peer) => Math.min(nextMs, this.beatAtMs(peer)), Number.POSITIVE_INFINITY)
  }

  /**
   * Takes a heartbeat of a peer, answers it when it should, and says whether it was itself an
   * answer.
   */
  onHeartbeat(peer: RosterPeer, message: Heartbeat): boolean {
    this.roster.onHeartbeat(peer, message.health)
    this.roster.onDoubted(message.doubted)
    this.reachability.onHeartbeat(peer.peerId, message.reached)
    if (message.wantsAnswer) {
      const exchange = this.exchange(peer.peerId)
      exchange.askedAtMs = this.moment.nowMs
      exchange.question = { sentAtMs: message.sentAtMs, cameAtMs: this.moment.nowMs }
      if (peer.watchedFromMs === undefined) {
        exchange.lastBeatMs = this.moment.nowMs
        this.tell(peer.peerId)
      }
    }
    if (message.echoMs === undefined) return false
    this.roster.answered(peer, message.echoMs)
    return true
  }

  /** Something of this peer has changed that all should know without waiting for a heartbeat. */
  tellAll(): void {
    for (const { peerId } of this.roster.connected()) this.tell(peerId)
  }

  /** The first catch-up makes a candidate of this peer. */
  caughtUp(isCaughtUp: boolean): void {
    if (isCaughtUp && !this.wasCaughtUp) this.tellAll()
    this.wasCaughtUp = isCaughtUp
  }

  /**
   * Where another token file is in force, all compare it at once with their own. @param tokens what
   * tells it from others
   */
  tokens(tokens: string | undefined): void {
    if (tokens !== this.lastTokens) this.tellAll()
    this.lastTokens = tokens
  }

  /** Says how this peer is; to itself too: that is heard once all that it says is on disk. */
  tell(peerId: PeerId, wantsAnswer = false): void {
    const { nowMs } = this.moment
    const exchange = this.exchange(peerId)
    const { question } = exchange
    exchange.question = undefined
    const echoMs = question === undefined ? undefined : question.sentAtMs + nowMs - question.cameAtMs
    const { doubted } = this
    const reached = this.reachedNewsFor(exchange)
    this.outbox.send(
      peerId,
      { kind: 'heartbeat', sentAtMs: nowMs, echoMs, wantsAnswer, health: this.health(peerId), doubted, reached },
      'nothing',
    )
  }

  /** Told when it has changed, and now and then again: a message may be lost. */
  private reachedNewsFor(exchange: Exchange): readonly PeerId[] | undefined {
    const { own } = this.reachability
    const { nowMs } = this.moment
    if (exchange.reachedTold === own && nowMs - exchange.reachedToldAtMs < RARE_MS) return undefined
    exchange.reachedTold = own
    exchange.reachedToldAtMs = nowMs
    return own
  }

  /** When the next heartbeat to this peer is due. */
  private beatAtMs({ peerId, watchedFromMs }: RosterPeer): number {
    return this.exchange(peerId).lastBeatMs + (watchedFromMs === undefined ? RARE_MS : HEARTBEAT_MS)
  }

  private exchange(peerId: PeerId): Exchange {
    let exchange = this.exchanges.get(peerId)
    if (exchange === undefined) {
      exchange = {
        lastBeatMs: Number.NEGATIVE_INFINITY,
        question: undefined,
        askedAtMs: Number.NEGATIVE_INFINITY,
        reachedTold: undefined,
        reachedToldAtMs: Number.NEGATIVE_INFINITY,
      }
      this.exchanges.set(peerId, exchange)
    }
    return exchange
  }
}
