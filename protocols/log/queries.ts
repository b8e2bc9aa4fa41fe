/**
 * Queries at the replica that was asked: each waits until its store has applied what it must see.
 */
import type { Consistency, LogClient } from './events.ts'
import type { ReplicaState } from './state.ts'

interface Query {
  readonly client: LogClient
  readonly deadlineMs: number
  readonly mayLease: boolean
  /** What the store must have applied; undefined until the leader says so. */
  index: number | undefined
  /** The term of what it must have applied: a store of an ended generation may have the index alone. */
  readonly term: number
  /** The number of the question to the leader, and the term it went to. */
  number: number
  askedTerm: number
  askedMs: number
}

export class Queries {
  private readonly state: ReplicaState
  /** Has the leader asked what a query must see; false while none is known. */
  private readonly ask: (number: number, mayLease: boolean) => boolean
  private readonly waiting = new Map<LogClient, Query>()
  private lastNumber: number

  constructor(state: ReplicaState, ask: (number: number, mayLease: boolean) => boolean) {
    this.state = state
    this.ask = ask
    // An answer to a question of the process before must not answer one of now.
    this.lastNumber = Math.floor(state.settings.random() * 2 ** 47)
  }

  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.waiting.values()) wakeAtMs = Math.min(wakeAtMs, deadlineMs)
    return wakeAtMs
  }

  query(client: LogClient, consistency: Consistency, deadlineMs: number): void {
    const { applied, differingIndex, isStalled, nowMs } = this.state
    if (consistency === 'local') {
      if (applied === undefined || differingIndex !== undefined) return this.state.answer(client, { kind: 'unavailable', why: 'stalled' })
      return this.state.emit({ kind: 'read-ready', client, index: applied })
    }
    const index = typeof consistency === 'string' ? undefined : consistency.after.index
    if (index === undefined && isStalled) return this.state.answer(client, { kind: 'unavailable', why: 'stalled' })
    const mayLease = consistency === 'lease'
    const term = typeof consistency === 'string' ? 0 : consistency.after.term
    this.waiting.set(client, { client, deadlineMs, mayLease, index, term, number: 0, askedTerm: 0, askedMs: nowMs })
    this.askAll()
    this.serve()
  }

  cancel(client: LogClient): void {
    this.waiting.delete(client)
  }

  /** The leader says what the question of that number must see. */
  answered(number: number, index: number): void {
    for (const query of this.waiting.values()) if (query.number === number) query.index ??= index
    this.serve()
  }

  /** Asks for those who have not been asked for in this term, or long ago. */
  askAll(): void {
    const { nowMs, term, settings } = this.state
    for (const query of this.waiting.values()) {
      const isAsked = query.askedTerm === term && nowMs - query.askedMs < settings.electionMs
      if (query.index !== undefined || isAsked) continue
      const number = (this.lastNumber += 1)
      query.number = number
      if (!this.ask(number, query.mayLease)) continue
      query.askedTerm = term
      query.askedMs = nowMs
    }
  }

  /** Hands over those whose store is far enough. */
  serve(): void {
    const { applied, isStalled, tail } = this.state
    if (applied === undefined || isStalled) return
    const appliedTerm = tail.termAt(applied) ?? 0
    for (const { client, index, term } of this.waiting.values()) {
      if (index === undefined || index > applied || term > appliedTerm) continue
      this.waiting.delete(client)
      this.state.emit({ kind: 'read-ready', client, index })
    }
  }

  tick(): void {
    for (const { client, deadlineMs } of this.waiting.values()) {
      if (deadlineMs > this.state.nowMs) continue
      this.waiting.delete(client)
      this.state.answer(client, { kind: 'unavailable', why: this.state.isStalled ? 'stalled' : 'no-majority' })
    }
    this.askAll()
  }
}
