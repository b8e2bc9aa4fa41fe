/**
 * Forgetting deleted registers. One voter has every voter bar a ballot, so that nothing more is
 * chosen at or below it, and pulls all that they hold. From then on its store holds every register
 * that was chosen up to there: what it does not hold of those is gone, and a deletion there need
 * not be kept. All others take that over by a whole pull. What was away meanwhile does the same
 * before it is believed, so that it brings nothing back.
 */
import type { Rounds } from '../agreement/rounds.ts'
import { CEILING_STRIDE_ROUNDS, compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import type { Cells, Swept } from './cells.ts'
import { Dropping } from './dropping.ts'

/**
 * A sweep that is not through by then is given up: one voter that is away delays it to the next.
 */
const SWEEP_MS = 120_000
/** Voters that have not answered are asked again. */
const ASK_MS = 1_000
/** Between a sweep that was given up and the next. */
const RETRY_MS = 60_000
/**
 * A peer that has forgotten tells one other so often: trees alone do not always show it, as where
 * all is forgotten.
 */
const TELL_MS = 5_000

export interface SweepContext {
  readonly self: Identity
  readonly moment: Moment
  readonly chain: InForce
  readonly rounds: Rounds
  readonly cells: Cells
  /** Between two sweeps of this peer. */
  readonly everyMs: number
  readonly isConnected: (peerId: PeerId) => boolean
  readonly mayVote: () => boolean
  readonly ask: (to: PeerId, ballot: Ballot) => void
  readonly pull: (source: Identity, ended: (isDone: boolean) => void) => void
  /** Tells a connected peer, each time another, how far this store has forgotten. */
  readonly tell: (ballot: Ballot) => void
}

interface Sweeping {
  readonly ballot: Ballot
  readonly sinceMs: number
  askAtMs: number
  /** Voters that have not barred it, and those that are not pulled. */
  readonly unbarred: Map<IdentityId, Identity>
  readonly unpulled: Map<IdentityId, Identity>
  isPulling: boolean
  /** The highest version that anybody told to have forgotten. */
  number: number
}

export class Sweep {
  private readonly context: SweepContext
  private readonly dropping: Dropping
  private sweeping: Sweeping | undefined
  private dueAtMs: number
  private tellAtMs = 0
  /** What another has forgotten is being taken over. */
  private isTaking = false

  constructor(context: SweepContext) {
    this.context = context
    this.dropping = new Dropping(context)
    this.dueAtMs = context.moment.nowMs + context.everyMs
  }

  get isBusy(): boolean {
    return this.sweeping !== undefined
  }

  /** A peer has forgotten so far. */
  onSwept(from: Identity, ballot: Ballot): void {
    const { cells, pull } = this.context
    if (this.isTaking || cells.isSwept(ballot)) return
    this.isTaking = true
    pull(from, () => (this.isTaking = false))
  }

  /** A voter has barred. */
  onBarred(from: Identity, ballot: Ballot): void {
    const { sweeping } = this
    if (sweeping === undefined || compareBallots(sweeping.ballot, ballot) !== 0) return
    sweeping.unbarred.delete(from.id)
    if (sweeping.unbarred.size === 0 && !sweeping.isPulling) this.pullAll(sweeping)
  }

  /**
   * A source tells what it has accepted and forgotten.
   *
   * @returns false while it shows something at or below what is swept that it has not settled:
   * nothing may be concluded from it
   */
  observe(number: number, lowest: Ballot | undefined): boolean {
    const { sweeping } = this
    if (sweeping === undefined || !sweeping.isPulling) return true
    sweeping.number = Math.max(sweeping.number, number)
    return lowest === undefined || compareBallots(lowest, sweeping.ballot) > 0
  }

  /** True when nothing is accepted here at or below a ballot, and above what is held. */
  isClear(ballot: Ballot): boolean {
    const lowest = this.context.cells.lowestAccepted()
    return lowest === undefined || compareBallots(lowest, ballot) > 0
  }

  /**
   * Takes over what another store has swept, or this peer's own sweep, where nothing here is in
   * doubt at or below it.
   */
  takeOver({ ballot, number }: Swept): void {
    const { cells } = this.context
    if (!cells.isSwept(ballot)) cells.sweep({ ballot, number: Math.max(number, cells.swept?.number ?? 0) }, [])
  }

  configInstalled(): void {
    if (this.sweeping !== undefined) this.giveUp()
  }

  upkeep(): void {
    const { nowMs } = this.context.moment
    this.dropping.upkeep()
    this.tell()
    const { sweeping } = this
    if (sweeping === undefined) {
      if (nowMs >= this.dueAtMs) this.begin()
    } else if (nowMs - sweeping.sinceMs > SWEEP_MS) this.giveUp()
    else if (nowMs >= sweeping.askAtMs) this.ask(sweeping)
  }

  private begin(): void {
    const { chain, rounds, moment, cells, everyMs, mayVote } = this.context
    this.dueAtMs = moment.nowMs + everyMs
    const installed = chain.current
    if (installed === undefined || installed.config.next !== undefined || cells.tombstones === 0 || !mayVote() || !this.isFirst()) return
    // Ahead of what anybody has seen, so that voters need not refuse it for what is under way.
    rounds.observe(rounds.highest + CEILING_STRIDE_ROUNDS)
    const ballot = rounds.next(installed.config.epoch)
    const voters = installed.quorum.voters.map((voter) => [voter.id, voter] as const)
    const { nowMs } = moment
    const asked = { unbarred: new Map(voters), unpulled: new Map(voters), isPulling: false }
    this.sweeping = { ballot, sinceMs: nowMs, askAtMs: nowMs, number: 0, ...asked }
    this.ask(this.sweeping)
  }

  /** Of the voters that are there one sweeps; two at once would be no harm. */
  private isFirst(): boolean {
    const { chain, self, isConnected } = this.context
    const first = chain.current?.quorum.voters.find((voter) => voter.id === self.id || isConnected(voter.peerId))
    return first?.id === self.id
  }

  private ask(sweeping: Sweeping): void {
    sweeping.askAtMs = this.context.moment.nowMs + ASK_MS
    for (const { peerId } of sweeping.unbarred.values()) this.context.ask(peerId, sweeping.ballot)
    if (sweeping.isPulling) this.finish(sweeping)
  }

  private pullAll(sweeping: Sweeping): void {
    const { self, pull } = this.context
    sweeping.isPulling = true
    sweeping.unpulled.delete(self.id)
    for (const voter of sweeping.unpulled.values()) {
      pull(voter, (isDone) => {
        if (this.sweeping !== sweeping) return
        if (!isDone) return this.giveUp()
        sweeping.unpulled.delete(voter.id)
        this.finish(sweeping)
      })
    }
    this.finish(sweeping)
  }

  private finish(sweeping: Sweeping): void {
    if (sweeping.unpulled.size > 0 || this.sweeping !== sweeping || !this.isClear(sweeping.ballot)) return
    this.takeOver(sweeping)
    this.sweeping = undefined
  }

  private tell(): void {
    const { moment, cells, tell } = this.context
    if (cells.swept === undefined || moment.nowMs < this.tellAtMs) return
    this.tellAtMs = moment.nowMs + TELL_MS
    tell(cells.swept.ballot)
  }

  private giveUp(): void {
    this.sweeping = undefined
    this.dueAtMs = this.context.moment.nowMs + Math.min(RETRY_MS, this.context.everyMs)
  }
}
