/**
 * The rows of every further type on disk, in one table, with the writes under way laid over them. A
 * row's key is the name of its type, U+0000 and its own name, so that the rows of a type lie
 * together in the order of their names.
 */
import { assert } from '../../../protocols/base/assert.ts'
import { compareUtf8 } from '../../../protocols/base/bytes.ts'
import type { TypeWrite } from '../../../protocols/base/persist.ts'
import { ROW_NAME_BYTES_MAX, TablesOverlay } from '../../../protocols/base/rows.ts'
import type { Row, Rows, Tables } from '../../../protocols/base/rows.ts'
import type { RowChange } from '../../commit.ts'
import { raiseFormat } from '../format.ts'
import { readTypedRow, typedRow } from '../rows.ts'
import { assertRow } from '../rules.ts'
import type { Table, TableInit } from './table.ts'

/** Of the name of a type. */
const TYPE_NAME = /^[a-z][a-z-]{0,31}$/

export class LmdbTypedRows implements Table, Tables {
  /** Of whatever type no other table is. */
  readonly types: readonly string[] = []
  readonly #init: TableInit
  readonly #unsynced: TablesOverlay = new TablesOverlay({ rows: (type) => this.#stored(type) })
  #isFormatRaised = false

  constructor(init: TableInit) {
    this.#init = init
  }

  rows(type: string): Rows {
    return this.#unsynced.rows(type)
  }

  take({ slot: { type }, rows }: TypeWrite, serial: number): boolean {
    assert(TYPE_NAME.test(type), `a type called ${type}`)
    for (const row of rows) assertRow(row)
    this.#unsynced.rows(type).apply(rows, serial)
    return true
  }

  changes({ slot: { type }, rows }: TypeWrite): readonly RowChange[] {
    const { typed } = this.#init.environment
    const changes = rows.map(({ name, bytes }): RowChange => {
      const key = keyOf(type, name)
      if (bytes === undefined) return () => typed.remove(key)
      const row = typedRow(key, bytes)
      return () => typed.put(key, row)
    })
    if (this.#isFormatRaised) return changes
    this.#isFormatRaised = true
    return [...raiseFormat(this.#init.environment), ...changes]
  }

  settled(writes: readonly TypeWrite[], serial: number): void {
    for (const { slot, rows } of writes) this.#unsynced.rows(slot.type).settle(rows, serial)
  }

  /** What is on disk of one type. */
  #stored(type: string): Rows {
    const { environment, assertGoing } = this.#init
    return {
      get: (name) => {
        assertGoing()
        const row = environment.typed.getBinary(keyOf(type, name))
        return row === undefined ? undefined : readTypedRow(keyOf(type, name), row)
      },
      range: (prefix, after = '') => this.#range(type, prefix, after),
    }
  }

  *#range(type: string, prefix: string, after: string): Iterable<Row> {
    this.#init.assertGoing()
    const from = compareUtf8(after, prefix) < 0 ? prefix : after
    // A text longer than any name is cut to one that comes before it: what lies between is skipped
    // below.
    const start = Buffer.byteLength(from) > ROW_NAME_BYTES_MAX ? from.slice(0, ROW_NAME_BYTES_MAX / 4) : from
    const typeBytes = keyOf(type, '').length
    for (const { key, value } of this.#init.environment.typed.getRange({ start: keyOf(type, start) })) {
      if (!key.startsWith(keyOf(type, ''))) return
      const name = key.slice(typeBytes)
      if (compareUtf8(name, prefix) < 0 || compareUtf8(name, after) <= 0) continue
      if (!name.startsWith(prefix)) return
      yield { name, bytes: readTypedRow(key, value) }
    }
  }
}

function keyOf(type: string, name: string): string {
  return `${type}\u0000${name}`
}
