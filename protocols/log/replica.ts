/**
 * One replica of one log. Its four duties for whoever runs it: perform the effects of a step in
 * order; let a `send` go only when the writes it names are synced, and no write of the log overtake
 * another; hand `apply` to the store in order and tell what came of it; call `step` again no later
 * than `wakeAtMs`. What it sends to itself comes back as a message.
 */
import { assert, unreachable } from '../base/assert.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import { compact, settle } from './compaction.ts'
import { Election } from './election.ts'
import type { Entry, Position } from './entry.ts'
import type { Applied, LogEffect, LogEvent, StoreAt } from './events.ts'
import type { Follower } from './followers.ts'
import { Leader } from './leader.ts'
import { STALLED_LEADER_MS } from './limits.ts'
import type { Forwarded, LogMessage, MessageBody } from './message.ts'
import { Queries } from './queries.ts'
import { ReplicaState } from './state.ts'
import type { LogSettings, StoredLog } from './state.ts'
import { Submits } from './submits.ts'

type Body<Kind extends MessageBody['kind']> = LogMessage & { readonly kind: Kind }

export class Replica {
  /** To be looked at, not to be changed. */
  readonly state: ReplicaState
  private readonly election: Election
  private readonly submits: Submits
  private readonly queries: Queries
  private leading: Leader | undefined
  private readonly connected = new Set<IdentityId>()
  private lacksStore = false
  private isHalted = false

  constructor(settings: LogSettings, stored: StoredLog, nowMs: number) {
    this.state = new ReplicaState(settings, stored)
    this.state.nowMs = nowMs
    // Nothing is served before a store is opened, and the lead goes to one whose store is.
    this.state.stalledSinceMs = nowMs
    this.election = new Election(this.state, {
      follow: (term, leader) => this.follow(term, leader),
      lead: () => this.lead(),
    })
    this.submits = new Submits(this.state, (start, submits) => this.give(start, submits))
    this.queries = new Queries(this.state, (number, mayLease) => this.askLeader(number, mayLease))
  }

  /**
   * True when its store has to be filled and whoever leads does not see to it: of a leader, when no
   * member in touch could do it; of anybody else, when that lasts.
   */
  get wantsFill(): boolean {
    const { lacksStore, leading } = this
    const { nowMs, stalledSinceMs = nowMs } = this.state
    if (leading !== undefined) return lacksStore && leading.handover.best(true) === undefined
    return lacksStore && nowMs - stalledSinceMs >= STALLED_LEADER_MS
  }

  /** True while it follows a leader that it hears. Nothing may have been told it for long. */
  isFollowing(nowMs: number): boolean {
    return this.election.isHearing(nowMs)
  }

  /** What a leader knows of each member, to be looked at; undefined while it does not lead. */
  get followers(): Iterable<Follower> | undefined {
    return this.leading?.followers.all()
  }

  /** When `step` has to be called next, if nothing happens before. */
  get wakeAtMs(): number {
    if (this.isHalted) return Number.POSITIVE_INFINITY
    const own = this.leading?.wakeAtMs ?? this.election.wakeAtMs
    return Math.min(own, this.submits.wakeAtMs, this.queries.wakeAtMs)
  }

  step(event: LogEvent, nowMs: number): LogEffect[] {
    if (this.isHalted) return []
    this.state.nowMs = nowMs
    this.take(event)
    return this.state.take()
  }

  private take(event: LogEvent): void {
    switch (event.kind) {
      case 'tick':
        return this.tick()
      case 'message':
        return this.message(event.message)
      case 'connected':
        this.connected.add(event.peer.id)
        return
      case 'disconnected':
        return this.disconnected(event.peer)
      case 'submit':
        return this.submits.submit(event.submits)
      case 'query':
        return this.queries.query(event.questions)
      case 'cancel':
        this.submits.cancel(event.client)
        return this.queries.cancel(event.client)
      case 'store-opened':
        return this.storeOpened(event.at)
      case 'applied':
        return this.applied(event.outcomes, event.durableIndex)
      case 'stalled':
        this.state.stalledSinceMs ??= this.state.nowMs
        return
      case 'checked':
        return this.checked(event.index, event.digest)
      case 'snapshot-staged':
        return this.staged(event.position)
      case 'snapshot-given':
        return this.leading?.snapshotGiven(event.to, event.position?.index)
      case 'change':
      case 'transfer':
      case 'verdict':
      case 'check':
        return this.operate(event)
      default:
        return unreachable(event)
    }
  }

  private tick(): void {
    this.election.tick()
    this.leading?.tick()
    this.submits.tick()
    this.queries.tick()
    compact(this.state, this.leading?.followers)
  }

  private message(message: LogMessage): void {
    const { logId, generation, self } = this.state.settings
    if (message.logId !== logId || message.to.id !== self.id) return
    if (message.kind === 'ended') {
      if (message.generation > generation) this.halt(`the log goes on in generation ${message.generation}`)
      return
    }
    if (message.generation < generation) return this.state.send(message.from, { kind: 'ended' }, 'nothing')
    if (message.generation > generation) return
    if (message.term > this.state.term && raisesTerm(message)) this.follow(message.term, undefined)
    if (message.term < this.state.term) return this.outdated(message)
    // Commands and questions are for the leader of their term alone: a later one has not begun
    // here.
    if (message.term > this.state.term && message.kind !== 'vote' && message.kind !== 'voted') return
    this.current(message)
  }

