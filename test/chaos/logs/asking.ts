/** One request of a client about a list of a log, and its place in the history. */
import { problemOf } from '../../process/client.ts'
import type { Asking, Reply } from '../../process/client.ts'
import { isNeverSent } from '../asking.ts'
import type { AskedPeer } from '../asking.ts'
import { DIALECTS, logOf } from './dialects.ts'
import type { LogKind } from './dialects.ts'
import type { ListOperation, LogAnswer, LogHistory, ReadCall } from './history.ts'

/**
 * A peer may take this much longer than the timeout that it was given, for it shares the machine;
 * then the client hangs up.
 */
const PATIENCE_MS = 3_000
const KEPT_MAX = 20

export interface AppendInit {
  readonly kind: LogKind
  readonly list: string
  readonly peer: AskedPeer
  readonly item: string
  /** An Idempotency-Key; undefined to have one drawn by the peer. */
  readonly submitId: string | undefined
  /** An index from before the first try, as an answer told it. */
  readonly since: number | undefined
  readonly timeoutMs: number
}

export class LogAsker {
  readonly #history: LogHistory
  /** The newest `Replicator-Since` of each log. */
  readonly #since = new Map<LogKind, number>()
  #last = 0

  constructor(history: LogHistory) {
    this.#history = history
  }

  since(kind: LogKind): number | undefined {
    return this.#since.get(kind)
  }

  /** @returns the name to send it again by, when it is in doubt and the answer told it or the client chose it */
  async append(init: AppendInit): Promise<{ readonly operation: ListOperation; readonly submitId: string | undefined }> {
    const { kind, list, item, submitId, since, timeoutMs } = init
    this.#last += 1
    const headers = {
      'Content-Type': 'text/plain',
      ...(submitId !== undefined && { 'Idempotency-Key': submitId }),
      ...(since !== undefined && { 'Replicator-Since': String(since) }),
    }
    let told: string | undefined
    const asking = { query: `?timeout=${timeoutMs}`, headers, body: DIALECTS[kind].append(list, item) }
    const call: { kind: 'append'; submitId: string; item: string } = {
      kind: 'append',
      submitId: submitId ?? `drawn-${this.#last}`,
      item,
    }
    const operation = await this.#ask(init, `/logs/${logOf(kind)}`, call, asking, (reply) => {
      this.#note(kind, reply)
      if (reply.status === 504) told = (JSON.parse(reply.body.toString()) as { readonly submitId: string }).submitId
      return appendAnswer(reply)
    })
    // Its further tries go by the name that the answer told.
    call.submitId = submitId ?? told ?? call.submitId
    return { operation, submitId: submitId ?? told }
  }

  async read(
    init: Pick<AppendInit, 'kind' | 'list' | 'peer' | 'timeoutMs'>,
    consistency: ReadCall['consistency'],
    term = 0,
  ): Promise<ListOperation> {
    const { kind, list, timeoutMs } = init
    const how = typeof consistency === 'number' ? `after=${term}.${consistency}` : `consistency=${consistency}`
    const asking = { query: `?timeout=${timeoutMs}&${how}`, body: DIALECTS[kind].read(list) }
    return this.#ask(init, `/logs/${logOf(kind)}/query`, { kind: 'read', consistency }, asking, (reply) => readAnswer(kind, reply))
  }

  #note(kind: LogKind, { headers }: Reply): void {
    const since = Number(headers['replicator-since'] ?? 0)
    if (since > (this.#since.get(kind) ?? 0)) this.#since.set(kind, since)
  }

  async #ask(
    { kind, list, peer, timeoutMs }: Pick<AppendInit, 'kind' | 'list' | 'peer' | 'timeoutMs'>,
    path: string,
    call: ListOperation['call'],
    asking: Asking,
    read: (reply: Reply) => LogAnswer | undefined,
  ): Promise<ListOperation> {
    const beganMs = performance.now()
    let answer: LogAnswer | undefined
    let told: string
    try {
      const signal = AbortSignal.timeout(timeoutMs + PATIENCE_MS)
      const reply = await peer.process.client.ask('POST', path, { ...asking, signal })
      answer = read(reply)
      told = `${reply.status} ${problemOf(reply) ?? ''}`.trim()
    } catch (error) {
      told = (error as { code?: string }).code ?? String(error)
      answer = call.kind === 'read' ? { kind: 'unknown' } : { kind: isNeverSent(error) ? 'refused' : 'in-doubt' }
    }
    const known: LogAnswer = answer ?? { kind: call.kind === 'read' ? 'unknown' : 'in-doubt' }
    const key = `${logOf(kind)} ${list}`
    const operation: ListOperation = { key, peer: peer.name, call, beganMs, endedMs: performance.now(), answer: known, told }
    if (answer === undefined && this.#history.oddities.length < KEPT_MAX)
      this.#history.oddities.push(`${call.kind} ${key} at ${peer.name} was answered ${told}, which no rule allows`)
    this.#history.add(operation)
    return operation
  }
}

/** @returns undefined for an answer that no rule allows */
function appendAnswer(reply: Reply): LogAnswer | undefined {
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '200':
      return { kind: 'done', index: indexIn(reply) }
    case '422 idempotency-key-reused':
      return { kind: 'reused' }
    case '409 outcome-forgotten':
      return { kind: 'forgotten' }
    case '503 not-ordered':
    case '503 stalled':
    case '503 overloaded':
    case '503 not-ready':
      return { kind: 'not-ordered' }
    case '504 in-doubt':
      return { kind: 'in-doubt' }
    // A peer that joins knows no log yet.
    case '404 unknown-log':
      return { kind: 'refused' }
    default:
      return undefined
  }
}

function readAnswer(kind: LogKind, reply: Reply): LogAnswer | undefined {
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '200': {
      const { result } = JSON.parse(reply.body.toString()) as { readonly result: unknown }
      return { kind: 'found', index: indexIn(reply), items: DIALECTS[kind].items(result) }
    }
    case '503 unavailable':
    case '503 stalled':
    case '503 overloaded':
    case '503 not-ready':
    case '404 unknown-log':
      return { kind: 'unknown' }
    default:
      return undefined
  }
}

function indexIn(reply: Reply): number {
  return (JSON.parse(reply.body.toString()) as { readonly position: { readonly index: number } }).position.index
}
