/** The rows of further types in memory: the rules of those on disk, and nothing kept. */
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import type { Row, Rows, RowWrite, Tables } from '../../protocols/base/rows.ts'
import { assertRow } from './rules.ts'

export class MemoryTables implements Tables {
  readonly #assertGoing: () => void
  readonly #held = new Map<string, Map<string, Uint8Array>>()

  /** @param assertGoing throws when the store has ended; each read begins with it */
  constructor(assertGoing: () => void) {
    this.#assertGoing = assertGoing
  }

  rows(type: string): Rows {
    return {
      get: (name) => {
        this.#assertGoing()
        return this.#of(type).get(name)
      },
      range: (prefix, after = '') => {
        this.#assertGoing()
        return this.#range(type, prefix, after)
      },
    }
  }

  take(type: string, rows: readonly RowWrite[]): void {
    for (const row of rows) assertRow(row)
    const held = this.#of(type)
    for (const { name, bytes } of rows) {
      if (bytes === undefined) held.delete(name)
      else held.set(name, bytes)
    }
  }

  #of(type: string): Map<string, Uint8Array> {
    let held = this.#held.get(type)
    if (held === undefined) this.#held.set(type, (held = new Map()))
    return held
  }

  #range(type: string, prefix: string, after: string): Row[] {
    const found = [...this.#of(type)].filter(([name]) => name.startsWith(prefix) && compareUtf8(name, after) > 0)
    return found.map(([name, bytes]) => ({ name, bytes })).sort((a, b) => compareUtf8(a.name, b.name))
  }
}
