import { compareIdentities } from './identity.ts'
import type { Identity } from './identity.ts'

/**
 * A numbered claim of one coordinator on one register, ordered by (epoch, round, peerId,
 * incarnation). Paxos calls it a proposal number.
 */
export interface Ballot {
  readonly epoch: number
  readonly round: number
  readonly by: Identity
}

/**
 * The durable bound of a store: no ballot above it was promised or issued from it. After a restart
 * it is the floor: it then counts as a promise, for every key, to the highest ballot of its round.
 */
export interface Ceiling {
  readonly epoch: number
  readonly round: number
}

/** Below every ballot that can be issued. */
export const CEILING_NONE: Ceiling = { epoch: 0, round: 0 }

/** How many rounds a ceiling is raised by at a time: one sync in 65,536 ballots. */
export const CEILING_STRIDE_ROUNDS = 65_536

/** Negative, zero or positive, as a is below, equal to or above b. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.epoch - b.epoch || a.round - b.round || compareIdentities(a.by, b.by)
}

/**
 * True when the ballot is of the ceiling's round or below it. A ceiling stands for the highest
 * ballot of its round.
 */
export function isCovered(ballot: Ballot, ceiling: Ceiling): boolean {
  return ballot.epoch < ceiling.epoch || (ballot.epoch === ceiling.epoch && ballot.round <= ceiling.round)
}

/** Negative, zero or positive, as a is below, equal to or above b. */
export function compareCeilings(a: Ceiling, b: Ceiling): number {
  return a.epoch - b.epoch || a.round - b.round
}

/** The higher of two ceilings. */
export function higherCeiling(a: Ceiling, b: Ceiling): Ceiling {
  return compareCeilings(a, b) < 0 ? b : a
}

/** For assertion texts and traces: `epoch.round@peer`. */
export function formatBallot(ballot: Ballot): string {
  return `${ballot.epoch}.${ballot.round}@${ballot.by.peerId}`
}
