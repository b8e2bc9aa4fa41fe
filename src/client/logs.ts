/**
 * One log, for programs. Every command has a name, an Idempotency-Key and an index that the log had
 * reached before its first try (`Replicator-Since`). So a retry, at whatever peer and however late,
 * is the same command again, or is told that it can no longer be known.
 */
import { parse } from './answer.ts'
import type { Answer } from './answer.ts'
import type { CommandName, LogStatus, Position, QueryOutcome, SubmitOutcome } from './log-outcomes.ts'
import { judgeQuery, SubmitVerdict } from './log-verdicts.ts'
import { ClientFailed } from './outcomes.ts'
import type { Refused, Unavailable } from './outcomes.ts'
import { queryOf } from './paths.ts'
import { unavailable } from './refusals.ts'
import { get } from './tries.ts'
import type { Sent, Tries } from './tries.ts'
import { judgeView } from './verdicts.ts'

/** What one peer is given before another is asked. */
const TRY_MS = 5_000
/**
 * An index is known for so long before it is asked for again. Stores remember names for 15 minutes.
 */
const INDEX_KEPT_MS = 60_000
const FORBIDDEN = 403
const COMMAND_TYPE = 'text/plain; charset=utf-8'

interface CallOptions {
  /** The deadline, and a way to give up: `AbortSignal.timeout(5000)`. 30 s unless given. */
  readonly signal?: AbortSignal
}

export interface SubmitOptions extends CallOptions {
  /** Of an earlier try of this very command, or drawn before by `name`. Drawn unless given. */
  readonly name?: CommandName
}

export interface QueryOptions extends CallOptions {
  /**
   * `linearizable` unless given; `lease` is as new, and quicker where the log has leases; `local` asks whatever store is at hand; a position, for what is at
   * it or behind it: what one has written oneself is seen so.
   */
  readonly at?: 'linearizable' | 'lease' | 'local' | Position
}

export class LogClient {
  readonly #tries: Tries
  readonly #path: string
  readonly #signalOf: (signal: AbortSignal | undefined) => AbortSignal
  #known: { readonly index: number; readonly atMs: number } | undefined

  /** @param signalOf the deadline of a call that was given none */
  constructor(tries: Tries, name: string, signalOf: (signal: AbortSignal | undefined) => AbortSignal) {
    this.#tries = tries
    this.#path = `/logs/${encodeURIComponent(name)}`
    this.#signalOf = signalOf
  }

  /**
   * Has a command ordered and applied, once.
   *
   * @param command as the store of the log takes it: `{"set":{"k":"v"}}` of `kv`
   */
  async submit(command: string | Uint8Array, { name, signal: given }: SubmitOptions = {}): Promise<SubmitOutcome> {
    const signal = this.#signalOf(given)
    const since = name === undefined ? await this.#indexOf(signal) : name.since
    if (typeof since === 'object') return since
    const verdict = new SubmitVerdict(name ?? { id: crypto.randomUUID(), since }, name !== undefined)
    const sent: Sent = {
      path: `${this.#path}${queryOf({ timeout: TRY_MS })}`,
      method: 'POST',
      headers: () => ({ 'Content-Type': COMMAND_TYPE, ...verdict.headers }),
      body: bytesOf(command),
      tryMs: TRY_MS,
    }
    const outcome = await this.#tries.until<SubmitOutcome>(
      sent,
      signal,
      (tried) => verdict.judge(tried),
      (detail) => verdict.over(detail),
    )
    if (outcome.kind === 'done' || outcome.kind === 'rejected') this.#remember(outcome.position.index)
    return outcome
  }

  /** Asks the store of the log. @param query as the store takes it: `{"get":["k"]}` of `kv` */
  async query(query: string | Uint8Array, { at, signal }: QueryOptions = {}): Promise<QueryOutcome> {
    const place = typeof at === 'object' ? { after: `${at.term}.${at.index}` } : { consistency: at }
    const sent: Sent = {
      path: `${this.#path}/query${queryOf({ timeout: TRY_MS, ...place })}`,
      method: 'POST',
      headers: { 'Content-Type': COMMAND_TYPE },
      body: bytesOf(query),
      tryMs: TRY_MS,
    }
    return this.#tries.until<QueryOutcome>(sent, this.#signalOf(signal), judgeQuery, unavailable)
  }

  /** Who leads, and how far each replica is. @throws ClientFailed when no peer tells */
  async status({ signal }: CallOptions = {}): Promise<LogStatus> {
    const seen = await this.#status(this.#signalOf(signal))
    if ('kind' in seen) throw new ClientFailed(seen)
    return parse(seen.body) as unknown as LogStatus
  }

  /**
   * A name for one command that is to be submitted next, to be kept before it is: then whoever
   * starts again after a crash submits the same command.
   *
   * @throws ClientFailed when no peer tells how far the log is
   */
  async name({ signal }: CallOptions = {}): Promise<CommandName> {
    const since = await this.#indexOf(this.#signalOf(signal))
    if (typeof since === 'object') throw new ClientFailed(since)
    return { id: crypto.randomUUID(), since }
  }

  /** An index that the log has reached; undefined to whoever may not read. */
  async #indexOf(signal: AbortSignal): Promise<number | undefined | Refused | Unavailable> {
    if (this.#known !== undefined && performance.now() - this.#known.atMs < INDEX_KEPT_MS) return this.#known.index
    const seen = await this.#status(signal)
    if ('kind' in seen) return seen.kind === 'refused' && seen.status === FORBIDDEN ? undefined : seen
    const { commit } = parse(seen.body) as unknown as LogStatus
    this.#remember(commit)
    return commit
  }

  #status(signal: AbortSignal): Promise<Answer | Refused | Unavailable> {
    return this.#tries.until<Answer | Refused | Unavailable>(get(`${this.#path}/status`, TRY_MS), signal, judgeView, unavailable)
  }

  #remember(index: number): void {
    this.#known = { index, atMs: performance.now() }
  }
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? new TextEncoder().encode(text) : text
}
