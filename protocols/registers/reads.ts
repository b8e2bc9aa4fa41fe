/**
 * Clients' gets. A register changes, so the own copy is never enough for a linearizable get: a
 * quorum is asked. What it shows and does not know to be chosen is read once more, so that a busy
 * register's writer is not disturbed, and then settled.
 */
import type { Poll, PollListener, Polls } from '../agreement/polls.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import { dataKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import type { ClientId } from '../events.ts'
import { settleClaim } from './claims.ts'
import type { SettleClaim } from './claims.ts'
import type { Coordinator } from './coordinator.ts'
import { live } from './judge.ts'
import type { Cast, Question } from './questions.ts'
import type { Entry, RegisterRecord } from './record.ts'
import type { ReadAnswer, ReadRequest } from './requests.ts'
import { Showing } from './showing.ts'

const NO_QUORUM: ReadAnswer = { kind: 'unavailable', detail: 'no quorum of the voters answered in time' }
const DIVERGED: ReadAnswer = { kind: 'unavailable', detail: 'this register is not served: two records were found for it; see /status' }

export interface ReadsContext {
  readonly moment: Moment
  readonly chain: InForce
  readonly polls: Polls<Question, Cast>
  readonly roundTrips: RoundTrips
  readonly coordinator: Coordinator
  /** What is known to be chosen here. */
  readonly held: (key: RegisterKey) => RegisterRecord | undefined
  readonly isDiverged: (key: RegisterKey) => boolean
  readonly chose: (key: RegisterKey, entry: Entry, isAtQuorum: boolean) => void
  /** @param shown the register of which what is held here is shown */
  readonly answer: (client: ClientId, answer: ReadAnswer, shown?: RegisterKey) => void
}

type Phase = 'waiting' | 'reading' | 'pausing' | 'settling' | 'over'

/** One get under way. */
class Lookup implements PollListener<Question, Cast> {
  readonly key: RegisterKey
  readonly client: ClientId
  private readonly request: ReadRequest
  private readonly context: ReadsContext
  private readonly patienceMs: number
  private deadlineMs: number
  private phase: Phase = 'waiting'
  private poll: Poll<Question, Cast> | undefined
  private showing: Showing | undefined
  private claim: SettleClaim | undefined
  /** The highest that the first round showed. */
  private doubted: Entry | undefined
  private resumeAtMs = 0
  /** Of the config whose voters are asked. */
  private epoch = -1

  constructor(client: ClientId, request: ReadRequest, deadlineMs: number, context: ReadsContext) {
    this.client = client
    this.key = dataKey(request.key)
    this.request = request
    this.deadlineMs = deadlineMs
    this.patienceMs = deadlineMs - context.moment.nowMs
    this.context = context
  }

  get isOver(): boolean {
    return this.phase === 'over'
  }

  begin(): void {
    if (this.request.newer === undefined || this.isNewer(this.request.newer.version)) this.look()
  }

  learned(): void {
    if (this.phase === 'waiting' && this.request.newer !== undefined && this.isNewer(this.request.newer.version)) this.look()
  }

  voted({ body, sender }: Cast): void {
    const { showing } = this
    if (this.phase !== 'reading' || showing === undefined || body.kind !== 'seen' || body.epoch !== this.epoch) return
    showing.add(sender, body.shown)
    if (showing.verdict() === 'won') this.seen(showing)
  }

  configInstalled(): void {
    if (this.phase === 'reading') this.read()
  }

  tick(): void {
    const { nowMs } = this.context.moment
    if (this.phase === 'waiting' && nowMs >= (this.request.newer?.waitUntilMs ?? 0)) this.look()
    if (this.phase === 'pausing' && nowMs >= this.resumeAtMs) this.read()
    if (this.phase !== 'waiting' && nowMs >= this.deadlineMs) this.end(NO_QUORUM)
  }

  /** Lets go of everything without an answer. */
  drop(): void {
    this.context.polls.close(this.poll)
    if (this.claim !== undefined) this.context.coordinator.abandon(this.key, this.claim)
    this.phase = 'over'
  }

  private isNewer(version: number): boolean {
    return (live(this.context.held(this.key))?.version ?? 0) > version
  }

