/** How long work on one register waits: after a try that was lost, and for a commit that nobody waits for any more. */

/** After this many lost tries the wait between them grows no longer. */
const BACKOFF_DOUBLINGS_MAX = 6
/**
 * It grows no longer than this either, but for links so far that so many round trips take longer.
 */
const BACKOFF_MOST_MS = 10_000
const BACKOFF_ROUND_TRIPS = 8
/** An offer that met a rival waits for half a round trip, and up to so many more. */
const CONTENDED_LEAST_ROUND_TRIPS = 0.5
const CONTENDED_SPREAD_ROUND_TRIPS = 1
/** A commit whose clients are gone is carried on for so long; after that, voters finish it. */
const LINGER_MS = 5_000
/** On far links for as long as it takes to ask again. */
const LINGER_ROUND_TRIPS = 3

/** The most that is waited after so many lost tries, in milliseconds; a part of it, by chance, is. */
export function longestPauseMs(tries: number, roundTripMs: number): number {
  const growingMs = 2 ** Math.min(tries, BACKOFF_DOUBLINGS_MAX) * roundTripMs
  return Math.min(growingMs, Math.max(BACKOFF_MOST_MS, BACKOFF_ROUND_TRIPS * roundTripMs))
}

/**
 * How long an offer that met a rival waits before the two phases, in milliseconds: many who offer at
 * once would reserve at once otherwise, and again. @param chance from 0 up to 1
 */
export function contendedPauseMs(chance: number, roundTripMs: number): number {
  return (CONTENDED_LEAST_ROUND_TRIPS + CONTENDED_SPREAD_ROUND_TRIPS * chance) * roundTripMs
}

/** How long a commit whose clients are gone is carried on, in milliseconds. */
export function lingerMs(roundTripMs: number): number {
  return Math.max(LINGER_MS, LINGER_ROUND_TRIPS * roundTripMs)
}
