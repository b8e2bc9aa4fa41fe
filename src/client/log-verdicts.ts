/** What a try at a log comes to. Undefined where another try may do better. */
import { detailOf, parse } from './answer.ts'
import type { Answer } from './answer.ts'
import type { CommandName, Position, QueryOutcome, SubmitOutcome } from './log-outcomes.ts'
import { isTransient, NOT_BEGUN, refusedOf } from './refusals.ts'
import type { Tried } from './tries.ts'

const OK = 200
const SINCE_HEADER = 'replicator-since'
/** Told of a command that was never ordered by this try, and never will be. */
const NEVER_ORDERED: ReadonlySet<string | undefined> = new Set([...NOT_BEGUN, 'not-ordered', 'stalled'])

/**
 * One command over all its tries, which carry one name. So each try after the first is the same
 * command, and stores remember what they made of it.
 */
export class SubmitVerdict {
  readonly #id: string
  /** True when the caller chose the name: then an earlier try may be under way elsewhere. */
  readonly #isNamed: boolean
  #since: number | undefined
  #maybeSent = false

  constructor({ id, since }: CommandName, isNamed: boolean) {
    this.#id = id
    this.#since = since
    this.#isNamed = isNamed
  }

  get headers(): Readonly<Record<string, string>> {
    const since = this.#since
    return { 'Idempotency-Key': this.#id, ...(since !== undefined && { 'Replicator-Since': String(since) }) }
  }

  judge(tried: Tried): SubmitOutcome | undefined {
    if (tried.kind === 'unsent') return undefined
    if (tried.kind === 'lost') return this.#sent()
    const { answer } = tried
    const { facts, status, problem } = answer
    if (status === OK) return doneOf(answer)
    if (problem === 'rejected') return rejectedOf(answer)
    if (problem === 'idempotency-key-reused') return { kind: 'reused' }
    if (problem === 'outcome-forgotten') return this.#forgotten()
    if (NEVER_ORDERED.has(problem)) return undefined
    if (problem === 'in-doubt' && facts['submitId'] === this.#id && !this.#isMaybeRetry) this.#since ??= sinceOf(answer)
    if (isTransient(answer)) return this.#sent()
    // An earlier try may still be under way, whatever this one was refused for.
    return this.#maybeSent ? this.over(detailOf(answer)) : refusedOf(answer)
  }

  /** Time is over. */
  over(detail: string): SubmitOutcome {
    return this.#maybeSent ? { kind: 'in-doubt', name: { id: this.#id, since: this.#since }, detail } : { kind: 'unavailable', detail }
  }

  get #isMaybeRetry(): boolean {
    return this.#isNamed || this.#maybeSent
  }

  /**
   * Where nothing of it was ever sent, the index that it named was only too old: the peer names the
   * current one.
   */
  #forgotten(): SubmitOutcome | undefined {
    if (this.#isMaybeRetry || this.#since === undefined) return { kind: 'forgotten' }
    this.#since = undefined
    return undefined
  }

  #sent(): undefined {
    this.#maybeSent = true
  }
}

export function judgeQuery(tried: Tried): QueryOutcome | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  if (answer.status !== OK) return isTransient(answer) ? undefined : refusedOf(answer)
  const { position, result } = parse(answer.body)
  return { kind: 'answered', position: position as Position, result }
}

function doneOf({ body }: Answer): SubmitOutcome {
  const { position, result } = parse(body)
  return { kind: 'done', position: position as Position, result }
}

function rejectedOf(answer: Answer): SubmitOutcome {
  const { position, class: named, code, partial } = answer.facts
  return {
    kind: 'rejected',
    position: position as Position,
    class: String(named),
    code: String(code),
    partial: partial === true,
    detail: detailOf(answer),
  }
}

function sinceOf({ headers }: Answer): number | undefined {
  const text = headers.get(SINCE_HEADER)
  return text === null ? undefined : Number(text)
}
