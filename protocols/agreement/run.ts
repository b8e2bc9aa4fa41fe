/**
 * One coordinator's work on one register: reserve, then commit, until the register is chosen
 * (single-decree Paxos). A put that nobody is seen to contend begins with an offer, which is chosen
 * in one long round trip or ends in the two phases (`offer-attempt.ts`). All who want something of
 * the register at this peer, be it a put, a read
 * that met doubt, or a voter that finishes what another began, are claims on the same run, in
 * order.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { IdentityId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { InForce, Installed } from '../base/installed.ts'
import { Tally } from '../base/quorum.ts'
import type { Doubts } from './doubts.ts'
import type { Latencies } from './latency.ts'
import { OfferAttempt } from './offer-attempt.ts'
import type { OfferFailure } from './offer-attempt.ts'
import type { Offering } from './offering.ts'
import { toFinish } from './offers.ts'
import { contendedPauseMs, lingerMs, longestPauseMs } from './patience.ts'
import type { Poll, PollListener, Polls } from './polls.ts'
import type { AcceptorRequest, Vote } from '../wire/agreement-messages.ts'
import { ReadCount } from './read-count.ts'
import type { RoundTrips } from './round-trips.ts'
import type { Rounds } from './rounds.ts'
import type { Settlement } from './settlement.ts'
import type { SpaceOf } from './space.ts'

export type ClaimResult =
  | { readonly kind: 'chosen'; readonly record: ValueRecord }
  /**
   * A reserve quorum that was asked after the claim was made held nothing; only for claims without
   * a record.
   */
  | { readonly kind: 'empty' }
  | { readonly kind: 'expired' }

export interface Claim {
  /**
   * What to write when nothing is chosen or accepted; undefined to finish only what others began.
   */
  readonly record: ValueRecord | undefined
  readonly deadlineMs: number
  /** A commit that carries this claim's record was handed to the network. */
  commitSent: boolean
  /** A reserve was sent after the claim was made. */
  asked: boolean
  /** Called once. */
  readonly settle: (result: ClaimResult) => void
}

type Phase = 'idle' | 'offering' | 'reserving' | 'committing' | 'waiting' | 'reading' | 'over'

/** What a run needs of the peer around it. */
export interface RunContext {
  readonly moment: Moment
  readonly rounds: Rounds
  readonly chain: InForce
  readonly polls: Polls
  readonly latencies: Latencies
  readonly roundTrips: RoundTrips
  /** Other coordinators at work on a register in doubt here. */
  readonly rivals: Pick<Doubts, 'onRival' | 'rivalUntilMs'>
  readonly random: () => number
  readonly spaceOf: SpaceOf
  readonly offering: Pick<Offering, 'plan' | 'isHomeHeard' | 'isWorthwhile' | 'isTakenAtHome' | 'onLastNeeded' | 'onMade' | 'onUnanswered'>
  /** Nobody else is seen at work on the register: this voter holds nothing and promised nothing. */
  readonly isUntouched: (key: RegisterKey) => boolean
  /**
   * A record was found to be chosen: with its ballot when a quorum is known to hold it at that
   * ballot.
   */
  readonly chose: (key: RegisterKey, record: ValueRecord, ballot: Ballot | undefined) => void
}

export class Run implements PollListener {
  readonly key: RegisterKey
  private readonly context: RunContext
  private claims: Claim[] = []
  private phase: Phase = 'idle'
  private poll: Poll | undefined
  private tally: Tally | undefined
  private readCount: ReadCount | undefined
  private ballot: Ballot | undefined
  /** The config that a reserve was asked in. */
  private asked: Installed | undefined
  /** What those showed who promised. */
  private readonly shown = new Map<IdentityId, Accepted | undefined>()
  private attempt: OfferAttempt | undefined
  private committing: ValueRecord | undefined
  private wasRejected = false
  private tries = 0
  private wakeAtMs = Number.POSITIVE_INFINITY
  private lingerUntilMs: number | undefined

  constructor(key: RegisterKey, context: RunContext) {
    this.key = key
    this.context = context
  }

  private get settlement(): Settlement {
    return this.context.spaceOf(this.key).settlement
  }

  get isOver(): boolean {
    return this.phase === 'over'
  }

  join(claim: Claim): void {
    this.claims.push(claim)
    this.lingerUntilMs = undefined
  }

  /** @param readFirst when somebody else has probably finished already */
  begin(readFirst: boolean): void {
    if (readFirst) this.read()
    else if (!this.offer()) this.reserve()
  }

  /**
   * A newer config is installed: a read or a reserve of the old one ends; a commit may still be
   * counted under its own.
   */
  configInstalled(): void {
    if (this.phase !== 'committing' && this.phase !== 'over') this.reserve()
  }

  voted(vote: Vote): void {
    const { body } = vote
    if (body.kind === 'chosen') this.context.chose(this.key, body.record, undefined)
    else if (body.kind === 'stale') this.restartIfStale()
    else if (this.phase === 'reserving') this.countReserve(vote)
    else if (this.phase === 'committing') this.countCommit(vote)
    else if (this.phase === 'reading') this.countRead(vote)
  }

