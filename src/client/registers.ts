/**
 * Registers, for programs: keys that change. Every write has a name, an Idempotency-Key and the
 * version that was current at its first try (`Replicator-After`). So a retry, at whatever peer and
 * however late, is the same write again.
 */
import { ClientFailed } from './outcomes.ts'
import type { Consistency, Refused, Unavailable } from './outcomes.ts'
import { parse } from './answer.ts'
import type { Answer } from './answer.ts'
import { pathOfKey, queryOf } from './paths.ts'
import type { DeleteOutcome, FoundRegister, ReadOutcome, RegisterRow, WriteName, WriteOutcome } from './register-outcomes.ts'
import { judgeRead, judgeVersion, RegisterWriteVerdict } from './register-verdicts.ts'
import type { Judged } from './register-verdicts.ts'
import { badKey, unavailable } from './refusals.ts'
import { watchRegisters } from './register-watch.ts'
import type { RegisterEvent, RegisterWatchOptions } from './register-watch.ts'
import { get } from './tries.ts'
import type { Sent, Tried, Tries } from './tries.ts'
import { judgeView } from './verdicts.ts'

/** What one peer is given before another is asked. */
const TRY_MS = 5_000
/** How long one peer is asked to wait for a version. */
const WAIT_MS = 20_000
/** Registers a page of a list. */
const PAGE_REGISTERS = 1_000
/** Registers whose versions are remembered, so that nobody need be asked before the next write. */
const VERSIONS_MAX = 10_000
/** Above every version: nothing newer is there to be sent. */
const VERSION_LAST = 2 ** 52 - 1
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

interface CallOptions {
  /** The deadline, and a way to give up: `AbortSignal.timeout(5000)`. 30 s unless given. */
  readonly signal?: AbortSignal
}

export interface WriteOptions extends CallOptions {
  /**
   * What must be there: this version, anything live, or nothing live. Without it the write is made
   * on whatever is there.
   */
  readonly when?: number | 'live' | 'absent'
  /** Of an earlier try of this very write, or drawn before by `name`. Drawn unless given. */
  readonly name?: WriteName
}

export interface PutRegisterOptions extends WriteOptions {
  /** `text/plain; charset=utf-8` for text and `application/octet-stream` for bytes, unless given. */
  readonly contentType?: string
  /** It is deleted after so many seconds. */
  readonly ttlSeconds?: number
}

export interface ReadOptions extends CallOptions {
  /** `linearizable` unless given; `local` asks one peer for its own copy. */
  readonly consistency?: Consistency
}

export interface ListRegistersOptions extends CallOptions {
  /** Only keys that begin so; all of them unless given. */
  readonly prefix?: string
  /** Only keys after this one, in the order of their UTF-8 bytes. */
  readonly after?: string
  /** Most registers; all of them unless given. */
  readonly limit?: number
}

export class RegisterClient {
  readonly #tries: Tries
  readonly #signalOf: (signal: AbortSignal | undefined) => AbortSignal
  readonly #versions = new Map<string, number>()

  /** @param signalOf the deadline of a call that was given none */
  constructor(tries: Tries, signalOf: (signal: AbortSignal | undefined) => AbortSignal) {
    this.#tries = tries
    this.#signalOf = signalOf
  }

  /** Writes a register. @param value text is written as UTF-8 */
  async put(key: string, value: string | Uint8Array, options: PutRegisterOptions = {}): Promise<WriteOutcome> {
    const { contentType = typeof value === 'string' ? TEXT_TYPE : BYTES_TYPE, ttlSeconds } = options
    const body = typeof value === 'string' ? new TextEncoder().encode(value) : value
    const judged = await this.#write(key, options, { method: 'PUT', headers: { 'Content-Type': contentType }, body, ttlSeconds })
    if (judged.kind === 'absent') return { kind: 'mismatch', current: 0 }
    if (judged.kind !== 'applied') return judged
    const { version, isRepeated, wasAbsent } = judged
    if (isRepeated && options.name !== undefined) return { kind: 'written-before', version }
    return { kind: 'written', version, wasAbsent: isRepeated ? undefined : wasAbsent }
  }

  /** Deletes a register. Its versions go on where they were when it is written again. */
  async delete(key: string, options: WriteOptions = {}): Promise<DeleteOutcome> {
    const judged = await this.#write(key, options, { method: 'DELETE', headers: {}, ttlSeconds: undefined })
    if (judged.kind !== 'applied') return judged
    return { kind: judged.isRepeated && options.name !== undefined ? 'deleted-before' : 'deleted', version: judged.version }
  }

  /** What is live, as of a moment between the call and its end. */
  async get(key: string, options: ReadOptions = {}): Promise<ReadOutcome> {
    const { consistency, signal } = options
    const read = await this.#read(key, { timeout: TRY_MS, consistency }, TRY_MS, this.#signalOf(signal), judgeRead)
    if (read.kind === 'found') this.#remember(key, read.version)
    if (read.kind === 'absent') this.#remember(key, read.number)
    return read
  }

