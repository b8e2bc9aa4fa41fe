/**
 * One replica within a peer: it is run as `replica.ts` asks for. Its writes are rows of the type,
 * its sends go out behind them, and its store is at whoever hosts it, which may come later, or never.
 */
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { RowWrite } from '../base/rows.ts'
import type { TypeContext } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { Birth } from './birth.ts'
import type { LogClient, LogEffect, LogEvent, LogNote, Question, Submit } from './events.ts'
import type { LogLimits } from './limits.ts'
import { allMembers, firstMembers, has } from './membership.ts'
import type { MemberChange } from './membership.ts'
import { afterOf, allSlotsOf, slotsOf } from './placing.ts'
import { Replica } from './replica.ts'
import type { HostTold, QueryAnswer, ReplicaView, WorkAnswer } from './requests.ts'
import { LogRows } from './rows.ts'
import { writeTalk } from './talk.ts'
import type { SnapshotTalk, Talk, Work } from './talk.ts'

/** Of a message that is large, in bytes: it goes where nothing waits behind it. */
const BULK_BYTES_MIN = 65_536
/** What the log was at, at the least, when a command came: no entry of it is the first. */
const SINCE_MIN = 1

/** Between two questions of a leader that needs its store filled, in milliseconds. */
const FILL_WANTED_EVERY_MS = 2_000
/** Why a replica stopped whose store is not like most others. */
const DIFFERS = 'differs'
/** What stores say of an entry that an operator settled. */
const VERDICT_CODE = 'verdict'

/** Who is told the end of a command, a query or a change. */
interface Waiting {
  readonly done: (answer: WorkAnswer) => void
  /** Of a query: what the store is asked once it may be. */
  readonly query: Uint8Array | undefined
  /** It waits for a leader's word. */
  readonly needsLeader: boolean
  readonly since: number
}

/** Whoever keeps the store. */
export interface Host {
  readonly client: ClientId
  readonly log: string
  readonly store: string
}

export class Hosted {
  readonly birth: Birth
  readonly replica: Replica
  private readonly context: TypeContext
  private readonly rows: LogRows
  private readonly writer: ByteWriter
  private host: Host | undefined
  private readonly waiting = new Map<LogClient, Waiting>()
  private lastClient = 0
  /** What came in this turn. */
  private submits: Submit[] = []
  private questions: Question[] = []
  /** Members that this replica was to have filled and could not. */
  private readonly ungiven: Identity[] = []
  /** Whose stores are being filled from the one here. */
  private readonly giving = new Set<IdentityId>()
  private fillWantedMs = Number.NEGATIVE_INFINITY
  private stalledCode = ''
  private digest = ''
  private haltedWhy: string | undefined

  /** @param connected peers in touch now */
  constructor(context: TypeContext, birth: Birth, limits: LogLimits, connected: Iterable<Identity>) {
    const { self, random, moment, rows, codec } = context
    this.context = context
    this.birth = birth
    this.rows = new LogRows(birth.logId, rows, codec.utf8)
    this.writer = new ByteWriter(codec.utf8)
    const { logId, generation, electionMs, voters, isLeased } = birth
    const isSurvivor = generation > 0 && has(voters, self.id)
    if (this.rows.generation < generation) this.outlive(isSurvivor)
    const times = { electionMs, limits, random, wallMs: () => context.wallMs() }
    const settings = { logId, generation, self, isLeased, isSurvivor, ...times }
    this.replica = new Replica(settings, this.rows.stored(firstMembers(voters)), moment.nowMs)
    for (const peer of connected) this.step({ kind: 'connected', peer })
  }

  /** True when this replica is one that entries are sent to. */
  get isMember(): boolean {
    return has(allMembers(this.replica.state.members), this.context.self.id)
  }

  /** A store is here that commands reach. */
  get hasStore(): boolean {
    const { applied, differingIndex } = this.replica.state
    return this.host !== undefined && applied !== undefined && differingIndex === undefined
  }

  /** A store is here that can be dropped and filled anew. */
  get canBeRefilled(): boolean {
    const { applied, differingIndex } = this.replica.state
    return this.host !== undefined && (applied !== undefined || differingIndex !== undefined)
  }

