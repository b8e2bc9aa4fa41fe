/**
 * Who leads next: first asking whether one would be voted for, then the vote, as in section 9.6 of
 * Ongaro's thesis. A voter that hears its leader grants neither, so whoever was cut off or removed
 * disturbs nobody when it comes back.
 */
import { unreachable } from '../base/assert.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import { voteOf } from './commit.ts'
import { isAtLeast } from './entry.ts'
import { LEADER_GONE_MS, LEADER_GONE_TIMEOUT_MS } from './limits.ts'
import { allMembers, isVoter } from './membership.ts'
import type { LogMessage, MessageBody } from './message.ts'
import type { ReplicaState, Role } from './state.ts'

type Body<Kind extends MessageBody['kind']> = LogMessage & { readonly kind: Kind }

/**
 * A voter whose store cannot serve leaves the lead to others for so many times the election time.
 */
const UNREADY_TIMES = 3

/** A voter of a log with leases votes for nobody in its first so many election times. */
const LEASED_START_TIMES = 2

/** A leader that was not heard for so many times the election time is none. */
const HEARD_TIMES = 2

/**
 * Two that missed one leader at a time may each vote for itself. So many attempts after that come
 * sooner than they else would, by this part of the election time: none has to be waited for.
 */
const SOON_ATTEMPTS = 3
const SOON_PART = 1 / 4

export interface ElectionHooks {
  /** Takes up a term, or leaves the lead. */
  readonly follow: (term: number, leader: Identity | undefined) => void
  readonly lead: () => void
}

export class Election {
  private readonly state: ReplicaState
  private readonly hooks: ElectionHooks
  private readonly votes = new Map<IdentityId, boolean>()
  private isHanded = false
  private isOpened = false
  private dueMs: number
  /** When the leader was last heard; before that, since when this replica runs. */
  private heardMs: number
  private leaderGoneMs: number | undefined
  private soonAttempts = 0
  private readonly startedMs: number

  constructor(state: ReplicaState, hooks: ElectionHooks) {
    this.state = state
    this.hooks = hooks
    this.heardMs = state.nowMs
    this.startedMs = state.nowMs
    this.dueMs = 0
    this.rest()
  }

  /** When votes are asked for, unless a leader is heard before. */
  get wakeAtMs(): number {
    return this.state.role === 'leader' || !this.state.mayCampaign ? Number.POSITIVE_INFINITY : this.dueMs
  }

  /** True for a follower that heard its leader not long ago: one that was removed hears nobody. */
  isHearing(nowMs: number): boolean {
    const { role, leader, settings } = this.state
    return role === 'follower' && leader !== undefined && nowMs - this.heardMs < HEARD_TIMES * settings.electionMs
  }

  heardLeader(): void {
    this.heardMs = this.state.nowMs
    this.leaderGoneMs = undefined
    this.soonAttempts = 0
    this.rest()
  }

  /**
   * The connection to the leader is closed: a killed process is noticed by that, and not by a
   * timer. Where the leader may hold a lease, only time ends it.
   */
  leaderGone(): void {
    const { nowMs, settings } = this.state
    if (settings.isLeased) return
    this.leaderGoneMs = nowMs
    this.soonAttempts = SOON_ATTEMPTS
    this.dueMs = Math.min(this.dueMs, nowMs + LEADER_GONE_MS + settings.random() * (LEADER_GONE_TIMEOUT_MS - LEADER_GONE_MS))
  }

  tick(): void {
    const { state } = this
    if (this.wakeAtMs > state.nowMs) return
    if (this.soonAttempts > 0) this.soonAttempts -= 1
    this.rest()
    if (state.settings.isSurvivor && !this.isOpened) return
    const isLongWithout = state.nowMs - this.heardMs >= UNREADY_TIMES * state.settings.electionMs
    if (state.isReady || isLongWithout) this.test()
  }

  /** The store is open, and where the log begins is settled. */
  opened(): void {
    this.isOpened = true
  }

  /** The leader hands over: nobody has to be asked first. */
  handed(): void {
    if (this.state.isVoter) this.campaign(true)
  }

  vote(message: Body<'vote'>): void {
    const { state } = this
    const { from, term, last, isTest, isHanded } = message
    if (term < state.term) return this.answer(from, state.term, isTest, false)
    if (term > state.term && !isHanded && this.isSticky) return
    if (term > state.term && !isTest) this.hooks.follow(term, undefined)
    const isFree = state.vote === undefined ? state.leader === undefined : state.vote.id === from.id
    const isGranted = (isFree || (isTest && term > state.term)) && isAtLeast(last, state.tail.last)
    if (!isGranted) return this.answer(from, state.term, isTest, false)
    if (!isTest) {
      state.setHardState(term, from)
      this.rest()
    }
    this.answer(from, term, isTest, true)
  }

  voted({ from, term, isTest, isGranted, wallMs }: Body<'voted'>): void {
    const { state } = this
    state.toldClock(from.id, wallMs)
    if (state.role !== (isTest ? 'testing' : 'candidate')) return
    if (isGranted && term !== (isTest ? state.term + 1 : state.term)) return
    this.votes.set(from.id, isGranted)
    this.count(state.role)
  }

  /** True while another leader would be one too many. */
  private get isSticky(): boolean {
    const { nowMs, role, leader, settings } = this.state
    if (role === 'leader') return true
    // What a process before this one heard, and when, is not known.
    if (settings.isLeased && nowMs - this.startedMs < LEASED_START_TIMES * settings.electionMs) return true
    if (leader === undefined || nowMs - this.heardMs >= settings.electionMs) return false
    return this.leaderGoneMs === undefined || nowMs - this.leaderGoneMs < LEADER_GONE_MS
  }

  private answer(to: Identity, term: number, isTest: boolean, isGranted: boolean): void {
    this.state.send(to, { kind: 'voted', isTest, isGranted, wallMs: this.state.wallMs }, 'hard-state', term)
  }

  private test(): void {
    const { state } = this
    this.become('testing')
    this.votes.set(state.self.id, true)
    this.ask(true, state.term + 1)
    this.count('testing')
  }

  private campaign(isHanded: boolean): void {
    const { state } = this
    state.setHardState(state.term + 1, state.self)
    this.isHanded = isHanded
    this.become('candidate')
    this.ask(false, state.term)
    // The own vote counts once it is on disk, like any other.
    this.answer(state.self, state.term, false, true)
  }

  private become(role: Role): void {
    this.state.role = role
    this.state.leader = undefined
    this.votes.clear()
    this.rest()
    this.state.note({ kind: 'role', role, term: this.state.term, leader: undefined })
  }

  private ask(isTest: boolean, term: number): void {
    const { state } = this
    const isHanded = !isTest && this.isHanded
    for (const peer of allMembers(state.members)) {
      if (peer.id === state.self.id || !isVoter(state.members, peer.id)) continue
      state.send(peer, { kind: 'vote', last: state.tail.last, isTest, isHanded }, 'hard-state', term)
    }
  }

  private count(role: Role): void {
    const verdict = voteOf(this.state.members, (id) => this.votes.get(id))
    switch (verdict) {
      case 'pending':
        return
      case 'lost':
        return this.hooks.follow(this.state.term, undefined)
      case 'won':
        return role === 'testing' ? this.campaign(false) : this.hooks.lead()
      default:
        return unreachable(verdict)
    }
  }

  private rest(): void {
    const { nowMs, settings } = this.state
    const part = this.soonAttempts > 0 ? SOON_PART : 1
    this.dueMs = nowMs + settings.electionMs * part * (1 + settings.random())
  }
}
