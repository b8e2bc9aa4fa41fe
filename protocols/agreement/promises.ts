/**
 * What a voter promised, register by register, in memory. What memory loses, and what is older than
 * the longest put, the floor covers: it counts as a promise for every register.
 */
import { compareBallots, higherCeiling, isCovered } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import { identity } from '../base/identity.ts'
import { INCARNATION_HIGHEST, PEER_ID_HIGHEST } from '../base/limits.ts'
import type { RegisterKey } from '../base/register.ts'

/**
 * The longest put: a promise that old can hold back nobody who still runs, so it may be folded into
 * the floor.
 */
export const PROMISE_KEPT_MS = 60_000
/** Stands for "any peer" in the floor: no real identity is above it. */
const HIGHEST_IDENTITY = identity(PEER_ID_HIGHEST, INCARNATION_HIGHEST)

interface PromiseKept {
  readonly ballot: Ballot
  readonly givenAtMs: number
}

export class Promises {
  /** In the order given, oldest first: a promise that is renewed moves to the end. */
  private readonly kept = new Map<RegisterKey, PromiseKept>()
  private floor: Ceiling

  constructor(floor: Ceiling) {
    this.floor = floor
  }

  get count(): number {
    return this.kept.size
  }

  give(key: RegisterKey, ballot: Ballot, nowMs: number): void {
    this.kept.delete(key)
    this.kept.set(key, { ballot, givenAtMs: nowMs })
  }

  has(key: RegisterKey): boolean {
    return this.kept.has(key)
  }

  /** Something else guards the register from now on. */
  forget(key: RegisterKey): void {
    this.kept.delete(key)
  }

  /** Folds promises older than the longest put into the floor, so that memory stays bounded. */
  fold(nowMs: number): void {
    for (const [key, promise] of this.kept) {
      if (nowMs - promise.givenAtMs < PROMISE_KEPT_MS) return
      this.floor = higherCeiling(this.floor, promise.ballot)
      this.kept.delete(key)
    }
  }

  /** Counts as a promise for every register from now on. */
  raise(floor: Ceiling): void {
    this.floor = higherCeiling(this.floor, floor)
  }

  /**
   * @param held the ballot of what the voter holds of the register, which counts as a promise
   * @returns the ballot that forbids this one, if any: the highest of what was promised, held, and
   * the floor
   */
  above(key: RegisterKey, ballot: Ballot, held: Ballot | undefined): Ballot | undefined {
    const promised = this.kept.get(key)?.ballot
    if (promised !== undefined && compareBallots(ballot, promised) < 0) return promised
    if (held !== undefined && compareBallots(ballot, held) < 0) return held
    if (!isCovered(ballot, this.floor)) return undefined
    return { ...this.floor, by: HIGHEST_IDENTITY }
  }
}
