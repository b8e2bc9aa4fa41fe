/**
 * One coordinator's work on one register: reserve at a quorum, judge what waits on what it shows,
 * commit the next version. After its own commit it remembers the ballot, so that the next write is
 * judged and committed at once, at the same ballot. At one ballot nothing is sent before what was
 * sent earlier is chosen, and what was sent at a ballot and version never changes.
 */
import type { Doubts } from '../agreement/doubts.ts'
import type { Latencies } from '../agreement/latency.ts'
import { lingerMs, longestPauseMs } from '../agreement/patience.ts'
import type { Poll, PollListener, Polls } from '../agreement/polls.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { Rounds } from '../agreement/rounds.ts'
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import { Tally } from '../base/quorum.ts'
import type { Quorum } from '../base/quorum.ts'
import type { RegisterKey } from '../base/register.ts'
import { batchOf, expire, writeOf } from './claims.ts'
import type { Claim, WriteClaim } from './claims.ts'
import { planOf, settling } from './plan.ts'
import type { Judged } from './plan.ts'
import type { Cast, Question } from './questions.ts'
import { equalRegisterRecords } from './record.ts'
import type { Entry, RegisterRecord } from './record.ts'
import type { Remembered } from './remembered.ts'
import type { Forwards } from './forwards.ts'
import { HandedOver } from './handed-over.ts'
import { Showing } from './showing.ts'
import type { View } from './showing.ts'

type Phase = 'idle' | 'reserving' | 'committing' | 'waiting' | 'forwarding' | 'over'

export interface RunContext {
  readonly moment: Moment
  readonly rounds: Rounds
  readonly chain: InForce
  readonly polls: Polls<Question, Cast>
  readonly latencies: Latencies
  readonly roundTrips: RoundTrips
  /** Other coordinators at work on a register in doubt here. */
  readonly rivals: Pick<Doubts, 'onRival' | 'rivalUntilMs'>
  readonly random: () => number
  readonly remembered: Remembered
  readonly forwards: Forwards
  /** The version that is held, or where nothing is the highest that was ever forgotten. */
  readonly current: (key: RegisterKey) => number
  /** True where this peer's own vote would refuse a commit at this ballot by now. */
  readonly isOvertaken: (key: RegisterKey, ballot: Ballot) => boolean
  /** Names a write that nobody made. */
  readonly freshWriteId: () => string
  /**
   * An entry was found to be chosen. @param isAtQuorum a quorum is known to have accepted it at its
   * ballot
   */
  readonly chose: (key: RegisterKey, entry: Entry, isAtQuorum: boolean) => void
}

/** A commit under way, and what its claims are told once it is chosen. */
interface Committing {
  readonly ballot: Ballot
  readonly record: RegisterRecord
  readonly tally: Tally
  readonly results: ReadonlyMap<Claim, Judged | undefined>
}

export class Run implements PollListener<Question, Cast> {
  readonly key: RegisterKey
  private readonly context: RunContext
  private claims: Claim[] = []
  private phase: Phase = 'idle'
  private poll: Poll<Question, Cast> | undefined
  private ballot: Ballot | undefined
  private showing: Showing | undefined
  private committing: Committing | undefined
  private readonly handedOver: HandedOver
  private wasRejected = false
  private tries = 0
  private wakeAtMs = Number.POSITIVE_INFINITY
  private lingerUntilMs: number | undefined

  constructor(key: RegisterKey, context: RunContext) {
    this.key = key
    this.context = context
    this.handedOver = new HandedOver(key, context, (claim, result) => this.endedElsewhere(claim, result))
  }

  get isOver(): boolean {
    return this.phase === 'over'
  }

  join(claim: Claim): void {
    this.claims.push(claim)
    this.lingerUntilMs = undefined
    if (this.phase === 'idle') this.next()
    else if (this.phase === 'forwarding') this.handedOver.hand(this.claims)
  }

  /** True while more may be committed at this ballot. */
  isAt(ballot: Ballot): boolean {
    const own = this.phase === 'committing' ? this.committing?.ballot : this.phase === 'reserving' ? this.ballot : undefined
    return own !== undefined && compareBallots(own, ballot) === 0
  }

  /** Nobody waits for the claim any more; one that was committed is carried on. */
  abandon(claim: Claim): void {
    if (claim.kind === 'settle' || !claim.commitSent) this.claims = this.claims.filter((other) => other !== claim)
    this.closeIfIdle(this.context.moment.nowMs)
  }

  /**
   * A newer config is installed: a reserve of the old one ends; a commit may still be counted under
   * its own.
   */
  configInstalled(): void {
    if (this.phase !== 'committing' && this.phase !== 'over') this.reserve()
  }

  voted(vote: Cast): void {
    if (vote.body.kind === 'stale') this.restartIfStale()
    else if (this.phase === 'reserving') this.countReserve(vote)
    else if (this.phase === 'committing') this.countCommit(vote)
  }

