/** Asking a peer over HTTP, as any client does. What cannot be had becomes one line for whoever typed the command. */
import { request as requestHttp } from 'node:http'
import type { RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { CommandFailed } from './failed.ts'
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
  readonly method: 'GET' | 'POST'
  readonly body?: string
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

  async #ask(path: string, sent: Sent, timeoutMs: number): Promise<Reply> {
    let status: number
    let answer: string
    try {
      ;[status, answer] = await this.#send(path, sent, AbortSignal.timeout(timeoutMs))
    } catch (error) {
      throw new CommandFailed(unanswered(this.#name, reasonOf(error)), { cause: error })
    }
    try {
      return { status, body: JSON.parse(answer) as Reply['body'] }
    } catch (error) {
      throw new CommandFailed(`${this.#name}${path} answered ${status} with no JSON: it is no peer`, { cause: error })
    }
  }

  /** One request on a connection of its own. Nobody is followed who names another place, and nothing is sent there. */
  async #send(path: string, { method, body }: Sent, signal: AbortSignal): Promise<[status: number, body: string]> {
    const { target, isSecure, headers } = this.#way
    const type = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }
    const options: RequestOptions = {
      ...target,
      method,
      path: this.#way.pathBefore + path,
      agent: false,
      signal,
      headers: { ...headers, ...type },
    }
    const { promise, resolve, reject } = Promise.withResolvers<[number, string]>()
    const outgoing = isSecure ? requestHttps(options) : requestHttp(options)
    outgoing.on('response', (reply) => {
      text(reply).then((answer) => resolve([reply.statusCode ?? 0, answer]), reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
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

/** What OpenSSL calls a certificate that nobody it trusts has signed, or that is for another name. */
const DISTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/
/** What a peer with `-http-ca` says to whoever shows no certificate of it. */
const ASKS_FOR_CERTIFICATE = /ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE)/

function unanswered(name: string, reason: string): string {
  if (ASKS_FOR_CERTIFICATE.test(reason)) return `the peer at ${name} asks for another certificate (${reason}): show one with -cert and -key`
  if (DISTRUSTED.test(reason)) return `the certificate of ${name} is not trusted (${reason}): name the one that signed it with -ca`
  if (reason === 'EACCES') return `this user may not open ${name}: give the command as the user who runs the peer`
  return `no peer answers at ${name} (${reason}); name one that runs with -url`
}

function reasonOf(error: unknown): string {
  const { cause, name, code, message } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || (cause as Error | undefined)?.name === 'TimeoutError') return 'timed out'
  return code ?? message
}
