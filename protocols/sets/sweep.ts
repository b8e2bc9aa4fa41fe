/**
 * One try to forget what was removed long ago. Every member bars the time that is to be settled;
 * then all of them are pulled, so that this peer has heard of every operation of that time; then
 * the cut is decided, once for the whole network; then removals of that time are forgotten. All
 * members, not a quorum: whoever was not asked could bring an element back.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import { toFarthestMs } from './context.ts'
import type { SetsContext } from './context.ts'
import { barred, cutTaken, isForgettable } from './forgetting.ts'
import type { Holdings } from './holdings.ts'
import type { SetsMessage } from './messages.ts'
import type { Stamp } from './requests.ts'
import type { SetRows } from './rows.ts'
import { slotOfSet } from './slots.ts'
import { WholePull } from './whole-pull.ts'
import type { WholeMessage } from './whole-pull.ts'

/**
 * A member that has not said that it bars is asked again after this, or after so many round trips
 * to the farthest of them.
 */
const ASK_AGAIN_MS = 1_000
const ASK_AGAIN_ROUND_TRIPS = 2
/**
 * A sweep that has not come so far by then, and could be asked some times, is given up: a member is
 * away.
 */
const BARRED_WITHIN_MS = 20_000
const BARRED_WITHIN_ROUND_TRIPS = 8
/**
 * Other cuts of this number that are followed in one sweep; each is another sweep's, which was
 * decided first.
 */
const FOLLOWED_MAX = 3

export interface SweepEnds {
  /** Everybody in the network but this peer. */
  readonly members: () => readonly Identity[]
  /**
   * @param settled told the stamp that was chosen, perhaps another; undefined when none was in time
   */
  readonly decide: (set: string, number: number, stamp: Stamp, settled: (chosen: Stamp | undefined) => void) => void
  /** Tells `Sweep.durable` when all that was written until now is on disk. */
  readonly whenDurable: (id: number) => void
  readonly ended: (why: string) => void
}

export class Sweep {
  readonly rows: SetRows
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly ends: SweepEnds
  /** Of the cut that is wanted. */
  private readonly number: number
  private stamp: Stamp
  private id = 0
  private phase: 'barring' | 'pulling' | 'settling' | 'deciding' | 'over' = 'barring'
  private readonly barred = new Set<IdentityId>()
  private readonly pulled = new Set<IdentityId>()
  private pull: WholePull | undefined
  private askedAtMs = 0
  private endAtMs = 0
  private followed = 0

  constructor(context: SetsContext, holdings: Holdings, rows: SetRows, stamp: Stamp, ends: SweepEnds) {
    this.context = context
    this.holdings = holdings
    this.rows = rows
    this.number = rows.cut.number + 1
    this.stamp = stamp
    this.ends = ends
  }

  begin(): void {
    this.phase = 'barring'
    this.id = this.context.nextId()
    this.barred.clear()
    this.pulled.clear()
    this.endAtMs = this.context.moment.nowMs + Math.max(BARRED_WITHIN_MS, BARRED_WITHIN_ROUND_TRIPS * this.farthestMs())
    this.advance()
    this.ask()
  }

  onBarred(from: Identity, { id, refusal }: Extract<SetsMessage, { kind: 'barred' }>): void {
    if (id !== this.id || this.phase === 'over') return
    if (refusal !== 'none') return this.end(`${from.peerId} does not bar: ${refusal}`)
    this.barred.add(from.id)
    this.advance()
  }

  onWhole(from: Identity, message: WholeMessage): boolean {
    return this.pull?.onWhole(from, message) === true
  }

  /** All that the pulls brought is on disk. */
  durable(id: number): void {
    if (id !== this.id || this.phase !== 'settling') return
    if (!this.isComplete()) return this.advance()
    this.phase = 'deciding'
    this.ends.decide(this.rows.name, this.number, this.stamp, (chosen) => this.decided(chosen))
  }

  tick(): void {
    if (this.phase === 'over') return
    const { nowMs } = this.context.moment
    if (this.rows.cut.number >= this.number) return this.end('another peer has the cut')
    if (this.phase === 'barring' && nowMs >= this.endAtMs) return this.end('a member is away')
    const askAgainMs = Math.max(ASK_AGAIN_MS, ASK_AGAIN_ROUND_TRIPS * this.farthestMs())
    if (this.phase === 'barring' && nowMs - this.askedAtMs >= askAgainMs) this.ask()
    this.pull?.tick()
  }

  private farthestMs(): number {
    return toFarthestMs(this.context, this.ends.members())
  }

  /** Asks those who have not barred yet. */
  private ask(): void {
    if (this.phase !== 'barring') return
    const { id, number, stamp } = this
    this.askedAtMs = this.context.moment.nowMs
    for (const { peerId, id: member } of this.ends.members()) {
      if (this.barred.has(member)) continue
      this.context.send(peerId, { kind: 'bar-wanted', id, set: this.rows.name, number, stamp }, slotOfSet(this.rows.name))
    }
  }

  private isComplete(): boolean {
    return this.ends.members().every(({ id }) => this.pulled.has(id))
  }

  /** Goes on as far as it can: all members bar before the first is pulled. */
  private advance(): void {
    if (this.phase === 'over' || this.phase === 'deciding' || this.pull !== undefined) return
    const members = this.ends.members()
    if (!members.every(({ id }) => this.barred.has(id))) {
      this.phase = 'barring'
      return
    }
    this.barHere()
    const next = members.find(({ id }) => !this.pulled.has(id))
    if (next !== undefined) return this.pullFrom(next)
    this.phase = 'settling'
    this.ends.whenDurable(this.id)
  }

  /**
   * This peer bars last: a stamp of a clock that is wrong is refused by others before it can do
   * harm.
   */
  private barHere(): void {
    if (this.rows.cut.bar >= this.stamp) return
    this.rows.cut = barred(this.rows.cut, this.stamp)
    this.holdings.save(this.rows, [], [], false)
  }

  private pullFrom(member: Identity): void {
    this.phase = 'pulling'
    this.pull = new WholePull(this.context, member, this.rows.name, this.number - 1, {
      page: (told) => void this.holdings.take(this.rows, told),
      ended: (cut) => {
        this.pull = undefined
        if (cut === undefined) return this.end(`${member.peerId} could not be pulled`)
        this.pulled.add(member.id)
        this.advance()
      },
    })
    this.pull.begin()
  }

  private decided(chosen: Stamp | undefined): void {
    if (this.phase !== 'deciding') return
    if (chosen === undefined) return this.end('no quorum decided the cut')
    if (this.rows.cut.number >= this.number) return this.end('another peer has the cut')
    if (chosen !== this.stamp) {
      // Another sweep was first. Nobody who has its cut was heard of, so all is done again for the
      // stamp that was chosen.
      this.stamp = chosen
      this.followed += 1
      return this.followed > FOLLOWED_MAX ? this.end('other sweeps go first') : this.begin()
    }
    this.rows.cut = cutTaken(this.rows.cut, this.number, this.stamp, this.stamp)
    const forgotten = [...this.rows.all()].filter((row) => isForgettable(this.stamp, row))
    this.holdings.save(this.rows, [], forgotten, true)
    this.end('done')
  }

  private end(why: string): void {
    this.phase = 'over'
    this.pull?.stop()
    this.pull = undefined
    this.ends.ended(why)
  }
}