  tick(): void {
    const { nowMs } = this.context.moment
    this.expire(nowMs)
    if (this.phase === 'over') return
    if (this.phase === 'forwarding') this.lookAtForwarded()
    else if (this.phase === 'waiting' && nowMs >= this.wakeAtMs) this.goOn(nowMs)
    else if (this.isStuck(nowMs)) this.backOff()
  }

  /** Whoever only settles has no haste: a rival that was seen gets the time it needs. */
  private goOn(nowMs: number): void {
    const untilMs = this.context.rivals.rivalUntilMs(this.key)
    if (untilMs > nowMs && this.claims.every(({ kind }) => kind === 'settle')) this.wakeAtMs = untilMs
    else if (!this.forward()) this.reserve()
  }

  private restartIfStale(): void {
    if (this.isOutdated) this.reserve()
  }

  /**
   * A commit of an older epoch than the newest: those who would have to answer it may be gone for
   * good.
   */
  private get isOutdated(): boolean {
    return this.phase === 'committing' && this.committing !== undefined && this.committing.ballot.epoch < this.context.chain.epoch
  }

  /**
   * Nothing decided it within twice the usual time, and that messages were lost need not be the
   * reason.
   */
  private isStuck(nowMs: number): boolean {
    const { poll } = this
    return (this.wasRejected || this.isOutdated) && poll !== undefined && nowMs > poll.openedAtMs + 2 * poll.usualMs
  }

  /**
   * What waits goes on: at the ballot of the last commit from here, if nothing speaks against it,
   * else at a new one. Whoever wrote the register since asked the voter here as well, so that a
   * ballot is seldom tried in vain.
   */
  private next(): void {
    const { remembered, chain, isOvertaken } = this.context
    const last = remembered.take(this.key)
    const installed = chain.current
    if (
      last === undefined ||
      installed === undefined ||
      last.ballot.epoch !== installed.config.epoch ||
      isOvertaken(this.key, last.ballot)
    ) {
      if (!this.forward()) this.reserve()
      return
    }
    const { record } = last
    const view: View = { best: last, base: record, number: record.version, isKnown: true }
    if (!this.commitWrites(last.ballot, view, installed.quorum)) this.reserve()
  }

  /** @returns false where the owner of no other ballot is to be given what waits */
  private forward(): boolean {
    this.handedOver.hand(this.claims)
    if (this.handedOver.isEmpty) return false
    this.leave()
    this.phase = 'forwarding'
    return true
  }

  private endedElsewhere(claim: WriteClaim, result: Judged | undefined): void {
    if (result !== undefined) this.deliver(undefined, 0, new Map([[claim, result]]))
    this.lookAtForwarded()
  }

  private lookAtForwarded(): void {
    const { handedOver, claims } = this
    if (handedOver.isLost) return this.reserve()
    handedOver.hand(claims)
    if (!handedOver.isEmpty) return
    if (claims.length > 0) this.reserve()
    else this.finish()
  }

  /**
   * What was forwarded to a ballot that is given up here is let go: whoever forwarded it goes on
   * with it.
   *
   * @returns true when nothing else waits
   */
  private dropForwarded(): boolean {
    const dropped = this.claims.filter((claim) => claim.kind === 'write' && claim.onlyAt !== undefined)
    if (dropped.length === 0) return false
    this.claims = this.claims.filter((claim) => !dropped.includes(claim))
    for (const claim of dropped) expire(claim)
    return this.claims.length === 0
  }

  private reserve(): void {
    this.handedOver.end()
    if (this.dropForwarded()) return this.finish()
    const installed = this.context.chain.current
    this.leave()
    this.phase = 'idle'
    if (installed === undefined) return
    const ballot = this.context.rounds.next(installed.config.epoch)
    this.context.forwards.onReserve(this.key)
    this.phase = 'reserving'
    this.ballot = ballot
    this.wasRejected = false
    for (const claim of this.claims) claim.asked = true
    this.showing = new Showing(installed.quorum)
    this.ask({ kind: 'reserve', key: this.key, ballot }, installed.quorum)
  }

  private countReserve({ body, sender }: Cast): void {
    const { ballot, showing, poll } = this
    if (ballot === undefined || showing === undefined || poll === undefined) return
    if (body.kind === 'rejected' && compareBallots(body.ballot, ballot) === 0) {
      showing.refused(sender)
      return this.rejected(body.higher, showing.verdict() === 'lost')
    }
    if (body.kind !== 'promised' || compareBallots(body.ballot, ballot) !== 0) return
    showing.add(sender, body.shown)
    if (showing.verdict() !== 'won') return
    this.context.latencies.observeQuorum(this.context.moment.nowMs - poll.openedAtMs)
    this.reserved(ballot, showing.view(), poll.quorum)
  }

  private reserved(ballot: Ballot, view: View, quorum: Quorum): void {
    if (this.commitWrites(ballot, view, quorum)) return
    const writes = this.batch()
    const { judged, needsCommit } = planOf(writes.map(writeOf), view)
    const settles = this.claims.filter((claim) => claim.kind === 'settle')
    const results = new Map<Claim, Judged | undefined>(writes.map((claim, place) => [claim, judged[place]]))
    for (const claim of settles) results.set(claim, undefined)
    if (needsCommit || !view.isKnown || settles.some((claim) => claim.needsCommit(view))) {
      const record = settling(view, this.context.freshWriteId)
      return this.commit(ballot, record, quorum, results)
    }
    this.show(view, results)
  }

