/**
 * Holds each send back behind the syncs it rests on, and no others: those of its own key, of a ceiling or a chosen
 * config, or of everything where it vouches for everything. Writes are counted in batches that become durable in order.
 */
import { isConfigKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import type { Effect } from '../../protocols/effects.ts'

export type Send = Extract<Effect, { kind: 'send' }>

export class SendGate {
  /** The batch that writes go into now. */
  private gathering = 1
  private synced = 0
  /** The newest batch with a write at all, and with one that everything after it rests on. */
  private lastWrite = 0
  private lastBarrier = 0
  private readonly batchByKey = new Map<RegisterKey, number>()
  private readonly keysByBatch = new Map<number, RegisterKey[]>()
  private readonly held = new Map<number, Send[]>()

  /** True when a send waits for the batch that is being gathered. */
  get isAwaited(): boolean {
    return this.held.has(this.gathering)
  }

  /** A write goes into the batch that is being gathered. */
  wrote(write: Persist): void {
    this.lastWrite = this.gathering
    if (write.kind === 'ceiling' || (write.kind === 'chosen' && isConfigKey(write.key))) this.lastBarrier = this.gathering
    if (write.kind === 'ceiling') return
    this.batchByKey.set(write.key, this.gathering)
    const keys = this.keysByBatch.get(this.gathering)
    if (keys === undefined) this.keysByBatch.set(this.gathering, [write.key])
    else keys.push(write.key)
  }

  /** @returns true when the send may leave now; else it is kept, and comes back from `settle` */
  admit(send: Send): boolean {
    const ofKey = send.key === undefined ? 0 : (this.batchByKey.get(send.key) ?? 0)
    const batch = Math.max(ofKey, this.lastBarrier, send.afterAll ? this.lastWrite : 0)
    if (batch <= this.synced) return true
    const held = this.held.get(batch)
    if (held === undefined) this.held.set(batch, [send])
    else held.push(send)
    return false
  }

  /** The batch is handed to the store; what comes from now on goes into the next. @returns its number, for `settle` */
  close(): number {
    return this.gathering++
  }

  /** The batch, and so all before it, is synced. @returns the sends that waited for it, in their order */
  settle(batch: number): readonly Send[] {
    this.synced = batch
    for (const key of this.keysByBatch.get(batch) ?? []) if (this.batchByKey.get(key) === batch) this.batchByKey.delete(key)
    this.keysByBatch.delete(batch)
    const released = this.held.get(batch) ?? []
    this.held.delete(batch)
    return released
  }
}
