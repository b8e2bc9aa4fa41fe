/**
 * Reads the topic that orders a log, and hands its records to the store. What the store holds is
 * compared with the topic whenever it was opened and whenever another broker leads: only a store
 * whose last record is still there goes on. Whoever is behind reads to the end for verdicts before
 * it applies anything, so that it never applies what others were told to reject.
 */
import { assert } from '../../base/assert.ts'
import { equalBytes } from '../../base/record.ts'
import type { Entry, SubmitId } from '../entry.ts'
import { entryBytes } from '../entry.ts'
import type { Applied } from '../events.ts'
import { Comparing } from './comparing.ts'
import type { Difference, Said } from './comparing.ts'
import type { KafkaEvent, KafkaStoreAt } from './events.ts'
import { MESSAGE_VERSION } from './limits.ts'
import type { KafkaLimits } from './limits.ts'
import type { Outlet } from './outlet.ts'
import { faultOfPlace } from './place.ts'
import type { HaltReason, TopicAt } from './place.ts'
import { hashOfRecord, indexOf, offsetOf, readRecord, submitIdOf } from './record.ts'
import type { Asker, KafkaRecord, Tools } from './record.ts'
import { Recent } from './recent.ts'
import { Verdicts } from './verdicts.ts'

/** Why a record of a version that is not known here is not applied. */
const LATER_VERSION = 'later-version'

/** `cut-off`: no broker answered what was asked last. What is ordered meanwhile is not known here. */
export type KafkaState = 'opening' | 'cut-off' | 'catching-up' | 'ready' | 'stalled' | 'halted'

interface Pending {
  readonly index: number
  readonly bytes: number
  readonly submitId: SubmitId | undefined
  readonly asker: Asker
  readonly said: Said | undefined
}

/** A question under way; its kind says which. */
interface Asked {
  readonly number: number
  readonly kind: 'look' | 'again' | 'fetch'
  /** A fetch that looks for verdicts, and hands nothing over. */
  readonly isScout: boolean
}

export interface ReadingHooks {
  /** Entries were applied, in order. */
  applied(entries: readonly { readonly asker: Asker; readonly applied: Applied }[]): void
}

type Of<Kind extends KafkaEvent['kind']> = Extract<KafkaEvent, { readonly kind: Kind }>

export class Reading {
  readonly recent: Recent
  private readonly topicId: string
  private readonly limits: KafkaLimits
  private readonly tools: Tools
  private readonly outlet: Outlet
  private readonly hooks: ReadingHooks
  private readonly verdicts: Verdicts
  private readonly comparing: Comparing
  /** What this replica calls itself. */
  private readonly self: string
  private differs = false
  /** Verdicts on entries applied before it was known, by the number of the question what became of them. */
  private readonly recalls = new Map<number, number>()
  /** Entries that this store rejected by a verdict, which may be read long after them. */
  private readonly settled = new Set<number>()
  private at: KafkaStoreAt | undefined
  private topic: TopicAt | undefined
  private isPlaceSure = false
  /** No broker answered what was asked last, since then; undefined while they do. */
  private cutOffSince: number | undefined
  /** No leader of an earlier epoch is believed: it was deposed, and may lack what others have. */
  private epochMin = 0
  private asked: Asked | undefined
  private retryAtMs: number | undefined
  private pending: Pending[] = []
  private pendingBytes = 0
  /** The last entry handed over, and the clock at it. */
  private handed = { index: 0, atMs: 0 }
  /** Records below it were handed over; below the other, verdicts are known. */
  private readOffset = 0
  private scoutOffset = 0
  /** Nothing is applied before verdicts are known up to here. */
  private scanEnd = 0
  private stalled: { readonly index: number; readonly code: string } | undefined
  /** A record of a later version: nothing from it on is handed over. */
  private blockedIndex: number | undefined
  private halted: HaltReason | undefined

  constructor(init: {
    readonly topicId: string
    readonly self: string
    readonly limits: KafkaLimits
    readonly tools: Tools
    readonly outlet: Outlet
    readonly hooks: ReadingHooks
  }) {
    this.topicId = init.topicId
    this.limits = init.limits
    this.tools = init.tools
    this.outlet = init.outlet
    this.hooks = init.hooks
    this.recent = new Recent(init.limits.recentMax)
    this.verdicts = new Verdicts(init.limits.verdictsMax)
    this.comparing = new Comparing(init.limits.stretchLength, init.tools)
    this.self = init.self
  }

  /** Of the last entry applied; 0 for none. */
  get index(): number {
    return this.at?.index ?? 0
  }

  /** All records below this offset are applied. */
  get doneOffset(): number {
    return this.pending.length === 0 && this.isPlaceSure ? Math.max(this.readOffset, this.index) : this.index
  }

  /** As it was heard last. */
  get endOffset(): number {
    return this.topic?.endOffset ?? 0
  }

  get state(): KafkaState {
    if (this.halted !== undefined) return 'halted'
    if (this.cutOffSince !== undefined) return 'cut-off'
    if (!this.isPlaceSure) return 'opening'
    if (this.stalledIndex !== undefined) return 'stalled'
    return this.doneOffset >= this.endOffset ? 'ready' : 'catching-up'
  }