  /** @returns false when none of the writes that wait applies */
  private commitWrites(ballot: Ballot, view: View, quorum: Quorum): boolean {
    const writes = this.batch()
    const { judged, record } = planOf(writes.map(writeOf), view)
    if (record === undefined) return false
    const results = new Map<Claim, Judged | undefined>()
    for (const [place, claim] of writes.entries()) {
      const result = judged[place]
      results.set(claim, result)
      if (result?.kind !== 'applied') continue
      claim.commitSent = true
      claim.afterSent ??= view.number
    }
    for (const claim of this.claims) if (claim.kind === 'settle') results.set(claim, undefined)
    this.commit(ballot, record, quorum, results)
    return true
  }

  private batch(): WriteClaim[] {
    return batchOf(this.claims)
  }

  /**
   * What a quorum shows is chosen, or there is nothing: whoever asked before that quorum did may be
   * told.
   */
  private show(view: View, results: ReadonlyMap<Claim, Judged | undefined>): void {
    this.leave()
    if (view.base !== undefined && view.best !== undefined) this.context.chose(this.key, view.best, false)
    this.deliver(view.base, view.number, new Map([...results].filter(([claim]) => claim.asked)))
    if (this.claims.length > 0) this.reserve()
    else this.finish()
  }

  private commit(ballot: Ballot, record: RegisterRecord, quorum: Quorum, results: Committing['results']): void {
    this.leave()
    this.phase = 'committing'
    this.wasRejected = false
    this.committing = { ballot, record, tally: new Tally(quorum), results }
    this.ask({ kind: 'commit', key: this.key, ballot, record }, quorum)
  }

  private countCommit({ body, sender }: Cast): void {
    const { committing } = this
    if (committing === undefined || !('ballot' in body) || compareBallots(body.ballot, committing.ballot) !== 0) return
    const { ballot, record, tally } = committing
    if (body.kind === 'rejected') {
      tally.no(sender.id)
      this.rejected(body.higher, tally.verdict() === 'lost')
    } else if (body.kind === 'moved') this.moved(body.held, committing)
    else if (body.kind === 'committed' && body.version === record.version) {
      tally.yes(sender.id)
      if (tally.verdict() === 'won') this.chosen({ ballot, record }, true, committing)
    }
  }

  /**
   * Somebody knows something as new to be chosen: the very record, or one that was made without it.
   */
  private moved(held: Entry, committing: Committing): void {
    if (equalRegisterRecords(held.record, committing.record)) return this.chosen(held, false, committing)
    this.context.chose(this.key, held, false)
    this.reserve()
  }

  private chosen(entry: Entry, isAtQuorum: boolean, { results }: Committing): void {
    const { remembered, chain, chose } = this.context
    this.leave()
    this.tries = 0
    chose(this.key, entry, isAtQuorum)
    if (isAtQuorum && entry.ballot.epoch === chain.epoch) remembered.keep(this.key, entry)
    this.deliver(entry.record, entry.record.version, results)
    if (this.claims.length > 0) this.next()
    else this.finish()
  }

  private deliver(record: RegisterRecord | undefined, number: number, results: ReadonlyMap<Claim, Judged | undefined>): void {
    const ended = this.claims.filter((claim) => results.has(claim))
    this.claims = this.claims.filter((claim) => !results.has(claim))
    for (const claim of ended) {
      claim.isOver = true
      const judged = results.get(claim)
      if (claim.kind === 'settle') claim.settle({ kind: 'settled', record, number })
      else if (judged !== undefined) claim.settle(judged)
    }
  }

  private rejected(higher: Ballot, isLost: boolean): void {
    this.context.rivals.onRival(this.key)
    this.context.forwards.onRejected(this.key, higher, !this.wasRejected)
    this.context.rounds.observe(higher.round)
    this.wasRejected = true
    if (isLost) this.backOff()
  }

  private backOff(): void {
    if (this.dropForwarded()) return this.finish()
    if (this.forward()) return
    this.leave()
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
      for (const claim of late) expire(claim)
    }
    this.closeIfIdle(nowMs)
  }

  private closeIfIdle(nowMs: number): void {
    if (this.claims.length > 0 || this.phase === 'over') return
    if (this.phase !== 'committing') return this.finish()
    this.lingerUntilMs ??= nowMs + lingerMs(this.context.roundTrips.toDecideMs(this.key))
    if (nowMs >= this.lingerUntilMs) this.finish()
  }

  private ask(body: Question, quorum: Quorum): void {
    this.poll = this.context.polls.ask(body, quorum, this)
  }

  private leave(): void {
    this.context.polls.close(this.poll)
    this.poll = undefined
    this.committing = undefined
    this.showing = undefined
  }

  private finish(): void {
    this.handedOver.end()
    this.leave()
    this.phase = 'over'
    this.claims = []
  }
}
