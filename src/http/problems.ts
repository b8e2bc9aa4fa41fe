/**
 * Every refusal that HTTP can give, as an RFC 9457 problem. The `type` is what clients decide by; a
 * bare status from something in between tells them nothing.
 */
import { text } from './answers.ts'
import type { Answer } from './answers.ts'

export interface ProblemRow {
  readonly status: number
  readonly title: string
  /** Seconds after which a retry may help; absent where it does not. */
  readonly retryAfterSeconds?: number
}

/** What follows `urn:replicator:` in the type of a problem. */
export type ProblemName =
  | 'bad-key'
  | 'bad-name'
  | 'bad-parameter'
  | 'bad-header'
  | 'bad-body'
  | 'bad-request'
  | 'not-a-query'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'unknown-key'
  | 'unknown-set'
  | 'unknown-element'
  | 'unknown-log'
  | 'log-ended'
  | 'method-not-allowed'
  | 'body-timeout'
  | 'key-exists'
  | 'log-exists'
  | 'outcome-forgotten'
  | 'too-many-sets'
  | 'change-in-flight'
  | 'change-refused'
  | 'cursor-gone'
  | 'precondition-failed'
  | 'too-large'
  | 'unsupported-encoding'
  | 'unsupported-media-type'
  | 'expectation-failed'
  | 'misdirected'
  | 'idempotency-key-reused'
  | 'bad-stamp'
  | 'rejected'
  | 'too-many-requests'
  | 'headers-too-large'
  | 'internal'
  | 'unsupported-coding'
  | 'not-ready'
  | 'change-expired'
  | 'not-stored'
  | 'not-applied'
  | 'not-ordered'
  | 'stalled'
  | 'clock-off'
  | 'overloaded'
  | 'unavailable'
  | 'in-doubt'

/** The table of problems, by the name. */
export const PROBLEMS: Readonly<Record<ProblemName, ProblemRow>> = {
  'bad-key': { status: 400, title: 'The key is not a valid key' },
  'bad-name': { status: 400, title: 'The name is not a valid name' },
  'bad-parameter': { status: 400, title: 'A query parameter has a bad value' },
  'bad-header': { status: 400, title: 'A header has a bad value' },
  'bad-body': { status: 400, title: 'The body is not what it should be' },
  'bad-request': { status: 400, title: 'This is not a request that HTTP allows' },
  'not-a-query': { status: 400, title: 'The store does not take this as a query' },
  unauthorized: { status: 401, title: 'A token is missing, or does not count' },
  forbidden: { status: 403, title: 'This is not allowed' },
  'not-found': { status: 404, title: 'Nothing lives at this path' },
  'unknown-key': { status: 404, title: 'The key is not stored' },
  'unknown-set': { status: 404, title: 'The set is not known here' },
  'unknown-element': { status: 404, title: 'The element is no member' },
  'unknown-log': { status: 404, title: 'The log is not known here' },
  'log-ended': { status: 410, title: 'The log has ended' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'body-timeout': { status: 408, title: 'The body did not arrive in time' },
  'key-exists': { status: 409, title: 'The key is taken: choose another key' },
  'log-exists': { status: 409, title: 'The log was born with something else' },
  'outcome-forgotten': { status: 409, title: 'What became of the first try is not known any more' },
  'too-many-sets': { status: 409, title: 'There are as many sets as there may be' },
  'change-in-flight': { status: 409, title: 'Another change is under way' },
  'change-refused': { status: 409, title: 'The change is refused' },
  'cursor-gone': { status: 410, title: 'The cursor leads nowhere any more: start over' },
  'precondition-failed': { status: 412, title: 'The precondition does not hold' },
  'too-large': { status: 413, title: 'The value or body is too large' },
  'unsupported-encoding': { status: 415, title: 'The content encoding is not supported' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  misdirected: { status: 421, title: 'The request was not meant for this peer' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another put of this key' },
  'bad-stamp': { status: 422, title: 'A stamp is refused' },
  rejected: { status: 422, title: 'The store refuses the command' },
  'too-many-requests': { status: 429, title: 'More requests than are allowed', retryAfterSeconds: 1 },
  'headers-too-large': { status: 431, title: 'The request line and headers are too large' },
  'unsupported-coding': { status: 501, title: 'The transfer coding is not supported' },
  internal: { status: 500, title: 'An internal error' },
  'not-ready': { status: 503, title: 'This peer is not ready', retryAfterSeconds: 1 },
  'change-expired': { status: 503, title: 'Nothing was changed in time', retryAfterSeconds: 1 },
  'not-stored': { status: 503, title: 'The value is not stored, and never will be by this request', retryAfterSeconds: 1 },
  'not-applied': { status: 503, title: 'The write is not applied, and never will be by this request', retryAfterSeconds: 1 },
  'not-ordered': { status: 503, title: 'The command is not ordered, and never will be by this request', retryAfterSeconds: 1 },
  stalled: { status: 503, title: 'The store cannot apply what comes next', retryAfterSeconds: 1 },
  'clock-off': { status: 503, title: 'The clock of this peer is too far off', retryAfterSeconds: 60 },
  overloaded: { status: 503, title: 'This peer has too much to do', retryAfterSeconds: 1 },
  unavailable: { status: 503, title: 'No quorum answered in time', retryAfterSeconds: 1 },
  'in-doubt': { status: 504, title: 'It is not known whether the value is stored', retryAfterSeconds: 1 },
}

/** Further members of a problem, beside the four that each has. */
export type ProblemExtensions = Readonly<
  Record<string, string | number | boolean | null | { readonly term: number; readonly index: number }>
>

/**
 * Makes the answer for a problem.
 *
 * @param name its row in the table
 * @param detail what is wrong with this request and how to mend it, for people
 * @param extensions further members, for programs
 */
export function problem(name: ProblemName, detail: string, extensions?: ProblemExtensions): Answer {
  const row = PROBLEMS[name]
  const body = JSON.stringify({ type: `urn:replicator:${name}`, title: row.title, status: row.status, detail, ...extensions })
  const answer = text(row.status, 'application/problem+json', body)
  if (row.retryAfterSeconds !== undefined) answer.headers.push('Retry-After', String(row.retryAfterSeconds))
  return answer
}

/** The answer to a method that a path does not know. */
export function methodNotAllowed(method: string | undefined, allow: string): Answer {
  const answer = problem('method-not-allowed', `${method ?? 'this method'} is not allowed here; allowed: ${allow}`)
  answer.headers.push('Allow', allow)
  return answer
}
