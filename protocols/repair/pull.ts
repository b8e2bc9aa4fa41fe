/**
 * Pulling what another peer has and this one lacks: down the hash tree where the two differ, then
 * the records. Taking a record twice changes nothing, so any message may be asked for again. For a
 * transfer the same walk begins with the keys that are not settled at the other. Each of them is
 * settled before the walk counts as done.
 */
import { LEAVES_PER_GROUP, differences, leafOf } from '../base/hash-tree.ts'
import type { Identity } from '../base/identity.ts'
import { KEYS_PER_MESSAGE_MAX, LEAVES_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { Reach } from '../base/reach.ts'
import type { LeafEntry } from '../base/register.ts'
import type { PullAnswer, PullQuestion } from '../wire/pull-messages.ts'
import type { Collection, Visit } from './collection.ts'
import type { Speech } from './speech.ts'

/** A question without its number. */
type Ask<Key extends string> = { [Kind in PullQuestion<Key>['kind']]: Omit<QuestionOf<Key, Kind>, 'id'> }[PullQuestion<Key>['kind']]
type QuestionOf<Key extends string, Kind> = Extract<PullQuestion<Key>, { readonly kind: Kind }>
type AskOf<Key extends string, Kind> = Extract<Ask<Key>, { readonly kind: Kind }>
type AnswerOf<Key extends string, Row, Kind> = Extract<PullAnswer<Key, Row>, { readonly kind: Kind }>

/**
 * So many leaves that differ are asked for before all groups were looked at, so that records come
 * in soon.
 */
const LEAVES_GATHERED = 16
/** Keys in doubt that are being finished at one time. */
const FINISHING_MAX = 64
/** An unanswered question is asked again after this, then after twice as long, and so on. */
const RETRY_FIRST_MS = 300
const RETRY_LAST_MS = 2_400
/** And no sooner than after so many round trips to the source. */
const RETRY_ROUND_TRIPS = 1.5
/** After so many repetitions of one question the pull is given up; a later one starts over. */
const RETRIES_MAX = 8

interface Outstanding<Key extends string> {
  readonly ask: Ask<Key>
  sentAtMs: number
  retries: number
}

export interface PullContext<Key extends string, Row> {
  readonly moment: Moment
  readonly nextId: NextId
  readonly collection: Collection<Key, Row>
  readonly speech: Speech<Key, Row>
  /** To a peer and back; undefined until it is measured. */
  readonly roundTripMs: Reach['roundTripMs']
}

/** One walk through one other peer's tree. */
export class Pull<Key extends string, Row> {
  readonly source: Identity
  /** 0 for repair; above, the epoch of the joint config that is transferred. */
  readonly minEpoch: number
  private readonly context: PullContext<Key, Row>
  private readonly visit: Visit<Key> | undefined
  private readonly onEnded: ((isDone: boolean) => void) | undefined
  private readonly todo: Ask<Key>[] = []
  private readonly outstanding = new Map<number, Outstanding<Key>>()
  /** Leaves that differ and are not asked for yet. */
  private readonly leavesWaiting: number[] = []
  /** By the keys of records that are wanted: the digests by which the source listed them. */
  private readonly wanted = new Map<Key, Uint8Array>()
  /** Of leaves that are listed in part: the keys so far. */
  private readonly listing = new Map<number, Set<Key>>()
  /** Keys in doubt at the source: those to be finished, and those that are being finished. */
  private unfinished: Key[] = []
  private finishing = 0
  private copiedCount = 0
  private answeredMs: number
  private state: 'running' | 'done' | 'failed' = 'running'

  /** @param onEnded told once how it ended, when it is put away */
  constructor(source: Identity, minEpoch: number, context: PullContext<Key, Row>, onEnded?: (isDone: boolean) => void) {
    this.source = source
    this.minEpoch = minEpoch
    this.context = context
    this.onEnded = onEnded
    this.visit = context.collection.visit?.(source, minEpoch)
    this.answeredMs = context.moment.nowMs
  }

  get isRunning(): boolean {
    return this.state === 'running'
  }

  get isDone(): boolean {
    return this.state === 'done'
  }

  /** When the source last answered; when the walk began, before it did. */
  get answeredAtMs(): number {
    return this.answeredMs
  }

  /** Rows that came by this walk and changed something here. */
  get copied(): number {
    return this.copiedCount
  }

  begin(): void {
    // The list in doubt comes first: a key that is chosen meanwhile is then in the tree that
    // follows, never in neither.
    if (this.minEpoch > 0) this.todo.push({ kind: 'doubts-wanted', minEpoch: this.minEpoch, after: undefined })
    else this.walk()
    this.advance()
  }

  /**
   * @param mark of the source, where its type has one
   * @returns false when the reply is to another pull's question
   */
  reply(message: PullAnswer<Key, Row>, mark?: Uint8Array): boolean {
    const outstanding = this.outstanding.get(message.id)
    if (outstanding === undefined) return false
    this.outstanding.delete(message.id)
    this.answeredMs = this.context.moment.nowMs
    if (this.state !== 'running') return true
    const { ask } = outstanding
    if (mark !== undefined && this.visit?.told(mark) === false) this.fail()
    else if (message.kind === 'doubts' && ask.kind === 'doubts-wanted') this.doubts(message)
    else if (message.kind === 'hashes' && ask.kind === 'hashes-wanted') this.hashes(message, ask)
    else if (message.kind === 'leaves' && ask.kind === 'leaves-wanted') this.leaves(message, ask)
    else if (message.kind === 'records' && ask.kind === 'records-wanted') this.records(message, ask)
    else this.state = 'failed'
    this.advance()
    return true
  }

  tick(): void {
    const { nowMs } = this.context.moment
    for (const [id, outstanding] of this.outstanding) {
      if (this.state !== 'running' || nowMs - outstanding.sentAtMs < this.retryMs(outstanding.retries)) continue
      if (outstanding.retries >= RETRIES_MAX) {
        this.state = 'failed'
        return
      }
      outstanding.retries += 1
      outstanding.sentAtMs = nowMs
      this.send(id, outstanding.ask)
    }
  }

  private retryMs(retries: number): number {
    const lateMs = RETRY_ROUND_TRIPS * (this.context.roundTripMs(this.source.peerId) ?? 0)
    return Math.min(Math.max(RETRY_LAST_MS, lateMs), Math.max(RETRY_FIRST_MS, lateMs) * 2 ** retries)
  }

  private walk(): void {
    this.todo.push({ kind: 'hashes-wanted', minEpoch: this.minEpoch, group: undefined })
  }

  private doubts(message: AnswerOf<Key, Row, 'doubts'>): void {
    const last = message.keys.at(-1)
    if (message.more && last !== undefined) this.todo.push({ kind: 'doubts-wanted', minEpoch: this.minEpoch, after: last })
    else this.walk()
    this.unfinished = [...message.keys].toReversed()
  }

  private finish(key: Key): void {
    this.finishing += 1
    this.context.collection.settle(key, (done) => {
      this.finishing -= 1
      if (!done) this.state = 'failed'
      this.advance()
    })
  }

  private hashes(message: AnswerOf<Key, Row, 'hashes'>, ask: AskOf<Key, 'hashes-wanted'>): void {
    const { tree } = this.context.collection
    const { group } = ask
    if (message.group !== group) return this.fail()
    if (group === undefined) {
      for (const place of differences(message.hashes, tree.groupHashes())) {
        this.todo.push({ kind: 'hashes-wanted', minEpoch: this.minEpoch, group: place })
      }
      return
    }
    for (const place of differences(message.hashes, tree.leafHashes(group))) this.leavesWaiting.push(group * LEAVES_PER_GROUP + place)
  }

  /** Leaves of several groups share a question, for where little is missing it is scattered. */
  private gatherLeaves(): void {
    const isLookingOn =
      this.todo.some((ask) => ask.kind === 'hashes-wanted') ||
      [...this.outstanding.values()].some(({ ask }) => ask.kind === 'hashes-wanted')
    if (this.leavesWaiting.length < (isLookingOn ? LEAVES_GATHERED : 1)) return
    const leaves = this.leavesWaiting.splice(0, LEAVES_PER_MESSAGE_MAX)
    this.todo.push({ kind: 'leaves-wanted', minEpoch: this.minEpoch, leaves, after: undefined })
  }

  private leaves(message: AnswerOf<Key, Row, 'leaves'>, ask: AskOf<Key, 'leaves-wanted'>): void {
    const rest = ask.leaves.slice(message.leavesDone)
    const isShort = rest.length > 0 && message.leavesDone === 0 && message.entries.length === 0
    if (isShort || message.leavesDone > ask.leaves.length) return this.fail()
    if (rest.length > 0) {
      this.todo.push({ kind: 'leaves-wanted', minEpoch: this.minEpoch, leaves: rest, after: message.after })
    }
    if (this.visit !== undefined) this.list(this.visit, message.entries, ask.leaves.slice(0, message.leavesDone))
    const missing = message.entries.filter((entry) => this.context.collection.lacks(entry.key, entry.digest))
    for (const { key, digest } of missing) this.wanted.set(key, digest)
    this.wantRecords(missing.map(({ key }) => key))
  }

  private records(message: AnswerOf<Key, Row, 'records'>, ask: AskOf<Key, 'records-wanted'>): void {
    if (message.keysDone === 0 || message.keysDone > ask.keys.length) return this.fail()
    const covered = ask.keys.slice(0, message.keysDone)
    const came = new Set(message.records.map(({ key }) => key))
    // A source that listed a record and has it no more came back without what it had in memory
    // alone: its lists are others now.
    if (covered.some((key) => !came.has(key) && this.isLacking(key))) return this.fail()
    for (const key of covered) this.wanted.delete(key)
    // The rest comes first: a record that is taken may end the finish of its key, and the walk must
    // not look complete then.
    this.wantRecords(ask.keys.slice(message.keysDone))
    this.copiedCount += this.context.collection.take(message.records, this.source)
  }

  private isLacking(key: Key): boolean {
    const digest = this.wanted.get(key)
    return digest !== undefined && this.context.collection.lacks(key, digest)
  }

  /** Whoever follows is told of a leaf when its last entries are here. */
  private list(visit: Visit<Key>, entries: readonly LeafEntry<Key>[], whole: readonly number[]): void {
    for (const { key } of entries) {
      const leaf = leafOf(key)
      const keys = this.listing.get(leaf)
      if (keys === undefined) this.listing.set(leaf, new Set([key]))
      else keys.add(key)
    }
    for (const leaf of whole) {
      visit.listed(leaf, this.listing.get(leaf) ?? new Set())
      this.listing.delete(leaf)
    }
  }

  /** It is over, and put away. */
  close(): void {
    this.visit?.ended(this.isDone)
    this.onEnded?.(this.isDone)
  }

  /** What it was for is over. */
  stop(): void {
    if (this.state === 'running') this.state = 'failed'
  }

  /**
   * The source answers what was not asked, or cuts its lists short: nothing may be concluded from
   * it.
   */
  private fail(): void {
    this.state = 'failed'
  }

  private wantRecords(keys: readonly Key[]): void {
    for (let from = 0; from < keys.length; from += KEYS_PER_MESSAGE_MAX) {
      this.todo.push({ kind: 'records-wanted', keys: keys.slice(from, from + KEYS_PER_MESSAGE_MAX) })
    }
  }

  /** Sends what the window allows, the deepest first, so that what is remembered stays small. */
  private advance(): void {
    while (this.state === 'running' && this.finishing < FINISHING_MAX) {
      const key = this.unfinished.pop()
      if (key === undefined) break
      this.finish(key)
    }
    // The next page of doubts waits until this one is being finished.
    while (this.state === 'running' && this.outstanding.size < this.context.speech.window && this.unfinished.length === 0) {
      this.gatherLeaves()
      const ask = this.todo.pop()
      if (ask === undefined) break
      const id = this.context.nextId()
      this.outstanding.set(id, { ask, sentAtMs: this.context.moment.nowMs, retries: 0 })
      this.send(id, ask)
    }
    const isIdle =
      this.todo.length === 0 &&
      this.leavesWaiting.length === 0 &&
      this.outstanding.size === 0 &&
      this.unfinished.length === 0 &&
      this.finishing === 0
    if (isIdle && this.state === 'running') this.state = 'done'
  }

  private send(id: number, ask: Ask<Key>): void {
    this.context.speech.ask(this.source.peerId, { ...ask, id })
  }
}
