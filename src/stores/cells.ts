/**
 * What the key-value store is built on: named bytes, changed in transactions. In memory, or in lmdb
 * (`lmdb-cells.ts`).
 */
import { compareUtf8 } from '../../protocols/base/bytes.ts'

export interface CellView {
  get(name: string): Uint8Array | undefined
  /** Those whose names begin with the prefix, in the order of UTF-8. */
  range(prefix: string): Iterable<{ readonly name: string; readonly bytes: Uint8Array }>
}

/** Names and bytes; undefined removes. */
export type CellWrites = Map<string, Uint8Array | undefined>

export interface Cells extends CellView {
  /** All or nothing; on disk when it resolves, where there is one. One is under way at a time. */
  write(writes: CellWrites): Promise<void>
  clear(): void
  /** What is there now, whatever is written later. It must be ended. */
  picture(): CellView & { end(): void }
  close(): Promise<void>
}

/** Cells of one process, gone with it. */
export class MemoryCells implements Cells {
  private cells: Map<string, Uint8Array>

  constructor(cells: Iterable<readonly [string, Uint8Array]> = []) {
    this.cells = new Map(cells)
  }

  get(name: string): Uint8Array | undefined {
    return this.cells.get(name)
  }

  *range(prefix: string): Iterable<{ readonly name: string; readonly bytes: Uint8Array }> {
    const names = [...this.cells.keys()].filter((name) => name.startsWith(prefix)).toSorted(compareUtf8)
    for (const name of names) yield { name, bytes: this.cells.get(name) as Uint8Array }
  }

  async write(writes: CellWrites): Promise<void> {
    for (const [name, bytes] of writes) {
      if (bytes === undefined) this.cells.delete(name)
      else this.cells.set(name, bytes)
    }
  }

  clear(): void {
    this.cells.clear()
  }

  picture(): CellView & { end(): void } {
    const copy = new MemoryCells(this.cells)
    return { get: (name) => copy.get(name), range: (prefix) => copy.range(prefix), end: () => copy.clear() }
  }

  async close(): Promise<void> {}
}

/** Cells with writes over them that are not made yet: what a transaction sees of itself. */
export class StagedCells implements CellView {
  readonly writes: CellWrites = new Map()
  private readonly below: CellView

  constructor(below: CellView) {
    this.below = below
  }

  get(name: string): Uint8Array | undefined {
    return this.writes.has(name) ? this.writes.get(name) : this.below.get(name)
  }

  put(name: string, bytes: Uint8Array | undefined): void {
    this.writes.set(name, bytes)
  }

  *range(prefix: string): Iterable<{ readonly name: string; readonly bytes: Uint8Array }> {
    const own = [...this.writes].filter(([name]) => name.startsWith(prefix)).toSorted(([a], [b]) => compareUtf8(a, b))
    let next = 0
    for (const cell of this.below.range(prefix)) {
      for (; next < own.length && compareUtf8((own[next] as [string, unknown])[0], cell.name) < 0; next += 1) yield* shown(own[next])
      if (!this.writes.has(cell.name)) yield cell
    }
    for (; next < own.length; next += 1) yield* shown(own[next])
  }
}

function* shown(write: [string, Uint8Array | undefined] | undefined): Iterable<{ readonly name: string; readonly bytes: Uint8Array }> {
  if (write?.[1] !== undefined) yield { name: write[0], bytes: write[1] }
}
