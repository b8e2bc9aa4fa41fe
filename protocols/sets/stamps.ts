/**
 * Stamps that this peer gives, and stamps that clients bring.
 *
 * A stamp given here is above both stamps of its element, so that whoever saw an element's last
 * operation can always undo it, whatever the clocks say. It is not above the last stamp given here,
 * only never below: with one more for each operation a busy peer would run ahead of its clock.
 */
import { latest } from './join.ts'
import type { Stamps } from './join.ts'
import { NO_STAMP } from './requests.ts'
import type { ClientClock, Entry, SetAnswer, Stamp } from './requests.ts'

/**
 * What every stamp of one request is at least. @param last the last stamp that was given here in
 * this set
 */
export function leastStamp(wallMs: number, last: Stamp, bar: Stamp): Stamp {
  return Math.max(Math.floor(wallMs), last, bar + 1, 0)
}

/** The stamp of one element in a request. @param held what this peer holds of the element */
export function stampFor(least: Stamp, held: Stamps): Stamp {
  return Math.max(least, latest(held) + 1)
}

/** What is added to a client's stamps, in whole milliseconds. */
export function shiftOf(clock: ClientClock, wallMs: number): number {
  switch (clock.kind) {
    case 'right':
      return 0
    case 'shows':
      return Math.floor(wallMs) - clock.nowMs
    case 'shifted':
      return clock.byMs
  }
}

export function shifted(entry: Entry, byMs: number): Entry {
  const move = (stamp: Stamp): Stamp => (stamp === NO_STAMP ? NO_STAMP : stamp + byMs)
  return byMs === 0 ? entry : { element: entry.element, added: move(entry.added), removed: move(entry.removed) }
}

export interface Allowed {
  /** Stamps at or below it are refused. */
  readonly bar: Stamp
  /** Stamps above it are refused. */
  readonly most: Stamp
  readonly shiftMs: number
}

/**
 * The first stamp of an update that is not allowed, which refuses all of it; undefined when none
 * is.
 */
export function badStamp(entries: readonly Entry[], allowed: Allowed): Extract<SetAnswer, { kind: 'bad-stamp' }> | undefined {
  for (const entry of entries) {
    for (const stamp of [entry.added, entry.removed]) {
      const why = stamp === NO_STAMP ? undefined : refusal(stamp, allowed)
      if (why === undefined) continue
      const { bar, most, shiftMs } = allowed
      return { kind: 'bad-stamp', entry, stamp, why, least: Math.max(bar + 1, 0) - shiftMs, most: most - shiftMs }
    }
  }
  return undefined
}

function refusal(stamp: number, { bar, most, shiftMs }: Allowed): 'ahead' | 'barred' | 'no-stamp' | undefined {
  const moved = stamp + shiftMs
  if (!Number.isSafeInteger(stamp) || stamp < 0 || !Number.isSafeInteger(moved)) return 'no-stamp'
  if (moved > most) return 'ahead'
  return moved <= bar || moved < 0 ? 'barred' : undefined
}
