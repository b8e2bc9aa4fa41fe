/**
 * Commands at the peer that took them in. Each goes to the leader of one term, which takes it in
 * that term alone and its number once. So a command that its client did not name is ordered at most
 * once. What became of it is read off the log: the entry with its name has its outcome, and an
 * entry of a later term without it before says that it was never ordered.
 */
import { equalBytes } from '../base/record.ts'
import type { SubmitId } from './entry.ts'
import type { Applied, LogAnswer, LogClient, Submit } from './events.ts'
import { SUBMITS_PER_MESSAGE_MAX } from './limits.ts'
import type { Forwarded } from './message.ts'
import type { Refusal } from './outcome.ts'
import type { ReplicaState } from './state.ts'

interface Pending {
  readonly submit: Submit
  /** Of the try under way; a further term's try has another. */
  number: number
  /** The term whose leader was given it; undefined while none was that can still order it. */
  sentTerm: number | undefined
  sentMs: number
  tries: number
  /** A snapshot passed over the place where it would show that it was never ordered. */
  isUncertain: boolean
}

/**
 * Gives commands to the leader of the term. @returns false while no leader is known, or it takes
 * none for now
 */
export type Give = (start: number, submits: readonly Forwarded[]) => boolean

export class Submits {
  private readonly state: ReplicaState
  private readonly give: Give
  private readonly pending = new Map<SubmitId, Pending>()
  /** Those that were given a number, by that of the try under way. */
  private readonly given = new Map<number, Pending>()
  /** No deadline is before it. */
  private soonestMs = Number.POSITIVE_INFINITY
  private readonly start: number
  private lastNumber = 0
  /** The highest term of which an entry was applied. */
  private appliedTerm = 0

  constructor(state: ReplicaState, give: Give) {
    this.state = state
    this.give = give
    this.start = Math.floor(state.settings.random() * 2 ** 47)
  }

  get wakeAtMs(): number {
    return this.pending.size === 0 ? Number.POSITIVE_INFINITY : this.soonestMs
  }

  submit(submits: readonly Submit[]): void {
    const fresh: Pending[] = []
    for (const submit of submits) {
      const { client, submitId, command, deadlineMs } = submit
      if (command.length > this.state.settings.limits.commandBytesMax) this.state.answer(client, { kind: 'not-ordered', why: 'too-large' })
      else if (this.pending.has(submitId)) this.state.answer(client, { kind: 'in-doubt' })
      else {
        const untold: Pending = { submit, number: 0, sentTerm: undefined, sentMs: 0, tries: 0, isUncertain: false }
        this.pending.set(submitId, untold)
        this.soonestMs = Math.min(this.soonestMs, deadlineMs)
        fresh.push(untold)
      }
    }
    // Others are given when a leader is found, and again when that may be needed.
    this.send(fresh)
  }

  cancel(client: LogClient): void {
    for (const each of this.pending.values()) if (each.submit.client === client) this.forget(each)
  }

  /** Gives the leader what it has not got: new ones, and what may have been lost on the way. */
  sendAll(): void {
    const { nowMs, term, settings } = this.state
    const due = [...this.pending.values()].filter((each) => {
      if (each.sentTerm === undefined) return true
      return each.sentTerm === term && nowMs - each.sentMs >= settings.electionMs
    })
    this.send(due)
  }

  private send(due: readonly Pending[]): void {
    for (let from = 0; from < due.length; from += SUBMITS_PER_MESSAGE_MAX) {
      const some = due.slice(from, from + SUBMITS_PER_MESSAGE_MAX)
      const before = some.map(({ sentTerm, sentMs, tries }) => ({ sentTerm, sentMs, tries }))
      for (const each of some) this.take(each)
      if (this.give(this.start, some.map(forwarded))) continue
      for (const [place, each] of some.entries()) Object.assign(each, before[place])
    }
  }

  /** @param start of the numbers: those of an earlier process are not ours */
  refused(start: number, numbers: readonly number[], refusal: Refusal): void {
    if (start !== this.start) return
    for (const number of numbers) {
      const each = this.given.get(number)
      if (each?.sentTerm !== undefined) this.end(each, this.unordered(each, refusal))
    }
  }

  /** Entries reached the store, in order. */
  applied(outcomes: readonly Applied[]): void {
    for (const { position, outcome } of outcomes) {
      if (position.term > this.appliedTerm) this.passed(position.term)
      const body = this.state.tail.at(position.index)?.body
      const pending = body?.kind === 'command' ? this.pending.get(body.submitId) : undefined
      // Another command may have been sent under the same name: its outcome is not ours.
      const isOurs = pending !== undefined && body?.kind === 'command' && equalBytes(pending.submit.command, body.command)
      if (isOurs) this.end(pending, { kind: 'outcome', position, outcome })
    }
  }

  /** The leader says what came of the command of that number. */
  result(start: number, number: number, answer: LogAnswer): void {
    if (start !== this.start) return
    const pending = this.given.get(number)
    if (pending?.sentTerm !== undefined) this.end(pending, answer)
  }

  /** The store stands where a snapshot put it: entries were passed over unseen. */
  jumped(): void {
    for (const each of this.pending.values()) each.isUncertain = each.sentTerm !== undefined
  }

  tick(): void {
    this.soonestMs = Number.POSITIVE_INFINITY
    for (const each of this.pending.values()) {
      const { deadlineMs } = each.submit
      if (deadlineMs > this.state.nowMs) this.soonestMs = Math.min(this.soonestMs, deadlineMs)
      else this.end(each, each.sentTerm === undefined ? this.unordered(each, 'no-leader') : { kind: 'in-doubt' })
    }
    this.sendAll()
  }

  /**
   * An entry of this term has its place: what went to leaders before and is not before it never
   * will be.
   */
  private passed(term: number): void {
    this.appliedTerm = term
    for (const each of this.pending.values()) {
      if (each.sentTerm === undefined || each.sentTerm >= term || each.isUncertain) continue
      each.sentTerm = undefined
      if (!each.submit.isNamedByClient) this.end(each, { kind: 'not-ordered', why: 'leader-changed' })
    }
    this.sendAll()
  }

  private take(each: Pending): void {
    if (each.sentTerm === undefined) {
      this.given.delete(each.number)
      this.lastNumber += 1
      each.number = this.lastNumber
      this.given.set(each.number, each)
      each.tries += 1
    }
    each.sentTerm = this.state.term
    each.sentMs = this.state.nowMs
  }

  /**
   * The try under way is not ordered. An earlier one of a name that the client gave may still be.
   */
  private unordered({ submit, tries }: Pending, why: Refusal | 'no-leader'): LogAnswer {
    return submit.isNamedByClient && tries > 1 ? { kind: 'in-doubt' } : { kind: 'not-ordered', why }
  }

  private end(each: Pending, answer: LogAnswer): void {
    this.forget(each)
    this.state.answer(each.submit.client, answer)
  }

  private forget({ submit, number }: Pending): void {
    this.pending.delete(submit.submitId)
    this.given.delete(number)
  }
}

function forwarded({ number, submit: { submitId, since, command } }: Pending): Forwarded {
  return { number, submitId, since, command }
}