  /** A message of an earlier term: a leader is told of the later one, and so steps down. */
  private outdated(message: LogMessage): void {
    if (message.kind === 'vote') return this.election.vote(message)
    if (message.kind === 'voted') return this.election.voted(message)
    if (message.kind === 'append' || message.kind === 'heartbeat') return this.sayHeard(message.from, 0)
  }

  private current(message: LogMessage): void {
    switch (message.kind) {
      case 'vote':
        return this.election.vote(message)
      case 'voted':
        return this.election.voted(message)
      case 'append':
        this.heardLeader(message.from)
        return this.append(message)
      case 'heartbeat':
        this.heardLeader(message.from)
        this.state.commitTo(message.commit)
        return this.sayHeard(message.from, message.round)
      case 'appended':
        return this.leading?.appended(message)
      case 'refused':
        return this.leading?.refused(message)
      case 'heard':
        return this.leading?.heard(message)
      case 'transfer':
        if (this.state.leader?.id === message.from.id && this.leading === undefined) this.election.handed()
        return
      case 'read':
        return this.leading?.ask(message.from, message.number, message.mayLease)
      case 'read-at':
        return this.queries.answered(message.number, message.index)
      case 'submit':
        return this.ordered(message)
      case 'submitted':
        return this.submits.refused(message.start, message.numbers, message.refusal)
      case 'results':
        return this.result(message)
      case 'checked':
        return this.leading?.checks.found(message.from, message.index, message.digest)
      case 'differs':
        if (this.state.leader?.id === message.from.id) this.differs(message.index)
        return
      case 'ended':
        return
      default:
        return unreachable(message)
    }
  }

  /**
   * Entries of the leader: what follows upon what is held is taken, and what differs is replaced.
   */
  private append({ from, before, commit, entries }: Body<'append'>): void {
    const { state } = this
    const { tail } = state
    if (before.index < state.commit) return state.send(from, { kind: 'appended', index: state.commit }, 'everything')
    if (!tail.holds(before)) {
      const hint = tail.lastNotAbove(before.index, before.term)
      return state.send(from, { kind: 'refused', before: before.index, hint }, 'hard-state')
    }
    const fresh = entries.slice(entries.findIndex((entry) => !tail.holds(entry)))
    const isAnyFresh = entries.some((entry) => !tail.holds(entry))
    if (isAnyFresh && fresh.some(isUnknown)) return this.halt('an entry of a kind that is not known here')
    if (isAnyFresh) {
      if ((fresh[0] as Entry).index <= tail.last.index) state.replace(fresh)
      else state.append(fresh)
    }
    const lastIndex = before.index + entries.length
    state.commitTo(Math.min(commit, lastIndex))
    state.send(from, { kind: 'appended', index: lastIndex }, 'everything')
  }

  private heardLeader(leader: Identity): void {
    const { state } = this
    assert(state.role !== 'leader', `${leader.id} leads term ${state.term}, and so does ${state.self.id}`)
    if (state.role !== 'follower' || state.leader?.id !== leader.id) this.follow(state.term, leader)
    this.election.heardLeader()
  }

  private sayHeard(to: Identity, round: number): void {
    const { applied = 0, isStalled, wallMs } = this.state
    this.state.send(to, { kind: 'heard', round, wallMs, applied, isStalled, lacksStore: this.lacksStore }, 'hard-state')
  }

  /** Takes up a term, follows a leader, or leaves the lead. */
  private follow(term: number, leader: Identity | undefined): void {
    const { state } = this
    if (term > state.term) state.setHardState(term, undefined)
    const before = this.leading
    this.leading = undefined
    state.role = 'follower'
    state.leader = leader
    before?.end()
    if (leader !== undefined || before !== undefined) this.election.heardLeader()
    state.note({ kind: 'role', role: 'follower', term, leader })
    if (leader === undefined) return
    this.submits.sendAll()
    this.queries.askAll()
  }

  private lead(): void {
    const { state } = this
    state.role = 'leader'
    state.leader = state.self
    state.note({ kind: 'role', role: 'leader', term: state.term, leader: state.self })
    this.leading = new Leader(state, {
      resign: () => this.follow(state.term, undefined),
      readAt: (number, index) => this.queries.answered(number, index),
    })
    this.leading.tick()
    this.submits.sendAll()
    this.queries.askAll()
  }

  private disconnected(peer: Identity): void {
    this.connected.delete(peer.id)
    this.leading?.lost(peer)
    if (this.leading === undefined && this.state.leader?.id === peer.id) this.election.leaderGone()
  }

  private give(start: number, submits: readonly Forwarded[]): boolean {
    const { leader } = this.state
    if (leader === undefined) return false
    if (this.leading === undefined) this.state.send(leader, { kind: 'submit', start, submits }, 'hard-state')
    else this.leading.intake.take(leader, start, submits, (refusal, numbers) => this.submits.refused(start, numbers, refusal))
    return true
  }

