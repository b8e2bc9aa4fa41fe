/**
 * A replica as etcd's scripts see one: what a step asks for waits until the script handles it
 * (`Ready`), and a script may hold back the disk and the store as well. Each has a clock of its own,
 * because scripts let time pass for one at a time.
 */
import { identity } from '../../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../../protocols/base/identity.ts'
import type { Entry } from '../../../protocols/log/entry.ts'
import type { LogEffect, LogEvent, LogWrite } from '../../../protocols/log/events.ts'
import { LOG_LIMITS } from '../../../protocols/log/limits.ts'
import { firstMembers } from '../../../protocols/log/membership.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { LogMessage } from '../../../protocols/log/message.ts'
import { Replica } from '../../../protocols/log/replica.ts'
import type { StoredLog } from '../../../protocols/log/state.ts'
import { after } from '../../simulation/log/stage.ts'

const LOG_ID = '0123456789abcdef0123456789abcdef'
/** One tick of a script is one heartbeat, and three are an election time. */
export const TICK_MS = 100
export const ELECTION_TICKS = 3

/** What travels between nodes: a message, or a backup of a store. */
export type Parcel =
  | { readonly kind: 'message'; readonly to: number; readonly message: LogMessage }
  | {
      readonly kind: 'snapshot'
      readonly to: number
      readonly applied: readonly Entry[]
      readonly base: number
      readonly members: Membership
    }

export interface NodeInit {
  readonly number: number
  readonly voters: readonly number[]
  readonly learners: readonly number[]
  /** Where the log begins. */
  readonly index: number
  readonly isAsynchronous: boolean
  readonly appendsAheadMax: number
  /** From 0 up to 1: how much longer than an election time it waits for a leader. */
  readonly patience: number
}

/** Writes of one `Ready`, and what waits for them. */
interface DiskWork {
  readonly writes: readonly LogWrite[]
  readonly waiting: readonly LogMessage[]
}

export class ScriptNode {
  readonly number: number
  readonly core: Replica
  stored: StoredLog
  nowMs = 0
  readonly isAsynchronous: boolean
  applied: Entry[] = []
  /** The index that the store began at, and the members there. */
  base: number
  baseMembers: Membership
  private ready: LogEffect[] = []
  private readonly diskWork: DiskWork[] = []
  private readonly storeWork: (readonly Entry[])[] = []
  private staged: Extract<Parcel, { readonly kind: 'snapshot' }> | undefined
  private readonly post: (parcel: Parcel) => void

  constructor(init: NodeInit, post: (parcel: Parcel) => void) {
    this.number = init.number
    this.isAsynchronous = init.isAsynchronous
    this.post = post
    this.base = init.index
    this.baseMembers = firstMembers(init.voters.map(peer), init.learners.map(peer))
    // Scripts begin in term 0 with a snapshot of term 1. A store of term 1 begins in term 1 here.
    const base = { term: 0, index: init.index }
    this.stored = { term: 0, vote: undefined, base, membersAtBase: this.baseMembers, entries: [] }
    const settings = {
      logId: LOG_ID,
      generation: 0,
      self: peer(init.number),
      isLeased: false,
      isSurvivor: false,
      electionMs: ELECTION_TICKS * TICK_MS,
      // A script compacts what followers need.
      limits: { ...LOG_LIMITS, heartbeatMs: TICK_MS, windowAppendsMax: init.appendsAheadMax, keptEntriesMin: 0, keptBytesMax: 0 },
      random: () => init.patience,
      wallMs: () => this.nowMs,
    }
    this.core = new Replica(settings, this.stored, 0)
    this.storeOpened(base)
  }

  get hasReady(): boolean {
    return this.ready.length > 0
  }

  get hasDiskWork(): boolean {
    return this.diskWork.length > 0
  }

  get hasStoreWork(): boolean {
    return this.storeWork.length > 0
  }

  get isLeader(): boolean {
    return this.core.state.role === 'leader'
  }

  step(event: LogEvent): readonly LogEffect[] {
    const effects = this.core.step(event, this.nowMs)
    this.ready.push(...effects.filter(({ kind }) => kind !== 'note' && kind !== 'answer'))
    return effects
  }

