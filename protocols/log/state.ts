/**
 * What the parts of a replica share: terms, the log, where the store stands, and the effects of the
 * step under way. The rules are in the parts; here is only what must hold whoever changes it.
 */
import { assert } from '../base/assert.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Entry } from './entry.ts'
import type { LogAfter, LogAnswer, LogClient, LogEffect, LogNote, LogWrite } from './events.ts'
import type { LogLimits } from './limits.ts'
import { isVoter } from './membership.ts'
import type { Membership } from './membership.ts'
import type { MessageBody } from './message.ts'
import { Tail } from './tail.ts'
import type { StoredTail } from './tail.ts'

/** What a log was born with, and what a replica of it is given. */
export interface LogSettings {
  readonly logId: string
  readonly generation: number
  readonly self: Identity
  /** The shortest time without a leader after which another is sought, in milliseconds. */
  readonly electionMs: number
  readonly limits: LogLimits
  /** Its leader may answer reads by lease: voters keep to what a lease rests on. */
  readonly isLeased: boolean
  /**
   * The log goes on from this very replica. It campaigns only once its store is open: what a store
   * has beyond its log is kept.
   */
  readonly isSurvivor: boolean
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** The time of day, in milliseconds. It may jump. */
  readonly wallMs: () => number
}

/** What a replica finds on its disk. */
export interface StoredLog extends StoredTail {
  readonly term: number
  readonly vote: Identity | undefined
  /** The index of a check at which the store differed from most others; undefined when it is like them. */
  readonly differingIndex?: number | undefined
}

/** `testing`: it asks whether it would be voted for. */
export type Role = 'follower' | 'testing' | 'candidate' | 'leader'

export class ReplicaState {
  readonly settings: LogSettings
  readonly tail: Tail
  role: Role = 'follower'
  leader: Identity | undefined
  nowMs = 0
  /** All up to here is committed. */
  commit: number
  /** All up to here is in the store; undefined while there is none that can go on from the log. */
  applied: number | undefined
  /** What survives any crash of the store. */
  durableIndex = 0
  /** The log's clock where the store was opened. */
  storeAtMs = 0
  /** The time of day of other peers when they last told it, less our time of no fixed zero. */
  readonly clockOffsetsMs: Map<IdentityId, number> = new Map()
  /** Since when the store refuses an entry; undefined while it does not. */
  stalledSinceMs: number | undefined
  private differing: number | undefined
  private termNow: number
  private voteNow: Identity | undefined
  private effects: LogEffect[] = []
  /** The last index that was handed to the store. */
  private handed = 0

  constructor(settings: LogSettings, stored: StoredLog) {
    this.settings = settings
    this.tail = new Tail(stored)
    this.termNow = stored.term
    this.voteNow = stored.vote
    this.commit = stored.base.index
    this.differing = stored.differingIndex
  }

  get term(): number {
    return this.termNow
  }

  get vote(): Identity | undefined {
    return this.voteNow
  }

  get self(): Identity {
    return this.settings.self
  }

  get members(): Membership {
    return this.tail.members
  }

  get isVoter(): boolean {
    return isVoter(this.members, this.self.id)
  }

  /**
   * A voter may; and whoever stopped being one by an entry that is not known to be committed, as in
   * section 4.2.2 of Ongaro's thesis. Voters before that entry may need its vote, which it cannot
   * give to a log that is shorter.
   */
  get mayCampaign(): boolean {
    const { membersIndex } = this.tail
    return this.isVoter || (membersIndex > this.commit && isVoter(this.tail.membersAt(membersIndex - 1), this.self.id))
  }

  get isStalled(): boolean {
    return this.stalledSinceMs !== undefined
  }

  /** The index at which its store differed from most others: it is not applied to until it is filled anew. */
  get differingIndex(): number | undefined {
    return this.differing
  }

