/**
 * A voter's part in a sweep. It refuses every ballot up to the one that is barred from now on,
 * settles all that it has accepted above what it holds at that moment, and says so once all that it
 * wrote is on disk. Whatever was chosen up to there with its voice it then holds, or something
 * newer. What it accepts later, at higher ballots, is made on that and need not be settled.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Doubts } from '../agreement/doubts.ts'
import type { Rounds } from '../agreement/rounds.ts'
import type { Cells } from './cells.ts'
import type { Finisher } from './finisher.ts'
import type { Voter } from './voter.ts'

/** Registers settled at one time. */
const SETTLING_MAX = 64

export interface BarsContext {
  readonly chain: InForce
  readonly rounds: Rounds
  readonly voter: Voter
  readonly cells: Cells
  readonly doubts: Doubts
  readonly finisher: Finisher
  /** True where this peer may vote now. */
  readonly mayVote: () => boolean
  /** Tells who sweeps, once all that was written before is on disk. */
  readonly reply: (to: PeerId, ballot: Ballot) => void
}

interface Bar {
  readonly ballot: Ballot
  readonly asker: PeerId
  /** What is to be settled still. */
  readonly open: Set<RegisterKey>
}

export class Bars {
  private readonly context: BarsContext
  /** The newest that is not answered yet. */
  private bar: Bar | undefined
  private readonly settling = new Set<RegisterKey>()

  constructor(context: BarsContext) {
    this.context = context
  }

  get isBusy(): boolean {
    return this.bar !== undefined
  }

  /** Somebody who sweeps asks for a bar. */
  asked(asker: PeerId, ballot: Ballot): void {
    const { chain, rounds, voter, doubts, mayVote } = this.context
    const config = chain.current?.config
    if (config === undefined || config.next !== undefined || ballot.epoch !== chain.epoch || !mayVote()) return
    if (this.bar !== undefined && compareBallots(this.bar.ballot, ballot) >= 0) return
    voter.raiseFloor(ballot)
    rounds.raiseAbove(ballot)
    this.bar = { ballot, asker, open: new Set(doubts.keys()) }
    this.upkeep()
  }

  /** What was barred in an earlier epoch counts for nothing. */
  configInstalled(): void {
    this.bar = undefined
  }

  upkeep(): void {
    const { bar } = this
    if (bar === undefined) return
    for (const key of bar.open) {
      if (this.context.cells.read(key).accepted === undefined) bar.open.delete(key)
      else if (this.settling.size < SETTLING_MAX && !this.settling.has(key)) this.settle(bar, key)
    }
    if (bar.open.size > 0) return
    this.bar = undefined
    this.context.reply(bar.asker, bar.ballot)
  }

  private settle(bar: Bar, key: RegisterKey): void {
    this.settling.add(key)
    this.context.finisher.finish(key, (done) => {
      this.settling.delete(key)
      if (done) bar.open.delete(key)
    })
  }
}