  /** Time goes by, in ticks. */
  tick(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.nowMs += TICK_MS
      if (this.core.wakeAtMs <= this.nowMs) this.step({ kind: 'tick' })
    }
  }

  /** Votes are asked for as soon as no leader is heard for long enough. */
  losePatience(): void {
    this.nowMs = Math.max(this.nowMs, this.core.wakeAtMs)
    this.step({ kind: 'tick' })
  }

  receive(parcel: Parcel): void {
    if (parcel.kind === 'message') {
      this.step({ kind: 'message', message: parcel.message })
      return
    }
    this.staged = parcel
    this.step({ kind: 'snapshot-staged', position: lastOf(parcel) })
  }

  /** All that the steps since the last time ask for. */
  handleReady(): void {
    const effects = this.ready
    this.ready = []
    const writes = effects.flatMap((effect) => (effect.kind === 'persist' ? [effect.write] : []))
    const sends = effects.flatMap((effect) => (effect.kind === 'send' ? [effect] : []))
    const isBusyWith = (is: (write: LogWrite) => boolean): boolean => [...this.diskWork, { writes }].some((work) => work.writes.some(is))
    const busy = { nothing: false, 'hard-state': isBusyWith(({ kind }) => kind === 'hard-state'), everything: isBusyWith(() => true) }
    const waiting = sends.filter(({ after: what }) => busy[what]).map(({ message }) => message)
    for (const { message } of sends) if (!waiting.includes(message)) this.send(message)
    if (writes.length > 0 || waiting.length > 0) this.diskWork.push({ writes, waiting })
    for (const effect of effects) {
      if (effect.kind === 'apply') this.storeWork.push(effect.entries)
      if (effect.kind === 'give-snapshot') this.giveSnapshot(numberOf(effect.to))
      if (effect.kind === 'take-snapshot') this.takeSnapshot()
    }
    if (this.isAsynchronous) {
      // What is said in a term waits for the term to be on disk here, and there only what entries rest on.
      const isTermAlone = writes.length > 0 && writes.every(({ kind }) => kind === 'hard-state')
      if (isTermAlone && this.diskWork.length === 1) this.workDisk()
      return
    }
    while (this.hasDiskWork) this.workDisk()
    while (this.hasStoreWork) this.workStore()
  }

  workDisk(): void {
    const work = this.diskWork.shift()
    for (const write of work?.writes ?? []) this.stored = after(this.stored, write)
    for (const message of work?.waiting ?? []) this.send(message)
  }

  workStore(): void {
    const entries = this.storeWork.shift() ?? []
    this.applied.push(...entries)
    const outcomes = entries.map(({ term, index }) => ({
      position: { term, index },
      outcome: { kind: 'done' as const, result: new Uint8Array() },
    }))
    this.step({ kind: 'applied', outcomes, durableIndex: 0 })
  }

  /** The store holds so much for good, and the log may drop it. */
  compact(index: number): void {
    this.step({ kind: 'applied', outcomes: [], durableIndex: index })
    this.step({ kind: 'tick' })
  }

  giveSnapshot(to: number): void {
    this.post({ kind: 'snapshot', to, applied: [...this.applied], base: this.base, members: this.baseMembers })
  }

  private takeSnapshot(): void {
    if (this.staged === undefined) return
    this.applied = [...this.staged.applied]
    this.base = this.staged.base
    this.baseMembers = this.staged.members
    this.storeOpened(lastOf(this.staged))
  }

  private storeOpened(position: { readonly term: number; readonly index: number }): void {
    const named = this.applied.findLast(({ body }) => body.kind === 'members')?.body
    const members = named?.kind === 'members' ? named.members : this.baseMembers
    this.step({ kind: 'store-opened', at: { position, members, atMs: 0, durableIndex: 0 } })
  }

  /** Without a held disk, what it says to itself is heard at once. */
  private send(message: LogMessage): void {
    const to = numberOf(message.to)
    if (to === this.number && !this.isAsynchronous) this.step({ kind: 'message', message })
    else this.post({ kind: 'message', to, message })
  }
}

export function peer(number: number): Identity {
  return identity(`p${number}` as PeerId, number.toString(16).padStart(32, '0') as Incarnation)
}

export function numberOf({ peerId }: Identity): number {
  return Number(peerId.slice(1))
}

function lastOf({ applied, base }: Extract<Parcel, { readonly kind: 'snapshot' }>): { readonly term: number; readonly index: number } {
  return applied.at(-1) ?? { term: 0, index: base }
}