  tick(): void {
    const { nowMs } = this.context.moment
    this.expire(nowMs)
    if (this.phase === 'over') return
    this.attempt?.tick()
    if (this.phase === 'waiting' && nowMs >= this.wakeAtMs) this.read()
    else if (this.isStuck(nowMs)) this.backOff()
  }

  /** A record is chosen: the claims that it ends have their result, and any others go on. */
  chosen(record: ValueRecord): void {
    const ended = this.claims.filter((claim) => this.settlement.ends(claim, record))
    if (ended.length === this.claims.length) return this.end({ kind: 'chosen', record })
    this.claims = this.claims.filter((claim) => !ended.includes(claim))
    for (const claim of ended) claim.settle({ kind: 'chosen', record })
    this.reserve()
  }

  /** A client hung up: a claim whose record was never sent is let go. */
  abandon(claim: Claim): void {
    if (!claim.commitSent) this.claims = this.claims.filter((other) => other !== claim)
    this.closeIfIdle(this.context.moment.nowMs)
  }

  /**
   * A voter answered from a later epoch; once that is installed here, start over, remembering whose
   * commit was sent.
   */
  private restartIfStale(): void {
    if (this.isOutdated) this.reserve()
  }

  /**
   * A commit of an older epoch than the newest: those who would have to answer it may be gone for
   * good.
   */
  private get isOutdated(): boolean {
    return this.phase === 'committing' && this.ballot !== undefined && this.ballot.epoch < this.context.chain.epoch
  }

  /**
   * Nothing decided it within twice the usual time, and that messages were lost need not be the
   * reason.
   */
  private isStuck(nowMs: number): boolean {
    const { poll } = this
    return (this.wasRejected || this.isOutdated) && poll !== undefined && nowMs > poll.openedAtMs + 2 * poll.usualMs
  }

  /** @returns false where the two phases are to begin */
  private offer(): boolean {
    const { offering, rounds, polls, moment, latencies, isUntouched, spaceOf } = this.context
    const claim = this.claims.find(({ record }) => record !== undefined)
    if (claim?.record === undefined || !spaceOf(this.key).isOffered(this.key) || !isUntouched(this.key)) return false
    const plan = offering.plan()
    if (plan === undefined) return false
    const listener = {
      leaving: (): boolean => this.isLeaving(claim),
      chosen: (record: ValueRecord, ballot: Ballot | undefined): void => {
        if (ballot !== undefined) this.context.offering.onMade()
        this.context.chose(this.key, record, ballot)
      },
      failed: (why: OfferFailure): void => this.offerFailed(why),
    }
    this.phase = 'offering'
    const { key } = this
    const ballot = rounds.next(plan.epoch)
    this.attempt = new OfferAttempt({
      key,
      record: claim.record,
      ballot,
      plan,
      isTakenAtHome: offering.isTakenAtHome(plan),
      offering,
      polls,
      moment,
      latencies,
      listener,
    })
    this.attempt.begin()
    return true
  }

  /** @returns false for a claim that has its result: it was told that nothing was sent */
  private isLeaving(claim: Claim): boolean {
    if (!this.claims.includes(claim)) return false
    claim.commitSent = true
    return true
  }

  /** The two phases follow, at once but for a rival, who is given time to end what it began. */
  private offerFailed(why: OfferFailure): void {
    this.attempt = undefined
    if (why === 'unanswered') this.context.offering.onUnanswered()
    if (why !== 'contended') return this.reserve()
    this.context.rivals.onRival(this.key)
    this.tries += 1
    this.phase = 'waiting'
    const pauseMs = contendedPauseMs(this.context.random(), this.context.roundTrips.latelyToDecideMs(this.key))
    this.wakeAtMs = this.context.moment.nowMs + pauseMs
  }

  private reserve(): void {
    const installed = this.context.chain.current
    this.leavePoll()
    this.phase = 'idle'
    if (installed === undefined) return
    const quorum = this.context.spaceOf(this.key).quorum(installed)
    const ballot = this.context.rounds.next(installed.config.epoch)
    this.phase = 'reserving'
    this.ballot = ballot
    this.asked = installed
    this.shown.clear()
    this.wasRejected = false
    for (const claim of this.claims) claim.asked = true
    this.tally = new Tally(quorum)
    this.ask({ kind: 'reserve', key: this.key, ballot }, quorum)
  }

  private countReserve(vote: Vote): void {
    const { body, sender } = vote
    const { ballot, tally } = this
    if (ballot === undefined || tally === undefined) return
    if (body.kind === 'rejected' && compareBallots(body.ballot, ballot) === 0) return this.rejected(vote, body.higher, tally)
    if (body.kind !== 'promised' || compareBallots(body.ballot, ballot) !== 0) return
    this.shown.set(sender.id, body.accepted)
    tally.yes(sender.id)
    if (tally.verdict() === 'won') this.reserved(ballot)
  }

