/**
 * Stores keys that many workers bring one by one, some in one request. Each put is named by what it
 * holds, so a put that is repeated is the same one.
 */
import { createHash } from 'node:crypto'
import type { BulkPut, Client, PutOutcome } from '../client/client.ts'
import { CommandFailed } from './failed.ts'
import type { KeyLine } from './jsonl.ts'

/** `same`: it held this already. `other`: it holds something else, for good. */
export type StoredAs = 'stored' | 'same' | 'other'

/** Of one request. */
const KEYS_MAX = 64
/** A larger value goes by itself. */
const BYTES_MAX = 1_048_576
const ETAG_DIGITS = 32
const NOT_FOUND = 404

interface Waiting {
  readonly put: BulkPut & { readonly value: Uint8Array; readonly idempotencyKey: string }
  readonly done: (outcome: PutOutcome) => void
}

export class KeyStorer {
  readonly #client: Client
  readonly #timeoutMs: number
  #waiting: Waiting[] = []
  #bytes = 0
  /** A peer of an earlier version takes one key a request. */
  #isOneByOne = false

  constructor(client: Client, timeoutMs: number) {
    this.#client = client
    this.#timeoutMs = timeoutMs
  }

  /**
   * @param number of its line, for people
   * @throws CommandFailed when nobody can say, or it is refused
   */
  async store(line: KeyLine, number: number): Promise<StoredAs> {
    const { key, value, contentType } = line
    const etag = etagOf(line)
    const outcome = await this.#put({ key, value, contentType, idempotencyKey: `import-${etag}` })
    if (outcome.kind === 'created') return 'stored'
    if (outcome.kind === 'stored-before') return 'same'
    if (outcome.kind === 'conflict' && outcome.stored?.etag === `"${etag}"`) return 'same'
    if (outcome.kind === 'conflict' || outcome.kind === 'reused') return 'other'
    throw new CommandFailed(`line ${number}, key ${key}: ${outcome.kind}: ${outcome.detail}`)
  }

  #put(put: Waiting['put']): Promise<PutOutcome> {
    if (this.#isOneByOne || put.value.length > BYTES_MAX) return this.#alone(put)
    return new Promise((done) => {
      this.#waiting.push({ put, done })
      this.#bytes += put.value.length
      if (this.#waiting.length >= KEYS_MAX || this.#bytes >= BYTES_MAX) void this.#send()
      // All that is brought in this turn goes together.
      else if (this.#waiting.length === 1) setImmediate(() => void this.#send())
    })
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    if (waiting.length === 0) return
    const puts = waiting.map(({ put }) => put)
    const outcomes = await this.#client.putMany(puts, { signal: AbortSignal.timeout(this.#timeoutMs) })
    this.#isOneByOne ||= outcomes.every((outcome) => outcome.kind === 'refused' && outcome.status === NOT_FOUND)
    for (const [place, { put, done }] of waiting.entries())
      done(this.#isOneByOne ? await this.#alone(put) : (outcomes[place] as PutOutcome))
  }

  #alone({ key, value, contentType, idempotencyKey }: Waiting['put']): Promise<PutOutcome> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    return this.#client.put(key, value, { idempotencyKey, signal, ...(contentType !== undefined && { contentType }) })
  }
}

/**
 * As peers make it: the first 128 bits of SHA-256 over the content type, a zero byte and the value,
 * in hexadecimal.
 */
export function etagOf({ contentType, value }: KeyLine): string {
  return createHash('sha256').update(contentType).update('\0').update(value).digest('hex').slice(0, ETAG_DIGITS)
}
