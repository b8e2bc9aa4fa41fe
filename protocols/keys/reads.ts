/**
 * Clients' gets. A key that is chosen here is answered at once and is never stale. Any other
 * linearizable get asks a quorum; what is in doubt is read once more and then finished. No quorum
 * in time is `unavailable`, never a guess.
 */
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import type { RegisterKey } from '../base/register.ts'
import type { ValueRecord } from '../base/record.ts'
import type { InForce } from '../base/installed.ts'
import type { Outcome } from '../effects.ts'
import type { ClientId, CoreEvent } from '../events.ts'
import type { Poll, PollListener, Polls } from '../agreement/polls.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { Vote } from '../wire/agreement-messages.ts'
import type { ChosenKeys } from './chosen.ts'
import { finishingClaim } from '../agreement/coordinator.ts'
import type { Coordinator } from '../agreement/coordinator.ts'
import { ReadCount } from '../agreement/read-count.ts'
import type { Claim, ClaimResult, RunContext } from '../agreement/run.ts'

export type GetEvent = Extract<CoreEvent, { kind: 'get' }>

const NO_QUORUM: Outcome = { kind: 'unavailable', detail: 'no quorum of the voters answered in time' }
const DIVERGED: Outcome = { kind: 'unavailable', detail: 'this key is not served: two records were found for it; see /status' }

export interface ReadContext {
  readonly moment: Moment
  readonly outbox: Outbox
  readonly chain: InForce
  readonly polls: Polls
  readonly roundTrips: RoundTrips
  readonly chosen: ChosenKeys
  readonly coordinator: Coordinator
  readonly chose: RunContext['chose']
}

type Phase = 'reading' | 'pausing' | 'finishing' | 'waiting' | 'over'

/** One get under way. */
class Lookup implements PollListener {
  readonly event: GetEvent
  private readonly context: ReadContext
  private phase: Phase = 'reading'
  private poll: Poll | undefined
  private count: ReadCount | undefined
  private claim: Claim | undefined
  private metDoubt = false
  private resumeAtMs = 0

  constructor(event: GetEvent, context: ReadContext) {
    this.event = event
    this.context = context
  }

  get isOver(): boolean {
    return this.phase === 'over'
  }

  begin(): void {
    if (this.event.consistency === 'local') this.absent()
    else this.read()
  }

  voted(vote: Vote): void {
    const result = this.phase === 'reading' ? this.count?.add(vote) : undefined
    if (result === undefined || result.kind === 'pending') return
    if (result.kind === 'chosen') this.context.chose(this.event.key, result.record, result.ballot)
    else if (result.kind === 'absent') this.absent()
    else this.doubt()
  }

  found(record: ValueRecord): void {
    this.end({ kind: 'found', record, consistency: this.event.consistency })
  }

  configInstalled(): void {
    if (this.phase === 'reading') this.read()
  }

  tick(): void {
    const { nowMs } = this.context.moment
    if (this.phase === 'pausing' && nowMs >= this.resumeAtMs) this.read()
    if (this.phase === 'waiting' && nowMs >= (this.event.waitUntilMs ?? 0)) this.endAbsent()
    else if (this.phase !== 'waiting' && nowMs >= this.event.deadlineMs) this.end(NO_QUORUM)
  }

  /** Lets go of everything without an answer. */
  drop(): void {
    this.context.polls.close(this.poll)
    if (this.claim !== undefined) this.context.coordinator.abandon(this.event.key, this.claim)
    this.phase = 'over'
  }

  end(outcome: Outcome): void {
    if (this.phase === 'over') return
    this.drop()
    this.context.outbox.answer(this.event.client, outcome)
  }

  private read(): void {
    const installed = this.context.chain.current
    this.context.polls.close(this.poll)
    this.phase = 'reading'
    if (installed === undefined) return
    const { epoch } = installed.config
    this.count = new ReadCount(installed.quorum, installed)
    this.poll = this.context.polls.ask({ kind: 'read', key: this.event.key, epoch }, installed.quorum, this)
  }

  /** Somebody's put is probably under way: read again about a round trip later, then finish it. */
  private doubt(): void {
    this.context.polls.close(this.poll)
    if (this.metDoubt) return this.finishOthers()
    this.metDoubt = true
    this.phase = 'pausing'
    this.resumeAtMs = this.context.moment.nowMs + this.context.roundTrips.latelyToDecideMs(this.event.key)
  }

  private finishOthers(): void {
    this.phase = 'finishing'
    this.claim = finishingClaim(this.event.deadlineMs, (result) => this.finished(result))
    this.context.coordinator.claim(this.event.key, this.claim, false)
  }

  private finished(result: ClaimResult): void {
    this.claim = undefined
    if (this.phase === 'over') return
    if (result.kind === 'chosen') this.found(result.record)
    else if (result.kind === 'empty') this.absent()
    else this.end(NO_QUORUM)
  }

  private absent(): void {
    this.context.polls.close(this.poll)
    const { waitUntilMs } = this.event
    if (waitUntilMs === undefined || waitUntilMs <= this.context.moment.nowMs) this.endAbsent()
    else this.phase = 'waiting'
  }

  private endAbsent(): void {
    this.end({ kind: 'absent', consistency: this.event.consistency })
  }
}

export class Reads {
  private readonly context: ReadContext
  private readonly byClient = new Map<ClientId, Lookup>()
  private readonly byKey = new Map<RegisterKey, Set<Lookup>>()

  constructor(context: ReadContext) {
    this.context = context
  }

  get size(): number {
    return this.byClient.size
  }

  begin(event: GetEvent): void {
    const { chosen, outbox } = this.context
    if (chosen.isDiverged(event.key)) return outbox.answer(event.client, DIVERGED)
    const record = chosen.get(event.key)
    if (record !== undefined) return outbox.answer(event.client, { kind: 'found', record, consistency: event.consistency })
    const lookup = new Lookup(event, this.context)
    this.byClient.set(event.client, lookup)
    const others = this.byKey.get(event.key)
    if (others === undefined) this.byKey.set(event.key, new Set([lookup]))
    else others.add(lookup)
    lookup.begin()
    this.removeIfOver(lookup)
  }

  cancel(client: ClientId): void {
    const lookup = this.byClient.get(client)
    if (lookup === undefined) return
    lookup.drop()
    this.removeIfOver(lookup)
  }

  learned(key: RegisterKey, record: ValueRecord): void {
    const lookups = this.byKey.get(key)
    if (lookups === undefined) return
    for (const lookup of lookups) {
      lookup.found(record)
      this.removeIfOver(lookup)
    }
  }

  configInstalled(): void {
    for (const lookup of this.byClient.values()) lookup.configInstalled()
  }

  tick(): void {
    for (const lookup of this.byClient.values()) {
      lookup.tick()
      this.removeIfOver(lookup)
    }
  }

  private removeIfOver(lookup: Lookup): void {
    if (!lookup.isOver) return
    const { client, key } = lookup.event
    this.byClient.delete(client)
    const others = this.byKey.get(key)
    others?.delete(lookup)
    if (others?.size === 0) this.byKey.delete(key)
  }
}
