/** What a try at a register comes to. Undefined where another try may do better. */
import { detailOf, parse } from './answer.ts'
import type { Answer } from './answer.ts'
import type { ReadOutcome, WriteEnd, WriteName } from './register-outcomes.ts'
import { isTransient, NOT_BEGUN, refusedOf } from './refusals.ts'
import type { Tried } from './tries.ts'
import { consistencyOf } from './verdicts.ts'

const OK = 200
const CREATED = 201
const NOT_MODIFIED = 304

/** A write that was applied: by this try, or by one before. */
export interface Applied {
  readonly kind: 'applied'
  readonly version: number
  readonly wasAbsent: boolean
  readonly isRepeated: boolean
}

export type Judged = Applied | { readonly kind: 'absent' } | WriteEnd

/**
 * One write over all its tries, which carry one name: so each try after the first is the same
 * write. A refusal of a named write is final, for peers remember what they applied.
 */
export class RegisterWriteVerdict {
  readonly #idempotencyKey: string
  /** True when the caller chose the name: then an earlier try may be under way elsewhere. */
  readonly #isNamed: boolean
  #after: number | undefined
  #maybeSent = false

  constructor({ idempotencyKey, after }: WriteName, isNamed: boolean) {
    this.#idempotencyKey = idempotencyKey
    this.#after = after
    this.#isNamed = isNamed
  }

  get headers(): Readonly<Record<string, string>> {
    const after = this.#after
    return { 'Idempotency-Key': this.#idempotencyKey, ...(after !== undefined && { 'Replicator-After': String(after) }) }
  }

  judge(tried: Tried): Judged | undefined {
    if (tried.kind === 'unsent') return undefined
    if (tried.kind === 'lost') return this.#sent(tried.detail)
    const { answer } = tried
    const { facts, status, problem } = answer
    if (status === OK || status === CREATED) return appliedOf(answer)
    if (problem === 'precondition-failed') return { kind: 'mismatch', current: numberOf(facts['version']) }
    if (problem === 'unknown-key') return { kind: 'absent' }
    if (problem === 'idempotency-key-reused') return { kind: 'reused' }
    if (problem === 'outcome-forgotten') return this.#forgotten(facts)
    if (NOT_BEGUN.has(problem)) return undefined
    if (problem === 'in-doubt' && !this.#isMaybeRetry) this.#after ??= numberOf(facts['after'])
    if (isTransient(answer)) return this.#sent(detailOf(answer))
    // An earlier try may still be under way, whatever this one was refused for.
    return this.#maybeSent ? this.#inDoubt(detailOf(answer)) : refusedOf(answer)
  }

  /** Time is over. */
  over(detail: string): Judged {
    return this.#maybeSent ? this.#inDoubt(detail) : { kind: 'unavailable', detail }
  }

  get #isMaybeRetry(): boolean {
    return this.#isNamed || this.#maybeSent
  }

  /** A retry is safe only where it says what was current at the first try. */
  #sent(detail: string): Judged | undefined {
    this.#maybeSent = true
    return this.#after === undefined ? this.#inDoubt(detail) : undefined
  }

  /** Where nothing of it was ever sent, the version that it named was only too old: it names the current one. */
  #forgotten({ number, commitSent }: Readonly<Record<string, unknown>>): Judged | undefined {
    const current = numberOf(number)
    if (this.#isMaybeRetry || commitSent !== false || current === undefined || current <= (this.#after ?? 0)) return { kind: 'forgotten' }
    this.#after = current
    return undefined
  }

  #inDoubt(detail: string): Judged {
    return { kind: 'in-doubt', name: { idempotencyKey: this.#idempotencyKey, after: this.#after }, detail }
  }
}

export function judgeRead(tried: Tried): ReadOutcome | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  const { headers, status, problem, facts, body } = answer
  const consistency = consistencyOf(answer)
  if (problem === 'unknown-key') return { kind: 'absent', number: numberOf(facts['number']) ?? 0, consistency }
  if (status !== OK) return isTransient(answer) ? undefined : refusedOf(answer)
  const contentType = headers.get('content-type') ?? 'application/octet-stream'
  return { kind: 'found', version: versionOf(answer), value: body, contentType, consistency }
}

/**
 * The version that one peer holds, the highest that it knows of where nothing is live.
 *
 * @returns `unknown` to whoever may not read
 */
export function judgeVersion(tried: Tried): number | 'unknown' | ReturnType<typeof refusedOf> | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  if (answer.status === NOT_MODIFIED || answer.status === OK) return versionOf(answer)
  if (answer.problem === 'unknown-key') return numberOf(answer.facts['number']) ?? 0
  if (answer.problem === 'forbidden') return 'unknown'
  return isTransient(answer) ? undefined : refusedOf(answer)
}

function appliedOf(answer: Answer): Applied {
  const version = parse(answer.body)['version'] as number
  const isRepeated = answer.headers.has('replicator-repeated')
  return { kind: 'applied', version, wasAbsent: answer.status === CREATED, isRepeated }
}

function versionOf({ headers }: Answer): number {
  return Number(headers.get('replicator-version'))
}

function numberOf(told: unknown): number | undefined {
  return typeof told === 'number' ? told : undefined
}
