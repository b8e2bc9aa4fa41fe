/** One request of a client about a register, and its place in the history. */
import { problemOf } from '../../process/client.ts'
import type { Asking, Reply } from '../../process/client.ts'
import { isNeverSent } from '../asking.ts'
import type { AskedPeer } from '../asking.ts'
import type { ReadCall, RegisterAnswer, RegisterHistory, RegisterOperation, When, WriteCall } from './history.ts'

/**
 * A peer may take this much longer than the timeout that it was given, for it shares the machine;
 * then the client hangs up.
 */
const PATIENCE_MS = 3_000
const KEPT_MAX = 20

export interface WriteInit {
  readonly kind: WriteCall['kind']
  readonly key: string
  readonly peer: AskedPeer
  readonly value: string
  readonly when: When
  /** An Idempotency-Key; undefined to have one drawn by the peer. */
  readonly writeId: string | undefined
  /** The version that was current at the first try, as far as the client knows. */
  readonly after: number | undefined
  readonly ttlSeconds?: number
  readonly timeoutMs: number
}

export class RegisterAsker {
  readonly #history: RegisterHistory
  #last = 0

  constructor(history: RegisterHistory) {
    this.#history = history
  }

  async write(init: WriteInit): Promise<RegisterOperation> {
    const { kind, key, peer, value, when, writeId, after, ttlSeconds, timeoutMs } = init
    this.#last += 1
    const call: WriteCall = { kind, writeId: writeId ?? `drawn-${this.#last}`, isNamed: writeId !== undefined, value, when }
    const headers = {
      ...(kind === 'put' && { 'Content-Type': 'text/plain' }),
      ...(writeId !== undefined && { 'Idempotency-Key': writeId }),
      ...(after !== undefined && { 'Replicator-After': String(after) }),
      ...(when === 'absent' && { 'If-None-Match': '*' }),
      ...((when === 'live' || typeof when === 'number') && { 'If-Match': when === 'live' ? '*' : `"${when}"` }),
    }
    const query = `?timeout=${timeoutMs}${ttlSeconds === undefined ? '' : `&ttl=${ttlSeconds}`}`
    const asking = { query, headers, ...(kind === 'put' && { body: value }) }
    return this.#ask(peer, kind === 'put' ? 'PUT' : 'DELETE', key, call, asking, timeoutMs, writeAnswer)
  }

  async get(key: string, peer: AskedPeer, consistency: ReadCall['consistency'], timeoutMs: number): Promise<RegisterOperation> {
    const query = `?timeout=${timeoutMs}&consistency=${consistency}`
    return this.#ask(peer, 'GET', key, { kind: 'get', consistency }, { query }, timeoutMs, (reply) => {
      const told = reply.headers['replicator-consistency']
      if ((reply.status === 200 || reply.status === 404) && told !== consistency) return undefined
      return readAnswer(reply)
    })
  }

  async #ask(
    peer: AskedPeer,
    method: string,
    key: string,
    call: RegisterOperation['call'],
    asking: Asking,
    timeoutMs: number,
    read: (reply: Reply) => RegisterAnswer | undefined,
  ): Promise<RegisterOperation> {
    const beganMs = performance.now()
    let answer: RegisterAnswer | undefined
    let told: string
    try {
      const signal = AbortSignal.timeout(timeoutMs + PATIENCE_MS)
      const reply = await peer.process.client.ask(method, `/kv/${key}`, { ...asking, signal })
      answer = read(reply)
      told = `${reply.status} ${problemOf(reply) ?? ''}`.trim()
    } catch (error) {
      told = (error as { code?: string }).code ?? String(error)
      answer = call.kind === 'get' ? { kind: 'unknown' } : { kind: isNeverSent(error) ? 'refused' : 'in-doubt' }
    }
    const known: RegisterAnswer = answer ?? { kind: call.kind === 'get' ? 'unknown' : 'in-doubt' }
    const operation: RegisterOperation = { key, peer: peer.name, call, beganMs, endedMs: performance.now(), answer: known, told }
    if (answer === undefined && this.#history.oddities.length < KEPT_MAX)
      this.#history.oddities.push(`${call.kind} ${key} at ${peer.name} was answered ${told}, which no rule allows`)
    this.#history.add(operation)
    return operation
  }
}

/** @returns undefined for an answer that no rule allows */
function writeAnswer(reply: Reply): RegisterAnswer | undefined {
  const facts = (): Readonly<Record<string, unknown>> => JSON.parse(reply.body.toString()) as Record<string, unknown>
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '200':
    case '201':
      return { kind: 'applied', version: facts()['version'] as number, isRepeated: reply.headers['replicator-repeated'] === 'true' }
    case '412 precondition-failed':
      return { kind: 'mismatch', current: facts()['version'] as number }
    case '404 unknown-key':
      return { kind: 'nothing' }
    case '409 outcome-forgotten':
      return { kind: 'forgotten' }
    case '503 not-applied':
      return { kind: 'not-applied' }
    case '503 not-ready':
    case '503 overloaded':
      return { kind: 'refused' }
    case '504 in-doubt':
      return { kind: 'in-doubt' }
    default:
      return undefined
  }
}

function readAnswer(reply: Reply): RegisterAnswer | undefined {
  switch (`${reply.status} ${problemOf(reply) ?? ''}`.trim()) {
    case '200':
      return { kind: 'found', version: Number(reply.headers['replicator-version']), value: reply.body.toString() }
    case '404 unknown-key':
      return { kind: 'absent', number: (JSON.parse(reply.body.toString()) as { number: number }).number }
    case '503 unavailable':
    case '503 overloaded':
    case '503 not-ready':
      return { kind: 'unknown' }
    default:
      return undefined
  }
}
