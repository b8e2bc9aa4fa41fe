/**
 * A representative: forwards a coordinator's question to voters of its own cluster and returns their answers. It never
 * votes for others and never adds answers up: the worst it can do is lose or delay. (Relays as in PigPaxos, Charapko et
 * al., SIGMOD 2021, without its aggregation.)
 */
import type { Ballot } from '../base/ballot.ts'
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import { majoritySize } from '../base/quorum.ts'
import type { Reach } from '../base/reach.ts'
import type { RoundTrips } from './round-trips.ts'
import type { Handlers, Service } from '../service.ts'
import type { AcceptorRequest, Vote } from '../wire/agreement-messages.ts'

/** Answers are gathered this long for one message back, unless a majority is there sooner. */
const GATHER_MS = 10
/** Nobody waits for an answer longer than this, but where the targets themselves are so far. */
const RELAY_KEPT_MS = 10_000
const RELAY_ROUND_TRIPS = 4
/** Relays under way at one time; the oldest is dropped for a new one, as a network may drop it. */
const RELAYS_MAX = 16_384
/** Records relayed lately, kept so that a learn that follows needs no second crossing of the value. */
const RECENT_MAX = 1_024
const RECENT_BYTES_MAX = 4_194_304

/** Whom questions can be forwarded to, and for whom. */
export interface Relays extends Reach {
  /** True for a voter whose store is an old copy: it may not ask. */
  isPutBack(id: IdentityId): boolean
}

interface Relay {
  readonly asker: PeerId
  readonly askerId: number
  readonly unanswered: Set<IdentityId>
  readonly enough: number
  readonly openedAtMs: number
  readonly keptUntilMs: number
  gathered: Vote[]
  count: number
}

export class Representative implements Service {
  readonly handles: Handlers<'relay'> = {
    relay: (from, { id, targets, body }) => {
      if (!this.roster.isPutBack(from.id)) this.relay(from.peerId, id, targets, body)
    },
  }
  private readonly self: Identity
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly nextId: NextId
  private readonly roster: Relays
  private readonly roundTrips: Pick<RoundTrips, 'toFarthestMs'>
  /** Relays whose answers are gathered still, and those whose late answers go back one by one; each the oldest first. */
  private readonly gathering = new Map<number, Relay>()
  private readonly released = new Map<number, Relay>()
  private readonly recent = new Map<RegisterKey, { readonly ballot: Ballot; readonly record: ValueRecord }>()
  private recentBytes = 0

  constructor(
    self: Identity,
    moment: Moment,
    outbox: Outbox,
    nextId: NextId,
    roster: Relays,
    roundTrips: Pick<RoundTrips, 'toFarthestMs'>,
  ) {
    this.self = self
    this.moment = moment
    this.outbox = outbox
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

  relay(asker: PeerId, askerId: number, targets: readonly Identity[], body: AcceptorRequest): void {
    const id = this.nextId()
    const unanswered = new Set<IdentityId>()
    for (const target of targets) {
      if (target.id !== this.self.id && !this.roster.isConnected(target.peerId)) continue
      unanswered.add(target.id)
      this.outbox.send(target.peerId, { kind: 'request', id, target, body }, 'nothing')
    }
    if (body.kind === 'commit') this.remember(body.key, body.ballot, body.record)
    if (unanswered.size === 0) return
    const [oldest] = this.released.keys()
    if (this.released.size >= RELAYS_MAX && oldest !== undefined) this.released.delete(oldest)
    const enough = majoritySize(targets.length)
    const openedAtMs = this.moment.nowMs
    const keptUntilMs = openedAtMs + Math.max(RELAY_KEPT_MS, RELAY_ROUND_TRIPS * this.roundTrips.toFarthestMs(targets))
    this.gathering.set(id, { asker, askerId, unanswered, enough, openedAtMs, keptUntilMs, gathered: [], count: 0 })
  }

  /** Takes a voter's answer to a relay. @returns false when no relay has this number */
  vote(id: number, vote: Vote): boolean {
    const relay = this.gathering.get(id) ?? this.released.get(id)
    if (relay === undefined) return false
    if (!relay.unanswered.delete(vote.sender.id)) return true
    relay.gathered.push(vote)
    relay.count += 1
    const kind = vote.body.kind
    const isUrgent = kind === 'chosen' || kind === 'rejected' || kind === 'stale'
    if (relay.count >= relay.enough) this.release(id, relay)
    else if (isUrgent || this.released.has(id)) this.sendGathered(relay)
    if (relay.unanswered.size === 0) {
      this.gathering.delete(id)
      this.released.delete(id)
    }
    return true
  }

  tick(): void {
    for (const [id, relay] of this.gathering) {
      if (this.moment.nowMs - relay.openedAtMs < GATHER_MS) break
      this.release(id, relay)
    }
    for (const [id, relay] of this.released) {
      if (this.moment.nowMs - relay.openedAtMs < RELAY_KEPT_MS) break
      if (this.moment.nowMs >= relay.keptUntilMs) this.released.delete(id)
    }
  }

  /** The record that was relayed for exactly this ballot, if it is still remembered. */
  recall(key: RegisterKey, ballot: Ballot): ValueRecord | undefined {
    const held = this.recent.get(key)
    if (held === undefined || held.ballot.round !== ballot.round || held.ballot.epoch !== ballot.epoch) return undefined
    return held.ballot.by.id === ballot.by.id ? held.record : undefined
  }

  forget(key: RegisterKey): void {
    const held = this.recent.get(key)
    if (held === undefined) return
    this.recent.delete(key)
    this.recentBytes -= held.record.value.length
  }

  private remember(key: RegisterKey, ballot: Ballot, record: ValueRecord): void {
    this.forget(key)
    this.recent.set(key, { ballot, record })
    this.recentBytes += record.value.length
    for (const oldest of this.recent.keys()) {
      if (this.recent.size <= RECENT_MAX && this.recentBytes <= RECENT_BYTES_MAX) return
      this.forget(oldest)
    }
  }

  private release(id: number, relay: Relay): void {
    if (this.gathering.delete(id)) this.released.set(id, relay)
    this.sendGathered(relay)
  }

  private sendGathered(relay: Relay): void {
    if (relay.gathered.length === 0) return
    this.outbox.send(relay.asker, { kind: 'relayed', id: relay.askerId, votes: relay.gathered }, 'nothing')
    relay.gathered = []
  }
}
