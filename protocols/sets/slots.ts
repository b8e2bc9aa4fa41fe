import type { Slot } from '../base/slot.ts'
import { SETS } from './requests.ts'

/** The slot of a set: all that is written of it. */
export function slotOfSet(set: string): Slot {
  return { type: SETS, name: set }
}
