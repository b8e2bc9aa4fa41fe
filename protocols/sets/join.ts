/**
 * The state of an element, and how two states become one: the higher of each stamp. All convergence
 * rests on that, and needs no clock, no order and no identity: it does not matter who was heard
 * first, how often, or how late.
 */
import { NO_STAMP } from './requests.ts'
import type { Stamp } from './requests.ts'

export interface Stamps {
  readonly added: Stamp
  readonly removed: Stamp
}

/** Of an element that nobody has heard of. */
export const NO_STAMPS: Stamps = { added: NO_STAMP, removed: NO_STAMP }

/** Equal stamps mean removed. */
export function isMember({ added, removed }: Stamps): boolean {
  return added > removed
}

export function join(a: Stamps, b: Stamps): Stamps {
  return { added: Math.max(a.added, b.added), removed: Math.max(a.removed, b.removed) }
}

/** True when joining `told` to `held` leaves something else than `held`. */
export function adds(held: Stamps, told: Stamps): boolean {
  return told.added > held.added || told.removed > held.removed
}

/** The later of both. */
export function latest({ added, removed }: Stamps): Stamp {
  return Math.max(added, removed)
}
