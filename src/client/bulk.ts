/**
 * Many puts in few requests. Each put is one of its own, under a name of its own, so a request that
 * is sent again changes nothing that it did before.
 */
import { parse, problemOf } from './answer.ts'
import type { Answer } from './answer.ts'
import type { PutOutcome } from './outcomes.ts'
import type { Sent, Tried, Tries } from './tries.ts'
import { queryOf } from './paths.ts'
import { PutVerdict } from './verdicts.ts'

/** What one peer is given before another is asked. */
const TRY_MS = 10_000
const OK = 200
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'
const NO_HEADERS = new Headers()
/** Of a call of `String.fromCharCode`. */
const CHARACTERS_AT_ONCE = 8_192

/** One of many puts. */
export interface BulkPut {
  readonly key: string
  readonly value: string | Uint8Array
  /** As of a single put. */
  readonly contentType?: string
  /** As of a single put. */
  readonly idempotencyKey?: string
}

/** One put among others, over all tries. */
interface Open {
  readonly verdict: PutVerdict
  outcome: PutOutcome | undefined
}

/** @returns what became of each, in the order of the puts */
export async function putMany(tries: Tries, puts: readonly BulkPut[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
  const named = puts.map((put) => ({ ...put, name: put.idempotencyKey ?? crypto.randomUUID() }))
  const all: readonly Open[] = named.map(({ key, name, idempotencyKey }) => ({
    verdict: new PutVerdict(key, name, idempotencyKey !== undefined),
    outcome: undefined,
  }))
  const sent: Sent = {
    path: `/puts${queryOf({ timeout: TRY_MS })}`,
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify({ puts: named.map(written) })),
    tryMs: TRY_MS,
  }
  const settled = (): readonly PutOutcome[] | undefined => {
    const outcomes = all.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]))
    return outcomes.length === all.length ? outcomes : undefined
  }
  return tries.until<readonly PutOutcome[]>(
    sent,
    signal,
    (tried) => {
      const each = triesOf(tried, all.length)
      for (const [place, open] of all.entries()) open.outcome ??= open.verdict.judge(each[place] ?? tried)
      return settled()
    },
    (detail) => all.map(({ verdict, outcome }) => outcome ?? verdict.over(detail)),
  )
}

/** What one try of the whole is for each of the puts. */
function triesOf(tried: Tried, count: number): readonly Tried[] {
  if (tried.kind !== 'answered' || tried.answer.status !== OK) return []
  const { puts } = parse(tried.answer.body)
  // Of whatever is no peer's answer nobody can tell what it did.
  if (!Array.isArray(puts) || puts.length !== count)
    return Array.from({ length: count }, () => ({ kind: 'lost', detail: 'no peer answered' }))
  return puts.map((told: Readonly<Record<string, unknown>>) => ({ kind: 'answered', answer: answerOf(told) }))
}

/** One of many answers, as that of a single put. */
function answerOf(told: Readonly<Record<string, unknown>>): Answer {
  const body = new TextEncoder().encode(JSON.stringify(told))
  return { status: Number(told['status']), headers: NO_HEADERS, body, problem: problemOf(told), facts: told }
}

function written({ key, value, contentType, name }: BulkPut & { readonly name: string }): object {
  if (typeof value === 'string') return { key, value, contentType: contentType ?? TEXT_TYPE, idempotencyKey: name }
  return { key, valueBase64: base64Of(value), contentType: contentType ?? BYTES_TYPE, idempotencyKey: name }
}

function base64Of(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += CHARACTERS_AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(from, from + CHARACTERS_AT_ONCE))
  return btoa(text)
}
