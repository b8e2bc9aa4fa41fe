/**
 * Taking over what another peer holds of sets, whole: a later cut, or everything, for a peer that
 * is new. What lies in the time that the cut has settled and is not at the source is gone; all else
 * is joined. Until a pull has ended its cut counts already for what is told by others, because a
 * row that came in behind the page it belongs to would otherwise survive.
 */
import type { Identity } from '../base/identity.ts'
import type { SetsContext } from './context.ts'
import type { Dropped } from './dropped.ts'
import type { ElementKey } from './element.ts'
import { barred, cutTaken, isBelow } from './forgetting.ts'
import type { Holdings } from './holdings.ts'
import { isMember } from './join.ts'
import type { Place, Told } from './messages.ts'
import type { Cut, Stamp } from './requests.ts'
import type { Row, SetRows } from './rows.ts'
import { rowsBetween } from './whole-answer.ts'
import { WholePull } from './whole-pull.ts'
import type { WholeMessage } from './whole-pull.ts'

export interface SetOf {
  readonly set: string
  readonly cut: Cut
}

interface Current {
  readonly rows: SetRows
  readonly cut: Cut
  readonly pull: WholePull
  /** Settled rows that were not in the pages which cover them. */
  readonly lacking: Set<ElementKey>
}

export class TakeOvers {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly dropped: Dropped
  private readonly onLost: (rows: SetRows, lost: readonly Row[]) => void
  private source: Identity | undefined
  private rest: SetOf[] = []
  private current: Current | undefined
  private ended: ((isDone: boolean) => void) | undefined

  /** @param onLost members are gone that the source does not know of */
  constructor(context: SetsContext, holdings: Holdings, dropped: Dropped, onLost: (rows: SetRows, lost: readonly Row[]) => void) {
    this.context = context
    this.holdings = holdings
    this.dropped = dropped
    this.onLost = onLost
  }

  get isRunning(): boolean {
    return this.source !== undefined
  }

  /** What counts as settled of a set: by the own cut, or by the one that is being taken over. */
  settled(rows: SetRows): { readonly number: number; readonly stamp: Stamp } {
    const { current } = this
    return current?.rows === rows && current.cut.number > rows.cut.number ? current.cut : rows.cut
  }

  /** @param ended told whether all of it is here; what is here is not durable yet */
  begin(source: Identity, sets: readonly SetOf[], ended: (isDone: boolean) => void): void {
    if (this.isRunning) return
    this.source = source
    this.rest = [...sets]
    this.ended = ended
    this.next()
  }

  onWhole(from: Identity, message: WholeMessage): boolean {
    return this.current?.pull.onWhole(from, message) === true
  }

  tick(): void {
    this.current?.pull.tick()
  }

  private next(): void {
    const { source } = this
    const item = this.rest.shift()
    if (source === undefined) return
    if (item === undefined) return this.end(true)
    const rows = this.holdings.make(item.set)
    if (item.cut.number < rows.cut.number) return this.next()
    rows.cut = barred(rows.cut, Math.max(item.cut.bar, item.cut.stamp))
    this.holdings.save(rows, [], [], false)
    const pull = new WholePull(this.context, source, item.set, item.cut.number, {
      page: (told, after, to) => this.page(told, after, to),
      ended: (cut) => this.setEnded(cut),
    })
    this.current = { rows, cut: item.cut, pull, lacking: new Set() }
    pull.begin()
  }

  private page(told: readonly Told[], after: Place, to: Place): void {
    const { current } = this
    if (current === undefined) return
    const { rows, cut, lacking } = current
    const listed = new Set(told.map(({ key }) => key))
    for (const own of rowsBetween(this.holdings, rows.name, after, to)) {
      if (!listed.has(own.key) && isBelow(cut.stamp, own)) lacking.add(own.key)
    }
    this.holdings.take(rows, told)
  }

  private setEnded(cut: Cut | undefined): void {
    const { current } = this
    this.current = undefined
    if (current === undefined || cut === undefined) return this.end(false)
    const { rows, lacking } = current
    const isLater = cut.number > rows.cut.number
    const gone = isLater ? rowsOf(rows, lacking).filter((row) => isBelow(cut.stamp, row)) : []
    const lost = gone.filter(isMember)
    const evidence = this.dropped.writes(lost, cut.number)
    rows.cut = isLater ? cutTaken(rows.cut, cut.number, cut.stamp, cut.bar) : barred(rows.cut, cut.bar)
    if (lost.length > 0) rows.startOver()
    this.holdings.save(rows, [], gone, isLater, evidence)
    if (lost.length > 0) this.onLost(rows, lost)
    this.next()
  }

  private end(isDone: boolean): void {
    const { ended } = this
    this.source = undefined
    this.current = undefined
    this.rest = []
    this.ended = undefined
    ended?.(isDone)
  }
}

function rowsOf(rows: SetRows, keys: Iterable<ElementKey>): Row[] {
  return [...keys].map((key) => rows.get(key)).filter((row) => row !== undefined)
}