  /** Waits until a version above one is live, until the signal. */
  async wait(key: string, newer: number, { signal }: CallOptions = {}): Promise<FoundRegister | Unavailable | Refused> {
    const parameters = { wait: WAIT_MS, newer, consistency: 'local' }
    return this.#read(key, parameters, WAIT_MS, this.#signalOf(signal), (tried) => {
      if (tried.kind === 'answered' && tried.answer.status === 304) return undefined
      const read = judgeRead(tried)
      return read?.kind === 'absent' ? undefined : read
    })
  }

  /**
   * The live registers that a peer holds, in the order of their keys' UTF-8 bytes. When its peer is
   * lost, the list goes on at another, after the last key.
   *
   * @param options its signal holds for each page
   * @throws ClientFailed when a page cannot be had
   */
  async *list(options: ListRegistersOptions = {}): AsyncGenerator<RegisterRow, void, undefined> {
    let { after, limit: left = Number.POSITIVE_INFINITY } = options
    do {
      const query = queryOf({ prefix: options.prefix, after, limit: Math.min(left, PAGE_REGISTERS) })
      const signal = this.#signalOf(options.signal)
      const seen = await this.#tries.until<Answer | Refused | Unavailable>(get(`/kv${query}`, TRY_MS), signal, judgeView, unavailable)
      if ('kind' in seen) throw new ClientFailed(seen)
      const page = parse(seen.body) as unknown as { readonly keys: readonly RegisterRow[]; readonly next?: string }
      yield* page.keys
      after = page.next
      left -= page.keys.length
    } while (after !== undefined && left > 0)
  }

  /**
   * Changes as they become visible: each register in the order of its versions, versions in between
   * may be missing, and the last one never is. It goes on at another peer when its own is lost.
   *
   * @param options its signal ends the watch; without one it goes on for ever
   * @throws ClientFailed when it is refused
   */
  watch(options: RegisterWatchOptions = {}): AsyncGenerator<RegisterEvent, void, undefined> {
    return watchRegisters(this.#tries, options, (key, signal) =>
      this.get(key, { signal: AbortSignal.any([signal, this.#signalOf(undefined)]) }),
    )
  }

  /**
   * A name for one write of a register that is to be made next, to be kept before it is: then
   * whoever starts again after a crash makes the same write.
   *
   * @throws ClientFailed when no peer tells the version
   */
  async name(key: string, { signal }: CallOptions = {}): Promise<WriteName> {
    const after = await this.#versionOf(key, this.#signalOf(signal))
    if (typeof after === 'object') throw new ClientFailed(after)
    return { idempotencyKey: crypto.randomUUID(), after }
  }

  async #write(key: string, { when, name, signal: given }: WriteOptions, what: Written): Promise<Judged> {
    const path = pathOfKey(key, '/kv/')
    if (path === undefined) return badKey(key)
    const signal = this.#signalOf(given)
    const after = name === undefined && typeof when !== 'number' ? await this.#versionOf(key, signal) : when
    if (typeof after === 'object') return after
    const drawn = { idempotencyKey: crypto.randomUUID(), after: typeof after === 'number' ? after : undefined }
    const verdict = new RegisterWriteVerdict(name ?? drawn, name !== undefined)
    const condition = conditionOf(when)
    const sent: Sent = {
      path: path + queryOf({ timeout: TRY_MS, ttl: what.ttlSeconds }),
      method: what.method,
      headers: () => ({ ...what.headers, ...condition, ...verdict.headers }),
      ...(what.body !== undefined && { body: what.body }),
      tryMs: TRY_MS,
    }
    const judged = await this.#tries.until<Judged>(
      sent,
      signal,
      (tried) => verdict.judge(tried),
      (detail) => verdict.over(detail),
    )
    if (judged.kind === 'applied') this.#remember(key, judged.version)
    if (judged.kind === 'mismatch') this.#remember(key, judged.current ?? 0)
    return judged
  }

  /** A version that the register has reached; undefined to whoever may not read. */
  async #versionOf(key: string, signal: AbortSignal): Promise<number | undefined | Refused | Unavailable> {
    const known = this.#versions.get(key)
    if (known !== undefined) return known
    const found = await this.#read(key, { consistency: 'local', newer: VERSION_LAST }, TRY_MS, signal, judgeVersion)
    if (typeof found === 'number') this.#remember(key, found)
    return found === 'unknown' ? undefined : found
  }

  async #read<Found>(
    key: string,
    parameters: Parameters<typeof queryOf>[0],
    tryMs: number,
    signal: AbortSignal,
    judge: (tried: Tried) => Found | Refused | Unavailable | undefined,
  ): Promise<Found | Refused | Unavailable> {
    const path = pathOfKey(key, '/kv/')
    if (path === undefined) return badKey(key)
    return this.#tries.until<Found | Refused | Unavailable>(get(path + queryOf(parameters), tryMs), signal, judge, unavailable)
  }

  /** Versions only rise, so an old one is below all that a write to come can make. */
  #remember(key: string, version: number): void {
    const known = this.#versions.get(key) ?? 0
    this.#versions.delete(key)
    this.#versions.set(key, Math.max(known, version))
    const [oldest] = this.#versions.keys()
    if (this.#versions.size > VERSIONS_MAX && oldest !== undefined) this.#versions.delete(oldest)
  }
}

interface Written {
  readonly method: 'PUT' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly ttlSeconds: number | undefined
}

function conditionOf(when: WriteOptions['when']): Readonly<Record<string, string>> {
  if (when === undefined) return {}
  if (when === 'absent') return { 'If-None-Match': '*' }
  return { 'If-Match': when === 'live' ? '*' : `"${when}"` }
}