  /** Why it does not go on; undefined while it does. */
  get why(): string | undefined {
    return this.halted ?? this.stalled?.code ?? (this.blockedIndex === undefined ? undefined : LATER_VERSION)
  }

  get cutOffSinceMs(): number | undefined {
    return this.cutOffSince
  }

  /** Another replica took a command that this one rejected, or the other way round. */
  get isDifferent(): boolean {
    return this.differs
  }

  get stalledIndex(): number | undefined {
    return this.stalled?.index ?? this.blockedIndex
  }

  tick(nowMs: number): void {
    if (this.retryAtMs === undefined || nowMs < this.retryAtMs) return
    this.retryAtMs = undefined
    this.go()
  }

  storeOpened(at: KafkaStoreAt): void {
    if (this.halted !== undefined) return
    this.at = at
    this.epochMin = Math.max(this.epochMin, at.leaderEpoch)
    this.handed = at
    this.pending = []
    this.pendingBytes = 0
    this.stalled = undefined
    this.blockedIndex = undefined
    this.lookAgain()
  }

  looked({ number, topic }: Of<'looked'>, nowMs: number): void {
    if (!this.takes(number, 'look') || this.at === undefined) return
    if (topic.topicId === this.topicId && topic.leaderEpoch < this.epochMin) {
      this.retryAtMs = nowMs + this.limits.retryMs
      return
    }
    this.epochMin = topic.leaderEpoch
    this.topic = topic
    const fault = faultOfPlace({ topicId: this.topicId, index: this.at.index }, topic)
    if (fault !== undefined) return this.halt(fault)
    if (this.at.index === 0) return this.placeIsSure()
    this.ask('again', (again) => ({
      kind: 'read-again',
      number: again,
      offset: offsetOf(this.index),
      leaderEpoch: topic.leaderEpoch,
    }))
  }

  readAgain({ number, record }: Of<'read-again'>): void {
    if (!this.takes(number, 'again') || this.at === undefined) return
    const isSame = record?.offset === offsetOf(this.at.index) && equalBytes(hashOfRecord(record, this.tools), this.at.recordHash)
    if (!isSame) return this.halt('record-replaced')
    this.placeIsSure()
  }

  fetched({ number, records, nextOffset, startOffset, endOffset }: Of<'fetched'>): void {
    const isScout = this.asked?.isScout === true
    if (!this.takes(number, 'fetch') || this.topic === undefined) return
    this.topic = { ...this.topic, startOffset, endOffset }
    for (const record of records) this.notice(record)
    if (this.halted !== undefined) return
    this.scoutOffset = Math.max(this.scoutOffset, nextOffset)
    if (!isScout) this.hand(records, nextOffset)
    this.go()
  }

  moved(number: number): void {
    if (this.asked?.number !== number) return
    this.asked = undefined
    // What was read of the leader before may not be the log of this one.
    this.at = undefined
    this.isPlaceSure = false
    this.outlet.put({ kind: 'reopen' })
  }

  unreachable(number: number, nowMs: number): void {
    if (this.asked?.number !== number) return
    this.asked = undefined
    this.cutOffSince ??= nowMs
    this.retryAtMs = nowMs + this.limits.retryMs
  }

  applied(outcomes: readonly Applied[]): void {
    const known = outcomes.map((applied) => {
      const { position, outcome } = applied
      const [first] = this.pending.splice(0, 1) as [Pending]
      assert(first.index === position.index, `entry ${position.index} is applied where ${first.index} is next`)
      this.pendingBytes -= first.bytes
      this.recent.add({ index: position.index, submitId: first.submitId, outcome })
      return { asker: first.asker, said: first.said, applied }
    })
    const last = outcomes.at(-1)
    if (last !== undefined && this.at !== undefined) this.at = { ...this.at, index: last.position.index }
    this.stalled = undefined
    for (const { applied, said } of known) this.settle(applied, said)
    this.hooks.applied(known)
    this.go()
  }

  stall(index: number, code: string): void {
    if (this.halted !== undefined) return
    this.stalled = { index, code }
    this.go()
  }

  recalled({ number, recalled }: Of<'recalled'>): void {
    if (!this.recalls.delete(number)) return
    if (recalled === undefined || recalled.applied.outcome.kind === 'forgotten') return this.halt('verdict-unknown')
    if (recalled.applied.outcome.kind === 'done') this.halt('applied-before-verdict')
  }

  private settle({ position, outcome }: Applied, said: Said | undefined): void {
    const isJudged = this.verdicts.has(position.index)
    this.verdicts.dropTo(position.index)
    // It was under way when the verdict was read.
    if (isJudged && outcome.kind === 'done') this.halt('applied-before-verdict')
    const ended = this.comparing.applied(offsetOf(position.index), outcome)
    if (isJudged) {
      this.comparing.judged()
      this.settled.add(position.index)
      for (const oldest of this.settled) if (this.settled.size > this.limits.verdictsMax) this.settled.delete(oldest)
    }
    if (ended !== undefined) {
      const { stretch, digest } = ended
      const value = { replicator: MESSAGE_VERSION, digest: { by: this.self, stretch, value: digest } }
      this.outlet.put({ kind: 'order', value: JSON.stringify(value) })
      this.judge(this.comparing.differenceOf(stretch))
    }
    if (said !== undefined) this.judge(this.comparing.heard(said))
  }

