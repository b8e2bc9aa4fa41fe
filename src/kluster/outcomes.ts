/** What a program is told of its commands and queries, out of the messages of replicas. */

/** One statement's: integers beyond 2^53 and decimals are text, bytes are base64. */
export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly (null | boolean | number | string)[])[]
  readonly rowsAffected: number
  readonly lastInsertId: number | string | null
}

export type Outcome<Result> =
  /** In all databases, or soon. `result` is undefined where it was too long to be kept. */
  | { readonly kind: 'done'; readonly position: number; readonly result: Result | undefined }
  /** By the database, everywhere alike: nothing took effect. */
  | { readonly kind: 'rejected'; readonly position: number; readonly class: string; readonly code: string }
  /** The id named another command before. Nothing took effect. */
  | { readonly kind: 'reused' }
  /** The id may have been used, and what became of it is not remembered. Nothing took effect now. */
  | { readonly kind: 'forgotten' }
  /** It is certain that it was not ordered. */
  | { readonly kind: 'not-ordered' }
  /** It may take effect, now or later: the same command with this id is safe to send again. */
  | { readonly kind: 'in-doubt'; readonly id: string }

export type Answer =
  | { readonly kind: 'answered'; readonly position: number; readonly result: SqlResult; readonly isCut: boolean }
  | { readonly kind: 'not-a-query'; readonly detail: string }
  | { readonly kind: 'unavailable' }

interface Told {
  readonly outcome?: string
  readonly position?: { readonly offset: number }
  readonly result?: unknown
  readonly more?: boolean
  readonly class?: string
  readonly code?: string
  readonly detail?: string
}

/** In place of a result that was too long to be kept. */
const TRUNCATED = 'truncated'

export function outcomeIn<Result>(value: string, id: string): Outcome<Result> {
  const { outcome, position, result, class: named = '', code = '' } = toldIn(value)
  const offset = position?.offset ?? -1
  switch (outcome) {
    case 'done':
      return { kind: 'done', position: offset, result: result === TRUNCATED ? undefined : (result as Result) }
    case 'rejected':
      return { kind: 'rejected', position: offset, class: named, code }
    case 'idempotency-key-reused':
      return { kind: 'reused' }
    case 'outcome-forgotten':
      return { kind: 'forgotten' }
    case 'not-ordered':
      return { kind: 'not-ordered' }
    default:
      return { kind: 'in-doubt', id }
  }
}

export function answerIn(value: string): Answer {
  const { outcome, position, result, more = false, detail = '' } = toldIn(value)
  if (outcome === 'answered') return { kind: 'answered', position: position?.offset ?? -1, result: result as SqlResult, isCut: more }
  return outcome === 'not-a-query' ? { kind: 'not-a-query', detail } : { kind: 'unavailable' }
}

function toldIn(value: string): Told {
  try {
    return JSON.parse(value) as Told
  } catch {
    return {}
  }
}
