import type { Clock } from '../ports/clock.ts'

/** The `Date` header, worked out once a second. */
export class HttpDates {
  readonly #clock: Clock
  #second = Number.NaN
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Now, as a whole second since 1970: what `now()` says. */
  nowSecond(): number {
    const second = Math.floor(this.#clock.wallMs() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#text = formatHttpDate(second)
    }
    return second
  }

  /** Now, as RFC 9110 writes it. */
  now(): string {
    this.nowSecond()
    return this.#text
  }
}

/** A second since 1970 as RFC 9110 writes it: `Fri, 20 Nov 2026 19:00:00 GMT`. */
export function formatHttpDate(second: number): string {
  return new Date(second * 1000).toUTCString()
}

/** A time as JSON shows it: RFC 3339, UTC, milliseconds. */
export function formatTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