  private judge(difference: Difference): void {
    if (difference === 'none') return
    this.differs = true
    if (difference === 'outvoted') this.halt('outcomes-differ')
  }

  private lookAgain(): void {
    this.isPlaceSure = false
    this.asked = undefined
    this.ask('look', (number) => ({ kind: 'look', number }))
  }

  private placeIsSure(): void {
    this.isPlaceSure = true
    this.readOffset = this.index
    this.scoutOffset = Math.max(this.readOffset, 0)
    this.scanEnd = this.endOffset
    this.comparing.begin(this.readOffset)
    this.go()
  }

  /** One fetch at a time. */
  private go(): void {
    if (this.halted !== undefined || this.asked !== undefined || this.retryAtMs !== undefined || this.at === undefined) return
    if (!this.isPlaceSure) return this.lookAgain()
    const isScout = this.scoutOffset < this.scanEnd || !this.mayHand()
    // A store that is merely slow needs no verdict.
    if (isScout && this.scoutOffset >= this.scanEnd && this.stalledIndex === undefined) return
    const offset = isScout ? Math.max(this.scoutOffset, this.readOffset) : this.readOffset
    const leaderEpoch = this.topic?.leaderEpoch ?? 0
    this.ask('fetch', (number) => ({ kind: 'fetch', number, offset, leaderEpoch }), isScout)
  }

  private mayHand(): boolean {
    const { pendingEntriesMax, pendingBytesMax } = this.limits
    const isFull = this.pending.length >= pendingEntriesMax || this.pendingBytes >= pendingBytesMax
    return !isFull && this.blockedIndex === undefined
  }

  private hand(records: readonly KafkaRecord[], nextOffset: number): void {
    const entries: Entry[] = []
    for (const record of records) {
      if (record.offset < this.readOffset) continue
      const { entry, asker, said } = readRecord(record, this.handed, this.tools)
      const judged = this.verdicts.judged(entry, () => this.asCommand(record))
      if (judged === undefined) {
        // It waits for a verdict, or for a later version of this program.
        this.readOffset = record.offset
        this.blockedIndex = entry.index
        break
      }
      this.readOffset = record.offset + 1
      this.take(judged, asker, said)
      entries.push(judged)
    }
    if (this.blockedIndex === undefined) this.readOffset = Math.max(this.readOffset, nextOffset)
    if (entries.length > 0) this.outlet.put({ kind: 'apply', entries })
  }

  private take(entry: Entry, asker: Asker, said: Said | undefined): void {
    const bytes = entryBytes(entry)
    const submitId = entry.body.kind === 'command' ? entry.body.submitId : undefined
    this.pending.push({ index: entry.index, bytes, submitId, asker, said })
    this.pendingBytes += bytes
    this.handed = { index: entry.index, atMs: entry.atMs }
  }

  private asCommand({ key, offset, value }: KafkaRecord): Entry['body'] {
    return { kind: 'command', submitId: submitIdOf(key, offset, this.tools), since: 0, command: value ?? new Uint8Array() }
  }

  /** A verdict takes effect as soon as it is read. */
  private notice(record: KafkaRecord): void {
    if (indexOf(record.offset) <= this.index) return
    const { body } = readRecord(record, this.handed, this.tools).entry
    if (body.kind !== 'verdict') return
    if (body.index > this.index) {
      if (this.verdicts.has(body.index)) return
      if (!this.verdicts.add(body.index, body.code)) return this.halt('too-many-verdicts')
      this.outlet.put({ kind: 'verdict', index: body.index, code: body.code })
      if (this.blockedIndex === body.index) this.blockedIndex = undefined
      return
    }
    if (this.settled.has(body.index)) return
    const outcome = this.recent.at(body.index)?.outcome
    if (outcome?.kind === 'done') return this.halt('applied-before-verdict')
    if (outcome !== undefined || [...this.recalls.values()].includes(body.index)) return
    const number = this.outlet.nextNumber()
    this.recalls.set(number, body.index)
    this.outlet.put({ kind: 'recall', number, offset: offsetOf(body.index) })
  }

  private ask(kind: Asked['kind'], make: (number: number) => Parameters<Outlet['put']>[0], isScout = false): void {
    const number = this.outlet.nextNumber()
    this.asked = { number, kind, isScout }
    this.outlet.put(make(number))
  }

  private takes(number: number, kind: Asked['kind']): boolean {
    if (this.halted !== undefined || this.asked?.number !== number || this.asked.kind !== kind) return false
    this.asked = undefined
    this.cutOffSince = undefined
    return true
  }

  private halt(reason: HaltReason): void {
    if (this.halted !== undefined) return
    this.halted = reason
    this.asked = undefined
    this.outlet.put({ kind: 'halt', reason })
  }
}
