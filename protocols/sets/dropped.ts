/**
 * Members that a later cut took away and that its source did not know. This peer was out of touch
 * for longer than the history is remembered, and may have been the only one that had them. So they
 * are kept aside until somebody has written them to a file.
 */
import type { RowWrite, Rows } from '../base/rows.ts'
import { DROPPED } from './disk-rows.ts'
import type { DiskRows } from './disk-rows.ts'
import { ELEMENTS_MAX } from './requests.ts'
import type { DroppedLot, Entry } from './requests.ts'
import type { Row } from './rows.ts'
import { keyOfElement } from './element.ts'
import { entryOf } from './views.ts'

/** A cut's number in a row's name, with zeros in front. */
const NUMBER_DIGITS = 16

export class Dropped {
  private readonly rows: Rows
  private readonly disk: DiskRows

  constructor(rows: Rows, disk: DiskRows) {
    this.rows = rows
    this.disk = disk
  }

  /** @param number of the cut */
  writes(gone: readonly Row[], number: number): readonly RowWrite[] {
    return gone.map((row) => ({ name: this.nameOf(number, row), bytes: this.disk.encode(row) }))
  }

  /** What is kept aside, by set and cut. */
  lots(): readonly DroppedLot[] {
    const lots = new Map<string, { set: string; cut: number; entries: Entry[] }>()
    for (const { name, bytes } of this.rows.range(DROPPED)) {
      const cut = Number(name.slice(DROPPED.length, DROPPED.length + NUMBER_DIGITS))
      const row = this.disk.decode(name.slice(DROPPED.length + NUMBER_DIGITS + 1), bytes)
      const lot = lots.get(`${cut}/${row.set}`) ?? { set: row.set, cut, entries: [] }
      lots.set(`${cut}/${row.set}`, lot)
      if (lot.entries.length < ELEMENTS_MAX) lot.entries.push(entryOf(row))
    }
    return [...lots.values()]
  }

  /** Takes away what is kept elsewhere now. */
  removals({ set, cut, entries }: DroppedLot): readonly RowWrite[] {
    return entries.map(({ element }) => ({ name: this.nameOf(cut, { set, key: keyOfElement(element) }), bytes: undefined }))
  }

  private nameOf(number: number, { set, key }: Pick<Row, 'set' | 'key'>): string {
    return `${DROPPED}${String(number).padStart(NUMBER_DIGITS, '0')}/${this.disk.nameOf(set, key)}`
  }
}
