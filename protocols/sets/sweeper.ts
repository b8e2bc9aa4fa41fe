/** When this peer tries to forget, and whom it must ask. One sweep at a time. */
import type { Identity, IdentityId } from '../base/identity.ts'
import { isRemoved } from './context.ts'
import type { SetsContext } from './context.ts'
import { isForgettable } from './forgetting.ts'
import type { Holdings } from './holdings.ts'
import type { SetsMessage } from './messages.ts'
import type { Stamp } from './requests.ts'
import type { SetRows } from './rows.ts'
import { Sweep } from './sweep.ts'
import type { SweepEnds } from './sweep.ts'
import type { WholeMessage } from './whole-pull.ts'

export type Decide = SweepEnds['decide']

export class Sweeper {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly decide: Decide
  private readonly whenDurable: SweepEnds['whenDurable']
  private readonly onCut: () => void
  private sweep: Sweep | undefined
  private atMs: number

  /** @param onCut a sweep is over, and the own cut may be a later one */
  constructor(context: SetsContext, holdings: Holdings, decide: Decide, whenDurable: SweepEnds['whenDurable'], onCut: () => void) {
    this.context = context
    this.holdings = holdings
    this.decide = decide
    this.whenDurable = whenDurable
    this.onCut = onCut
    this.atMs = this.nextAtMs()
  }

  get isRunning(): boolean {
    return this.sweep !== undefined
  }

  restUntilMs(): number {
    return this.isRunning ? this.context.moment.nowMs : this.atMs
  }

  onBarred(from: Identity, message: Extract<SetsMessage, { kind: 'barred' }>): void {
    this.sweep?.onBarred(from, message)
  }

  onWhole(from: Identity, message: WholeMessage): boolean {
    return this.sweep?.onWhole(from, message) === true
  }

  durable(id: number): void {
    this.sweep?.durable(id)
  }

  /** @param mayBegin this peer holds the whole, and takes nothing over now */
  tick(mayBegin: boolean): void {
    this.sweep?.tick()
    if (this.sweep !== undefined || this.context.moment.nowMs < this.atMs) return
    this.atMs = this.nextAtMs()
    if (!mayBegin || this.context.chain.current === undefined) return
    const members = this.members()
    if (!members.every((member) => this.context.roster.isConnectedAs(member))) return
    for (const rows of this.holdings.all()) {
      const stamp = this.stampFor(rows)
      if (stamp === undefined || countForgettable(rows, stamp) < this.context.settings.sweepLeast) continue
      return this.begin(rows, stamp)
    }
  }

  private begin(rows: SetRows, stamp: Stamp): void {
    const sweep = new Sweep(this.context, this.holdings, rows, stamp, {
      members: () => this.members(),
      decide: this.decide,
      whenDurable: this.whenDurable,
      ended: () => {
        this.sweep = undefined
        this.onCut()
      },
    })
    this.sweep = sweep
    sweep.begin()
  }

  /** The stamp up to which may be forgotten; undefined where history is kept. */
  private stampFor(rows: SetRows): Stamp | undefined {
    const { historyMs, wholeHistory, leastAgeMs } = this.context.settings
    if (historyMs === undefined || wholeHistory.has(rows.name)) return undefined
    const stamp = Math.floor(this.context.wallMs()) - Math.max(historyMs, leastAgeMs)
    return stamp > rows.cut.stamp ? stamp : undefined
  }

  /**
   * Everybody who may hold an operation: all voters, and the learners that are known, each with the
   * store that it is known by.
   */
  private members(): readonly Identity[] {
    const { chain, roster, self } = this.context
    const members = new Map<IdentityId, Identity>()
    for (const voter of chain.current?.quorum.voters ?? []) members.set(voter.id, voter)
    for (const peer of roster.all()) {
      if (!isRemoved(this.context, peer.peerId, peer.clusterId)) members.set(peer.identity.id, peer.identity)
    }
    members.delete(self.id)
    return [...members.values()]
  }

  /** Not all at one time. */
  private nextAtMs(): number {
    const { moment, settings, random } = this.context
    return moment.nowMs + settings.sweepEveryMs * (0.5 + random())
  }
}

function countForgettable(rows: SetRows, stamp: Stamp): number {
  let count = 0
  for (const row of rows.all()) if (isForgettable(stamp, row)) count += 1
  return count
}
