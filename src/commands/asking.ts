/**
 * Asking a peer over HTTP, as any client does. What cannot be had becomes one line for whoever
 * typed the command.
 */
import { once } from 'node:events'
import { request as requestHttp } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { CommandFailed } from './failed.ts'
import { unanswered } from './unanswered.ts'
import type { Way } from './way.ts'

/** A peer may take this much longer than it was given before nobody waits any more. */
const PATIENCE_MS = 5_000
const LOOK_TIMEOUT_MS = 5_000

/** An answer in JSON. */
export interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** What is sent. */
interface Sent {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly body?: string
  /** Of the body; JSON unless given. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What would be had best. */
  readonly accept?: string
}

/** The peer that is asked. */
export class Asked {
  readonly #way: Way

  constructor(way: Way) {
    this.#way = way
  }

  get #name(): string {
    return this.#way.name
  }

  /** @throws CommandFailed when there is no such answer */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.#ask(path, { method: 'GET' }, LOOK_TIMEOUT_MS)
    if (status !== 200) throw new CommandFailed(`${this.#name}${path} answered ${status}: ${detailOf(body)}`)
    return body as T
  }

  /**
   * @param timeoutMs that the peer was given for it
   * @throws CommandFailed when nobody answers, or something that is no peer does
   */
  post(path: string, body: unknown, timeoutMs: number): Promise<Reply> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body) }, timeoutMs + PATIENCE_MS)
  }

  /** As `get`, of what is no JSON. */
  async text(path: string, accept: string): Promise<string> {
    const { status, body } = await this.#exchange(path, { method: 'GET', accept }, LOOK_TIMEOUT_MS)
    if (status === 200) return body
    throw new CommandFailed(`${this.#name}${path} answered ${status}: ${detailOf(factsOf(body))}`)
  }

  /** As `post`, of a body that is no JSON, and whatever the answer is. */
  send(path: string, body: string, type: string, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }> {
    return this.#exchange(path, { method: 'POST', body, type }, timeoutMs + PATIENCE_MS)
  }

  /**
   * An answer that goes on, a piece at a time. @throws CommandFailed when it is none, or breaks off
   */
  async *stream(path: string): AsyncGenerator<string> {
    try {
      const reply = await this.#request(path, { method: 'GET' }, undefined)
      if (reply.statusCode !== 200)
        throw new CommandFailed(`${this.#name}${path} answered ${reply.statusCode}: ${detailOf(factsOf(await text(reply)))}`)
      yield* reply.setEncoding('utf8') as AsyncIterable<string>
    } catch (error) {
      if (error instanceof CommandFailed) throw error
      throw new CommandFailed(unanswered(this.#name, error), { cause: error })
    }
  }

  /** Anything else, and whatever the answer is. @param timeoutMs that the peer was given for it */
  exchange(path: string, sent: Sent, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }> {
    return this.#exchange(path, sent, timeoutMs + PATIENCE_MS)
  }

  async #exchange(path: string, sent: Sent, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }> {
    try {
      const reply = await this.#request(path, sent, AbortSignal.timeout(timeoutMs))
      return { status: reply.statusCode ?? 0, body: await text(reply) }
    } catch (error) {
      throw new CommandFailed(unanswered(this.#name, error), { cause: error })
    }
  }

  async #ask(path: string, sent: Sent, timeoutMs: number): Promise<Reply> {
    const { status, body: answer } = await this.#exchange(path, sent, timeoutMs)
    try {
      return { status, body: JSON.parse(answer) as Reply['body'] }
    } catch (error) {
      throw new CommandFailed(`${this.#name}${path} answered ${status} with no JSON: it is no peer`, { cause: error })
    }
  }

  /**
   * One request on a connection of its own. Nobody is followed who names another place, and nothing
   * is sent there.
   */
  async #request(
    path: string,
    { method, body, type = 'application/json', headers: further = {}, accept }: Sent,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const { target, isSecure, headers } = this.#way
    const ofBody = body === undefined ? {} : { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)) }
    const options: RequestOptions = {
      ...target,
      method,
      path: this.#way.pathBefore + path,
      agent: false,
      ...(signal !== undefined && { signal }),
      headers: { ...headers, ...ofBody, ...further, ...(accept !== undefined && { Accept: accept }) },
    }
    const outgoing = isSecure ? requestHttps(options) : requestHttp(options)
    outgoing.end(body)
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    return reply
  }
}

/** What a body of JSON says; nothing when it is none. */
export function factsOf(body: string): Reply['body'] {
  try {
    return JSON.parse(body) as Reply['body']
  } catch {
    return {}
  }
}

/** What a refusal says. */
export function detailOf(body: Reply['body']): string {
  const { detail } = body
  return typeof detail === 'string' ? detail : 'it did not say why'
}

/** The name of a problem, as `change-refused`. */
export function problemOf({ body }: Reply): string {
  const { type } = body
  return typeof type === 'string' ? type.replace('urn:replicator:', '') : ''
}

/** Looks again and again until something is found; undefined when time is over. */
export async function poll<T>(look: () => Promise<T | undefined>, everyMs: number, deadlineMs: number): Promise<T | undefined> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() + everyMs > deadlineMs) return undefined
    await delay(everyMs)
  }
}
