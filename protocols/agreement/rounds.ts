/**
 * Rounds and the ceiling. No ballot leaves this peer, issued or promised, above the ceiling on
 * disk; so after a restart the ceiling, read as a floor, covers every promise that memory lost, and
 * no ballot is issued twice.
 */
import { ceilingWrite } from '../base/persist.ts'
import { CEILING_STRIDE_ROUNDS, isCovered } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { Identity } from '../base/identity.ts'
import type { Outbox } from '../outbox.ts'

/** Rounds stay below this: at a million a second they last for nine years. */
export const ROUND_MAX: number = 2 ** 48

export class Rounds {
  private readonly self: Identity
  private readonly outbox: Outbox
  private highestRound: number
  private ceilingNow: Ceiling
  private isRaisedAgain = false

  /** @param ceiling as raised and synced at this opening; see `raisedAtOpening` */
  constructor(self: Identity, outbox: Outbox, ceiling: Ceiling, floor: Ceiling) {
    this.self = self
    this.outbox = outbox
    this.highestRound = floor.round
    this.ceilingNow = ceiling
  }

  /** The highest round seen or issued here: a Lamport clock, carried by every frame. */
  get highest(): number {
    return this.highestRound
  }

  get ceiling(): Ceiling {
    return this.ceilingNow
  }

  /**
   * Takes a round heard of. One that nobody can have reached by counting is passed over: it would
   * use up all numbers.
   */
  observe(round: number): void {
    if (round <= ROUND_MAX && round > this.highestRound) this.highestRound = round
  }

  /** A ballot higher than any this peer has seen, of the given epoch. */
  next(epoch: number): Ballot {
    this.highestRound += 1
    const ballot = { epoch, round: this.highestRound, by: this.self }
    this.raiseAbove(ballot)
    return ballot
  }

  /**
   * Persists a higher ceiling when the ballot is above the present one. Sends that follow wait for
   * its sync.
   */
  raiseAbove(ballot: Ballot): void {
    if (isCovered(ballot, this.ceilingNow)) return
    this.ceilingNow = { epoch: ballot.epoch, round: ballot.round + CEILING_STRIDE_ROUNDS }
    this.outbox.persist(ceilingWrite(this.ceilingNow))
  }

  /**
   * Somebody has heard the ceiling of this opening: it is raised once more. A copy of the store
   * made before the opening then shows itself: opened in its turn, it tells a ceiling raised once
   * where others remember one that was raised twice.
   */
  onHeard(): void {
    if (this.isRaisedAgain) return
    this.isRaisedAgain = true
    this.ceilingNow = raisedAtOpening(this.ceilingNow)
    this.outbox.persist(ceilingWrite(this.ceilingNow))
  }
}

/**
 * The ceiling that must be synced before a store that was opened is used: higher at every opening,
 * so that a copy of the store put back later shows itself by a ceiling lower than others remember.
 */
export function raisedAtOpening(stored: Ceiling): Ceiling {
  return { epoch: stored.epoch, round: stored.round + CEILING_STRIDE_ROUNDS }
}
