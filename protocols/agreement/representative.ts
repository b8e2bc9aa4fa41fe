/**
 * A representative: forwards a coordinator's question to voters of its own cluster and returns
 * their answers. It never votes for others and never adds answers up: the worst it can do is lose
 * or delay. (Relays as in PigPaxos, Charapko et al., SIGMOD 2021, without its aggregation.)
 */
import type { Ballot } from '../base/ballot.ts'
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import { majoritySize } from '../base/quorum.ts'
import type { Reach } from '../base/reach.ts'
import type { RoundTrips } from './round-trips.ts'
import type { AcceptorRequest, Vote } from '../wire/agreement-messages.ts'

/** Answers are gathered this long for one message back, unless a majority is there sooner. */
const GATHER_MS = 10
/** Those to an offer until all are there, and at most this long, whatever the asker says. */
const GATHER_MOST_MS = 2_000
/** Nobody waits for an answer longer than this, but where the targets themselves are so far. */
const RELAY_KEPT_MS = 10_000
const RELAY_ROUND_TRIPS = 4
/** Relays under way at one time; the oldest is dropped for a new one, as a network may drop it. */
const RELAYS_MAX = 16_384
/**
 * Records relayed lately, kept so that a learn that follows needs no second crossing of the value.
 */
const RECENT_MAX = 1_024
const RECENT_BYTES_MAX = 4_194_304

/** Whom questions can be forwarded to, and for whom. */
export interface Relays extends Reach {
  /** True for a voter whose store is an old copy: it may not ask. */
  isPutBack(id: IdentityId): boolean
}

/**
 * What is relayed: questions of write-once registers, or of another type that is agreed on in the
 * same way.
 */
interface Kept {
  readonly value: Uint8Array
}
type Question =
  | { readonly kind: 'commit' | 'offer'; readonly key: RegisterKey; readonly ballot: Ballot; readonly record: Kept }
  | { readonly kind: 'reserve' | 'read' }
type RecordOf<Body> = Extract<Body, { readonly kind: 'commit' | 'offer' }> extends { readonly record: infer Found } ? Found : never
interface Answer {
  readonly sender: Identity
  readonly body: { readonly kind: string }
}

/** Takes questions to voters, and their answers back. */
interface Line<Body, Cast> {
  send(
    to: PeerId,
    message:
      | { readonly kind: 'request'; readonly id: number; readonly target: Identity; readonly body: Body }
      | { readonly kind: 'relayed'; readonly id: number; readonly votes: readonly Cast[] },
    after: 'nothing',
  ): void
}

interface Relay<Cast> {
  readonly asker: PeerId
  readonly askerId: number
  readonly unanswered: Set<IdentityId>
  readonly enough: number
  readonly openedAtMs: number
  readonly gathersUntilMs: number
  readonly keptUntilMs: number
  gathered: Cast[]
  count: number
}

export class Representative<Body extends Question = AcceptorRequest, Cast extends Answer = Vote> {
  private readonly self: Identity
  private readonly moment: Moment
  private readonly line: Line<Body, Cast>
  private readonly nextId: NextId
  private readonly roster: Relays
  private readonly roundTrips: Pick<RoundTrips, 'toFarthestMs'>
  /**
   * Relays whose answers are gathered still, and those whose late answers go back one by one; each
   * the oldest first.
   */
  private readonly gathering = new Map<number, Relay<Cast>>()
  private readonly released = new Map<number, Relay<Cast>>()
  private readonly recent = new Map<RegisterKey, { readonly ballot: Ballot; readonly record: Kept }>()
  private recentBytes = 0

  constructor(
    self: Identity,
    moment: Moment,
    line: Line<Body, Cast>,
    nextId: NextId,
    roster: Relays,
    roundTrips: Pick<RoundTrips, 'toFarthestMs'>,
  ) {
    this.self = self
    this.moment = moment
    this.line = line
    this.nextId = nextId
    this.roster = roster
    this.roundTrips = roundTrips
  }

  get isBusy(): boolean {
    return this.size > 0
  }

  /** Relays whose answers are still gathered. */
  get size(): number {
    return this.gathering.size
  }

  /**
   * Somebody asks for a question to be forwarded; a voter whose store is an old copy asks in vain.
   */
  asked(from: Identity, id: number, targets: readonly Identity[], body: Body, gatherMs?: number): void {
    if (!this.roster.isPutBack(from.id)) this.relay(from.peerId, id, targets, body, gatherMs)
  }

