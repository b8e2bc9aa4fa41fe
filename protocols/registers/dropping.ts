/**
 * Lets deletions go that are at or below what is swept, with nothing accepted above them; their
 * numbers stay. All deletions are looked at once for each sweep, some at a time: what is deleted
 * after a sweep waits for the next one, and there may be as many as a disk holds.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { Moment } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Cells } from './cells.ts'

/** Deletions that are looked at, and let go in one write. */
const LOOKED_MAX = 512
/** What was accepted above a deletion, or learned late, is looked at anew after this. */
const AGAIN_MS = 60_000

export interface DroppingContext {
  readonly moment: Moment
  readonly cells: Cells
}

export class Dropping {
  private readonly context: DroppingContext
  /** Up to where was swept when the look began that is under way, or the last one. */
  private sweptTo: Ballot | undefined
  /** The deletion behind which the look goes on; undefined once it is through. */
  private after: string | undefined
  private againAtMs = 0

  constructor(context: DroppingContext) {
    this.context = context
  }

  upkeep(): void {
    const { cells, moment } = this.context
    const { swept } = cells
    if (swept === undefined || cells.tombstones === 0) return
    const isSweptAnew = this.sweptTo === undefined || compareBallots(this.sweptTo, swept.ballot) !== 0
    if (isSweptAnew || (this.after === undefined && moment.nowMs >= this.againAtMs)) this.after = ''
    if (this.after === undefined) return
    this.sweptTo = swept.ballot
    this.drop(swept, this.after)
  }

  private drop(swept: { readonly ballot: Ballot; readonly number: number }, after: string): void {
    const { cells, moment } = this.context
    const dropped: RegisterKey[] = []
    let { number } = swept
    let looked = 0
    this.after = undefined
    for (const key of cells.deleted(after)) {
      if (looked === LOOKED_MAX) break
      looked += 1
      this.after = key
      const { held, accepted, diverged } = cells.read(key)
      if (held === undefined || accepted !== undefined || diverged !== undefined || !cells.isSwept(held.ballot)) continue
      number = Math.max(number, held.record.version)
      dropped.push(key)
    }
    if (looked < LOOKED_MAX) {
      this.after = undefined
      this.againAtMs = moment.nowMs + AGAIN_MS
    }
    if (dropped.length > 0) cells.sweep({ ballot: swept.ballot, number }, dropped)
  }
}
