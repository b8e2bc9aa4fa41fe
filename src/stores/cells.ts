/**
 * What a store of named bytes is built on: pictures of what is there, and writes of which all or
 * nothing happens. In memory, in lmdb (`lmdb-cells.ts`), or in whatever somebody else has.
 */
import { compareUtf8 } from '../../protocols/base/bytes.ts'

/** There at once, or later. */
export type Soon<T> = T | Promise<T>

export interface CellView {
  get(name: string): Soon<Uint8Array | undefined>
  /** Those whose names begin with the prefix, in the order of UTF-8. */
  range(prefix: string): Iterable<Cell> | AsyncIterable<Cell>
}

export interface Cell {
  readonly name: string
  readonly bytes: Uint8Array
}

/** What was there at one moment, whatever is written later. It must be ended. */
export interface Picture extends CellView {
  end(): Soon<void>
}

/** Names and bytes; undefined removes. */
export type CellWrites = Map<string, Uint8Array | undefined>

/** Writes that are shown at once and reach the disk later, behind all that was written before. */
export interface LaterWrites {
  /** Resolves when more may be laid. @throws what the disk says of what was laid before */
  room(): Soon<void>
  /** All or nothing. @param landed is told once it is on disk */
  lay(writes: CellWrites, landed: () => void): void
}

export interface Cells {
  picture(): Picture
  /** All or nothing; on disk when it resolves, where there is one. One is under way at a time. */
  write(writes: CellWrites): Promise<void>
  /** Left out where nothing is gained by it. */
  readonly later?: LaterWrites
  close(): Promise<void>
}

/** Cells of one process, gone with it. */
export class MemoryCells implements Cells {
  private cells: Map<string, Uint8Array>

  constructor(cells: Iterable<readonly [string, Uint8Array]> = []) {
    this.cells = new Map(cells)
  }

  picture(): Picture {
    const { cells } = this
    return {
      get: (name) => cells.get(name),
      range: (prefix) =>
        [...cells.keys()]
          .filter((name) => name.startsWith(prefix))
          .toSorted(compareUtf8)
          .map((name) => ({ name, bytes: cells.get(name) as Uint8Array })),
      end: () => undefined,
    }
  }

  /** Pictures keep what they have: what is written is another map. */
  async write(writes: CellWrites): Promise<void> {
    const cells = new Map(this.cells)
    for (const [name, bytes] of writes) {
      if (bytes === undefined) cells.delete(name)
      else cells.set(name, bytes)
    }
    this.cells = cells
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

  get(name: string): Soon<Uint8Array | undefined> {
    return this.writes.has(name) ? this.writes.get(name) : this.below.get(name)
  }

  put(name: string, bytes: Uint8Array | undefined): void {
    this.writes.set(name, bytes)
  }

  /** Takes over what was staged upon this. */
  join({ writes }: Pick<StagedCells, 'writes'>): void {
    for (const [name, bytes] of writes) this.writes.set(name, bytes)
  }

  async *range(prefix: string): AsyncIterable<Cell> {
    const own = [...this.writes].filter(([name]) => name.startsWith(prefix)).toSorted(([a], [b]) => compareUtf8(a, b))
    let next = 0
    for await (const cell of this.below.range(prefix)) {
      for (; next < own.length && compareUtf8((own[next] as [string, unknown])[0], cell.name) < 0; next += 1) yield* shown(own[next])
      if (!this.writes.has(cell.name)) yield cell
    }
    for (; next < own.length; next += 1) yield* shown(own[next])
  }
}

function* shown(write: [string, Uint8Array | undefined] | undefined): Iterable<Cell> {
  if (write?.[1] !== undefined) yield { name: write[0], bytes: write[1] }
}
