/**
 * What other peers tell of their sets, and ask of those here. Whatever is answered rests on this
 * peer's disk.
 */
import type { Identity } from '../base/identity.ts'
import type { SetsContext } from './context.ts'
import { barRefusal, barred, isTaken } from './forgetting.ts'
import type { Holdings } from './holdings.ts'
import type { BarRefusal, SetsMessage, Told } from './messages.ts'
import { slotOfSet } from './slots.ts'
import type { Spread } from './spread.ts'
import type { TakeOvers } from './take-overs.ts'
import { pageAfter } from './whole-answer.ts'

type Of<Kind extends SetsMessage['kind']> = Extract<SetsMessage, { readonly kind: Kind }>

export class Hearing {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly takeOvers: TakeOvers
  private readonly spread: Spread

  constructor(context: SetsContext, holdings: Holdings, takeOvers: TakeOvers, spread: Spread) {
    this.context = context
    this.holdings = holdings
    this.takeOvers = takeOvers
    this.spread = spread
  }

  onChanged(from: Identity, message: Of<'changed'>): void {
    const { set, rows: told, receipt } = message
    const rows = this.holdings.make(set)
    const { stamp } = this.takeOvers.settled(rows)
    const taken = told.filter((each) => isTaken(each, rows.get(each.key), stamp, false))
    const changed = this.holdings.take(rows, taken)
    this.spread.passOn(from.peerId, message, changed)
    // What is settled and was not taken is not kept here.
    if (receipt === undefined || taken.length < told.length) return
    const { roster, self } = this.context
    const to = roster.isConnected(receipt.to) ? receipt.to : from.peerId
    this.context.send(to, { kind: 'kept', receipt, keeper: self }, slotOfSet(set))
  }

  /** A receipt for another peer, which could not be sent to it directly. */
  onKeptForAnother(from: Identity, message: Of<'kept'>): void {
    const { to } = message.receipt
    if (to !== from.peerId && this.context.roster.isConnected(to)) this.context.send(to, message, 'nothing')
  }

  /**
   * A comparison with a peer of the own cut brings everything; with one of an older cut, nothing
   * that is settled.
   */
  onCompared(set: string, told: readonly Told[], cut: number): number {
    const rows = this.holdings.make(set)
    const { number, stamp } = this.takeOvers.settled(rows)
    const taken = told.filter((each) => isTaken(each, rows.get(each.key), stamp, cut >= number))
    return this.holdings.take(rows, taken).length
  }

  onBarWanted(from: Identity, { id, set, number, stamp }: Of<'bar-wanted'>): void {
    const { wallMs, settings } = this.context
    const rows = this.holdings.make(set)
    const refusal: BarRefusal = this.holdings.isWhole
      ? (barRefusal(rows.cut, number, stamp, Math.floor(wallMs()) - settings.leastAgeMs) ?? 'none')
      : 'not-whole'
    if (refusal === 'none') {
      rows.cut = barred(rows.cut, stamp)
      this.holdings.save(rows, [], [], false)
    }
    this.context.send(from.peerId, { kind: 'barred', id, refusal, number: rows.cut.number }, slotOfSet(set))
  }

  onWholeWanted(from: Identity, { id, set, after }: Of<'whole-wanted'>): void {
    const { cut } = this.holdings.make(set)
    this.context.send(from.peerId, { kind: 'whole', id, cut, ...pageAfter(this.holdings, set, after) }, slotOfSet(set))
  }
}
