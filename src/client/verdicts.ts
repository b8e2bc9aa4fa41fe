/** What a try comes to. Undefined where another try, at another peer, may do better. */
import { detailOf, parse } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Consistency, Found, GetOutcome, PutOutcome, Refused, StatOutcome, Stored } from './outcomes.ts'
import { isTransient, NOT_BEGUN, refusedOf } from './refusals.ts'
import type { Tried } from './tries.ts'

/**
 * One put over all its tries, which carry one name: so each try after the first is the same write.
 */
export class PutVerdict {
  readonly #key: string
  readonly #idempotencyKey: string
  /** True when the caller chose the name: then an earlier put may have stored it. */
  readonly #isNamed: boolean
  #maybeSent = false

  constructor(key: string, idempotencyKey: string, isNamed: boolean) {
    this.#key = key
    this.#idempotencyKey = idempotencyKey
    this.#isNamed = isNamed
  }

  judge(tried: Tried): PutOutcome | undefined {
    if (tried.kind === 'unsent') return undefined
    if (tried.kind === 'lost') return this.#sent()
    const { answer } = tried
    const idempotencyKey = this.#idempotencyKey
    if (answer.status === 201) return { kind: 'created', stored: storedOf(this.#key, parse(answer.body)), idempotencyKey }
    if (answer.status === 200) {
      const stored = storedOf(this.#key, parse(answer.body))
      return { kind: this.#isNamed ? 'stored-before' : 'created', stored, idempotencyKey }
    }
    if (answer.problem === 'key-exists') return { kind: 'conflict', stored: toldOf(this.#key, answer) }
    if (answer.problem === 'idempotency-key-reused') return { kind: 'reused', stored: toldOf(this.#key, answer) }
    if (NOT_BEGUN.has(answer.problem)) return undefined
    if (isTransient(answer)) return this.#sent()
    // An earlier try may still be under way, whatever this one was refused for.
    return this.#maybeSent ? this.over(detailOf(answer)) : refusedOf(answer)
  }

  /** Time is over. */
  over(detail: string): PutOutcome {
    const idempotencyKey = this.#idempotencyKey
    return this.#maybeSent ? { kind: 'in-doubt', idempotencyKey, detail } : { kind: 'unavailable', detail }
  }

  #sent(): undefined {
    this.#maybeSent = true
  }
}

export function judgeGet(tried: Tried): GetOutcome | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  if (answer.status === 200) return foundOf(answer)
  if (answer.problem === 'unknown-key') return { kind: 'absent', consistency: consistencyOf(answer) }
  return isTransient(answer) ? undefined : refusedOf(answer)
}

/**
 * Of a HEAD, whose answer has no body: a peer that says how sure it is knows that the key is
 * absent.
 */
export function judgeStat(key: string, tried: Tried): StatOutcome | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  const { status, headers } = answer
  const consistency = consistencyOf(answer)
  if (status === 404 && headers.has('replicator-consistency')) return { kind: 'absent', consistency }
  if (status !== 200) return isTransient(answer) ? undefined : refusedOf(answer)
  const facts = {
    key,
    size: Number(headers.get('content-length')),
    etag: headers.get('etag') ?? '',
    contentType: headers.get('content-type') ?? 'application/octet-stream',
    writtenAt: new Date(headers.get('last-modified') ?? 0).toISOString(),
  }
  return { kind: 'known', facts, consistency }
}

/** @returns the answer of status 200 */
export function judgeView(tried: Tried): Answer | Refused | undefined {
  if (tried.kind !== 'answered') return undefined
  const { answer } = tried
  if (answer.status === 200) return answer
  return isTransient(answer) ? undefined : refusedOf(answer)
}

function foundOf(answer: Answer): Found {
  const { headers, body } = answer
  return {
    kind: 'found',
    value: body,
    contentType: headers.get('content-type') ?? 'application/octet-stream',
    etag: headers.get('etag') ?? '',
    consistency: consistencyOf(answer),
  }
}

/** How sure a peer is of what it tells. */
export function consistencyOf({ headers }: Answer): Consistency {
  return headers.get('replicator-consistency') === 'local' ? 'local' : 'linearizable'
}

/**
 * What a refusal tells of the record; undefined when it tells nothing, to somebody who may not
 * read.
 */
function toldOf(key: string, { facts }: Answer): Stored | undefined {
  return typeof facts['etag'] === 'string' ? storedOf(key, facts) : undefined
}

/** @param told with `size`, `etag`, `writtenAt`, as every peer writes them */
function storedOf(key: string, told: Readonly<Record<string, unknown>>): Stored {
  return { key, size: told['size'] as number, etag: told['etag'] as string, writtenAt: told['writtenAt'] as string }
}