  /** True when whoever has a store of the log is to be asked to fill this one: told once in a while. */
  get wantsFill(): boolean {
    const { nowMs } = this.context.moment
    if (this.host === undefined || !this.replica.wantsFill || nowMs - this.fillWantedMs < FILL_WANTED_EVERY_MS) return false
    this.fillWantedMs = nowMs
    return true
  }

  /** When it has something to do: with what came in this turn, at the end of the turn. */
  get wakeAtMs(): number {
    return this.hasGathered ? Number.NEGATIVE_INFINITY : this.replica.wakeAtMs
  }

  private get hasGathered(): boolean {
    return this.submits.length > 0 || this.questions.length > 0
  }

  /** How many wait for an end. */
  get waitingCount(): number {
    return this.waiting.size
  }

  get halted(): string | undefined {
    return this.haltedWhy
  }

  /** The wish for where voters are, as it holds now. */
  get place(): string {
    const { place } = this.replica.state.members
    return place === '' ? this.birth.place : place
  }

  /** True while it leads, or hears who does. */
  get isInTouch(): boolean {
    const { moment, roster } = this.context
    const { role, leader } = this.replica.state
    if (role === 'leader') return true
    return leader !== undefined && this.replica.isFollowing(moment.nowMs) && roster.isConnected(leader.peerId)
  }

  get view(): ReplicaView {
    const { state } = this.replica
    const isLearner = !state.isVoter
    return {
      peer: this.context.self,
      role: isLearner ? 'learner' : state.role === 'testing' ? 'candidate' : state.role,
      state: this.standing,
      generation: this.birth.generation,
      term: state.term,
      last: state.tail.last,
      commit: state.commit,
      applied: state.applied ?? 0,
      code: state.differingIndex !== undefined ? DIFFERS : state.isStalled ? this.stalledCode : '',
      digest: this.digest,
      leader: state.leader,
    }
  }

  private get standing(): ReplicaView['state'] {
    const { applied, differingIndex, isStalled } = this.replica.state
    if (this.haltedWhy !== undefined || differingIndex !== undefined) return 'halted'
    if (applied === undefined) return 'no-store'
    return isStalled ? 'stalled' : 'ready'
  }

  /** A store is offered: it is told to open. */
  attach(host: Host): void {
    this.host = host
    const { logId, generation, voters } = this.birth
    const { isSurvivor, self } = this.replica.state.settings
    this.tell({ kind: 'open', logId, generation, owner: self, firstMembers: firstMembers(voters), isSurvivor })
  }

  /** The log goes on in a later generation, by other rows: who waits here learns no more. */
  leave(): void {
    this.endAll({ kind: 'in-doubt' })
  }

  /** The log is no more. */
  close(): void {
    this.endAll({ kind: 'log-ended' })
    this.tell({ kind: 'ended' })
  }

  /** Fills the store of another, that no member could fill. */
  fill(to: Identity, generation: number, indexMin: number): void {
    const { applied = 0 } = this.replica.state
    const isAble = this.hasStore && this.standing === 'ready' && applied >= indexMin && generation === this.birth.generation
    if (isAble && !this.giving.has(to.id)) this.give(to, indexMin)
  }

  detach(client: ClientId): void {
    if (this.host?.client !== client) return
    this.host = undefined
    // What it gave nobody says the end of.
    this.giving.clear()
  }

  /** Whoever hosts the store says what came of it. */
  said(event: LogEvent, digest: string | undefined): void {
    if (event.kind === 'stalled') this.stalledCode = event.code
    if (event.kind === 'snapshot-given') this.giving.delete(event.to.id)
    this.digest = digest ?? this.digest
    this.step(event)
  }

  queried(number: LogClient, answer: QueryAnswer): void {
    this.end(number, answer)
  }

