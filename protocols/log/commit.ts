/**
 * The arithmetic of majorities, of one set of voters or of both while members change. It knows no
 * replica and no time.
 */
import { majority } from '../base/quorum.ts'
import type { Verdict } from '../base/quorum.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import { isJoint } from './membership.ts'
import type { Membership } from './membership.ts'

/** An empty set of voters holds nothing up: the other set decides. */
const NO_BOUND = Number.POSITIVE_INFINITY

/**
 * The highest index that is held by a majority of each set.
 *
 * @param held the highest index that a voter is known to hold on its disk; 0 for none
 */
export function committedIndex(members: Membership, held: (voter: IdentityId) => number): number {
  return Math.min(committedOf(members.voters, held), committedOf(members.outgoing, held))
}

/**
 * How a vote stands: won when each set is won, lost as soon as one is.
 *
 * @param vote undefined for a voter that has not answered
 */
export function voteOf(members: Membership, vote: (voter: IdentityId) => boolean | undefined): Verdict {
  const verdicts = [verdictOf(members.voters, vote), ...(isJoint(members) ? [verdictOf(members.outgoing, vote)] : [])]
  if (verdicts.includes('lost')) return 'lost'
  return verdicts.includes('pending') ? 'pending' : 'won'
}

/** True when those that `says` names are a majority of each set. */
export function isMajority(members: Membership, says: (voter: IdentityId) => boolean): boolean {
  return voteOf(members, says) === 'won'
}

function committedOf(voters: readonly Identity[], held: (voter: IdentityId) => number): number {
  if (voters.length === 0) return NO_BOUND
  const indexes = voters.map(({ id }) => held(id)).toSorted((a, b) => b - a)
  return indexes[Math.floor(voters.length / 2)] as number
}

function verdictOf(voters: readonly Identity[], vote: (voter: IdentityId) => boolean | undefined): Verdict {
  if (voters.length === 0) return 'won'
  const votes = voters.map(({ id }) => vote(id))
  return majority(votes.filter((each) => each === true).length, votes.filter((each) => each === false).length, voters.length)
}
