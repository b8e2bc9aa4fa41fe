/**
 * Rows of one store in memory: as whoever reads sees them, as they are on disk, and what lies
 * between.
 */
import { CEILING_NONE } from '../../../../protocols/base/ballot.ts'
import type { Ceiling } from '../../../../protocols/base/ballot.ts'
import { compareUtf8 } from '../../../../protocols/base/bytes.ts'
import type { After, Slot } from '../../../../protocols/base/slot.ts'
import type { Row, RowWrite, Rows } from '../../../../protocols/base/rows.ts'
import type { Chance } from '../../chance.ts'

export interface Written {
  readonly slot: Slot
  readonly isBarrier: boolean
  readonly changes: readonly RowWrite[]
  readonly ceiling: Ceiling | undefined
}

interface Unsynced {
  readonly sequence: number
  readonly write: Written
}

class Image {
  readonly rows = new Map<string, Uint8Array>()
  ceiling: Ceiling = CEILING_NONE

  apply({ changes, ceiling }: Written): void {
    if (ceiling !== undefined) this.ceiling = ceiling
    for (const { name, bytes } of changes) {
      if (bytes === undefined) this.rows.delete(name)
      else this.rows.set(name, bytes)
    }
  }
}

export class BenchRows implements Rows {
  private readonly hardened: (write: Written) => void
  private seen = new Image()
  private readonly synced = new Image()
  private unsynced: Unsynced[] = []
  private sequences = 0

  constructor(hardened: (write: Written) => void) {
    this.hardened = hardened
  }

  get unsyncedCount(): number {
    return this.unsynced.length
  }

  get ceilingSynced(): Ceiling {
    return this.synced.ceiling
  }

  get(name: string): Uint8Array | undefined {
    return this.seen.rows.get(name)
  }

  getSynced(name: string): Uint8Array | undefined {
    return this.synced.rows.get(name)
  }

  *range(prefix: string, after = ''): Iterable<Row> {
    const names = [...this.seen.rows.keys()].filter((name) => name.startsWith(prefix) && compareUtf8(name, after) > 0)
    for (const name of names.toSorted(compareUtf8)) yield { name, bytes: this.seen.rows.get(name) as Uint8Array }
  }

  write(write: Written): void {
    this.sequences += 1
    this.seen.apply(write)
    this.unsynced.push({ sequence: this.sequences, write })
  }

  /** True when all that a send waits for is on disk, of what was written up to a number. */
  isDurable(after: After, upTo: number): boolean {
    return !this.unsynced.some(({ sequence, write }) => {
      if (sequence > upTo) return false
      if (write.isBarrier || after === 'everything') return true
      return after !== 'nothing' && write.slot.type === after.type && write.slot.name === after.name
    })
  }

  get lastSequence(): number {
    return this.sequences
  }

  /**
   * One write reaches the disk: of a slot none before an earlier one, nothing before a barrier, and
   * a barrier behind all before it.
   */
  syncOne(chance: Chance): void {
    const able = this.able()
    if (able.length > 0) this.harden(chance.pick(able))
  }

  /** All that may reach the disk of one slot. */
  syncSlot(name: string): void {
    const isOf = (place: number): boolean => this.unsynced[place]?.write.slot.name === name
    for (let place = this.able().find(isOf); place !== undefined; place = this.able().find(isOf)) this.harden(place)
  }

  private able(): number[] {
    const slots = new Set<string>()
    const able: number[] = []
    for (const [place, { write }] of this.unsynced.entries()) {
      const slot = `${write.slot.type} ${write.slot.name}`
      if (write.isBarrier && place > 0) break
      if (!slots.has(slot)) able.push(place)
      slots.add(slot)
      if (write.isBarrier) break
    }
    return able
  }

  syncAll(): void {
    while (this.unsynced.length > 0) this.harden(0)
  }

  /** Power is lost, with all that is not on disk. */
  crash(): void {
    this.unsynced = []
    this.seen = new Image()
    this.seen.ceiling = this.synced.ceiling
    for (const [name, row] of this.synced.rows) this.seen.rows.set(name, row)
  }

  private harden(place: number): void {
    const [found] = this.unsynced.splice(place, 1)
    if (found === undefined) return
    this.synced.apply(found.write)
    this.hardened(found.write)
  }
}
