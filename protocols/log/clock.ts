/**
 * The log's own clock: the leader's time of day, held near that of most voters, and never going
 * back along the log.
 */
import { CLOCK_AHEAD_MAX_MS } from './limits.ts'

/**
 * What the next entry says. It stands still until most voters have told what time it is: one clock
 * that is wrong must not set it.
 *
 * @param voters the time of day of each voter that told it, the leader's too
 * @param voterCount how many there are
 */
export function nextAtMs(wallMs: number, voters: readonly number[], voterCount: number, lastAtMs: number): number {
  if (voters.length * 2 <= voterCount) return lastAtMs
  const sorted = voters.toSorted((a, b) => a - b)
  // Of an even number the lower one of the two in the middle.
  const median = sorted[(sorted.length - 1) >> 1] ?? wallMs
  return Math.max(lastAtMs, Math.floor(Math.min(wallMs, median + CLOCK_AHEAD_MAX_MS)), 0)
}
