/**
 * One request of a client to a peer, and its place in the history: every answer that the interface
 * knows, and the lack of one.
 */
import { problemOf } from '../process/client.ts'
import type { Asking, Client, Reply } from '../process/client.ts'
import { etagOf } from './history.ts'
import type { Answer, GetCall, History, Operation, PutCall } from './history.ts'

/**
 * A peer may take this much longer than the timeout that it was given, for it shares the machine;
 * then the client hangs up.
 */
const PATIENCE_MS = 3_000
const CONTENT_TYPE = 'text/plain'
const KEPT_MAX = 20

/** A peer that can be asked; between its runs too, when nobody answers. */
export interface AskedPeer {
  readonly name: string
  readonly process: { readonly client: Client }
}

export interface PutInit {
  readonly key: string
  readonly value: Buffer
  /** An Idempotency-Key; undefined to have one drawn. */
  readonly writeId: string | undefined
  readonly timeoutMs: number
}

export interface GetInit {
  readonly key: string
  readonly consistency: GetCall['consistency']
  readonly waitMs: number
  readonly timeoutMs: number
}

export class Asker {
  readonly #history: History
  #last = 0

  constructor(history: History) {
    this.#history = history
  }

  /** @returns the writeId, when it is in doubt and the answer told it or the client chose it */
  async put({
    key,
    peer,
    value,
    writeId,
    timeoutMs,
  }: PutInit & { readonly peer: AskedPeer }): Promise<{ kind: Answer['kind']; writeId: string | undefined }> {
    this.#last += 1
    const call: PutCall = {
      kind: 'put',
      writeId: writeId ?? `put-${this.#last}`,
      isGiven: writeId !== undefined,
      etag: etagOf(CONTENT_TYPE, value),
    }
    const headers = { 'Content-Type': CONTENT_TYPE, ...(writeId !== undefined && { 'Idempotency-Key': writeId }) }
    let toldId: string | undefined
    const operation = await this.#ask(
      peer,
      'PUT',
      key,
      call,
      { query: `?timeout=${timeoutMs}`, headers, body: value },
      timeoutMs,
      (reply) => {
        toldId = writeIdOf(reply)
        return putAnswer(reply)
      },
    )
    if (toldId !== undefined) {
      if (writeId !== undefined && toldId !== writeId) this.#odd(operation, `it was told the writeId ${toldId} of a put as ${writeId}`)
      call.writeId = toldId
    }
    return { kind: operation.answer.kind, writeId: writeId ?? toldId }
  }

  async get({ key, peer, consistency, waitMs, timeoutMs }: GetInit & { readonly peer: AskedPeer }): Promise<Operation> {
    const wait = waitMs > 0 ? `&wait=${waitMs}` : ''
    const query = `?timeout=${timeoutMs}&consistency=${consistency}${wait}`
    let body: Buffer | undefined
    let type = ''
    const operation = await this.#ask(peer, 'GET', key, { kind: 'get', consistency }, { query }, timeoutMs + waitMs, (reply) => {
      if (reply.status === 200) body = reply.body
      type = reply.headers['content-type'] ?? ''
      const told = reply.headers['replicator-consistency']
      if ((reply.status === 200 || reply.status === 404) && told !== consistency) return undefined
      return getAnswer(reply)
    })
    const { answer } = operation
    if (body !== undefined && answer.kind === 'found' && etagOf(type, body) !== answer.etag)
      this.#odd(operation, `its bytes are not those of its etag: ${body.subarray(0, 80).toString()}`)
    return operation
  }

  /** A page of a peer's listing: each key on it is shown. */
  async list(peer: AskedPeer, prefix: string, after: string, limit: number, timeoutMs: number): Promise<void> {
    const beganMs = performance.now()
    try {
      const query = `?prefix=${encodeURIComponent(prefix)}&after=${encodeURIComponent(after)}&limit=${limit}`
      const reply = await peer.process.client.ask('GET', `/store${query}`, { signal: AbortSignal.timeout(timeoutMs + PATIENCE_MS) })
      if (reply.status !== 200) return
      const { keys } = JSON.parse(reply.body.toString()) as { keys: { key: string; etag: string }[] }
      const times = { beganMs, endedMs: performance.now(), told: 'listed' }
      for (const { key, etag } of keys) {
        this.#history.add({ key, peer: peer.name, call: { kind: 'get', consistency: 'local' }, ...times, answer: { kind: 'found', etag } })
      }
    } catch {
      // It says nothing of any key.
    }
  }

  async #ask(
    peer: AskedPeer,
    method: string,
    key: string,
    call: Operation['call'],
    asking: Asking,
    timeoutMs: number,
    read: (reply: Reply) => Answer | undefined,
  ): Promise<Operation> {
    const beganMs = performance.now()
    let answer: Answer | undefined
    let told: string
    try {
      const reply = await peer.process.client.ask(method, `/store/${key}`, {
        ...asking,
        signal: AbortSignal.timeout(timeoutMs + PATIENCE_MS),
      })
      answer = read(reply)
      told = `${reply.status} ${problemOf(reply) ?? ''}`.trim()
    } catch (error) {
      told = (error as { code?: string }).code ?? String(error)
      answer = call.kind === 'get' ? { kind: 'unknown' } : { kind: isNeverSent(error) ? 'refused' : 'in-doubt' }
    }
    const known: Answer = answer ?? { kind: call.kind === 'get' ? 'unknown' : 'in-doubt' }
    const operation: Operation = { key, peer: peer.name, call, beganMs, endedMs: performance.now(), answer: known, told }
    if (answer === undefined) this.#odd(operation, 'no rule allows this answer')
    this.#history.add(operation)
    return operation
  }

  #odd({ key, peer, call, told }: Operation, what: string): void {
    if (this.#history.oddities.length < KEPT_MAX)
      this.#history.oddities.push(`${call.kind} ${key} at ${peer} was answered ${told}: ${what}`)
  }
}

/** No connection was made, so nothing was said on it. */
export function isNeverSent(error: unknown): boolean {
  return (error as { code?: string; syscall?: string }).code === 'ECONNREFUSED'
}

/** @returns undefined for an answer that no rule allows */
function putAnswer(reply: Reply): Answer | undefined {
  const etag = reply.headers.etag ?? ''
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '201':
      return { kind: 'created', etag }
    case '200':
      return { kind: 'stored-before', etag }
    case '409 key-exists':
      return { kind: 'conflict', etag: (JSON.parse(reply.body.toString()) as { etag: string }).etag }
    case '422 idempotency-key-reused':
      return { kind: 'reused' }
    case '503 not-stored':
      return { kind: 'not-stored' }
    case '503 not-ready':
    case '503 overloaded':
      return { kind: 'refused' }
    case '504 in-doubt':
      return { kind: 'in-doubt' }
    default:
      return undefined
  }
}

function getAnswer(reply: Reply): Answer | undefined {
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '200':
      return { kind: 'found', etag: reply.headers.etag ?? '' }
    case '404 unknown-key':
      return { kind: 'absent' }
    case '503 unavailable':
    case '503 overloaded':
    case '503 not-ready':
      return { kind: 'unknown' }
    default:
      return undefined
  }
}

function writeIdOf(reply: Reply): string | undefined {
  if (reply.status !== 200 && reply.status !== 201 && reply.status !== 504) return undefined
  try {
    return (JSON.parse(reply.body.toString()) as { writeId?: string }).writeId
  } catch {
    return undefined
  }
}
