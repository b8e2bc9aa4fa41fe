/**
 * A client for programs: several peers, safe retries, typed outcomes. It needs `fetch` and nothing
 * else, so it runs in Node, Deno, Bun and in a browser.
 *
 * Every put has a name (an Idempotency-Key), the caller's or one that is drawn. Each retry carries
 * it, so a put is stored at most once however often it is sent, and whoever gets `in-doubt` can ask
 * again.
 */
import { parse } from './answer.ts'
import type { Answer } from './answer.ts'
import { putMany } from './bulk.ts'
import type { BulkPut } from './bulk.ts'
import type { LogRow } from './log-outcomes.ts'
import { LogClient } from './logs.ts'
import { ClientFailed } from './outcomes.ts'
import type { Consistency, GetOutcome, PutOutcome, Refused, StatOutcome, Stored, Unavailable, WaitOutcome } from './outcomes.ts'
import { pathOfKey, queryOf } from './paths.ts'
import { badKey, unavailable } from './refusals.ts'
import { RegisterClient } from './registers.ts'
import { SetClient } from './sets.ts'
import { get, Tries } from './tries.ts'
import type { Sent } from './tries.ts'
import { watchKeys } from './watching.ts'
import type { Watched, WatchOptions } from './watching.ts'
import { valueOf } from './stored-values.ts'
import type { StoredValue, ValueRow } from './stored-values.ts'
import { judgeGet, judgeStat, judgeView, PutVerdict } from './verdicts.ts'
import type { Config, PeerRow, SetRow, Status } from './views.ts'

export { ClientFailed } from './outcomes.ts'
export type { Consistency, Found, GetOutcome, PutOutcome, Refused, StatOutcome, Stored, Unavailable, WaitOutcome } from './outcomes.ts'
export type { Element, Entry, Tagged } from './elements.ts'
export type { BulkPut } from './bulk.ts'
export type { CommandName, LogRole, LogRow, LogStatus, Position, QueryOutcome, SubmitOutcome } from './log-outcomes.ts'
export type { LogClient, QueryOptions, SubmitOptions } from './logs.ts'
export type { ListRegistersOptions, PutRegisterOptions, ReadOptions, RegisterClient, WriteOptions } from './registers.ts'
export type { DeleteOutcome, FoundRegister, ReadOutcome, RegisterRow, WriteName, WriteOutcome } from './register-outcomes.ts'
export type { RegisterEvent, RegisterPut, RegisterWatchOptions } from './register-watch.ts'
export type { ChangeOptions, ChangeOutcome, SetClient, Updates } from './sets.ts'
export type { Config, Member, PeerRow, Role, SetRow, Status } from './views.ts'
export type { StoredValue } from './stored-values.ts'
export type { Watched, WatchOptions } from './watching.ts'
export type { SetWatched, SetWatchOptions } from './watching-sets.ts'

/** What a call takes when it is given no signal. */
const DEADLINE_MS = 30_000
/** What one peer is given before another is asked. */
const TRY_MS = 5_000
/** How long one peer is asked to wait for a key. */
const WAIT_MS = 20_000
/** Keys a page of a list. */
const PAGE_KEYS = 1_000
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'

export interface ClientInit {
  /**
   * HTTP addresses of peers, one or more, as `http://127.0.0.1:8001`. Any peer of the network will
   * do.
   */
  readonly peers: readonly string[]
  /** Sent as a bearer token with each request. */
  readonly token?: string
  /** In the place of the global `fetch`: for client certificates, proxies and the like. */
  readonly fetch?: typeof fetch
}

/** What every call takes. */
export interface CallOptions {
  /** The deadline, and a way to give up: `AbortSignal.timeout(5000)`. 30 s unless given. */
  readonly signal?: AbortSignal
}

export interface PutOptions extends CallOptions {
  /**
   * `text/plain; charset=utf-8` for text and `application/octet-stream` for bytes, unless given.
   */
  readonly contentType?: string
  /**
   * Names this put, for retries of one's own: 1 to 128 visible ASCII characters. Drawn unless
   * given.
   */
  readonly idempotencyKey?: string
}

export interface GetOptions extends CallOptions {
  /** `linearizable` unless given; `local` asks one peer for its own copy. */
  readonly consistency?: Consistency
}

/** What `fetch` is told. */
export interface RawInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Its deadline; there is no other. */
  readonly signal?: AbortSignal
}

