/**
 * Asking one peer once, by the client library: what operates a network is not tried elsewhere. What
 * cannot be had becomes one line for whoever typed the command.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from '../client/client.ts'
import { CommandFailed } from './failed.ts'
import { NOT_TO_BE_HAD } from './fetch-by.ts'
import { unanswered } from './unanswered.ts'

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
  readonly #client: Client
  readonly #name: string

  /** @param name of the peer, for people */
  constructor(client: Client, name: string) {
    this.#client = client
    this.#name = name
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
      const answer = await this.#request(path, { method: 'GET' }, undefined)
      if (answer.status !== 200)
        throw new CommandFailed(`${this.#name}${path} answered ${answer.status}: ${detailOf(factsOf(await answer.text()))}`)
      const pieces = answer.body?.pipeThrough(new TextDecoderStream())
      if (pieces !== undefined) yield* pieces
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
      const answer = await this.#request(path, sent, AbortSignal.timeout(timeoutMs))
      return { status: answer.status, body: await answer.text() }
    } catch (error) {
      if (error instanceof CommandFailed) throw error
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

  /** @throws CommandFailed when no peer can be reached as it is asked to be */
  async #request(
    path: string,
    { method, body, type = 'application/json', headers = {}, accept }: Sent,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const ofBody = body === undefined ? {} : { 'Content-Type': type }
    const answer = await this.#client.fetch(path, {
      method,
      headers: { ...ofBody, ...headers, ...(accept !== undefined && { Accept: accept }) },
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    })
    if (answer.status === NOT_TO_BE_HAD) throw new CommandFailed(detailOf(factsOf(await answer.text())))
    return answer
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
