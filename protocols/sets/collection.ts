/**
 * Sets as repair sees them: a row is an element with both stamps, and merging is the join. A row is
 * told with the number of the sender's cut, because what an older cut still holds of the time that
 * the own cut has settled is not taken.
 */
import { compareUtf8 } from '../base/bytes.ts'
import type { HashTree } from '../base/hash-tree.ts'
import { equalBytes } from '../base/record.ts'
import type { LeafEntry } from '../base/register.ts'
import type { Keyed, RowCollection } from '../repair/collection.ts'
import { MalformedBytes } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { SetsContext } from './context.ts'
import type { DiskRows } from './disk-rows.ts'
import type { Holdings } from './holdings.ts'
import { checkElements, readSetName, readTold, writeTold } from './messages.ts'
import type { Told } from './messages.ts'

/**
 * Takes what a comparison brought of one set, in one write. @param cut the number of the other's
 * cut @returns how many rows changed
 */
export type TakeCompared = (set: string, told: readonly Told[], cut: number) => number

interface Compared {
  readonly set: string
  readonly cut: number
  readonly told: Told
}

export class SetCollection implements RowCollection {
  readonly tree: HashTree
  /** Nobody's vote rests on a set, so that no change of voters waits for one. */
  readonly isCarriedOver: boolean = false
  private readonly holdings: Holdings
  private readonly disk: DiskRows
  private readonly context: SetsContext
  private readonly taken: TakeCompared
  private readonly writer: ByteWriter

  constructor(holdings: Holdings, disk: DiskRows, context: SetsContext, taken: TakeCompared) {
    this.tree = holdings.tree
    this.holdings = holdings
    this.disk = disk
    this.context = context
    this.taken = taken
    this.writer = new ByteWriter(context.utf8)
  }

  leaf(leaf: number, after: string | undefined, limit: number): readonly LeafEntry<string>[] {
    const named = this.holdings.leaf(leaf).map((row) => ({ key: this.disk.nameOf(row.set, row.key), row }))
    return named
      .filter(({ key }) => after === undefined || compareUtf8(key, after) > 0)
      .toSorted((a, b) => compareUtf8(a.key, b.key))
      .slice(0, limit)
      .map(({ key, row }) => ({ key, digest: this.disk.digestOf(row.set, row) }))
  }

  lacks(key: string, digest: Uint8Array): boolean {
    const row = this.holdings.named(key)
    return row === undefined || !equalBytes(this.disk.digestOf(row.set, row), digest)
  }

  held(key: string): Uint8Array | undefined {
    const row = this.holdings.named(key)
    if (row === undefined) return undefined
    const { writer } = this
    writer.text(row.set)
    writer.varint(this.holdings.get(row.set)?.cut.number ?? 0)
    writeTold(writer, row)
    return writer.finish()
  }

  isWithheld(): boolean {
    return false
  }

  /**
   * The rows of a set are joined and written together, because each write costs as much again as
   * the row in it. What no peer of this protocol tells changes nothing.
   */
  take(rows: readonly Keyed<string, Uint8Array>[]): number {
    const compared = rows.map(({ record }) => this.read(record)).filter((each) => each !== undefined)
    const lots = Map.groupBy(compared, ({ set, cut }) => `${cut} ${set}`)
    let changed = 0
    for (const lot of lots.values()) {
      const [{ set, cut }] = lot as [Compared]
      const told = lot.map((each) => each.told)
      changed += this.taken(set, told, cut)
    }
    return changed
  }

  /** Nothing of a set is ever undecided. */
  page(): { readonly keys: readonly string[]; readonly more: boolean } {
    return { keys: [], more: false }
  }

  settle(_key: string, settled: (done: boolean) => void): void {
    settled(true)
  }

  private read(bytes: Uint8Array): Compared | undefined {
    try {
      const reader = new ByteReader(bytes, this.context.utf8)
      const set = readSetName(reader)
      const cut = reader.varint()
      const told = readTold(reader)
      reader.end()
      checkElements([told], this.context.settings.isElement)
      return { set, cut, told }
    } catch (error) {
      if (error instanceof MalformedBytes) return undefined
      throw error
    }
  }
}
