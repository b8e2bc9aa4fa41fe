/**
 * How a simulated peer's writes reach its disk, and what its sends wait for. Two ways, for the core
 * must be safe under both: `BatchedSyncing` does what `src/runtime` does, with the very gate and
 * overlay of it: one transaction at a time, batches in order. `LooseSyncing` does as little as the
 * contract of `protocols/effects.ts` demands: each write is synced by itself, in any order between
 * barriers.
 */
import { Overlay } from '../../protocols/base/overlay.ts'
import type { Registers } from '../../protocols/base/register.ts'
import type { Tables } from '../../protocols/base/rows.ts'
import type { After, Slot } from '../../protocols/base/slot.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { SendGate } from '../../src/runtime/send-gate.ts'
import type { Saying } from '../../src/runtime/send-gate.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { SimulatedDisk } from './disk.ts'

/** Marks that nobody waits for are written no later than this, as in the runtime. */
const LAZY_WRITE_MS = 20

export interface SyncingInit {
  readonly disk: SimulatedDisk
  readonly agenda: Agenda
  readonly chance: Chance
  /** How long the sync that begins now takes. */
  readonly syncMs: () => number
  /** Whether the sync that ends now fails. */
  readonly fails: () => boolean
  /** What is said once its syncs are done, in order. */
  readonly released: (sayings: readonly Saying[]) => void
  /** A sync failed: the peer must stop. */
  readonly failed: () => void
}

export interface Syncing {
  /** What the core reads. */
  readonly registers: Registers & Tables
  /** How many writes are not on disk yet. */
  readonly pendingCount: number
  persist(write: AnyWrite): void
  /** @returns true when it may leave now; else it comes back by `released` */
  admit(saying: Saying): boolean
  /** The process is gone. @returns how many writes were lost */
  crash(): number
}

export class BatchedSyncing implements Syncing {
  readonly registers: Overlay
  private readonly init: SyncingInit
  private readonly gate: SendGate = new SendGate()
  private gathered: AnyWrite[] = []
  private isWriting = false
  private flushAtMs = Number.POSITIVE_INFINITY
  private isGone = false

  constructor(init: SyncingInit) {
    this.init = init
    this.registers = new Overlay(init.disk, init.disk)
  }

  get pendingCount(): number {
    return this.gathered.length + this.init.disk.unsyncedCount
  }

  persist(write: AnyWrite): void {
    this.registers.apply(write)
    this.gate.wrote(write)
    this.gathered.push(write)
    this.plan(write.isLazy ? LAZY_WRITE_MS : 0)
  }

  admit(saying: Saying): boolean {
    if (this.gate.admit(saying)) return true
    this.plan(0)
    return false
  }

  crash(): number {
    this.isGone = true
    // A transaction is there as a whole or not at all.
    const isKept = this.init.chance.happens(0.5)
    return this.init.disk.crash(() => isKept) + this.gathered.length
  }

  private plan(delayMs: number): void {
    const atMs = this.init.agenda.nowMs + delayMs
    if (this.isWriting || this.flushAtMs <= atMs) return
    this.flushAtMs = atMs
    this.init.agenda.at(atMs, () => {
      if (this.flushAtMs === atMs) this.flush()
    })
  }

  private flush(): void {
    this.flushAtMs = Number.POSITIVE_INFINITY
    if (this.isGone || this.isWriting || this.gathered.length === 0) return
    const { disk, agenda } = this.init
    const sequences = this.gathered.map((write) => disk.write(write))
    this.gathered = []
    this.registers.clear()
    this.isWriting = true
    const batch = this.gate.close()
    agenda.after(this.init.syncMs(), () => this.written(batch, sequences))
  }

  private written(batch: number, sequences: readonly number[]): void {
    if (this.isGone) return
    if (this.init.fails()) return this.init.failed()
    this.isWriting = false
    for (const sequence of sequences) this.init.disk.sync(sequence)
    this.init.released(this.gate.settle(batch))
    if (this.isGone) return
    if (this.gathered.some((write) => !write.isLazy) || this.gate.isAwaited) this.flush()
    else if (this.gathered.length > 0) this.plan(LAZY_WRITE_MS)
  }
}

interface Unit {
  readonly sequence: number
  readonly slot: Slot
  readonly isBarrier: boolean
  isReady: boolean
}

interface Held {
  readonly saying: Saying
  readonly waitsFor: Set<number>
}

/** Whether a send that waits for this waits for a write of that slot. */
function isAwaited(after: After, { type, name }: Slot): boolean {
  if (after === 'nothing') return false
  return after === 'everything' || (after.type === type && after.name === name)
}

export class LooseSyncing implements Syncing {
  private readonly init: SyncingInit
  private units: Unit[] = []
  private held: Held[] = []
  private isGone = false

  constructor(init: SyncingInit) {
    this.init = init
  }

  get registers(): Registers & Tables {
    return this.init.disk
  }

  get pendingCount(): number {
    return this.units.length
  }

  persist(write: AnyWrite): void {
    const { disk, agenda, chance } = this.init
    const { slot, isBarrier } = write
    const unit: Unit = { sequence: disk.write(write), slot, isBarrier, isReady: false }
    this.units.push(unit)
    const lazyMs = write.isLazy && !isBarrier ? chance.span(0, LAZY_WRITE_MS) : 0
    agenda.after(lazyMs + this.init.syncMs(), () => this.ready(unit))
  }

  admit(saying: Saying): boolean {
    const { after } = saying
    const waitsFor = new Set<number>()
    if (after === 'at once') return true
    for (const unit of this.units) {
      if (unit.isBarrier || isAwaited(after, unit.slot)) waitsFor.add(unit.sequence)
    }
    if (waitsFor.size > 0) this.held.push({ saying, waitsFor })
    return waitsFor.size === 0
  }

  crash(): number {
    this.isGone = true
    const kept = this.init.chance.number()
    return this.init.disk.crash(() => this.init.chance.happens(kept))
  }

  private ready(unit: Unit): void {
    if (this.isGone) return
    if (this.init.fails()) return this.init.failed()
    unit.isReady = true
    const left: Unit[] = []
    let isPastBarrier = false
    for (const other of this.units) {
      const maySync: boolean = other.isReady && !isPastBarrier && !(other.isBarrier && left.length > 0)
      if (maySync) this.synced(other)
      else left.push(other)
      isPastBarrier ||= other.isBarrier && !maySync
    }
    this.units = left
    this.release()
  }

  private synced(unit: Unit): void {
    this.init.disk.sync(unit.sequence)
    for (const held of this.held) held.waitsFor.delete(unit.sequence)
  }

  private release(): void {
    const free = this.held.filter((held) => held.waitsFor.size === 0)
    if (free.length === 0) return
    this.held = this.held.filter((held) => held.waitsFor.size > 0)
    this.init.released(free.map((held) => held.saying))
  }
}
