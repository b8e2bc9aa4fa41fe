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
  const { http, beganAt } = dayOf(second)
  return `${http}${timeOfDay(second - beganAt)} GMT`
}

/** A time as JSON shows it: RFC 3339, UTC, milliseconds. */
export function formatTime(wallMs: number): string {
  const second = Math.floor(wallMs / 1000)
  const { json, beganAt } = dayOf(second)
  return `${json}${timeOfDay(second - beganAt)}.${String(Math.trunc(wallMs - second * 1000)).padStart(3, '0')}Z`
}

const DAY_SECONDS = 86_400

interface Day {
  /** A second since 1970. */
  readonly beganAt: number
  /** What a date begins with, up to the time of day: `Fri, 20 Nov 2026 `. */
  readonly http: string
  /** Likewise: `2026-11-20T`. */
  readonly json: string
}

const TWO_DIGITS: readonly string[] = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

/**
 * Nearly all times that are told one after the other are of one day. `Date` takes longer for a text
 * than the rest of an answer does.
 */
let lastDay: Day | undefined

/** The day of a second. @throws RangeError when `Date` does not know it */
function dayOf(second: number): Day {
  const beganAt = Math.floor(second / DAY_SECONDS) * DAY_SECONDS
  if (lastDay?.beganAt === beganAt) return lastDay
  const began = new Date(beganAt * 1000)
  lastDay = { beganAt, http: began.toUTCString().replace('00:00:00 GMT', ''), json: began.toISOString().replace('00:00:00.000Z', '') }
  return lastDay
}

/** `19:00:00`. @param second of the day */
function timeOfDay(second: number): string {
  const minute = Math.floor(second / 60)
  return `${TWO_DIGITS[Math.floor(minute / 60)]}:${TWO_DIGITS[minute % 60]}:${TWO_DIGITS[second % 60]}`
}
