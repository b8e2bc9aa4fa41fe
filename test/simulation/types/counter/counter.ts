/**
 * A counter that only grows, as a peer runs it: a type of data that lives in the tests alone. Totals are merged by the higher one, kept in
 * slots of their own, told to everybody once they are on disk, and told again on and on, so that what was lost on the way arrives some time.
 * Its clients are answered when what they are shown is on this peer's disk. Two that count at once at two peers count once: it is no good
 * counter, and only has to show that a further type moves in.
 */
import type { CreateType, DataType, TypeContext } from '../../../../protocols/data-type.ts'
import type { Identity, PeerId } from '../../../../protocols/base/identity.ts'
import type { TypeWrite } from '../../../../protocols/base/persist.ts'
import type { After, Slot } from '../../../../protocols/base/slot.ts'
import type { RequestOf } from '../../../../protocols/service.ts'
import { readCounterMessage, writeCounterMessage } from './messages.ts'
import type { CounterMessage } from './messages.ts'

export const COUNTER = 'counter'
const CODE = 200
/** All totals are told again this often. */
const RETELL_MS = 1_000

/** What clients ask for. */
export interface CounterRequest {
  readonly kind: 'add' | 'read'
  readonly name: string
}

/** What they are told: the total, which is on this peer's disk. */
export interface CounterAnswer {
  readonly total: number
}

/** @param held the totals that the store holds */
export function createCounter(held: ReadonlyMap<string, number>): CreateType {
  return (context) => new Counter(context, held)
}

class Counter implements DataType {
  readonly name: string = COUNTER
  readonly code: number = CODE
  private readonly context: TypeContext
  private readonly totals: Map<string, number>
  private retellAtMs: number

  constructor(context: TypeContext, held: ReadonlyMap<string, number>) {
    this.context = context
    this.totals = new Map(held)
    this.retellAtMs = context.moment.nowMs + RETELL_MS
  }

  asked({ client, request }: RequestOf<'typed'>): void {
    const { kind, name } = request as CounterRequest
    const before = this.totals.get(name) ?? 0
    const total = kind === 'add' ? before + 1 : before
    if (total > before) this.raise(name, total)
    // It comes back when all that was written of this counter is on disk.
    this.send(this.context.self.peerId, { kind: 'kept', client, total }, slotOf(name))
  }

  told(from: Identity, body: Uint8Array): void {
    const message = readCounterMessage(body)
    if (message.kind === 'total') {
      const { name, total } = message
      if (total > (this.totals.get(name) ?? 0)) this.raise(name, total)
    } else if (from.id === this.context.self.id) {
      const answer: CounterAnswer = { total: message.total }
      this.context.outbox.answer(message.client, { kind: 'typed', type: COUNTER, answer })
    }
  }

  upkeep(): void {
    const { nowMs } = this.context.moment
    if (nowMs < this.retellAtMs) return
    this.retellAtMs = nowMs + RETELL_MS
    for (const [name, total] of this.totals) this.tellAll(name, total)
  }

  restUntilMs(): number {
    return this.retellAtMs
  }

  private raise(name: string, total: number): void {
    this.totals.set(name, total)
    const row: CounterAnswer = { total }
    const write: TypeWrite = { kind: 'typed', slot: slotOf(name), isBarrier: false, isLazy: false, row }
    this.context.outbox.persist(write)
    this.tellAll(name, total)
  }

  private tellAll(name: string, total: number): void {
    const { neighbours } = this.context
    for (const cluster of neighbours.clusterIds()) {
      for (const peerId of neighbours.connectedOf(cluster)) this.send(peerId, { kind: 'total', name, total }, slotOf(name))
    }
  }

  private send(to: PeerId, message: CounterMessage, after: After): void {
    this.context.outbox.send(to, { kind: 'typed', type: CODE, body: writeCounterMessage(message) }, after)
  }
}

function slotOf(name: string): Slot {
  return { type: COUNTER, name }
}
