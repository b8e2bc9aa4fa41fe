/** Asking a peer over HTTP, as any client does. What cannot be had becomes one line for whoever typed the command. */
import { setTimeout as delay } from 'node:timers/promises'

/** A peer may take this much longer than it was given before nobody waits any more. */
const PATIENCE_MS = 5_000
const LOOK_TIMEOUT_MS = 5_000

/** Why a command did not do what it was for: one line. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** An answer in JSON. */
export interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** The peer at an address. */
export class Asked {
  readonly url: string

  /** @param url without a slash at its end */
  constructor(url: string) {
    this.url = url
  }

  /** @throws CommandFailed when there is no such answer */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.#ask(path, {}, LOOK_TIMEOUT_MS)
    if (status !== 200) throw new CommandFailed(`${this.url}${path} answered ${status}: ${detailOf(body)}`)
    return body as T
  }

  /**
   * @param timeoutMs that the peer was given for it
   * @throws CommandFailed when nobody answers, or something that is no peer does
   */
  post(path: string, body: unknown, timeoutMs: number): Promise<Reply> {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    return this.#ask(path, init, timeoutMs + PATIENCE_MS)
  }

  async #ask(path: string, init: RequestInit, timeoutMs: number): Promise<Reply> {
    let reply: Response
    let text: string
    try {
      reply = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' })
      text = await reply.text()
    } catch (error) {
      throw new CommandFailed(`no peer answers at ${this.url} (${reasonOf(error)}); name one that runs with -url`, { cause: error })
    }
    try {
      return { status: reply.status, body: JSON.parse(text) as Reply['body'] }
    } catch (error) {
      throw new CommandFailed(`${this.url}${path} answered ${reply.status} with no JSON: it is no peer`, { cause: error })
    }
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

function reasonOf(error: unknown): string {
  const { cause, name, message } = error as Error
  if (name === 'TimeoutError') return 'timed out'
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : message
}