  /** A quorum promised. What is committed depends on how the register settles. */
  private reserved(ballot: Ballot): void {
    const { poll, asked } = this
    const { latencies, moment } = this.context
    if (poll === undefined || asked === undefined) return
    latencies.observeQuorum(moment.nowMs - poll.openedAtMs)
    const found = toFinish(this.shown, asked.units)
    if (found === undefined) this.settleEmpty()
    const choice = this.settlement.choose(found, this.claims)
    if (choice !== undefined) {
      if (choice.claim !== undefined) choice.claim.commitSent = true
      this.commit(ballot, choice.record, poll)
    } else if (this.claims.length > 0) this.reserve()
    else this.finish()
  }

  private commit(ballot: Ballot, record: ValueRecord, reserved: Poll): void {
    this.leavePoll()
    this.phase = 'committing'
    this.wasRejected = false
    this.committing = record
    this.tally = new Tally(reserved.quorum)
    this.ask({ kind: 'commit', key: this.key, ballot, record }, reserved.quorum)
  }

  private countCommit(vote: Vote): void {
    const { body, sender } = vote
    const { ballot, tally, committing } = this
    if (ballot === undefined || tally === undefined || committing === undefined) return
    if (body.kind === 'rejected' && compareBallots(body.ballot, ballot) === 0) return this.rejected(vote, body.higher, tally)
    if (body.kind !== 'committed' || compareBallots(body.ballot, ballot) !== 0) return
    tally.yes(sender.id)
    if (tally.verdict() === 'won') this.context.chose(this.key, committing, ballot)
  }

  private read(): void {
    const installed = this.context.chain.current
    this.leavePoll()
    this.phase = 'idle'
    if (installed === undefined) return
    const quorum = this.context.spaceOf(this.key).quorum(installed)
    const { epoch } = installed.config
    this.phase = 'reading'
    this.readCount = new ReadCount(quorum, installed)
    this.ask({ kind: 'read', key: this.key, epoch }, quorum)
  }

  /** A rival has usually finished by now: its result is adopted, else the next ballot is tried. */
  private countRead(vote: Vote): void {
    const result = this.readCount?.add(vote)
    if (result === undefined || result.kind === 'pending') return
    if (result.kind === 'chosen') this.context.chose(this.key, result.record, result.ballot)
    else if (!this.isLeftToRival()) this.reserve()
  }

  /**
   * Whoever only finishes has no haste: a rival that was seen gets the time it needs, and is then
   * read of once more.
   */
  private isLeftToRival(): boolean {
    const untilMs = this.context.rivals.rivalUntilMs(this.key)
    if (untilMs <= this.context.moment.nowMs || this.claims.some(({ record }) => record !== undefined)) return false
    this.leavePoll()
    this.phase = 'waiting'
    this.wakeAtMs = untilMs
    return true
  }

  private rejected(vote: Vote, higher: Ballot, tally: Tally): void {
    this.context.rivals.onRival(this.key)
    this.context.rounds.observe(higher.round)
    this.wasRejected = true
    tally.no(vote.sender.id)
    if (tally.verdict() === 'lost') this.backOff()
  }

  private backOff(): void {
    this.leavePoll()
    this.tries += 1
    const mostMs = longestPauseMs(this.tries, this.context.roundTrips.latelyToDecideMs(this.key))
    this.phase = 'waiting'
    this.wasRejected = false
    this.wakeAtMs = this.context.moment.nowMs + this.context.random() * mostMs
  }

  private expire(nowMs: number): void {
    if (this.claims.some((claim) => claim.deadlineMs <= nowMs)) {
      const late = this.claims.filter((claim) => claim.deadlineMs <= nowMs)
      this.claims = this.claims.filter((claim) => claim.deadlineMs > nowMs)
      for (const claim of late) claim.settle({ kind: 'expired' })
    }
    this.closeIfIdle(nowMs)
  }

  private closeIfIdle(nowMs: number): void {
    if (this.claims.length > 0 || this.phase === 'over') return
    if (this.phase !== 'committing' && this.attempt?.hasLeft !== true) return this.finish()
    this.lingerUntilMs ??= nowMs + lingerMs(this.context.roundTrips.toDecideMs(this.key))
    if (nowMs >= this.lingerUntilMs) this.finish()
  }

  /**
   * Claims that only finish learn that there is nothing to finish, if the reserve was sent after
   * they came.
   */
  private settleEmpty(): void {
    const empty = this.claims.filter((claim) => claim.record === undefined && claim.asked)
    if (empty.length > 0) this.claims = this.claims.filter((claim) => !empty.includes(claim))
    for (const claim of empty) claim.settle({ kind: 'empty' })
  }

  private ask(body: AcceptorRequest, quorum: Poll['quorum']): void {
    this.poll = this.context.polls.ask(body, quorum, this)
  }

  private leavePoll(): void {
    this.context.polls.close(this.poll)
    this.poll = undefined
    this.attempt?.close()
    this.attempt = undefined
  }

  private end(result: ClaimResult): void {
    const { claims } = this
    this.finish()
    for (const claim of claims) claim.settle(result)
  }

  private finish(): void {
    this.leavePoll()
    this.phase = 'over'
    this.claims = []
  }
}