  /** @param gatherMs of an offer, which counts by whole units: it is answered when all are there */
  relay(asker: PeerId, askerId: number, targets: readonly Identity[], body: Body, gatherMs: number = GATHER_MS): void {
    const id = this.nextId()
    const unanswered = new Set<IdentityId>()
    for (const target of targets) {
      if (target.id !== this.self.id && !this.roster.isConnected(target.peerId)) continue
      unanswered.add(target.id)
      this.line.send(target.peerId, { kind: 'request', id, target, body }, 'nothing')
    }
    if (body.kind === 'commit' || body.kind === 'offer') this.remember(body.key, body.ballot, body.record)
    if (unanswered.size === 0) return
    const [oldest] = this.released.keys()
    if (this.released.size >= RELAYS_MAX && oldest !== undefined) this.released.delete(oldest)
    const enough = body.kind === 'offer' ? targets.length : majoritySize(targets.length)
    const openedAtMs = this.moment.nowMs
    const keptUntilMs = openedAtMs + Math.max(RELAY_KEPT_MS, RELAY_ROUND_TRIPS * this.roundTrips.toFarthestMs(targets))
    const gathersUntilMs = openedAtMs + (body.kind === 'offer' ? Math.min(gatherMs, GATHER_MOST_MS) : GATHER_MS)
    this.gathering.set(id, { asker, askerId, unanswered, enough, openedAtMs, gathersUntilMs, keptUntilMs, gathered: [], count: 0 })
  }

  /** Takes a voter's answer to a relay. @returns false when no relay has this number */
  vote(id: number, vote: Cast): boolean {
    const relay = this.gathering.get(id) ?? this.released.get(id)
    if (relay === undefined) return false
    if (!relay.unanswered.delete(vote.sender.id)) return true
    relay.gathered.push(vote)
    relay.count += 1
    const kind = vote.body.kind
    const isUrgent = kind === 'chosen' || kind === 'rejected' || kind === 'stale'
    if (relay.count >= relay.enough || relay.unanswered.size === 0) this.release(id, relay)
    else if (isUrgent || this.released.has(id)) this.sendGathered(relay)
    if (relay.unanswered.size === 0) {
      this.gathering.delete(id)
      this.released.delete(id)
    }
    return true
  }

  tick(): void {
    for (const [id, relay] of this.gathering) {
      if (this.moment.nowMs >= relay.gathersUntilMs) this.release(id, relay)
    }
    for (const [id, relay] of this.released) {
      if (this.moment.nowMs - relay.openedAtMs < RELAY_KEPT_MS) break
      if (this.moment.nowMs >= relay.keptUntilMs) this.released.delete(id)
    }
  }

  /** The record that was relayed for exactly this ballot, if it is still remembered. */
  recall(key: RegisterKey, ballot: Ballot): RecordOf<Body> | undefined {
    const held = this.recent.get(key)
    if (held === undefined || held.ballot.round !== ballot.round || held.ballot.epoch !== ballot.epoch) return undefined
    // What is remembered came in a commit of this very type.
    return held.ballot.by.id === ballot.by.id ? (held.record as RecordOf<Body>) : undefined
  }

  forget(key: RegisterKey): void {
    const held = this.recent.get(key)
    if (held === undefined) return
    this.recent.delete(key)
    this.recentBytes -= held.record.value.length
  }

  private remember(key: RegisterKey, ballot: Ballot, record: Kept): void {
    this.forget(key)
    this.recent.set(key, { ballot, record })
    this.recentBytes += record.value.length
    for (const oldest of this.recent.keys()) {
      if (this.recent.size <= RECENT_MAX && this.recentBytes <= RECENT_BYTES_MAX) return
      this.forget(oldest)
    }
  }

  private release(id: number, relay: Relay<Cast>): void {
    if (this.gathering.delete(id)) this.released.set(id, relay)
    this.sendGathered(relay)
  }

  private sendGathered(relay: Relay<Cast>): void {
    if (relay.gathered.length === 0) return
    this.line.send(relay.asker, { kind: 'relayed', id: relay.askerId, votes: relay.gathered }, 'nothing')
    relay.gathered = []
  }
}
