/**
 * How a leader changes the members: newcomers become learners, catch up, then the joint step and
 * the final one. One change at a time. The joint step is ended by whoever leads when it is
 * committed, whether or not it began the change. What is only in this leader's mind ends with its
 * lead: learners stay learners then.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import { isMajority } from './commit.ts'
import type { EntryBody } from './entry.ts'
import type { LogAnswer, LogClient, NotChanged, WishChange } from './events.ts'
import type { Followers } from './followers.ts'
import { allMembers, entered, has, isDone, isJoint, left, sparesVoters, VOTERS_MAX, withLearners } from './membership.ts'
import type { MemberChange, Membership } from './membership.ts'
import { peersWish } from './placement.ts'
import type { ReplicaState } from './state.ts'

/** A newcomer that has not caught up after so many election times is given up. */
const CATCH_UP_TIMES = 60

interface Wanted {
  readonly client: LogClient
  readonly changes: readonly MemberChange[]
  readonly wish: WishChange
  /**
   * What newcomers have to reach, and since when: they are close when that took less than an
   * election time.
   */
  goal: number
  goalMs: number
  readonly untilMs: number
  /** Members may leave with the last store that serves. */
  readonly sparesNoStore: boolean
  isEntered: boolean
}

export interface ChangeMeans {
  /** Whether a peer is in touch now. */
  readonly canReach: (peer: Identity) => boolean
  /** An operator takes upon himself what would be refused. */
  readonly isForced: boolean
  /**
   * Only such peers leave as are lost to the network. Their stores are kept by nobody's vote: one that
   * still runs fills others as it would as a member.
   */
  readonly isOfLost?: boolean | undefined
}

export class Changes {
  private readonly state: ReplicaState
  private readonly followers: Followers
  private readonly order: (bodies: readonly EntryBody[]) => void
  private wanted: Wanted | undefined

  constructor(state: ReplicaState, followers: Followers, order: (bodies: readonly EntryBody[]) => void) {
    this.state = state
    this.followers = followers
    this.order = order
  }

  begin(client: LogClient, changes: readonly MemberChange[], wish: WishChange, means: ChangeMeans): void {
    const { state } = this
    const { members, nowMs, settings } = state
    if (isDone(members, changes) && isWished(members, wish) && !this.isUnderWay) return state.answer(client, { kind: 'changed' })
    const why = this.refusal(changes, means)
    if (why !== undefined) return state.answer(client, { kind: 'not-changed', why })
    const untilMs = nowMs + CATCH_UP_TIMES * settings.electionMs
    const sparesNoStore = means.isForced || means.isOfLost === true
    this.wanted = { client, changes, wish, goal: state.tail.last.index, goalMs: nowMs, untilMs, sparesNoStore, isEntered: false }
    const newcomers = changes.filter(({ kind, peer: { id } }) => kind === 'voter' && !has(members.voters, id) && !has(members.learners, id))
    if (newcomers.length > 0)
      this.name(
        withLearners(
          members,
          newcomers.map(({ peer }) => ({ kind: 'learner' as const, peer })),
        ),
      )
    this.advance()
  }

  /**
   * Takes the next step when the one before is committed and newcomers are close. Called whenever
   * either may have changed.
   */
  advance(): void {
    const { state, wanted } = this
    if (state.tail.membersIndex > state.commit) return
    if (isJoint(state.members)) return this.name(left(state.members))
    if (wanted === undefined) return
    const { changes, wish } = wanted
    if (isDone(state.members, changes) && isWished(state.members, wish)) return this.end({ kind: 'changed' })
    if (wanted.isEntered || !this.areClose(wanted) || (!wanted.sparesNoStore && !this.isStoreLeft(changes))) return
    wanted.isEntered = true
    const members = { ...state.members, place: placeAfter(state.members, changes, wish) }
    this.name(sparesVoters(members, changes) ? withLearners(members, changes) : entered(members, changes))
  }

  tick(): void {
    if (this.wanted !== undefined && !this.wanted.isEntered && this.wanted.untilMs <= this.state.nowMs) this.giveUp()
  }

  /**
   * The lead ends, or newcomers take too long. A joint step that was begun is ended by the next
   * leader.
   */
  giveUp(): void {
    this.end({ kind: 'not-changed', why: 'given-up' })
  }

  private get isUnderWay(): boolean {
    return this.wanted !== undefined || isJoint(this.state.members) || this.state.tail.membersIndex > this.state.commit
  }

  private refusal(changes: readonly MemberChange[], { canReach, isForced, isOfLost = false }: ChangeMeans): NotChanged | undefined {
    const { members } = this.state
    if (this.isUnderWay) return 'change-in-flight'
    const removed = changes.filter(({ kind }) => kind !== 'voter')
    const isAnyLeft =
      changes.some(({ kind }) => kind === 'voter') || members.voters.some(({ id }) => !removed.some(({ peer }) => peer.id === id))
    if (!isAnyLeft) return 'no-voters'
    const after = left(entered(members, changes))
    if (after.voters.length > VOTERS_MAX) return 'too-many-voters'
    const isAnyNew = changes.some(({ kind, peer: { id } }) => kind === 'voter' && !has(members.voters, id))
    // A newcomer may bring a store: it is looked at again once it has caught up.
    if (!isForced && !isOfLost && !isAnyNew && !this.isStoreLeft(changes)) return 'no-store-left'
    const reached = new Set(after.voters.filter(canReach).map(({ id }) => id))
    return isMajority(after, (id) => reached.has(id)) ? undefined : 'unreachable'
  }

  /**
   * False where every store that serves would leave with its member. Whoever stays could then be
   * filled by nobody.
   */
  private isStoreLeft(changes: readonly MemberChange[]): boolean {
    const { members } = this.state
    const leaving = changes.filter(({ kind }) => kind === 'remove')
    const serving = allMembers(members).filter(({ id }) => this.serves(id))
    return serving.length === 0 || serving.some(({ id }) => !leaving.some(({ peer }) => peer.id === id))
  }

  private serves(id: IdentityId): boolean {
    const { isReady, nowMs, self, settings } = this.state
    if (id === self.id) return isReady
    const follower = this.followers.get(id)
    const isInTouch = this.followers.isHeardSince(id, nowMs - settings.electionMs)
    return follower !== undefined && isInTouch && !follower.isStalled && !follower.lacksStore
  }

  private areClose(wanted: Wanted): boolean {
    const { nowMs, settings, tail } = this.state
    const newcomers = wanted.changes.filter(({ kind, peer: { id } }) => kind === 'voter' && !has(this.state.members.voters, id))
    if (newcomers.some(({ peer: { id } }) => this.followers.match(id) < wanted.goal)) return false
    const isClose = newcomers.length === 0 || nowMs - wanted.goalMs < settings.electionMs
    wanted.goal = tail.last.index
    wanted.goalMs = nowMs
    return isClose
  }

  private name(members: Membership): void {
    this.order([{ kind: 'members', members }])
  }

  private end(answer: LogAnswer): void {
    const { wanted } = this
    this.wanted = undefined
    if (wanted !== undefined) this.state.answer(wanted.client, answer)
  }
}

/** The wish once the changes are made. */
function placeAfter(members: Membership, changes: readonly MemberChange[], wish: WishChange): string {
  if (wish === 'kept') return members.place
  return wish === 'voters' ? peersWish(left(entered(members, changes)).voters) : wish.place
}

/** True when no wish is left to be said. */
function isWished({ place }: Membership, wish: WishChange): boolean {
  return typeof wish === 'string' || place === wish.place
}
