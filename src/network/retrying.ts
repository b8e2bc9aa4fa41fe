/**
 * How long a try to reach somebody may take, and how long to wait before somebody who could not be
 * reached, or would not have us, is tried again.
 */

/** The wait before the second try; enough for a peer that is just restarting its process. */
export const RETRY_FIRST_MS = 200
/**
 * The longest wait between tries of a peer that does not answer: what a healed link costs at most.
 */
export const RETRY_LAST_MS = 5_000
/**
 * The wait while there are as many connections as are worth having: one may end, or the peer may
 * become a voter.
 */
export const RETRY_POSTPONED_MS = 1_000
/**
 * The wait after one end refused the other: people have to mend something first, and the mended end
 * dials by itself.
 */
export const RETRY_REFUSED_MS = 30_000
/** The same for a peer merely heard of: most likely it belongs to others for good. */
export const RETRY_REFUSED_HEARD_MS = 600_000
/**
 * A peer gone for this long is tried more rarely: most likely it is gone for good, and when it is
 * not, it dials us.
 */
export const LONG_GONE_MS = 3_600_000
export const RETRY_LONG_GONE_MS = 30_000
/**
 * A connection that ends sooner than this counts as a failed try, so that a peer that hangs up at
 * once is not dialled at once.
 */
export const STABLE_MS = 5_000

/**
 * One address of a peer, up to encryption: of several, some usually lead nowhere, and the right one
 * must get its turn.
 */
const ADDRESS_MS = 4_000
/** All addresses, and then the opening of our stream. */
const DIAL_MS = 10_000
/**
 * The second try may take twice as long and the third four times: an address takes 3.5 round trips,
 * and only answers tell how far it is. Then it begins anew, so that peers that are gone do not keep
 * those that are there waiting.
 */
const PATIENCES = 3
/** The most that one address is given. */
export const ADDRESS_LONGEST_MS: number = ADDRESS_MS * 2 ** (PATIENCES - 1)

/** Beyond it the wait is the longest anyway. */
const DOUBLINGS_MAX = 10

/** What a try may take, in milliseconds. */
export interface Patience {
  readonly addressMs: number
  readonly dialMs: number
}

/** @param failures tries in a row that have failed */
export function patienceAfter(failures: number): Patience {
  const factor = 2 ** (failures % PATIENCES)
  return { addressMs: ADDRESS_MS * factor, dialMs: DIAL_MS * factor }
}

/**
 * The wait after so many tries in a row that have failed.
 *
 * @param random from 0 up to, not including, 1: peers that lost one another at once need not dial
 * at once
 */
export function backoffMs(failures: number, random: () => number): number {
  const ceilingMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, DOUBLINGS_MAX))
  return ceilingMs * (0.5 + random() / 2)
}
