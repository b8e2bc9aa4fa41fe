/**
 * What this peer's store holds of registers, row by row (README.md): what is held, as repair
 * compares it; what is accepted; evidence of divergence; and `swept`, what the store has forgotten.
 * Rows that change together are written together, so that what is accepted is let go in the very
 * write that holds something newer.
 */
import type { Utf8 } from '../base/bytes.ts'
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { RegisterKey } from '../base/register.ts'
import type { RowWrite, Rows } from '../base/rows.ts'
import type { Slot } from '../base/slot.ts'
import { IndexedRows } from '../repair/indexed-rows.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import { readEntry, readSwept, writeEntry, writeSwept } from './fields.ts'
import type { Entry } from './record.ts'
import { REGISTERS } from './requests.ts'

/** What is held of one register. */
export interface Cell {
  /** Accepted, perhaps chosen: durable before it is told. Always above what is held. */
  readonly accepted: Entry | undefined
  /** The newest that is known to be chosen; written lazily, because others know it. */
  readonly held: Entry | undefined
  /**
   * Another record than the held one was told as chosen in its place: evidence. The register is
   * served no more.
   */
  readonly diverged: Entry | undefined
}

/**
 * This store holds every register that was chosen at a ballot up to `ballot`; what it does not hold
 * of those is gone. `number` is the highest version that it ever forgot.
 */
export interface Swept {
  readonly ballot: Ballot
  readonly number: number
}

/** The rows of this type, and how they are written. */
export interface CellStore {
  readonly rows: Rows
  /** All or none. @param name of the slot that a send can wait for */
  persist(name: string, rows: readonly RowWrite[], urgency: 'barrier' | 'lazy' | 'usual'): void
  /** 16 bytes, by which peers compare what they hold. */
  readonly digestOf: (name: string, bytes: Uint8Array) => Uint8Array
}

export const CELL_EMPTY: Cell = { accepted: undefined, held: undefined, diverged: undefined }
/** What the names of rows begin with, before the key. Those of what is held are the index's. */
const ACCEPTED = '+'
const DIVERGED = '!'
/** Beside what is held for a time alone: so that nothing else is read at the start. */
const PASSING = '~'
/** Beside what is held as deleted. */
const DELETED = '-'
const PRESENT = Uint8Array.of(1)
const SWEPT = '@swept'
/**
 * Cells kept as they were last read or written, so that a busy register is not read from its bytes
 * each time.
 */
const CACHED_MAX = 16_384
/** Bytes of their records. */
const CACHED_BYTES_MAX = 16_777_216
/** What a record takes beside its value and the writes that it remembers, about. */
const RECORD_BYTES = 512

export function slotOfRegister(key: RegisterKey): Slot {
  return { type: REGISTERS, name: key }
}

export class Cells {
  readonly index: IndexedRows
  private readonly store: CellStore
  private readonly utf8: Utf8
  private readonly writer: ByteWriter
  private readonly cached = new Map<RegisterKey, Cell>()
  private cachedBytes = 0
  /** At which ballot something is accepted above what is held. */
  private readonly acceptedAt = new Map<RegisterKey, Ballot>()
  /** Of which there is evidence of divergence. */
  private readonly divergedKeys = new Set<string>()
  private sweptNow: Swept | undefined
  /**
   * Registers beside which there may be a row for what is held for a time, or as deleted. One is
   * let go only with the rows: of lazy writes a crash keeps any, and whichever it keeps last has to
   * be right by itself.
   */
  private readonly besides = new Set<string>()
  private tombstoneCount = 0

  constructor(store: CellStore, utf8: Utf8) {
    this.store = store
    this.utf8 = utf8
    this.writer = new ByteWriter(utf8)
    this.index = new IndexedRows(store.rows, store.digestOf)
    for (const { name } of store.rows.range(PASSING)) this.besides.add(name.slice(PASSING.length))
    for (const { name } of store.rows.range(DELETED)) {
      this.besides.add(name.slice(DELETED.length))
      this.tombstoneCount += 1
    }
    for (const { name, bytes } of store.rows.range(ACCEPTED)) {
      this.acceptedAt.set(name.slice(ACCEPTED.length) as RegisterKey, readEntry(new ByteReader(bytes, utf8)).ballot)
    }
    for (const { name } of store.rows.range(DIVERGED)) this.divergedKeys.add(name.slice(DIVERGED.length))
    const row = store.rows.get(SWEPT)
    this.sweptNow = row === undefined ? undefined : readSwept(new ByteReader(row, utf8))
  }

  get swept(): Swept | undefined {
    return this.sweptNow
  }

  /** What is held of a register; empty when nothing is. */
  read(key: RegisterKey): Cell {
    const cached = this.cached.get(key)
    if (cached !== undefined) return cached
    const { rows } = this.store
    const cell: Cell = {
      held: this.entry(this.index.get(key)),
      accepted: this.acceptedAt.has(key) ? this.entry(rows.get(ACCEPTED + key)) : undefined,
      diverged: this.divergedKeys.has(key) ? this.entry(rows.get(DIVERGED + key)) : undefined,
    }
    this.cache(key, cell)
    return cell
  }

