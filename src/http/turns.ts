/**
 * How much begins in one turn of the event loop. Pipelined requests are handed over thousands at a
 * time, and while they begin nobody else is answered and no message of a peer is read. So a turn
 * begins requests for a few milliseconds. The rest begin in later turns: one request of each
 * client, and of its connections in turn, so that many of one client hold up nobody else.
 *
 * Most of what a request costs comes after it has begun: a value is read, hashed and written once a
 * promise has resolved. So the clock is looked at only when all of that is done, or else a turn
 * would begin many large values and pay for them later.
 *
 * The loop accepts one connection each time it goes round. With a turn in each round, whoever
 * connects behind a hundred others would wait for a hundred turns. So while connections come, the
 * loop mostly goes round without a turn.
 */
import type { Clock } from '../ports/clock.ts'
import type { Share } from './load.ts'

/** How long one turn goes on beginning requests. The last of them may take it beyond that. */
const TURN_MS = 5
/** For so long after a turn the next one waits, if connections go on coming. */
const ACCEPTING_MS = 20

/** A connection with requests that have not begun. */
export interface Waiter {
  /** Begins its next request, if one may begin; true when another may. */
  goOn(): boolean
}

export class Turns {
  readonly #clock: Clock
  /** Each client's connections, those first that waited longest. */
  readonly #waiting = new Map<Share, Set<Waiter>>()
  #isUnderWay = false
  #endsAtMs = 0
  /** A connection was accepted since the loop went round last. */
  #hasAccepted = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a request may begin at once. Nobody overtakes those that wait. */
  mayBegin(): boolean {
    if (this.#waiting.size > 0) return false
    if (!this.#isUnderWay) {
      this.#start()
      return true
    }
    return this.#clock.nowMs() < this.#endsAtMs
  }

  /** Lets a connection go on in a later turn; one that waits already keeps its place. */
  wait(share: Share, waiter: Waiter): void {
    const waiters = this.#waiting.get(share)
    if (waiters === undefined) this.#waiting.set(share, new Set([waiter]))
    else waiters.add(waiter)
    if (!this.#isUnderWay) this.#start()
  }

  /** A connection came; others may stand behind it. */
  accepted(): void {
    this.#hasAccepted = true
  }

  #start(): void {
    this.#isUnderWay = true
    this.#endsAtMs = this.#clock.nowMs() + TURN_MS
    setImmediate(this.#next)
  }

  /** The turn is over; the next one begins with those that wait. */
  readonly #next = (): void => {
    const isAccepting = this.#hasAccepted && this.#clock.nowMs() < this.#endsAtMs + ACCEPTING_MS
    this.#hasAccepted = false
    if (this.#waiting.size === 0) this.#isUnderWay = false
    else if (isAccepting) setImmediate(this.#next)
    else this.#begin()
  }

  #begin(): void {
    this.#start()
    this.#goOn()
  }

  readonly #goOn = (): void => {
    if (this.#waiting.size === 0 || this.#clock.nowMs() >= this.#endsAtMs) return
    this.#beginOne()
    // Such a tick comes when no promise is left to resolve.
    queueMicrotask(() => process.nextTick(this.#goOn))
  }

  #beginOne(): void {
    for (const [share, waiters] of this.#waiting) {
      for (const waiter of waiters) {
        waiters.delete(waiter)
        if (waiter.goOn()) waiters.add(waiter)
        break
      }
      this.#waiting.delete(share)
      if (waiters.size > 0) this.#waiting.set(share, waiters)
      return
    }
  }
}
