/**
 * A disk that tells what was written from what was synced, and knows slots alone. Everything
 * written is seen by whoever reads; a crash keeps what was synced and, of the rest, whatever the
 * contract of `protocols/effects.ts` allows: nothing that a barrier (a ceiling or a chosen config)
 * comes before, unless all that was written before the barrier is there as well. What a write means
 * is for the table of its slot's type.
 */
import type { AnyWrite } from '../../protocols/base/persist.ts'

/** What a disk holds of some types of slots. */
export interface DiskTable {
  /** The types of the slots whose writes are its own. */
  readonly types: readonly string[]
  /** @param sequence of the write; those of one slot may come in any order, and the latest stays */
  apply(write: AnyWrite, sequence: number): void
  /** @throws Error for what no store takes */
  refuse(write: AnyWrite): void
  /** What it holds, apart from what comes after. */
  copy(): DiskTable
}

interface Unsynced {
  readonly sequence: number
  readonly write: AnyWrite
}

/** The tables of a disk at one of its two states. */
class Image {
  readonly tables: readonly DiskTable[]
  private readonly byType = new Map<string, DiskTable>()

  constructor(tables: readonly DiskTable[]) {
    this.tables = tables
    for (const table of tables) for (const type of table.types) this.byType.set(type, table)
  }

  /** @throws Error when no table holds slots of that type */
  of(type: string): DiskTable {
    const table = this.byType.get(type)
    if (table === undefined) throw new Error(`no table for a write of type ${type}`)
    return table
  }

  copy(): Image {
    return new Image(this.tables.map((table) => table.copy()))
  }
}

export class SlotDisk {
  private seenImage: Image
  private syncedImage: Image
  private unsynced: Unsynced[] = []
  private sequences = 0
  private readonly onHardened: (write: AnyWrite) => void

  /**
   * @param hardened told of every write that is synced from now on. @param tables empty, or as they
   * are on disk
   */
  constructor(hardened: (write: AnyWrite) => void, tables: readonly DiskTable[]) {
    this.onHardened = hardened
    this.syncedImage = new Image(tables)
    this.seenImage = this.syncedImage.copy()
  }

  get unsyncedCount(): number {
    return this.unsynced.length
  }

  /** The table as whoever reads sees it, with everything written. */
  seen(type: string): DiskTable {
    return this.seenImage.of(type)
  }

  /** What would still be there if power were lost now, whatever the crash keeps beyond it. */
  synced(type: string): DiskTable {
    return this.syncedImage.of(type)
  }

  /** @throws Error for what no store takes */
  write(write: AnyWrite): number {
    const table = this.seen(write.slot.type)
    table.refuse(write)
    this.sequences += 1
    table.apply(write, this.sequences)
    this.unsynced.push({ sequence: this.sequences, write })
    return this.sequences
  }

  /** The write is on disk. */
  sync(sequence: number): void {
    const place = this.unsynced.findIndex((unsynced) => unsynced.sequence === sequence)
    const [found] = place < 0 ? [] : this.unsynced.splice(place, 1)
    if (found !== undefined) this.harden(found)
  }

  /** Everything written so far is on disk. */
  syncAll(): void {
    const { unsynced } = this
    this.unsynced = []
    for (const found of unsynced) this.harden(found)
  }

  /**
   * Power is lost: what was not synced is gone but for what `keeps` says, within the contract.
   *
   * @returns how many writes were lost
   */
  crash(keeps: (sequence: number) => boolean): number {
    const { unsynced } = this
    this.unsynced = []
    let lost = 0
    let isPastBarrier = false
    for (const found of unsynced) {
      const { isBarrier } = found.write
      if (!isPastBarrier && !(isBarrier && lost > 0) && keeps(found.sequence)) {
        this.harden(found)
        continue
      }
      lost += 1
      isPastBarrier ||= isBarrier
    }
    this.seenImage = this.syncedImage.copy()
    return lost
  }

  /** Takes over what is synced on another disk, as of a directory whose process has ended. */
  protected takeOver(other: SlotDisk): void {
    this.syncedImage = other.syncedImage.copy()
    this.seenImage = other.syncedImage.copy()
    this.sequences = other.sequences
  }

  /** Told of every write that is synced. */
  protected get hardened(): (write: AnyWrite) => void {
    return this.onHardened
  }

  private harden({ write, sequence }: Unsynced): void {
    this.synced(write.slot.type).apply(write, sequence)
    this.onHardened(write)
  }
}
