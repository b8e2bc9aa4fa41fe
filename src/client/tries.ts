/**
 * Asks one peer after the other until somebody answers for good, or time is over. It begins with
 * the peer that answered last, goes to the next one when that fails, and waits a little longer
 * after each round through all of them.
 */
import { readAnswer } from './answer.ts'
import type { Answer } from './answer.ts'

/** The wait after a round through all peers doubles from the first to the last of these. */
const ROUND_WAIT_FIRST_MS = 50
const ROUND_WAIT_LAST_MS = 1_000
/** A peer may take this much longer than it was given before nobody waits any more. */
const PATIENCE_MS = 1_000
/** Nothing was sent when a connection failed so; everywhere else nobody can tell. */
const UNSENT_CODES: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
const SECOND_MS = 1_000

/** What a request is sent with, the signal apart. */
export interface Sent {
  readonly path: string
  readonly method: string
  /** Made anew for each try where it is a function. */
  readonly headers: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>)
  readonly body?: Uint8Array
  /** How long one peer is given, in ms. */
  readonly tryMs: number
}

/** One try at one peer. */
export type Tried =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** No connection was made, so nothing of the request was begun. */
  | { readonly kind: 'unsent'; readonly detail: string }
  /** It was sent, and what became of it is not known. */
  | { readonly kind: 'lost'; readonly detail: string }

export interface TriesInit {
  /** Without a slash at their end. */
  readonly peers: readonly string[]
  readonly fetch: typeof fetch
  readonly token: string | undefined
}

export class Tries {
  readonly #init: TriesInit
  /** The peer that answered last. */
  #current = 0

  constructor(init: TriesInit) {
    this.#init = init
  }

  /**
   * Tries until a verdict is final.
   *
   * @param judge takes a try and says what it comes to; undefined: try on
   * @param signal ends it; `over` is asked for the result then
   * @param over what to say when time is over, with the last detail heard
   */
  async until<T>(sent: Sent, signal: AbortSignal, judge: (tried: Tried) => T | undefined, over: (detail: string) => T): Promise<T> {
    const { peers } = this.#init
    let detail = 'the time was over before anybody was asked'
    for (let round = 0; !signal.aborted; round += 1) {
      for (let turn = 0; turn < peers.length && !signal.aborted; turn += 1) {
        const tried = await this.#ask(sent, signal)
        const verdict = judge(tried)
        if (verdict !== undefined) return verdict
        detail = tried.kind === 'answered' ? (tried.answer.problem ?? String(tried.answer.status)) : tried.detail
        this.#current = this.next(this.#current)
        if (tried.kind === 'answered' && peers.length === 1) await wait(retryAfterMs(tried.answer), signal)
      }
      await this.pause(round, signal)
    }
    return over(detail)
  }

  /** The number of the peer that answered last. */
  get current(): number {
    return this.#current
  }

  /** The number of the peer whose turn it is after another's. */
  next(peer: number): number {
    return (peer + 1) % this.#init.peers.length
  }

  /**
   * One try at one peer, whose answer goes on: its body is left to be read.
   *
   * @param peer its number
   * @throws whatever keeps the answer from beginning
   */
  open(sent: Sent, signal: AbortSignal, peer: number): Promise<Response> {
    return this.#send(sent, signal, peer)
  }

  /**
   * One request, sent once: to the peer that answered last, and to the next one only where nothing
   * was sent.
   *
   * @throws whatever keeps the answer from beginning
   */
  async once(sent: Omit<Sent, 'tryMs'>, signal: AbortSignal | undefined): Promise<Response> {
    for (let left = this.#init.peers.length; ; left -= 1) {
      try {
        return await this.#send(sent, signal, this.#current)
      } catch (error) {
        if (left <= 1 || !isUnsent(error)) throw error
        this.#current = this.next(this.#current)
      }
    }
  }

  /** Before another try, whose number it is. */
  pause(round: number, signal: AbortSignal): Promise<void> {
    const mostMs = Math.min(ROUND_WAIT_LAST_MS, ROUND_WAIT_FIRST_MS * 2 ** round)
    return wait(mostMs * (0.5 + Math.random() / 2), signal)
  }

  #send(sent: Omit<Sent, 'tryMs'>, signal: AbortSignal | undefined, at: number): Promise<Response> {
    // Called by itself: the fetch of a browser takes no other `this` than its window.
    const { peers, token, fetch: send } = this.#init
    const own = typeof sent.headers === 'function' ? sent.headers() : sent.headers
    const headers: Record<string, string> = { ...own, ...(token !== undefined && { Authorization: `Bearer ${token}` }) }
    return send((peers[at] as string) + sent.path, {
      method: sent.method,
      headers,
      ...(sent.body !== undefined && { body: sent.body as Uint8Array<ArrayBuffer> }),
      ...(signal !== undefined && { signal }),
      // A token goes to the peers that were named and to nobody whom they name.
      redirect: 'error',
    })
  }

  async #ask(sent: Sent, signal: AbortSignal): Promise<Tried> {
    const peer = this.#init.peers[this.#current] as string
    try {
      const response = await this.#send(sent, AbortSignal.any([signal, AbortSignal.timeout(sent.tryMs + PATIENCE_MS)]), this.#current)
      return { kind: 'answered', answer: await readAnswer(response) }
    } catch (error) {
      const { name, message } = error as Error
      const code = codeOf(error)
      const detail = `${peer}: ${typeof code === 'string' ? code : name === 'TimeoutError' ? 'timed out' : message}`
      return { kind: isUnsent(error) ? 'unsent' : 'lost', detail }
    }
  }
}

function codeOf(error: unknown): unknown {
  return ((error as Error).cause as { readonly code?: unknown } | undefined)?.code
}

/** No connection was made. */
function isUnsent(error: unknown): boolean {
  return UNSENT_CODES.has(codeOf(error))
}

export function get(path: string, tryMs: number): Sent {
  return { path, method: 'GET', headers: {}, tryMs }
}

/** How long a lone peer asks to be left alone. */
function retryAfterMs({ headers }: Answer): number {
  const seconds = Number(headers.get('retry-after') ?? '0')
  return Number.isFinite(seconds) ? seconds * SECOND_MS : 0
}

/** Waits, or until the signal. Never rejects. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || ms <= 0) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
