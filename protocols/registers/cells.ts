/**
 * What this peer's store holds of registers: a row each, so that what is accepted is let go in the very write that holds something
 * newer; and `swept`, what the store has forgotten.
 */
import type { Utf8 } from '../base/bytes.ts'
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Slot } from '../base/slot.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import { readCell, readSwept, writeCell, writeSwept } from './fields.ts'
import type { Entry } from './record.ts'
import { REGISTERS } from './requests.ts'

/** What is held of one register. */
export interface Cell {
  /** Accepted, perhaps chosen: durable before it is told. Always above what is held. */
  readonly accepted: Entry | undefined
  /** The newest that is known to be chosen; written lazily, because others know it. */
  readonly held: Entry | undefined
  /** Another record than the held one was told as chosen in its place: evidence. The register is served no more. */
  readonly diverged: Entry | undefined
}

/**
 * This store holds every register that was chosen at a ballot up to `ballot`; what it does not hold of those is gone.
 * `number` is the highest version that it ever forgot.
 */
export interface Swept {
  readonly ballot: Ballot
  readonly number: number
}

/** The rows of this type as the core reads and writes them: synchronous, showing every write issued so far. */
export interface CellStore {
  get(name: string): Uint8Array | undefined
  /** Names from a prefix on, in the order of their UTF-8 bytes. */
  range(prefix: string, after?: string): Iterable<{ readonly name: string; readonly row: Uint8Array }>
  /** All changes of one write are on disk together or not at all. `row` undefined deletes. */
  write(slot: Slot, changes: readonly RowChange[], how: { readonly isBarrier: boolean; readonly isLazy: boolean }): void
}

export interface RowChange {
  readonly name: string
  readonly row: Uint8Array | undefined
}

export const CELL_EMPTY: Cell = { accepted: undefined, held: undefined, diverged: undefined }
/** No register's key holds U+0000. */
const SWEPT_NAME = '\u0000swept'
const SWEPT_SLOT: Slot = { type: REGISTERS, name: SWEPT_NAME }
/** Cells kept as they were last read or written, so that a busy register is not read from its bytes each time. */
const CACHED_MAX = 1_024

export function slotOfRegister(key: RegisterKey): Slot {
  return { type: REGISTERS, name: key }
}

export class Cells {
  private readonly store: CellStore
  private readonly utf8: Utf8
  private readonly writer: ByteWriter
  private readonly cached = new Map<RegisterKey, Cell>()
  private sweptNow: Swept | undefined

  constructor(store: CellStore, utf8: Utf8) {
    this.store = store
    this.utf8 = utf8
    this.writer = new ByteWriter(utf8)
    const row = store.get(SWEPT_NAME)
    this.sweptNow = row === undefined ? undefined : readSwept(new ByteReader(row, utf8))
  }

  get swept(): Swept | undefined {
    return this.sweptNow
  }

  /** What is held of a register; empty when nothing is. */
  read(key: RegisterKey): Cell {
    const cached = this.cached.get(key)
    if (cached !== undefined) return cached
    const row = this.store.get(key)
    const cell = row === undefined ? CELL_EMPTY : readCell(new ByteReader(row, this.utf8))
    this.cache(key, cell)
    return cell
  }

  /** All that are not empty and begin with a prefix, behind a key, in the order of their keys' UTF-8 bytes. */
  *entries(prefix: string, after: string): Iterable<readonly [RegisterKey, Cell]> {
    for (const { name, row } of this.store.range(prefix, after)) {
      if (name !== SWEPT_NAME) yield [name as RegisterKey, readCell(new ByteReader(row, this.utf8))]
    }
  }

  /** True for a ballot at or below which this store has forgotten what it does not hold. */
  isSwept(ballot: Ballot): boolean {
    return this.sweptNow !== undefined && compareBallots(ballot, this.sweptNow.ballot) <= 0
  }

  /** @param isLazy nothing is lost with it but a question to others */
  write(key: RegisterKey, cell: Cell, isLazy: boolean): void {
    this.cache(key, cell)
    writeCell(this.writer, cell)
    this.store.write(slotOfRegister(key), [{ name: key, row: this.writer.finish() }], { isBarrier: false, isLazy })
  }

  /** Takes over what is forgotten, and lets go of cells with it: on disk no sooner than all that was written before. */
  sweep(swept: Swept, dropped: readonly RegisterKey[]): void {
    this.sweptNow = swept
    for (const key of dropped) this.cached.delete(key)
    writeSwept(this.writer, swept)
    const changes: RowChange[] = [{ name: SWEPT_NAME, row: this.writer.finish() }]
    for (const key of dropped) changes.push({ name: key, row: undefined })
    this.store.write(SWEPT_SLOT, changes, { isBarrier: true, isLazy: false })
  }

  private cache(key: RegisterKey, cell: Cell): void {
    this.cached.delete(key)
    this.cached.set(key, cell)
    const [oldest] = this.cached.keys()
    if (this.cached.size > CACHED_MAX && oldest !== undefined) this.cached.delete(oldest)
  }
}
