/**
 * Writes of a few clients at a time, each one after another, and how long none of them was taken: a
 * client whose write is in doubt waits for long, and the others go on.
 */
import { setTimeout as delay } from 'node:timers/promises'

const CLIENTS = 4
/** A write that is not answered by then is given up. */
const TRY_MS = 10_000
/** Between two writes of a client. */
const PAUSE_MS = 5

export interface WriteGaps {
  /** The longest time from one write that was taken to the next, in milliseconds. */
  readonly longestMs: number
  readonly written: number
}

export class Writer {
  readonly #send: (signal: AbortSignal, number: number) => Promise<boolean>
  readonly #stopping = new AbortController()
  readonly #ended: Promise<unknown>
  #lastMs: number = performance.now()
  #longestMs = 0
  #written = 0
  #sent = 0

  /** @param send sends one write, of this number; true when it was taken */
  constructor(send: (signal: AbortSignal, number: number) => Promise<boolean>) {
    this.#send = send
    this.#ended = Promise.all(Array.from({ length: CLIENTS }, () => this.#run()))
  }

  /** From now on: what was before is forgotten. */
  forget(): void {
    this.#longestMs = 0
    this.#lastMs = performance.now()
  }

  async stop(): Promise<WriteGaps> {
    this.#stopping.abort()
    await this.#ended
    return { longestMs: this.#longestMs, written: this.#written }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const number = (this.#sent += 1)
      const isTaken = await this.#send(AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]), number).catch(() => false)
      const nowMs = performance.now()
      if (isTaken) {
        this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs)
        this.#lastMs = nowMs
        this.#written += 1
      }
      await delay(PAUSE_MS)
    }
  }
}