  private look(): void {
    const { moment, held, isDiverged } = this.context
    if (isDiverged(this.key)) return this.end(DIVERGED)
    if (this.request.consistency === 'local') {
      const record = held(this.key)
      return this.show(record, record?.version ?? 0)
    }
    if (this.request.newer !== undefined) this.deadlineMs = moment.nowMs + this.patienceMs
    this.read()
  }

  private read(): void {
    const { chain, polls } = this.context
    const installed = chain.current
    polls.close(this.poll)
    this.phase = 'reading'
    if (installed === undefined) return
    this.epoch = installed.config.epoch
    this.showing = new Showing(installed.quorum)
    this.poll = polls.ask({ kind: 'read', key: this.key, epoch: this.epoch }, installed.quorum, this)
  }

  private seen(showing: Showing): void {
    const { chain, chose } = this.context
    const { best, base, number, isKnown } = showing.view()
    if (best === undefined || base === undefined) return this.show(undefined, number)
    if (isKnown || (best.ballot.epoch === chain.epoch && showing.isAcceptedByQuorum(best))) {
      chose(this.key, best, !isKnown)
      return this.show(base, number)
    }
    const newer = this.doubted === undefined ? undefined : showing.heldFrom(this.doubted)
    if (newer !== undefined) {
      chose(this.key, newer, false)
      return this.show(newer.record, newer.record.version)
    }
    this.doubt(best)
  }

  /**
   * Somebody's write is probably under way: read again about a round trip later, then settle it.
   */
  private doubt(best: Entry): void {
    this.context.polls.close(this.poll)
    if (this.doubted !== undefined) return this.settle()
    this.doubted = best
    this.phase = 'pausing'
    this.resumeAtMs = this.context.moment.nowMs + this.context.roundTrips.latelyToDecideMs(this.key)
  }

  private settle(): void {
    this.phase = 'settling'
    this.claim = settleClaim(
      () => false,
      this.deadlineMs,
      (result) => {
        this.claim = undefined
        if (result.kind === 'settled') this.show(result.record, result.number)
        else this.end(NO_QUORUM)
      },
    )
    this.context.coordinator.claim(this.key, this.claim)
  }

  private show(record: RegisterRecord | undefined, number: number): void {
    const { consistency } = this.request
    const shown = live(record)
    this.end(shown === undefined ? { kind: 'absent', number, consistency } : { kind: 'found', record: shown, consistency })
  }

  private end(answer: ReadAnswer): void {
    if (this.phase === 'over') return
    this.drop()
    this.context.answer(this.client, answer, this.request.consistency === 'local' ? this.key : undefined)
  }
}

export class Reads {
  private readonly context: ReadsContext
  private readonly lookups = new Map<ClientId, Lookup>()
  private readonly byKey = new Map<RegisterKey, Set<Lookup>>()

  constructor(context: ReadsContext) {
    this.context = context
  }

  get size(): number {
    return this.lookups.size
  }

  begin(client: ClientId, request: ReadRequest, deadlineMs: number): void {
    const lookup = new Lookup(client, request, deadlineMs, this.context)
    this.lookups.set(client, lookup)
    const others = this.byKey.get(lookup.key)
    if (others === undefined) this.byKey.set(lookup.key, new Set([lookup]))
    else others.add(lookup)
    lookup.begin()
    this.removeIfOver(lookup)
  }

  cancel(client: ClientId): void {
    const lookup = this.lookups.get(client)
    if (lookup === undefined) return
    lookup.drop()
    this.removeIfOver(lookup)
  }

  /** A newer record of a register is held. */
  learned(key: RegisterKey): void {
    for (const lookup of this.byKey.get(key) ?? []) {
      lookup.learned()
      this.removeIfOver(lookup)
    }
  }

  configInstalled(): void {
    for (const lookup of this.lookups.values()) lookup.configInstalled()
  }

  tick(): void {
    for (const lookup of this.lookups.values()) {
      lookup.tick()
      this.removeIfOver(lookup)
    }
  }

  private removeIfOver(lookup: Lookup): void {
    if (!lookup.isOver) return
    this.lookups.delete(lookup.client)
    const others = this.byKey.get(lookup.key)
    others?.delete(lookup)
    if (others?.size === 0) this.byKey.delete(lookup.key)
  }
}
