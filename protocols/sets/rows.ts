/**
 * What one peer holds of one set: its elements with their stamps, numbered as they changed here. A
 * row is never changed: another takes its place. So whoever was given rows sees them as they were.
 */
import type { ElementKey } from './element.ts'
import { NO_STAMPS, adds, isMember, join } from './join.ts'
import type { Stamps } from './join.ts'
import { NO_STAMP } from './requests.ts'
import { RecentChanges } from './recent.ts'
import type { Cut, Stamp } from './requests.ts'

export interface Row extends Stamps {
  readonly set: string
  readonly key: ElementKey
  /**
   * Of the change that left it so: a number of its own among all changes of the set at this peer.
   */
  readonly number: number
}

const NO_CUT: Cut = { number: 0, stamp: NO_STAMP, bar: NO_STAMP }

export class SetRows {
  readonly name: string
  cut: Cut = NO_CUT
  /** The highest stamp that was given here. */
  last: Stamp = NO_STAMP
  /** A reader that stands below it has missed a change that nobody remembers. */
  forgottenNumber = 0
  private readonly rows = new Map<ElementKey, Row>()
  private recent: RecentChanges | undefined
  private members = 0
  private lastNumber = 0

  constructor(name: string) {
    this.name = name
  }

  get memberCount(): number {
    return this.members
  }

  get entryCount(): number {
    return this.rows.size
  }

  /** Of the last change. */
  get number(): number {
    return Math.max(this.lastNumber, this.forgottenNumber)
  }

  get(key: ElementKey): Row | undefined {
    return this.rows.get(key)
  }

  stampsOf(key: ElementKey): Stamps {
    return this.rows.get(key) ?? NO_STAMPS
  }

  all(): Iterable<Row> {
    return this.rows.values()
  }

  /**
   * Joins stamps to those that are held. @returns the row that came of it; undefined when nothing
   * changed
   */
  take(key: ElementKey, told: Stamps): Row | undefined {
    const held = this.stampsOf(key)
    if (!adds(held, told)) return undefined
    const row: Row = { set: this.name, key, ...join(held, told), number: this.number + 1 }
    this.recent ??= new RecentChanges(this.number)
    this.recent.changed(key, row.number)
    this.put(row)
    return row
  }

  /** The rows that changed after the number, each once, in the order of their last changes. */
  since(number: number): readonly Row[] {
    if (number >= this.number) return []
    const recent = this.recent?.since(number)
    if (recent === undefined) return [...this.rows.values()].filter((row) => row.number > number).toSorted((a, b) => a.number - b.number)
    const rows: Row[] = []
    for (const [place, key] of recent.entries()) {
      const row = this.rows.get(key)
      // Of several changes of one element the last is told.
      if (row?.number === number + place + 1) rows.push(row)
    }
    return rows
  }

  /**
   * Every reader must start over: what it was told is not to be had any more in the order of
   * changes.
   */
  startOver(): void {
    this.forgottenNumber = this.number + 1
    this.recent = undefined
  }

  /** Puts a row as it was on disk, or as it came of a change. */
  put(row: Row): void {
    const before = this.rows.get(row.key)
    this.members += (isMember(row) ? 1 : 0) - (before !== undefined && isMember(before) ? 1 : 0)
    this.rows.set(row.key, row)
    this.lastNumber = Math.max(this.lastNumber, row.number)
  }

  drop(row: Row): void {
    if (!this.rows.delete(row.key)) return
    if (isMember(row)) this.members -= 1
  }
}
