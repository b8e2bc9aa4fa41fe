/**
 * From a problem, as HTTP would answer it, to the status of a call. So what became of a command is
 * told in the same words at every port, and an outcome without a status does not compile there.
 */
import type * as Grpc from '@grpc/grpc-js'
import { utf8 } from '../../bytes.ts'
import type { Answer } from '../../http/answers.ts'
import { SINCE_HEADER } from '../../http/logs/query.ts'
import { problem } from '../../http/problems.ts'
import type { ProblemName } from '../../http/problems.ts'

/** Those statuses of gRPC that are answered here, by their numbers. */
export const CODE = {
  ok: 0,
  invalid: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  exhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

interface StatusGiven {
  readonly code: number
  readonly details: string
  readonly metadata: Grpc.Metadata
}

/** A call that is not answered by a message. */
export interface Refusal {
  readonly code: number
  readonly details: string
  /** Names in lower case, and texts of ASCII. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Thrown by whoever serves a call. */
export class CallRefused extends Error {
  static override readonly name = 'CallRefused'
  override readonly name = 'CallRefused'
  readonly refusal: Refusal

  constructor(given: Refusal) {
    super(given.details)
    this.refusal = given
  }
}

const TYPE_PREFIX = 'urn:replicator:'

/** What is certainly not ordered is unavailable; what may be has passed its deadline. */
const CODES: Readonly<Partial<Record<ProblemName, number>>> = {
  'in-doubt': CODE.deadlineExceeded,
  rejected: CODE.failedPrecondition,
  'idempotency-key-reused': CODE.alreadyExists,
  'outcome-forgotten': CODE.aborted,
  'too-large': CODE.exhausted,
  'too-many-requests': CODE.exhausted,
  // A log that is named at the start of a peer is born by itself.
  'unknown-log': CODE.unavailable,
  'log-ended': CODE.failedPrecondition,
  'not-found': CODE.notFound,
  'change-in-flight': CODE.aborted,
  'change-refused': CODE.failedPrecondition,
  unauthorized: CODE.unauthenticated,
  forbidden: CODE.permissionDenied,
  misdirected: CODE.permissionDenied,
  internal: CODE.internal,
}

/** @param answer of HTTP, a problem */
export function refusalOf({ status, headers, body }: Answer): Refusal {
  const text = typeof body === 'string' ? body : utf8.decode(body ?? new Uint8Array())
  const facts = JSON.parse(text) as Readonly<Record<string, unknown>>
  const name = String(facts['type']).slice(TYPE_PREFIX.length) as ProblemName
  const metadata: Record<string, string> = { 'replicator-problem': name }
  for (const fact of ['submitId', 'class', 'code'] as const)
    if (typeof facts[fact] === 'string') metadata[`replicator-${fact.toLowerCase()}`] = visible(facts[fact])
  if (facts['partial'] === true) metadata['replicator-partial'] = 'true'
  const since = headers.indexOf(SINCE_HEADER)
  if (since >= 0) metadata['replicator-since'] = headers[since + 1] ?? ''
  return { code: CODES[name] ?? codeOfStatus(status), details: String(facts['detail'] ?? facts['title']), metadata }
}

/** The status of a call that is refused so. */
export function statusOf(grpc: Pick<typeof Grpc, 'Metadata'>, { code, details, metadata }: Refusal): StatusGiven {
  const trailer = new grpc.Metadata()
  for (const [name, value] of Object.entries(metadata)) trailer.set(name, value)
  return { code, details, metadata: trailer }
}

export function refusal(name: ProblemName, detail: string): Refusal {
  return refusalOf(problem(name, detail))
}

function codeOfStatus(status: number): number {
  if (status >= 500) return CODE.unavailable
  return status === 410 ? CODE.notFound : CODE.invalid
}

/** A header holds visible characters of ASCII alone. */
function visible(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}

const STATUSES: ReadonlyMap<number, number> = new Map([
  [CODE.ok, 200],
  [CODE.invalid, 400],
  [CODE.deadlineExceeded, 504],
  [CODE.notFound, 404],
  [CODE.alreadyExists, 422],
  [CODE.permissionDenied, 403],
  [CODE.exhausted, 429],
  [CODE.failedPrecondition, 422],
  [CODE.aborted, 409],
  [CODE.unavailable, 503],
  [CODE.unauthenticated, 401],
])

/** The status of HTTP that says about the same, for metrics and the audit. @param code undefined: the client was gone before */
export function httpStatusOf(code: number | undefined): number {
  return code === undefined ? 0 : (STATUSES.get(code) ?? 500)
}
