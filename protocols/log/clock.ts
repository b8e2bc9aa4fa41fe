/** The log's own clock: the leader's time of day, held near that of most voters, and never going back along the log. */
import { CLOCK_AHEAD_MAX_MS } from './limits.ts'

/**
 * What the next entry says.
 *
 * @param voters the time of day of each voter that told it, the leader's too
 */
export function nextAtMs(wallMs: number, voters: readonly number[], lastAtMs: number): number {
  const sorted = voters.toSorted((a, b) => a - b)
  // Of an even number the lower one of the two in the middle.
  const median = sorted[(sorted.length - 1) >> 1] ?? wallMs
  return Math.max(lastAtMs, Math.floor(Math.min(wallMs, median + CLOCK_AHEAD_MAX_MS)), 0)
}
