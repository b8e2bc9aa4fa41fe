/**
 * Holds each send, and each answer that rests on writes, back behind the syncs it rests on, and no
 * others: those of barriers, and those of its slot or of everything, as it says. Writes are counted
 * in batches that become durable in order.
 */
import type { Persist } from '../../protocols/base/persist.ts'
import type { After, Slot } from '../../protocols/base/slot.ts'
import type { Effect } from '../../protocols/effects.ts'

export type Send = Extract<Effect, { kind: 'send' }>
/** What is said, to a peer or to a client: it may rest on writes. */
export type Saying = Extract<Effect, { kind: 'send' | 'answer' | 'tell' }>

export class SendGate {
  /** The batch that writes go into now. */
  private gathering = 1
  private synced = 0
  /** The newest batch with a write at all, and with one that everything after it rests on. */
  private lastWrite = 0
  private lastBarrier = 0
  /** By type, then by name: the newest batch with a write of the slot. */
  private readonly batches = new Map<Slot['type'], Map<string, number>>()
  private readonly slotsByBatch = new Map<number, Slot[]>()
  private readonly held = new Map<number, Saying[]>()

  /** True when a send waits for the batch that is being gathered. */
  get isAwaited(): boolean {
    return this.held.has(this.gathering)
  }

  /** A write goes into the batch that is being gathered. */
  wrote({ slot, isBarrier }: Pick<Persist, 'slot' | 'isBarrier'>): void {
    this.lastWrite = this.gathering
    if (isBarrier) this.lastBarrier = this.gathering
    this.batchesOf(slot).set(slot.name, this.gathering)
    const slots = this.slotsByBatch.get(this.gathering)
    if (slots === undefined) this.slotsByBatch.set(this.gathering, [slot])
    else slots.push(slot)
  }

  /** @returns true when it may leave now; else it is kept, and comes back from `settle` */
  admit(saying: Saying): boolean {
    if (saying.after === 'at once') return true
    const batch = Math.max(this.lastBarrier, this.batchOf(saying.after))
    if (batch <= this.synced) return true
    const held = this.held.get(batch)
    if (held === undefined) this.held.set(batch, [saying])
    else held.push(saying)
    return false
  }

  /**
   * The batch is handed to the store; what comes from now on goes into the next. @returns its
   * number, for `settle`
   */
  close(): number {
    return this.gathering++
  }

  /** The batch, and so all before it, is synced. @returns what waited for it, in order */
  settle(batch: number): readonly Saying[] {
    this.synced = batch
    for (const slot of this.slotsByBatch.get(batch) ?? []) {
      const batches = this.batchesOf(slot)
      if (batches.get(slot.name) === batch) batches.delete(slot.name)
    }
    this.slotsByBatch.delete(batch)
    const released = this.held.get(batch) ?? []
    this.held.delete(batch)
    return released
  }

  private batchOf(after: After): number {
    if (after === 'nothing') return 0
    if (after === 'everything') return this.lastWrite
    return this.batches.get(after.type)?.get(after.name) ?? 0
  }

  private batchesOf({ type }: Slot): Map<string, number> {
    let batches = this.batches.get(type)
    if (batches === undefined) this.batches.set(type, (batches = new Map()))
    return batches
  }
}
