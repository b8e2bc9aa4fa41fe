/**
 * What clients do to sets: insert, delete, update. Each is done here and at once, without asking
 * anybody; all of a request or none of it.
 */
import type { ClientId } from '../events.ts'
import type { SetsContext } from './context.ts'
import { keyOfElement } from './element.ts'
import { barred, cutTaken, isTaken } from './forgetting.ts'
import type { Holdings } from './holdings.ts'
import type { Told } from './messages.ts'
import { NO_STAMP, SETS_MAX } from './requests.ts'
import type { SetAnswer, SetRequest, Stamp, Wait } from './requests.ts'
import type { SetRows } from './rows.ts'
import { badStamp, leastStamp, shiftOf, shifted, stampFor } from './stamps.ts'

type Of<Kind extends SetRequest['kind']> = Extract<SetRequest, { readonly kind: Kind }>
export type Operation = Of<'insert' | 'delete' | 'update' | 'restore'>

export interface OperationsEnds {
  /** Why stamps are neither given nor taken now. */
  readonly refusal: () => SetAnswer | undefined
  /** By which number, and by which stamp, what is told of a set counts as settled. */
  readonly settled: (rows: SetRows) => { readonly number: number; readonly stamp: Stamp }
  /**
   * Done here, written, and to be told to others and, when all that it waits for has it, to the
   * client.
   */
  readonly done: (client: ClientId, set: string, told: readonly Told[], wait: Wait, shiftMs: number, deadlineMs: number) => void
  readonly answer: (client: ClientId, answer: SetAnswer, set: string | undefined) => void
}

export class Operations {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly ends: OperationsEnds
  /** Sets that hold nothing but what is being restored. */
  private readonly restored = new Set<string>()

  constructor(context: SetsContext, holdings: Holdings, ends: OperationsEnds) {
    this.context = context
    this.holdings = holdings
    this.ends = ends
  }

  run(client: ClientId, operation: Operation, deadlineMs: number): void {
    const refusal = this.ends.refusal()
    if (refusal !== undefined) return this.ends.answer(client, refusal, undefined)
    if (this.holdings.get(operation.set) === undefined && this.holdings.count >= SETS_MAX) {
      return this.ends.answer(client, { kind: 'too-many-sets' }, undefined)
    }
    if (operation.kind === 'update') this.update(client, operation, deadlineMs)
    else if (operation.kind === 'restore') this.restore(client, operation)
    else this.give(client, operation, deadlineMs)
  }

  /** Gives the elements stamps of this peer. */
  private give(client: ClientId, { kind, set, elements, wait }: Of<'insert' | 'delete'>, deadlineMs: number): void {
    const rows = this.holdings.make(set)
    const least = leastStamp(this.context.wallMs(), rows.last, rows.cut.bar)
    const told = elements.map((element): Told => {
      const key = keyOfElement(element)
      const stamp = stampFor(least, rows.stampsOf(key))
      rows.last = Math.max(rows.last, stamp)
      return kind === 'insert' ? { key, added: stamp, removed: NO_STAMP } : { key, added: NO_STAMP, removed: stamp }
    })
    this.holdings.take(rows, told)
    this.ends.done(client, set, told, wait, 0, deadlineMs)
  }

  private update(client: ClientId, { set, entries, clock, wait }: Of<'update'>, deadlineMs: number): void {
    const wallMs = this.context.wallMs()
    const shiftMs = shiftOf(clock, wallMs)
    const bar = this.holdings.get(set)?.cut.bar ?? NO_STAMP
    const bad = badStamp(entries, { bar, most: Math.floor(wallMs) + this.context.settings.aheadMs, shiftMs })
    if (bad !== undefined) return this.ends.answer(client, bad, undefined)
    const told = entries.map((entry): Told => {
      const { element, added, removed } = shifted(entry, shiftMs)
      return { key: keyOfElement(element), added, removed }
    })
    this.holdings.take(this.holdings.make(set), told)
    this.ends.done(client, set, told, wait, shiftMs, deadlineMs)
  }

  /**
   * What was kept elsewhere comes back as from a peer of its cut: of an older one, nothing that the
   * own cut has settled.
   */
  private restore(client: ClientId, { set, entries, cut, isLast }: Of<'restore'>): void {
    const rows = this.holdings.make(set)
    if (rows.entryCount === 0 && rows.cut.number === 0) this.restored.add(set)
    rows.cut = barred(rows.cut, cut.bar)
    const settled = this.ends.settled(rows)
    const isWhole = cut.number >= settled.number
    const told = entries
      .map(({ element, added, removed }): Told => ({ key: keyOfElement(element), added, removed }))
      .filter((each) => isTaken(each, rows.get(each.key), settled.stamp, isWhole))
    const changed = this.holdings.take(rows, told)
    if (changed.length === 0) this.holdings.save(rows, [], [], false)
    // A cut is taken over by whoever has all of it and nothing else.
    if (isLast && this.restored.delete(set) && cut.number > rows.cut.number) {
      rows.cut = cutTaken(rows.cut, cut.number, cut.stamp, cut.bar)
      this.holdings.save(rows, [], [], true)
    }
    this.ends.done(client, set, changed, 'here', 0, 0)
  }
}