  /** @param index undefined when the store is another from now on */
  setDiffering(index: number | undefined): void {
    this.differing = index
    if (index !== undefined) this.stalledSinceMs ??= this.nowMs
    this.persist({ kind: 'differing', index })
  }

  /** True when its store can serve and go on. */
  get isReady(): boolean {
    return this.applied !== undefined && !this.isStalled
  }

  /** Term and vote. The term never falls, and there is one vote a term. */
  setHardState(term: number, vote: Identity | undefined): void {
    const isSame = term === this.termNow && vote?.id === this.voteNow?.id
    if (isSame) return
    const isAllowed = term > this.termNow || (term === this.termNow && this.voteNow === undefined)
    assert(isAllowed, `term ${term} vote ${vote?.id} after term ${this.termNow} vote ${this.voteNow?.id}`)
    this.termNow = term
    this.voteNow = vote
    this.persist({ kind: 'hard-state', term, vote })
  }

  /** The log's clock at its end. */
  get atMs(): number {
    return this.tail.at(this.tail.last.index)?.atMs ?? this.storeAtMs
  }

  /** New entries behind the last one. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    const membersIndex = this.tail.membersIndex
    this.tail.append(entries)
    this.persist({ kind: 'entries', from: (entries[0] as Entry).index, entries })
    this.noteMembers(membersIndex)
  }

  /** Entries in place of all that is held from the first of them on. */
  replace(entries: readonly Entry[]): void {
    const first = entries[0] as Entry
    assert(first.index > this.commit, `entry ${first.index} replaced, and ${this.commit} is committed`)
    const membersIndex = this.tail.membersIndex
    this.tail.cutFrom(first.index)
    this.tail.append(entries)
    this.persist({ kind: 'entries', from: first.index, entries })
    this.noteMembers(membersIndex)
  }

  /** Raises what is committed, never beyond what is held, and hands it to the store. */
  commitTo(index: number): void {
    if (index <= this.commit) return
    assert(index <= this.tail.last.index, `committed to ${index} of ${this.tail.last.index}`)
    const before = this.commit
    this.commit = index
    for (const { body } of this.tail.range(before + 1, index))
      if (body.kind === 'verdict') this.emit({ kind: 'verdict', index: body.index, code: body.code })
    this.handOver()
  }

  /** The store stands at this index, which is committed. */
  storeIsAt(index: number): void {
    this.applied = index
    this.handed = index
    this.handOver()
  }

  private handOver(): void {
    if (this.applied === undefined || this.differing !== undefined || this.handed >= this.commit) return
    const entries = this.tail.range(this.handed + 1, this.commit)
    this.handed = this.commit
    this.emit({ kind: 'apply', entries })
  }

  private noteMembers(indexBefore: number): void {
    const { membersIndex, members } = this.tail
    if (membersIndex !== indexBefore) this.note({ kind: 'members', members, index: membersIndex })
  }

  /** The time of day here, as messages carry it. */
  get wallMs(): number {
    return Math.max(0, Math.floor(this.settings.wallMs()))
  }

  toldClock(peer: IdentityId, wallMs: number): void {
    this.clockOffsetsMs.set(peer, wallMs - this.nowMs)
  }

  emit(effect: LogEffect): void {
    this.effects.push(effect)
  }

  persist(write: LogWrite): void {
    this.emit({ kind: 'persist', write })
  }

  answer(client: LogClient, answer: LogAnswer): void {
    this.emit({ kind: 'answer', client, answer })
  }

  note(note: LogNote): void {
    this.emit({ kind: 'note', note })
  }

  /** @param term of the message, where it is not the own one */
  send(to: Identity, body: MessageBody, after: LogAfter, term: number = this.term): void {
    const { logId, generation, self } = this.settings
    this.emit({ kind: 'send', message: { logId, generation, from: self, to, term, ...body }, after })
  }

  /** The effects of the step, which ends here. */
  take(): LogEffect[] {
    const { effects } = this
    this.effects = []
    return effects
  }
}