  /**
   * A command or a query. All that a turn brings are one append, and one question to the leader.
   *
   * @param done told once
   * @returns what `cancel` takes
   */
  work(work: Work, deadlineMs: number, done: (answer: WorkAnswer) => void): LogClient {
    const client = (this.lastClient += 1)
    const since = work.kind === 'submit' && work.since > 0 ? work.since : Math.max(SINCE_MIN, this.replica.state.commit)
    const query = work.kind === 'query' ? work.query : undefined
    this.waiting.set(client, { done, query, needsLeader: asksLeader(work), since })
    if (work.kind === 'query') {
      this.questions.push({ client, consistency: work.consistency, deadlineMs })
      return client
    }
    if (work.kind !== 'submit') {
      this.operate(client, work)
      // What is begun goes on by itself; who asked looks at the status.
      this.end(client, { kind: 'changing' })
      return client
    }
    const { submitId, isNamedByClient, command } = work
    this.submits.push({ client, submitId, isNamedByClient, since: work.since, command, deadlineMs })
    return client
  }

  /** The store is emptied, and says where it stands then. */
  refill(): void {
    this.tell({ kind: 'refill' })
  }

  /** Changes that a wish asks for. Nobody waits for their end. @param isOfLost only lost peers leave */
  carryOut(changes: readonly MemberChange[], isOfLost: boolean): void {
    this.step({ kind: 'change', client: (this.lastClient += 1), changes, wish: 'kept', isForced: false, isOfLost })
  }

  private operate(client: LogClient, work: Exclude<Work, { readonly kind: 'submit' | 'query' }>): void {
    switch (work.kind) {
      case 'change':
        // The wish becomes these voters, so that nobody undoes what the operator did.
        return this.step({ ...work, wish: 'voters', client })
      case 'place':
        if (work.place === this.place) return this.end(client, { kind: 'changed' })
        return this.step({ kind: 'change', changes: [], wish: { place: work.place }, isForced: false, client })
      case 'transfer':
        return this.step({ ...work, client })
      case 'verdict':
        return this.step({ ...work, code: VERDICT_CODE, isForced: false, client })
      case 'check':
        return this.step({ kind: 'check', client })
    }
  }

  cancel(client: LogClient): void {
    if (!this.waiting.delete(client)) return
    this.begin()
    this.step({ kind: 'cancel', client })
  }

  /** Gives the replica what was gathered. */
  private begin(): void {
    const { submits, questions } = this
    this.submits = []
    this.questions = []
    if (submits.length > 0) this.step({ kind: 'submit', submits })
    if (questions.length > 0) this.step({ kind: 'query', questions })
  }

  /** Whoever keeps the store of another member says something to whoever keeps this one. */
  heard(from: Identity, talk: SnapshotTalk): void {
    // Whoever else were asked would begin another backup, in the place of the one that comes.
    if (talk.kind === 'piece') this.fillWantedMs = this.context.moment.nowMs
    this.tell({ kind: 'heard', from, talk })
  }

  tick(): void {
    this.begin()
    for (const to of this.ungiven.splice(0)) this.step({ kind: 'snapshot-given', to, position: undefined })
    if (this.replica.wakeAtMs <= this.context.moment.nowMs) this.step({ kind: 'tick' })
    if (!this.isInTouch) this.sendAway()
  }

  /** Without a leader queries are asked elsewhere: others may have one, where this replica was removed. */
  private sendAway(): void {
    for (const [client, { needsLeader }] of this.waiting) {
      if (!needsLeader) continue
      this.step({ kind: 'cancel', client })
      this.end(client, { kind: 'not-here' })
    }
  }

  met(peer: Identity): void {
    this.step({ kind: 'connected', peer })
  }

  lost(peerId: PeerId): void {
    for (const peer of allMembers(this.replica.state.members)) if (peer.peerId === peerId) this.step({ kind: 'disconnected', peer })
  }

  step(event: LogEvent): void {
    for (const effect of this.replica.step(event, this.context.moment.nowMs)) this.perform(effect)
  }

