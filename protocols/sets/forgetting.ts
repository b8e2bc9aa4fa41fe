/**
 * What a cut means for rows, as rules without state. A cut is a number n and a stamp S: whoever has
 * it has heard of every operation at or below S, so that removals there need not be remembered.
 * What is told late of that time is not taken any more.
 */
import { isMember, latest } from './join.ts'
import type { Stamps } from './join.ts'
import type { Cut, Stamp } from './requests.ts'

/**
 * True for a row that belongs to the time that the cut has settled: both of its stamps lie there.
 */
export function isBelow(stamp: Stamp, row: Stamps): boolean {
  return latest(row) <= stamp
}

/** True for a removal that whoever has the cut may forget. */
export function isForgettable(stamp: Stamp, row: Stamps): boolean {
  return isBelow(stamp, row) && !isMember(row)
}

/**
 * True for a row that is taken from a frame or a comparison.
 *
 * @param held undefined when the row is not here
 * @param settled the stamp of the own cut, or of the cut that is being taken over
 * @param isWhole it was compared with a peer that has the same cut: what that one holds has been
 * kept on purpose
 */
export function isTaken(told: Stamps, held: Stamps | undefined, settled: Stamp, isWhole: boolean): boolean {
  return held !== undefined || isWhole || !isBelow(settled, told)
}

/**
 * Why a member does not agree to a cut; undefined when it does. No cut lies near the present of a
 * member that agrees to it: nobody's operations of today are cut off by another's clock.
 */
export function barRefusal(cut: Cut, number: number, stamp: Stamp, latestStamp: Stamp): 'cut' | 'clock' | undefined {
  if (number !== cut.number + 1) return 'cut'
  return stamp > latestStamp ? 'clock' : undefined
}

export function barred(cut: Cut, stamp: Stamp): Cut {
  return stamp > cut.bar ? { ...cut, bar: stamp } : cut
}

/** The cut is the member's own from now on. */
export function cutTaken(cut: Cut, number: number, stamp: Stamp, bar: Stamp): Cut {
  return { number, stamp, bar: Math.max(cut.bar, bar, stamp) }
}
