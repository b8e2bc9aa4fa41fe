/**
 * All sets that a peer holds: their rows in memory, the hash tree over all of them, and what of
 * them is written. Every change of a row goes through here, so that rows, tree and table cannot
 * come apart.
 */
import { HASH_BYTES, HashTree, leafOf } from '../base/hash-tree.ts'
import type { RowWrite, Rows } from '../base/rows.ts'
import type { DiskRows } from './disk-rows.ts'
import { ELEMENTS, LONG_ELEMENTS, SETS_KEPT, WHOLE_MARK } from './disk-rows.ts'
import type { Told } from './messages.ts'
import { SetRows } from './rows.ts'
import type { Row } from './rows.ts'

/**
 * Writes rows of the table that belong to one set, all or none of them. @param isBarrier after all
 * that was written before
 */
export type Write = (set: string, writes: readonly RowWrite[], isBarrier: boolean) => void

const EMPTY = new Uint8Array(0)

export class Holdings {
  readonly tree: HashTree = new HashTree()
  private readonly disk: DiskRows
  private readonly write: Write
  private readonly changed: (rows: SetRows, changed: readonly Row[]) => void
  private readonly sets = new Map<string, SetRows>()
  /** The rows of all sets by their leaf of the tree. */
  private readonly leaves: Row[][] = []
  /** Rows whose name does not say their element. */
  private readonly longs = new Map<string, Row>()
  private isWholeMarked: boolean

  /** @param changed told of rows that changed, when they are written */
  constructor(rows: Rows, disk: DiskRows, write: Write, changed: (rows: SetRows, changed: readonly Row[]) => void) {
    this.disk = disk
    this.write = write
    this.changed = changed
    this.isWholeMarked = rows.get(WHOLE_MARK) !== undefined
    for (const { name, bytes } of rows.range(SETS_KEPT)) {
      const kept = disk.decodeKept(bytes)
      Object.assign(this.make(name.slice(SETS_KEPT.length)), kept)
    }
    for (const prefix of [ELEMENTS, LONG_ELEMENTS]) {
      for (const { name, bytes } of rows.range(prefix)) {
        const row = disk.decode(name, bytes)
        this.make(row.set).put(row)
        this.index(row, undefined)
      }
    }
  }

  /** This peer was given what others held before it came, or was the first of all. */
  get isWhole(): boolean {
    return this.isWholeMarked
  }

  get count(): number {
    return this.sets.size
  }

  /** Tells the cuts of all sets from others, most likely: below 2^53. */
  get cuts(): number {
    let sum = 0
    for (const { name, cut } of this.sets.values()) sum += cut.number * (leafOf(name) + 1)
    return sum
  }

  all(): Iterable<SetRows> {
    return this.sets.values()
  }

  get(set: string): SetRows | undefined {
    return this.sets.get(set)
  }

  /** The set; made when it is not there. */
  make(set: string): SetRows {
    let rows = this.sets.get(set)
    if (rows === undefined) this.sets.set(set, (rows = new SetRows(set)))
    return rows
  }

  /** Durable after all that was written before. */
  markWhole(): void {
    if (this.isWholeMarked) return
    this.isWholeMarked = true
    this.write('', [{ name: WHOLE_MARK, bytes: EMPTY }], true)
  }

  /**
   * This peer was out of the network, and may have been passed over by what others agreed on: it
   * must be given the whole again.
   */
  unmarkWhole(): void {
    if (!this.isWholeMarked) return
    this.isWholeMarked = false
    this.write('', [{ name: WHOLE_MARK, bytes: undefined }], true)
  }

  /**
   * Joins what was told to what is held, and writes what changed. @returns the rows that changed
   */
  take(rows: SetRows, told: Iterable<Told>): readonly Row[] {
    const changed: Row[] = []
    for (const each of told) {
      const before = rows.get(each.key)
      const row = rows.take(each.key, each)
      if (row === undefined) continue
      this.index(row, before)
      changed.push(row)
    }
    if (changed.length === 0) return changed
    this.save(rows, changed, [], false)
    this.changed(rows, changed)
    return changed
  }

  /**
   * Writes what is kept of the set, and these of its rows.
   *
   * @param gone rows that are dropped from memory and table, in the same write
   */
  save(rows: SetRows, changed: readonly Row[], gone: readonly Row[], isBarrier: boolean, evidence: readonly RowWrite[] = []): void {
    const { name, cut, last } = rows
    const writes: RowWrite[] = changed.map((row) => ({ name: this.disk.nameOf(name, row.key), bytes: this.disk.encode(row) }))
    for (const row of gone) {
      rows.drop(row)
      rows.forgottenNumber = Math.max(rows.forgottenNumber, row.number)
      this.index(undefined, row)
      writes.push({ name: this.disk.nameOf(name, row.key), bytes: undefined })
    }
    const { forgottenNumber } = rows
    writes.push({ name: `${SETS_KEPT}${name}`, bytes: this.disk.encodeKept({ cut, last, forgottenNumber }) }, ...evidence)
    this.write(name, writes, isBarrier)
  }

  /** The row of this name; see `DiskRows.nameOf`. */
  named(name: string): Row | undefined {
    if (name.startsWith(LONG_ELEMENTS)) return this.longs.get(name)
    const slash = name.indexOf('/', ELEMENTS.length)
    return this.sets.get(name.slice(ELEMENTS.length, slash))?.get(name.slice(slash + 1) as Row['key'])
  }

  /** The rows of a leaf of the tree, in no order. */
  leaf(leaf: number): readonly Row[] {
    return this.leaves[leaf] ?? []
  }

  /** The leaf that a row belongs to. */
  leafOf({ set, key }: Row): number {
    return leafOf(this.disk.nameOf(set, key))
  }

  private index(row: Row | undefined, before: Row | undefined): void {
    const one = row ?? before
    if (one === undefined) return
    const name = this.disk.nameOf(one.set, one.key)
    const leaf = (this.leaves[leafOf(name)] ??= [])
    const place = before === undefined ? -1 : leaf.indexOf(before)
    if (place >= 0) leaf.splice(place, 1)
    if (row !== undefined) leaf.push(row)
    this.sum(name, row, before)
    if (!name.startsWith(LONG_ELEMENTS)) return
    if (row === undefined) this.longs.delete(name)
    else this.longs.set(name, row)
  }

  private sum(name: string, row: Row | undefined, before: Row | undefined): void {
    const digest = row === undefined ? undefined : this.disk.digestOf(row.set, row)
    const digestBefore = before === undefined ? undefined : this.disk.digestOf(before.set, before)
    if (digest !== undefined && digestBefore !== undefined) this.tree.replace(name, digestBefore, digest)
    else if (digest !== undefined) this.tree.add(name, digest)
    else this.tree.remove(name, digestBefore ?? new Uint8Array(HASH_BYTES))
  }
}
