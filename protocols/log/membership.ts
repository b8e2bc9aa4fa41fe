/**
 * Who votes on a log, and how that changes: joint consensus, as in section 6 of the Raft paper.
 * While a change is under way (`outgoing` is not empty) every decision needs a majority of the
 * voters before and one of the voters after.
 *
 * The arithmetic here is that of etcd's `confchange`, so that its cases hold to the letter. When
 * which step is taken is up to `changes.ts`.
 */
import { assert } from '../base/assert.ts'
import { compareIdentities } from '../base/identity.ts'
import type { Identity, IdentityId } from '../base/identity.ts'

/** Each list is in the order of `compareIdentities`, so that equal members have equal bytes. */
export interface Membership {
  readonly voters: readonly Identity[]
  /** The voters before the change under way; empty when none is. */
  readonly outgoing: readonly Identity[]
  /** They hold everything and have no vote. */
  readonly learners: readonly Identity[]
  /** Those of `outgoing` that are learners once the change ends. */
  readonly learnersNext: readonly Identity[]
  /** The wish for where voters are, as it was said last; empty while that of the birth holds. */
  readonly place: string
}

export interface MemberChange {
  readonly kind: 'voter' | 'learner' | 'remove'
  readonly peer: Identity
}

/** The most voters a log has. */
export const VOTERS_MAX = 7

/** Members at the birth of a log. */
export function firstMembers(voters: readonly Identity[], learners: readonly Identity[] = []): Membership {
  return { voters: sorted(voters), outgoing: [], learners: sorted(learners), learnersNext: [], place: '' }
}

export function isJoint({ outgoing }: Membership): boolean {
  return outgoing.length > 0
}

export function isVoter({ voters, outgoing }: Membership, id: IdentityId): boolean {
  return has(voters, id) || has(outgoing, id)
}

/** Everybody that entries are sent to, each once. */
export function allMembers({ voters, outgoing, learners }: Membership): readonly Identity[] {
  const others = [...outgoing, ...learners].filter(({ id }, place, list) => !has(voters, id) && !has(list.slice(0, place), id))
  return [...voters, ...others]
}

/**
 * The members while voters change: the joint step. Asserts that no other change is under way and
 * that somebody votes after it.
 */
export function entered(members: Membership, changes: readonly MemberChange[]): Membership {
  assert(!isJoint(members), 'a change while another is under way')
  assert(members.voters.length > 0, 'a change of members without voters')
  const joint = changed({ ...members, outgoing: members.voters }, changes)
  assert(joint.voters.length > 0, 'a change that leaves no voter')
  return joint
}

/** The members when a joint change has ended. */
export function left(members: Membership): Membership {
  assert(isJoint(members), 'no change is under way')
  const { voters, learners, learnersNext, place } = members
  return { voters, outgoing: [], learners: sorted([...learners, ...learnersNext]), learnersNext: [], place }
}

/**
 * The members after changes that touch no voter: one step is enough, because no majority changes.
 */
export function withLearners(members: Membership, changes: readonly MemberChange[]): Membership {
  const after = left(entered(members, changes))
  assert(sameVoters(after, members), 'a change of voters without its joint step')
  return after
}

/** True when the changes leave the voters as they are. */
export function sparesVoters(members: Membership, changes: readonly MemberChange[]): boolean {
  return changes.every(({ kind, peer }) => has(members.voters, peer.id) === (kind === 'voter'))
}

/** True when nothing would change. */
export function isDone(members: Membership, changes: readonly MemberChange[]): boolean {
  return changes.every(({ kind, peer: { id } }) => {
    if (kind === 'voter') return has(members.voters, id)
    if (kind === 'learner') return has(members.learners, id)
    return !has(members.voters, id) && !has(members.learners, id)
  })
}

/** The changes carried out one after another, whatever becomes of majorities. */
export function changed(members: Membership, changes: readonly MemberChange[]): Membership {
  return changes.reduce(applied, members)
}

function applied(members: Membership, { kind, peer }: MemberChange): Membership {
  const { id } = peer
  const wasVoter = has(members.outgoing, id)
  if (kind === 'learner' && has(members.learners, id)) return members
  const rest = {
    voters: without(members.voters, id),
    outgoing: members.outgoing,
    learners: without(members.learners, id),
    learnersNext: without(members.learnersNext, id),
    place: members.place,
  }
  if (kind === 'voter') return { ...rest, voters: sorted([...rest.voters, peer]) }
  if (kind === 'remove') return rest
  // Whoever still votes in the set before the change cannot be a learner yet.
  if (wasVoter) return { ...rest, learnersNext: sorted([...rest.learnersNext, peer]) }
  return { ...rest, learners: sorted([...rest.learners, peer]) }
}

function sameVoters(a: Membership, b: Membership): boolean {
  return a.voters.length === b.voters.length && a.voters.every(({ id }) => has(b.voters, id))
}

export function has(list: readonly Identity[], id: IdentityId): boolean {
  return list.some((one) => one.id === id)
}

function without(list: readonly Identity[], id: IdentityId): readonly Identity[] {
  return list.filter((one) => one.id !== id)
}

function sorted(list: readonly Identity[]): readonly Identity[] {
  return list.toSorted(compareIdentities)
}
