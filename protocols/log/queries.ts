/**
 * Queries at the replica that was asked: each waits until its store has applied what it must see.
 */
import type { LogClient, Question } from './events.ts'
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
  /** Has the leader asked what queries must see; false while none is known. */
  private readonly ask: (number: number, mayLease: boolean) => boolean
  private readonly waiting = new Map<LogClient, Query>()
  /** No deadline is before it. */
  private soonestMs = Number.POSITIVE_INFINITY
  private lastNumber: number

  constructor(state: ReplicaState, ask: (number: number, mayLease: boolean) => boolean) {
    this.state = state
    this.ask = ask
    // An answer to a question of the process before must not answer one of now.
    this.lastNumber = Math.floor(state.settings.random() * 2 ** 47)
  }

  get wakeAtMs(): number {
    return this.waiting.size === 0 ? Number.POSITIVE_INFINITY : this.soonestMs
  }

  /** All that a turn brings: they share one question to the leader. */
  query(questions: readonly Question[]): void {
    for (const question of questions) this.take(question)
    this.askAll()
    this.serve()
  }

  private take({ client, consistency, deadlineMs }: Question): void {
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
    this.soonestMs = Math.min(this.soonestMs, deadlineMs)
  }

  cancel(client: LogClient): void {
    this.waiting.delete(client)
  }

  /** The leader says what the queries of that question must see. */
  answered(number: number, index: number): void {
    for (const query of this.waiting.values()) if (query.number === number) query.index ??= index
    this.serve()
  }

  /** Asks for those who have not been asked for in this term, or long ago. */
  askAll(): void {
    const { nowMs, term, settings } = this.state
    const due: Query[] = []
    for (const query of this.waiting.values()) {
      const isAsked = query.askedTerm === term && nowMs - query.askedMs < settings.electionMs
      if (query.index === undefined && !isAsked) due.push(query)
    }
    if (due.length > 0) for (const some of Map.groupBy(due, ({ mayLease }) => mayLease).values()) this.askFor(some)
  }

  private askFor(queries: readonly Query[]): void {
    const { nowMs, term } = this.state
    const number = (this.lastNumber += 1)
    for (const query of queries) query.number = number
    if (!this.ask(number, queries[0]?.mayLease === true)) return
    for (const query of queries) Object.assign(query, { askedTerm: term, askedMs: nowMs })
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
    this.soonestMs = Number.POSITIVE_INFINITY
    for (const { client, deadlineMs } of this.waiting.values()) {
      if (deadlineMs > this.state.nowMs) {
        this.soonestMs = Math.min(this.soonestMs, deadlineMs)
        continue
      }
      this.waiting.delete(client)
      this.state.answer(client, { kind: 'unavailable', why: this.state.isStalled ? 'stalled' : 'no-majority' })
    }
    this.askAll()
  }
}