  /**
   * All that is held by keys that begin with a prefix, behind a key, in the order of the keys'
   * UTF-8 bytes.
   */
  *held(prefix: string, after: string): Iterable<readonly [RegisterKey, Entry]> {
    for (const { name, bytes } of this.index.range(prefix, after)) yield [name as RegisterKey, readEntry(new ByteReader(bytes, this.utf8))]
  }

  /** The registers of which something is accepted above what is held. */
  inDoubt(): Iterable<RegisterKey> {
    return this.acceptedAt.keys()
  }

  /** The lowest ballot at which something is accepted above what is held; undefined for none. */
  lowestAccepted(): Ballot | undefined {
    let lowest: Ballot | undefined
    for (const ballot of this.acceptedAt.values()) if (lowest === undefined || compareBallots(ballot, lowest) < 0) lowest = ballot
    return lowest
  }

  /** The registers of which what is held lives for a time. */
  *passing(): Iterable<RegisterKey> {
    for (const { name } of this.store.rows.range(PASSING)) yield name.slice(PASSING.length) as RegisterKey
  }

  /** The registers that are held as deleted, behind a key. */
  *deleted(after: string): Iterable<RegisterKey> {
    for (const { name } of this.store.rows.range(DELETED, DELETED + after)) yield name.slice(DELETED.length) as RegisterKey
  }

  /** How many they are. */
  get tombstones(): number {
    return this.tombstoneCount
  }

  /** True for a ballot at or below which this store has forgotten what it does not hold. */
  isSwept(ballot: Ballot): boolean {
    return this.sweptNow !== undefined && compareBallots(ballot, this.sweptNow.ballot) <= 0
  }

  /** @param urgency lazy where nothing is lost with it but a question to others */
  write(key: RegisterKey, cell: Cell, urgency: 'lazy' | 'usual'): void {
    const before = this.read(key)
    const writes: RowWrite[] = []
    if (cell.held !== before.held) {
      const bytes = this.bytes(cell.held)
      writes.push(...(bytes === undefined ? this.index.remove(key) : this.index.put(key, bytes)))
      if (isPassing(cell) || isDeleted(cell)) this.besides.add(key)
      if (this.besides.has(key)) writes.push(beside(PASSING + key, isPassing(cell)), beside(DELETED + key, isDeleted(cell)))
      this.tombstoneCount += Number(isDeleted(cell)) - Number(isDeleted(before))
    }
    if (cell.accepted !== before.accepted || cell.held !== before.held) {
      writes.push({ name: ACCEPTED + key, bytes: this.bytes(cell.accepted) })
      if (cell.accepted === undefined) this.acceptedAt.delete(key)
      else this.acceptedAt.set(key, cell.accepted.ballot)
    }
    if (cell.diverged !== before.diverged) {
      writes.push({ name: DIVERGED + key, bytes: this.bytes(cell.diverged) })
      if (cell.diverged === undefined) this.divergedKeys.delete(key)
      else this.divergedKeys.add(key)
    }
    this.cache(key, cell)
    if (writes.length > 0) this.store.persist(key, writes, urgency)
  }

  /**
   * Takes over what is forgotten, and lets go of what was held with it: on disk no sooner than all
   * that was written before.
   */
  sweep(swept: Swept, dropped: readonly RegisterKey[]): void {
    this.sweptNow = swept
    writeSwept(this.writer, swept)
    const writes: RowWrite[] = [{ name: SWEPT, bytes: this.writer.finish() }]
    for (const key of dropped) {
      const before = this.read(key)
      this.uncache(key)
      this.besides.delete(key)
      writes.push(...this.index.remove(key), beside(PASSING + key, false), beside(DELETED + key, false))
      this.tombstoneCount -= Number(isDeleted(before))
    }
    this.store.persist(SWEPT, writes, 'barrier')
  }

  private entry(bytes: Uint8Array | undefined): Entry | undefined {
    return bytes === undefined ? undefined : readEntry(new ByteReader(bytes, this.utf8))
  }

  private bytes(entry: Entry | undefined): Uint8Array | undefined {
    if (entry === undefined) return undefined
    writeEntry(this.writer, entry)
    return this.writer.finish()
  }

  private cache(key: RegisterKey, cell: Cell): void {
    this.uncache(key)
    this.cached.set(key, cell)
    this.cachedBytes += bytesOf(cell)
    for (const oldest of this.cached.keys()) {
      if (this.cached.size <= CACHED_MAX && this.cachedBytes <= CACHED_BYTES_MAX) return
      this.uncache(oldest)
    }
  }

  private uncache(key: RegisterKey): void {
    const cell = this.cached.get(key)
    if (cell === undefined) return
    this.cached.delete(key)
    this.cachedBytes -= bytesOf(cell)
  }
}

function bytesOf({ held, accepted, diverged }: Cell): number {
  return recordBytes(held) + recordBytes(accepted) + recordBytes(diverged)
}

function recordBytes(entry: Entry | undefined): number {
  return entry === undefined ? 0 : RECORD_BYTES + entry.record.value.length + entry.record.recent.bytes
}

/** A row that is there beside what is held of one sort alone. */
function beside(name: string, isThere: boolean): RowWrite {
  return { name, bytes: isThere ? PRESENT : undefined }
}

function isPassing({ held }: Cell): boolean {
  return held?.record.ttlMs !== undefined
}

function isDeleted({ held }: Cell): boolean {
  return held?.record.isDeleted === true
}
