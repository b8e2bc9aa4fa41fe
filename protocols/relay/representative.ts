/**
 * A representative: forwards a coordinator's question to voters of its own cluster and returns their answers. It never
 * votes for others and never adds answers up: the worst it can do is lose or delay. (Relays as in PigPaxos, Charapko et
 * al., SIGMOD 2021, without its aggregation.)
 */
import type { Ballot } from '../base/ballot.ts'
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { Outbox } from '../base/outbox.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import { majoritySize } from '../config/quorum.ts'
import type { AcceptorRequest, Vote } from '../wire/messages.ts'
import type { Reach } from './polls.ts'

/** Answers are gathered this long for one message back, unless a majority is there sooner. */
const GATHER_MS = 10
/** Nobody waits for an answer longer than a put may take. */
const RELAY_KEPT_MS = 10_000
/** Relays under way at one time; the oldest is dropped for a new one, as a network may drop it. */
const RELAYS_MAX = 16_384
/** Records relayed lately, kept so that a learn that follows needs no second crossing of the value. */
const RECENT_MAX = 1_024
const RECENT_BYTES_MAX = 4_194_304

interface Relay {
  readonly asker: PeerId
  readonly askerId: number
  readonly unanswered: Set<IdentityId>
  readonly enough: number
  readonly openedAtMs: number
  gathered: Vote[]
  count: number
  released: boolean
}

export class Representative {
  private readonly self: Identity
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly nextId: NextId
  private readonly reach: Reach
  private readonly relays = new Map<number, Relay>()
  private readonly recent = new Map<RegisterKey, { readonly ballot: Ballot; readonly record: ValueRecord }>()
  private recentBytes = 0

  constructor(self: Identity, moment: Moment, outbox: Outbox, nextId: NextId, reach: Reach) {
    this.self = self
    this.moment = moment
    this.outbox = outbox
    this.nextId = nextId
    this.reach = reach
  }

  get size(): number {
    return this.relays.size
  }

  relay(asker: PeerId, askerId: number, targets: readonly Identity[], body: AcceptorRequest): void {
    const id = this.nextId()
    const unanswered = new Set<IdentityId>()
    for (const target of targets) {
      if (target.id !== this.self.id && !this.reach.isConnected(target.peerId)) continue
      unanswered.add(target.id)
      this.outbox.send(target.peerId, { kind: 'request', id, target, body })
    }
    if (body.kind === 'commit') this.remember(body.key, body.ballot, body.record)
    if (unanswered.size === 0) return
    const [oldest] = this.relays.keys()
    if (this.relays.size >= RELAYS_MAX && oldest !== undefined) this.relays.delete(oldest)
    const enough = majoritySize(targets.length)
    const openedAtMs = this.moment.nowMs
    this.relays.set(id, { asker, askerId, unanswered, enough, openedAtMs, gathered: [], count: 0, released: false })
  }

  /** Takes a voter's answer to a relay. @returns false when no relay has this number */
  vote(id: number, vote: Vote): boolean {
    const relay = this.relays.get(id)
    if (relay === undefined) return false
    if (!relay.unanswered.delete(vote.sender.id)) return true
    relay.gathered.push(vote)
    relay.count += 1
    const kind = vote.body.kind
    const isUrgent = kind === 'chosen' || kind === 'rejected' || kind === 'stale'
    if (relay.count >= relay.enough) relay.released = true
    if (isUrgent || relay.released) this.release(relay)
    if (relay.unanswered.size === 0) this.relays.delete(id)
    return true
  }

  tick(): void {
    for (const [id, relay] of this.relays) {
      const ageMs = this.moment.nowMs - relay.openedAtMs
      if (ageMs < GATHER_MS) return
      relay.released = true
      this.release(relay)
      if (ageMs >= RELAY_KEPT_MS) this.relays.delete(id)
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

  private release(relay: Relay): void {
    if (relay.gathered.length === 0) return
    this.outbox.send(relay.asker, { kind: 'relayed', id: relay.askerId, votes: relay.gathered })
    relay.gathered = []
  }
}
