/**
 * What a replica does while it leads, from its first entry on. It counts only what is synced, its
 * own copy too: it acknowledges to itself by a message that waits for its disk like everybody
 * else's.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import { Changes } from './changes.ts'
import { Checks } from './checks.ts'
import { nextAtMs } from './clock.ts'
import { committedIndex, isMajority } from './commit.ts'
import type { EntryBody } from './entry.ts'
import type { LogClient } from './events.ts'
import { Followers } from './followers.ts'
import type { Follower } from './followers.ts'
import { Handover } from './handover.ts'
import { Intake } from './intake.ts'
import { Lease } from './lease.ts'
import { allMembers, isJoint } from './membership.ts'
import type { LogMessage, MessageBody } from './message.ts'
import { ReadRounds } from './reads.ts'
import type { Asking } from './reads.ts'
import type { ReplicaState } from './state.ts'

type Change = Parameters<Changes['begin']> extends [LogClient, ...infer Rest] ? Rest : never
type Body<Kind extends MessageBody['kind']> = LogMessage & { readonly kind: Kind }

export interface LeaderHooks {
  /** Leaves the lead, in the same term. */
  readonly resign: () => void
  /** The leader itself asked: a query of this replica must see this index. */
  readonly readAt: (number: number, index: number) => void
}

export class Leader {
  readonly followers: Followers = new Followers()
  readonly intake: Intake
  readonly changes: Changes
  readonly handover: Handover
  readonly checks: Checks
  private readonly lease: Lease
  private readonly state: ReplicaState
  private readonly hooks: LeaderHooks
  private readonly reads = new ReadRounds()
  /** The index of this leader's first entry: once it is committed, so is all that was before. */
  private readonly beganIndex: number
  private heartbeatMs: number
  private checkMs: number

  constructor(state: ReplicaState, hooks: LeaderHooks) {
    this.state = state
    this.hooks = hooks
    const order = (bodies: readonly EntryBody[]): void => this.order(bodies)
    this.intake = new Intake(state, order)
    this.changes = new Changes(state, this.followers, order)
    this.lease = new Lease(state.settings.electionMs)
    this.handover = new Handover(state, this.followers, this.intake, () => this.lease.end())
    this.checks = new Checks(state, order)
    this.followers.keep(allMembers(state.members), state.tail.last.index + 1)
    this.heartbeatMs = state.nowMs
    this.checkMs = state.nowMs + state.settings.electionMs
    this.beganIndex = state.tail.last.index + 1
    this.order([{ kind: 'began' }])
  }

  get hasBegun(): boolean {
    return this.state.commit >= this.beganIndex
  }

  get wakeAtMs(): number {
    return Math.min(this.heartbeatMs, this.checkMs)
  }

  /** Appends entries, here first and then everywhere. */
  order(bodies: readonly EntryBody[]): void {
    const { state } = this
    const atMs = nextAtMs(state.wallMs, this.clocks(), state.members.voters.length, state.atMs)
    const { index } = state.tail.last
    state.append(bodies.map((body, place) => ({ term: state.term, index: index + 1 + place, atMs, body })))
    this.followers.keep(allMembers(state.members), state.tail.last.index)
    state.send(state.self, { kind: 'appended', index: state.tail.last.index }, 'everything')
    this.sendAll()
  }

  /** @param mayLease an answer by lease will do, where the log has leases */
  ask(from: Identity, number: number, mayLease: boolean): void {
    if (mayLease && this.holdsLease) return this.readAt({ from, number }, this.state.commit)
    this.reads.ask({ from, number })
    this.beginRound()
  }

  appended({ from, index }: Body<'appended'>): void {
    const follower = this.hear(from.id)
    if (follower === undefined) return
    follower.appended(index)
    this.advance()
    if (from.id !== this.state.self.id) this.send(follower, follower.toldCommit < this.state.commit)
    this.handover.advance()
  }

  refused({ from, before, hint }: Body<'refused'>): void {
    const follower = this.hear(from.id)
    if (follower === undefined) return
    follower.refused(before, hint, this.state.tail)
    this.send(follower, true)
  }

  heard({ from, round, wallMs, applied, isStalled, lacksStore }: Body<'heard'>): void {
    const { state } = this
    const follower = this.hear(from.id)
    if (follower === undefined) return
    follower.round = Math.max(follower.round, round)
    Object.assign(follower, { applied, isStalled, lacksStore })
    state.toldClock(from.id, wallMs)
    follower.probeAgain()
    if (follower.match < state.tail.last.index || follower.state === 'probe') this.send(follower, true)
    if (lacksStore) this.fill(follower)
    this.endRound()
  }

  lost(peer: Identity): void {
    this.followers.get(peer.id)?.lost()
  }

  snapshotGiven(to: Identity, index: number | undefined): void {
    const follower = this.followers.get(to.id)
    follower?.snapshotEnded(index)
  }

  tick(): void {
    const { nowMs, settings } = this.state
    if (this.checkMs <= nowMs) {
      this.checkMs = nowMs + settings.electionMs
      if (!isMajority(this.state.members, (id) => this.isInTouch(id))) return this.hooks.resign()
    }
    if (this.heartbeatMs <= nowMs) {
      this.heartbeatMs = nowMs + settings.limits.heartbeatMs
      if (!this.beginRound(settings.isLeased)) this.heartbeatAll()
    }
    this.changes.tick()
    this.handover.tick()
    if (this.hasBegun) this.checks.tick()
  }