  private perform(effect: LogEffect): void {
    const { birth } = this
    switch (effect.kind) {
      case 'persist':
        return this.persist(slotsOf(birth.logId, effect.write), this.rows.of(effect.write))
      case 'send':
        return this.send(effect)
      case 'apply':
        return this.tell({ kind: 'apply', entries: effect.entries })
      case 'verdict':
        return this.tell({ kind: 'verdict', index: effect.index, code: effect.code })
      case 'read-ready':
        return this.ask(effect.client, effect.index)
      case 'give-snapshot':
        // A leader without a store gives nothing, and hands the lead on soon.
        if (this.hasStore) this.give(effect.to, effect.indexMin)
        else this.ungiven.push(effect.to)
        return
      case 'take-snapshot':
        return this.tell({ kind: 'take' })
      case 'answer':
        return this.end(effect.client, effect.answer)
      case 'note':
        return this.note(effect.note)
    }
  }

  private give(to: Identity, indexMin: number): void {
    this.giving.add(to.id)
    this.tell({ kind: 'give', to, indexMin })
  }

  /** The log goes on, in a generation after that of the rows here: from them, or from elsewhere. */
  private outlive(isSurvivor: boolean): void {
    const { generation, voters } = this.birth
    const rows = isSurvivor ? this.rows.goingOn(generation, firstMembers(voters)) : this.rows.begunAnew(generation)
    this.persist(allSlotsOf(this.birth.logId), rows)
  }

  /** Whoever waits for one of the slots waits for these rows. */
  private persist([slot = '', ...others]: readonly string[], rows: readonly RowWrite[]): void {
    this.context.persist(slot, rows)
    for (const other of others) this.context.persist(other, [])
  }

  private send({ message, after }: Extract<LogEffect, { readonly kind: 'send' }>): void {
    const body = writeTalk({ kind: 'raft', message } satisfies Talk, this.writer)
    const way = body.length >= BULK_BYTES_MIN ? 'bulk' : 'votes'
    this.context.send(message.to.peerId, body, afterOf(this.birth.logId, after), way)
  }

  private ask(client: LogClient, indexMin: number): void {
    const query = this.waiting.get(client)?.query
    if (query === undefined) return
    if (this.host === undefined) this.end(client, { kind: 'not-here' })
    else this.tell({ kind: 'query', number: client, query, indexMin })
  }

  private end(client: LogClient, answer: WorkAnswer): void {
    const waiting = this.waiting.get(client)
    this.waiting.delete(client)
    waiting?.done(isOfSubmit(answer) ? { ...answer, since: waiting.since } : answer)
  }

  /** Of what was begun it is not known here what becomes. */
  private endAll(ofQueries: Extract<WorkAnswer, { readonly kind: 'in-doubt' | 'log-ended' }>): void {
    this.submits = []
    this.questions = []
    for (const [client, { query, needsLeader }] of this.waiting) {
      const isQuery = query !== undefined || needsLeader
      const unread: WorkAnswer = ofQueries.kind === 'in-doubt' ? { kind: 'unavailable', why: 'no-majority' } : ofQueries
      this.end(client, isQuery ? unread : { kind: 'in-doubt' })
    }
  }

  private tell(told: HostTold): void {
    if (this.host !== undefined) this.context.tell(this.host.client, told, 'nothing')
  }

  private note(note: LogNote): void {
    const { name } = this.birth
    if (note.kind === 'halted') {
      this.haltedWhy = note.why
      this.context.note(`the replica of log ${name} stopped: ${note.why}`, true)
    } else if (note.kind === 'role') {
      this.context.note(`log ${name}, term ${note.term}: ${note.role} of ${note.leader?.peerId ?? 'nobody'}`, false)
    } else if (note.kind === 'lacks-store') {
      this.context.note(`the store of log ${name} is behind what its log still has`, false)
    } else if (note.kind === 'differs') {
      const which = note.isHere ? 'the store here is not like most others' : 'stores differ, and no majority says which is right'
      this.context.note(`log ${name}, check at ${note.index}: ${which}`, true)
    }
  }
}

/** True for work that a leader's word is needed for, whoever's store answers it. */
export function asksLeader(work: Work): boolean {
  return work.kind === 'query' && (work.consistency === 'linearizable' || work.consistency === 'lease')
}

function isOfSubmit(answer: WorkAnswer): answer is Extract<WorkAnswer, { readonly kind: 'outcome' | 'not-ordered' | 'in-doubt' }> {
  return answer.kind === 'outcome' || answer.kind === 'not-ordered' || answer.kind === 'in-doubt'
}