export interface CountOptions extends CallOptions {
  /** Only keys that begin so; all of them unless given. */
  readonly prefix?: string
  /** Only keys after this one, in the order of their UTF-8 bytes. */
  readonly after?: string
}

export interface ListOptions extends CountOptions {
  /** Most keys; all of them unless given. */
  readonly limit?: number
}

export class Client {
  /** Keys that change. */
  readonly registers: RegisterClient
  readonly #tries: Tries

  /** @throws TypeError when no peer is named, or one is no URL of http or https */
  constructor(init: ClientInit) {
    if (init.peers.length === 0) throw new TypeError('name one peer at least')
    const peers = init.peers.map(baseOf)
    this.#tries = new Tries({ peers, fetch: init.fetch ?? fetch, token: init.token })
    this.registers = new RegisterClient(this.#tries, deadlineOf)
  }

  /**
   * Stores a value under a key, for good.
   *
   * @param value text is stored as UTF-8
   * @returns `created` of exactly one of any number of rivals for a key
   */
  async put(key: string, value: string | Uint8Array, options: PutOptions = {}): Promise<PutOutcome> {
    const path = pathOfKey(key)
    if (path === undefined) return badKey(key)
    const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID()
    const verdict = new PutVerdict(key, idempotencyKey, options.idempotencyKey !== undefined)
    const contentType = options.contentType ?? (typeof value === 'string' ? TEXT_TYPE : BYTES_TYPE)
    const sent: Sent = {
      path: path + queryOf({ timeout: TRY_MS }),
      method: 'PUT',
      headers: { 'Content-Type': contentType, 'Idempotency-Key': idempotencyKey },
      body: typeof value === 'string' ? new TextEncoder().encode(value) : value,
      tryMs: TRY_MS,
    }
    return this.#tries.until<PutOutcome>(
      sent,
      signalOf(options),
      (tried) => verdict.judge(tried),
      (detail) => verdict.over(detail),
    )
  }

  /**
   * Stores many values in one request, each by itself: some may be stored and others not.
   *
   * @param puts at most 1,000, of at most 8 MiB together as JSON
   * @returns what became of each, in their order
   */
  async putMany(puts: readonly BulkPut[], options: CallOptions = {}): Promise<readonly PutOutcome[]> {
    return putMany(this.#tries, puts, signalOf(options))
  }

  /** The value of a key. One that is found never changes: keep it as long as you like. */
  async get(key: string, options: GetOptions = {}): Promise<GetOutcome> {
    const path = pathOfKey(key)
    if (path === undefined) return badKey(key)
    const query = queryOf({ timeout: TRY_MS, consistency: options.consistency })
    return this.#tries.until<GetOutcome>(get(path + query, TRY_MS), signalOf(options), judgeGet, unavailable)
  }

  /** What is known of a key, without its value. */
  async stat(key: string, options: GetOptions = {}): Promise<StatOutcome> {
    const path = pathOfKey(key)
    if (path === undefined) return badKey(key)
    const sent: Sent = { ...get(path + queryOf({ timeout: TRY_MS, consistency: options.consistency }), TRY_MS), method: 'HEAD' }
    return this.#tries.until<StatOutcome>(sent, signalOf(options), (tried) => judgeStat(key, tried), unavailable)
  }

  /** Waits until a key appears, until the signal. */
  async wait(key: string, options: CallOptions = {}): Promise<WaitOutcome> {
    const path = pathOfKey(key)
    if (path === undefined) return badKey(key)
    const sent = get(path + queryOf({ wait: WAIT_MS, consistency: 'local' }), WAIT_MS)
    return this.#tries.until<WaitOutcome>(
      sent,
      signalOf(options),
      (tried) => {
        const outcome = judgeGet(tried)
        return outcome?.kind === 'absent' ? undefined : outcome
      },
      unavailable,
    )
  }

  /**
   * The keys that a peer holds, in the order of their UTF-8 bytes. When its peer is lost, the list
   * goes on at another, after the last key.
   *
   * @param options its signal holds for each page
   * @throws ClientFailed when a page cannot be had
   */
  list(options: ListOptions = {}): AsyncGenerator<Stored, void, undefined> {
    return this.#list<Stored>(options, undefined)
  }

