/**
 * One offer of one record: home is asked first, then all other units take it, and home accepts it
 * last. Whatever comes between ends it, and the run goes on with the two phases at a higher ballot.
 * What home promised here counts for no reserve quorum: nobody else was asked.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { IdentityId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import { Tally } from '../base/quorum.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Unit } from '../base/units.ts'
import type { Vote } from '../wire/agreement-messages.ts'
import type { Latencies } from './latency.ts'
import type { OfferPlan, Offering } from './offering.ts'
import type { Poll, PollListener, Polls } from './polls.ts'

/** Nobody is given up sooner, however quick answers usually are. */
const PATIENCE_LEAST_MS = 100
const PATIENCE_USUALS = 2

/**
 * How an offer ends that did not come through. `refused`: home told of somebody else, or the client
 * gave up, before anything was sent. `contended`: somebody else is at work. `unanswered`: not in time.
 * `outdated`: a later config, or somebody who is needed fell silent.
 */
export type OfferFailure = 'refused' | 'contended' | 'unanswered' | 'outdated'

export interface OfferListener {
  /**
   * The record is about to be handed to the network. @returns false when nobody wants it stored any
   * more
   */
  leaving(): boolean
  chosen(record: ValueRecord, ballot: Ballot | undefined): void
  failed(why: OfferFailure): void
}

export interface OfferInit {
  readonly key: RegisterKey
  readonly record: ValueRecord
  readonly ballot: Ballot
  readonly plan: OfferPlan
  /**
   * Home takes the offer at once as a voter, and is given time for all to have taken it: then no
   * last step is needed.
   */
  readonly isTakenAtHome: boolean
  readonly offering: Pick<Offering, 'isHomeHeard' | 'isWorthwhile' | 'onLastNeeded'>
  readonly polls: Polls
  readonly moment: Moment
  readonly latencies: Pick<Latencies, 'observeQuorum'>
  readonly listener: OfferListener
}

export class OfferAttempt implements PollListener {
  private readonly init: OfferInit
  private readonly taken = new Set<IdentityId>()
  /** As many of the other units as are needed have taken it whole. */
  private isEnough = false
  private readonly home: Tally
  private committed: Tally | undefined
  private step: 'asking' | 'offering' | 'last' | 'over' = 'asking'
  private offered: Poll | undefined
  /** The question to home: its reserve, then its commit. */
  private toHome: Poll | undefined
  private endAtMs = Number.POSITIVE_INFINITY
  private lastAtMs = Number.POSITIVE_INFINITY

  constructor(init: OfferInit) {
    this.init = init
    this.home = new Tally(init.plan.homeVoters)
  }

  /** The record was handed to the network. */
  get hasLeft(): boolean {
    return this.step === 'offering' || this.step === 'last'
  }

  begin(): void {
    const { key, ballot, plan, polls } = this.init
    this.toHome = polls.ask({ kind: 'reserve', key, ballot }, plan.homeVoters, this)
    this.giveTime(this.toHome)
  }

  voted({ body, sender }: Vote): void {
    const { ballot, listener } = this.init
    if (this.step === 'over') return
    if (body.kind === 'chosen') return listener.chosen(body.record, undefined)
    if (body.kind === 'stale') return this.fail('outdated')
    if (body.kind === 'seen' || compareBallots(body.ballot, ballot) !== 0) return
    if (body.kind === 'rejected') return this.fail(this.step === 'asking' ? 'refused' : 'contended')
    if (body.kind === 'taken') return this.onTaken(sender.id)
    if (body.kind === 'promised' && this.step === 'asking') {
      if (body.accepted !== undefined) return this.fail('refused')
      this.home.yes(sender.id)
      if (this.home.verdict() === 'won') this.offer()
    } else if (body.kind === 'committed' && this.step === 'last') this.onCommitted(sender.id)
  }

  tick(): void {
    const { nowMs } = this.init.moment
    if (this.step === 'offering' && nowMs >= this.lastAtMs) {
      this.init.offering.onLastNeeded()
      this.askLast()
    }
    if (this.step !== 'over' && !this.isPossible()) this.fail('outdated')
    if (this.step !== 'over' && nowMs >= this.endAtMs) this.fail('unanswered')
  }

  close(): void {
    const { polls } = this.init
    this.step = 'over'
    polls.close(this.toHome)
    polls.close(this.offered)
  }

  private offer(): void {
    const { key, ballot, record, plan, polls, listener, isTakenAtHome } = this.init
    polls.close(this.toHome)
    if (!listener.leaving()) return this.fail('refused')
    this.step = 'offering'
    const asked = isTakenAtHome ? plan.quorum : plan.otherVoters
    this.offered = polls.ask({ kind: 'offer', key, ballot, record, home: plan.home.home }, asked, this)
    this.giveTime(this.offered)
  }

  private onTaken(voter: IdentityId): void {
    const { plan, isTakenAtHome, moment, latencies } = this.init
    this.taken.add(voter)
    const whole = plan.others.filter((unit) => this.isWhole(unit)).length
    if (isTakenAtHome && whole === plan.others.length && this.isWhole(plan.home)) return this.succeed()
    if (whole < plan.needed || this.isEnough) return
    this.isEnough = true
    const elapsedMs = this.offered === undefined ? 0 : moment.nowMs - this.offered.openedAtMs
    latencies.observeQuorum(elapsedMs)
    if (!isTakenAtHome) this.askLast()
    // The others have it on their disks at about the same time. Who needs more than twice as long as
    // those who are enough is not waited for.
    else this.lastAtMs = moment.nowMs + elapsedMs
  }

  private askLast(): void {
    const { key, ballot, record, plan, polls } = this.init
    this.step = 'last'
    this.committed = new Tally(plan.homeVoters)
    this.toHome = polls.ask({ kind: 'commit', key, ballot, record }, plan.homeVoters, this)
    this.giveTime(this.toHome)
  }

  private onCommitted(voter: IdentityId): void {
    this.committed?.yes(voter)
    if (this.committed?.verdict() === 'won') this.succeed()
  }

  /** Somebody who is needed may have fallen silent since. */
  private isPossible(): boolean {
    const { offering, plan } = this.init
    if (!offering.isHomeHeard(plan)) return false
    return this.step !== 'offering' || offering.isWorthwhile(plan, (unit) => this.isWhole(unit))
  }

  private isWhole({ voters }: Unit): boolean {
    return voters.every(({ id }) => this.taken.has(id))
  }

  private succeed(): void {
    const { record, ballot, listener } = this.init
    this.close()
    listener.chosen(record, ballot)
  }

  private fail(why: OfferFailure): void {
    this.close()
    this.init.listener.failed(why)
  }

  private giveTime({ usualMs }: Poll): void {
    this.endAtMs = this.init.moment.nowMs + Math.max(PATIENCE_LEAST_MS, PATIENCE_USUALS * usualMs)
  }
}