  /** The lead ends: nobody is to wait for it. */
  end(): void {
    this.changes.giveUp()
    this.handover.end()
  }

  change(client: LogClient, ...change: Change): void {
    if (!this.hasBegun) return this.state.answer(client, { kind: 'not-changed', why: 'not-begun' })
    this.changes.begin(client, ...change)
  }

  /** @param isForced though a member may have applied the entry: an answer may be revoked then */
  verdict(client: LogClient, index: number, code: string, isForced: boolean): void {
    const isOpen = (id: IdentityId): boolean =>
      id === this.state.self.id
        ? (this.state.applied ?? 0) < index
        : this.isInTouch(id) && (this.followers.get(id)?.applied ?? index) < index
    const why = !this.hasBegun
      ? 'not-begun'
      : isForced || allMembers(this.state.members).every(({ id }) => isOpen(id))
        ? undefined
        : 'applied-somewhere'
    if (why !== undefined) return this.state.answer(client, { kind: 'not-changed', why })
    this.order([{ kind: 'verdict', index, code }])
    this.state.answer(client, { kind: 'changed' })
  }

  /** Whether a peer was heard of in the last election time. */
  isInTouch(id: IdentityId): boolean {
    return id === this.state.self.id || this.followers.isHeardSince(id, this.state.nowMs - this.state.settings.electionMs)
  }

  /**
   * Commits what a majority holds, counting entries of the own term alone, and goes on from there.
   */
  private advance(): void {
    const { state } = this
    const index = committedIndex(state.members, (id) => this.followers.match(id))
    if (index > state.commit && state.tail.termAt(index) === state.term) {
      state.commitTo(index)
      this.tellCommit()
      this.beginRound()
    }
    if (!this.hasBegun) return
    this.changes.advance()
    const isSettled = !isJoint(state.members) && state.tail.membersIndex <= state.commit
    if (isSettled && !state.isVoter) this.leave()
  }

  /**
   * The members no longer count this leader, and that is committed: the best of them campaigns at
   * once.
   */
  private leave(): void {
    this.handover.goTo(this.handover.best(true) ?? this.handover.best(false))
    this.hooks.resign()
  }

  private hear(id: IdentityId): Follower | undefined {
    const follower = this.followers.get(id)
    if (follower !== undefined) follower.heardMs = this.state.nowMs
    return follower
  }

  private sendAll(): void {
    for (const follower of this.followers.all()) if (follower.peer.id !== this.state.self.id) this.send(follower, false)
  }

  /** Whoever has appends on their way to it is told with the next one. */
  private tellCommit(): void {
    for (const follower of this.followers.all())
      if (follower.peer.id !== this.state.self.id && !follower.isAwaited) this.send(follower, true)
  }

  /** As many appends as the window takes. */
  private send(follower: Follower, isEmptyWanted: boolean): void {
    const { state } = this
    for (let isWanted = isEmptyWanted; ; isWanted = false) {
      const next = follower.toSend(state.tail, state.settings.limits, isWanted, state.nowMs)
      if (next === 'nothing') return
      if (next === 'snapshot') {
        if (this.isInTouch(follower.peer.id)) {
          follower.snapshotBegun()
          this.fill(follower)
        }
        return
      }
      follower.toldCommit = state.commit
      state.send(follower.peer, { kind: 'append', ...next, commit: state.commit }, 'nothing')
      if (follower.state === 'probe' || next.entries.length === 0) return
    }
  }

  private fill(follower: Follower): void {
    if (follower.isFilling) return
    follower.isFilling = true
    this.state.emit({ kind: 'give-snapshot', to: follower.peer, indexMin: this.state.tail.base.index })
  }

  private heartbeatAll(): void {
    const { state } = this
    for (const { peer, match } of this.followers.all()) {
      if (peer.id === state.self.id) continue
      state.send(peer, { kind: 'heartbeat', commit: Math.min(match, state.commit), round: this.reads.number }, 'nothing')
    }
  }

  /** Nobody else leads yet, and what was acknowledged is committed here. */
  private get holdsLease(): boolean {
    const { members, nowMs, settings, wallMs } = this.state
    return settings.isLeased && this.hasBegun && this.lease.holds(members, nowMs, wallMs)
  }

  /** @param isWanted though no query waits */
  private beginRound(isWanted: boolean = false): boolean {
    if (!this.reads.begin(this.hasBegun ? this.state.commit : undefined, isWanted)) return false
    this.lease.begun(this.reads.number, this.state.nowMs, this.state.wallMs)
    this.heartbeatAll()
    this.endRound()
    return true
  }

  private endRound(): void {
    const { state } = this
    const round = this.reads.ended(state.members, (id) => (id === state.self.id ? this.reads.number : (this.followers.get(id)?.round ?? 0)))
    if (round === undefined) return
    this.lease.answered(round.number)
    for (const asking of round.asking) this.readAt(asking, round.index)
    this.beginRound()
  }

  private readAt({ from, number }: Asking, index: number): void {
    if (from.id === this.state.self.id) this.hooks.readAt(number, index)
    else this.state.send(from, { kind: 'read-at', number, index }, 'nothing')
  }

  /** The time of day at each voter that told it. */
  private clocks(): number[] {
    const { members, nowMs, self, wallMs, clockOffsetsMs } = this.state
    return members.voters.flatMap(({ id }) => {
      const offsetMs = clockOffsetsMs.get(id)
      if (id === self.id) return [wallMs]
      return offsetMs === undefined ? [] : [offsetMs + nowMs]
    })
  }
}