  /** As `list`, with the values. */
  async *listValues(options: ListOptions = {}): AsyncGenerator<StoredValue, void, undefined> {
    for await (const row of this.#list<ValueRow>(options, 'true')) yield valueOf(row)
  }

  /**
   * How many keys a peer holds, of those that `list` would tell. @throws ClientFailed when no peer
   * tells
   */
  async count(options: CountOptions = {}): Promise<number> {
    const query = queryOf({ prefix: options.prefix, after: options.after, count: 'true' })
    return ((await this.#view(`/store${query}`, options)) as { readonly count: number }).count
  }

  /** A set by its name. It is made by its first change; nothing is asked here. */
  set(name: string): SetClient {
    return new SetClient(this.#tries, name, deadlineOf)
  }

  /** The sets that a peer holds. @throws ClientFailed when no peer tells */
  async sets(options: CallOptions = {}): Promise<readonly SetRow[]> {
    return ((await this.#view('/sets', options)) as { readonly sets: readonly SetRow[] }).sets
  }

  /** A log by its name, which is born already; nothing is asked here. */
  log(name: string): LogClient {
    return new LogClient(this.#tries, name, deadlineOf)
  }

  /** The logs that a peer knows. @throws ClientFailed when no peer tells */
  async logs(options: CallOptions = {}): Promise<readonly LogRow[]> {
    return ((await this.#view('/logs', options)) as { readonly logs: readonly LogRow[] }).logs
  }

  /**
   * Keys as they become known at one peer, from now on or from a cursor. When the connection is
   * lost the watch goes on where it was, at the same peer; each key comes once at least.
   *
   * @param options its signal ends the watch; without one it goes on for ever
   * @throws ClientFailed when the cursor leads nowhere (`cursor-gone`): list the keys and watch
   * anew. And when it is refused
   */
  watch(options: WatchOptions = {}): AsyncGenerator<Watched, void, undefined> {
    return watchKeys(this.#tries, options)
  }

  /** How one peer sees itself and the network. @throws ClientFailed when no peer tells */
  async status(options: CallOptions = {}): Promise<Status> {
    return (await this.#view('/status', options)) as Status
  }

  /** The peers that one peer knows, itself included. @throws ClientFailed when no peer tells */
  async peers(options: CallOptions = {}): Promise<readonly PeerRow[]> {
    return (await this.#view('/peers', options)) as readonly PeerRow[]
  }

  /** Who votes, as one peer knows. @throws ClientFailed when no peer tells */
  async config(options: CallOptions = {}): Promise<Config> {
    return (await this.#view('/config', options)) as Config
  }

  /** The metrics of one peer, as text for Prometheus. @throws ClientFailed when no peer tells */
  async metrics(options: CallOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.#read('/metrics', options))
  }

  /**
   * What has no method of its own here: one request, sent once, to the peer that answered last, and
   * to the next one only where nothing was sent. The answer is as `fetch` gives it.
   *
   * @param path with its query, as `/config/changes?timeout=5000`
   * @throws whatever `fetch` throws
   */
  fetch(path: string, init: RawInit = {}): Promise<Response> {
    const { method = 'GET', headers = {}, body, signal } = init
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    return this.#tries.once({ path, method, headers, ...(bytes !== undefined && { body: bytes }) }, signal)
  }

  async *#list<Row>(options: ListOptions, values: string | undefined): AsyncGenerator<Row, void, undefined> {
    let { after, limit: left = Number.POSITIVE_INFINITY } = options
    do {
      const query = queryOf({ prefix: options.prefix, after, limit: Math.min(left, PAGE_KEYS), values })
      const page = (await this.#view(`/store${query}`, options)) as { readonly keys: readonly Row[]; readonly next?: string }
      yield* page.keys
      after = page.next
      left -= page.keys.length
    } while (after !== undefined && left > 0)
  }

  async #view(path: string, options: CallOptions): Promise<unknown> {
    return parse(await this.#read(path, options))
  }

  async #read(path: string, options: CallOptions): Promise<Uint8Array> {
    const seen = await this.#tries.until<Answer | Refused | Unavailable>(get(path, TRY_MS), signalOf(options), judgeView, unavailable)
    if ('kind' in seen) throw new ClientFailed(seen)
    return seen.body
  }
}

function signalOf({ signal }: CallOptions): AbortSignal {
  return deadlineOf(signal)
}

function deadlineOf(signal: AbortSignal | undefined): AbortSignal {
  return signal ?? AbortSignal.timeout(DEADLINE_MS)
}

/** @throws TypeError when it is no URL of http or https */
function baseOf(peer: string): string {
  const { protocol } = new URL(peer)
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`${peer} is no http or https URL`)
  return peer.replace(/\/+$/, '')
}