  private ordered(message: Body<'submit'>): void {
    const { from, start, submits } = message
    // Who no longer leads says nothing: it may have taken them while it led, or before its process
    // ended.
    this.leading?.intake.take(from, start, submits, (refusal, numbers) =>
      this.state.send(from, { kind: 'submitted', start, refusal, numbers }, 'hard-state'),
    )
  }

  private askLeader(number: number, mayLease: boolean): boolean {
    const { leader, self } = this.state
    if (leader === undefined) return false
    if (this.leading === undefined) this.state.send(leader, { kind: 'read', number, mayLease }, 'hard-state')
    else this.leading.ask(self, number, mayLease)
    return true
  }

  /** The own store was hashed at the entry `check` of that index. */
  private checked(index: number, digest: string): void {
    const { state, leading } = this
    if (state.differingIndex !== undefined) return
    if (leading !== undefined) leading.checks.found(state.self, index, digest)
    else if (state.leader !== undefined) state.send(state.leader, { kind: 'checked', index, digest }, 'hard-state')
  }

  /** The own store is unlike most others. Nothing more is applied to it, nor read of it. */
  private differs(index: number): void {
    const { state } = this
    if (state.differingIndex !== undefined) return
    state.setDiffering(index)
    state.note({ kind: 'differs', index, isHere: true })
  }

  private storeOpened(at: StoreAt): void {
    const { state } = this
    // A store that is ahead of the log was filled by a later leader, or from before a disk was
    // lost: nobody leads with such a log.
    const isAhead = at.position.index > state.tail.last.index
    if (at.position.term > state.term || (isAhead && this.leading !== undefined))
      this.follow(Math.max(state.term, at.position.term), undefined)
    this.election.opened()
    if (state.differingIndex !== undefined) {
      // As it stood when it was found to differ, or later: it has to be filled anew.
      if (at.position.index >= state.differingIndex) return
      state.setDiffering(undefined)
    }
    this.lacksStore = !settle(state, at)
    this.submits.jumped()
    if (this.lacksStore) return state.note({ kind: 'lacks-store' })
    if (state.leader !== undefined && this.leading === undefined)
      state.send(state.leader, { kind: 'appended', index: at.position.index }, 'everything')
    this.queries.serve()
  }

  private applied(outcomes: readonly Applied[], durableIndex: number): void {
    const { state } = this
    const last = outcomes.at(-1)
    state.durableIndex = Math.max(state.durableIndex, durableIndex)
    if (last === undefined || state.applied === undefined || state.differingIndex !== undefined) return
    state.applied = Math.max(state.applied, last.position.index)
    state.stalledSinceMs = undefined
    this.submits.applied(outcomes)
    this.tellForwarders(outcomes)
    this.queries.serve()
    compact(state, this.leading?.followers)
  }

  /** Each forwarder is told of all that a batch has of its commands at once. */
  private tellForwarders(outcomes: readonly Applied[]): void {
    const { leading, state } = this
    if (leading === undefined) return
    for (const { from, start, results } of leading.intake.resultsOf(outcomes))
      state.send(from, { kind: 'results', start, results }, 'nothing')
  }

  private result({ start, results }: Body<'results'>): void {
    for (const { number, position, outcome } of results) this.submits.result(start, number, { kind: 'outcome', position, outcome })
  }

  /**
   * A snapshot is taken only when it is ahead of the store: what the store holds is not given up
   * for less.
   */
  private staged(position: Position): void {
    const { state } = this
    if (position.index > (state.applied ?? 0)) state.emit({ kind: 'take-snapshot', position })
  }

  private operate(event: Extract<LogEvent, { readonly kind: 'change' | 'transfer' | 'verdict' | 'check' }>): void {
    const { leading, state } = this
    if (leading === undefined) return state.answer(event.client, { kind: 'not-changed', why: 'not-leader' })
    switch (event.kind) {
      case 'change': {
        const canReach = ({ id }: Identity): boolean => event.isForced || leading.isInTouch(id) || this.connected.has(id)
        return leading.change(event.client, event.changes, event.wish, { canReach, isForced: event.isForced, isOfLost: event.isOfLost })
      }
      case 'transfer':
        return leading.handover.begin(event.client, event.to)
      case 'verdict':
        return leading.verdict(event.client, event.index, event.code, event.isForced)
      case 'check':
        return leading.checks.begin()
    }
  }

  private halt(why: string): void {
    this.isHalted = true
    this.leading = undefined
    this.state.role = 'follower'
    this.state.note({ kind: 'halted', why })
  }
}

function isUnknown({ body }: Entry): boolean {
  return body.kind === 'unknown'
}

/**
 * Whether a message of a higher term is proof that the term has begun, or a vote that begins it.
 */
function raisesTerm(message: LogMessage): boolean {
  switch (message.kind) {
    case 'vote':
    case 'submit':
    case 'read':
      return false
    case 'voted':
      return !(message.isTest && message.isGranted)
    default:
      return true
  }
}
