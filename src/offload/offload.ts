/**
 * Keeps sets in an existing Redis too, for other programs to read, and for a peer that begins with
 * nothing. The peer's own store stays the truth: a Redis that is away, or that lost something, is a
 * warning and never a refusal.
 *
 * One peer of a cluster writes at a time, the first that comes when nobody does, and each looks at
 * a moment of its own within the period: so not all of them write at once.
 */
import type { Logger } from 'pino'
import type { Figure } from '../../protocols/data-type.ts'
import { ELEMENTS_MAX } from '../../protocols/sets/requests.ts'
import type { Cut, Entry, SetView } from '../../protocols/sets/requests.ts'
import { sha256 } from '../bytes.ts'
import type { Clock } from '../ports/clock.ts'
import type { SetAnswerOf, Sets } from '../ports/sets.ts'
import { errorText } from './error-text.ts'
import { KeptSets } from './kept-sets.ts'
import type { ReadSet, Standing } from './kept-sets.ts'
import { writerKey } from './layout.ts'
import type { RedisLink } from './redis-link.ts'

/** A writer that has not come back for so many periods is gone. */
const PERIODS_ABSENT = 2.5
/** Between tries to bring back what Redis keeps, while this peer is not ready for it. */
const RETRY_MS = 1_000
/** The last writing of a peer that stops. */
const LAST_MS = 5_000
const ASK_MS = 10_000
const SECOND_MS = 1_000
/** Somebody else may write in between. */
const TRIES_MAX = 5

export interface OffloadInit {
  readonly link: RedisLink
  readonly sets: Sets
  readonly clock: Clock
  readonly logger: Logger
  readonly periodMs: number
  readonly peerId: string
  readonly clusterId: string
  /** Undefined until it is known. */
  readonly network: () => string | undefined
  /** For people, by what it is about; undefined takes it back. */
  readonly warn: (about: string, warning: string | undefined) => void
}

/** Up to where a set was written by this peer, and into which filling. */
interface Written {
  readonly cursor: string
  readonly filling: number
}

export class Offload {
  readonly #init: OffloadInit
  readonly #written = new Map<string, Written>()
  readonly #offsetMs: number
  #timer: NodeJS.Timeout | undefined
  #isRestored = false
  #isStopped = false
  /** Elements that this peer wrote, sets that it wrote, and turns that failed. */
  #elements = 0
  #writes = 0
  #failures = 0
  /** When Redis last had all that this peer has to see to; 0: not yet. */
  #soundAtMs = 0
  /** What is under way: one thing at a time on the one connection. */
  #work: Promise<void> = Promise.resolve()

  readonly figures: readonly Figure[] = [
    { name: 'elements_total', help: 'Elements written to the Redis of -set-redis', kind: 'counter', read: () => this.#elements },
    { name: 'writes_total', help: 'Sets written there, each in one transaction', kind: 'counter', read: () => this.#writes },
    { name: 'failures_total', help: 'Looks at it that failed', kind: 'counter', read: () => this.#failures },
    {
      name: 'sound_timestamp_seconds',
      help: 'When a look at it last ended well, whichever peer of the cluster writes; 0 before the first',
      kind: 'gauge',
      read: () => this.#soundAtMs / SECOND_MS,
    },
  ]

  constructor(init: OffloadInit) {
    this.#init = init
    this.#offsetMs = offsetOf(init.peerId, init.periodMs)
  }

  /** Begins: what Redis keeps comes back first, and then it is written again and again. */
  start(): void {
    void this.#init.link.settled.then(() => this.#next(0))
  }

  /** Writes a last time. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    const last = this.#work.then(() => (this.#isRestored ? this.#write(true) : undefined))
    await Promise.race([last.catch((error: unknown) => this.#told(error)), wait(LAST_MS)])
    this.#init.link.close()
  }

  #next(inMs: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#work = this.#turn().then((nextMs) => this.#next(nextMs))
    }, inMs)
    this.#timer.unref()
  }

  /** @returns milliseconds until the next one */
  async #turn(): Promise<number> {
    try {
      if (!this.#isRestored) this.#isRestored = await this.#restore()
      if (!this.#isRestored) return RETRY_MS
      await this.#write(false)
      this.#soundAtMs = this.#init.clock.wallMs()
      this.#init.warn('set-redis', undefined)
    } catch (error) {
      this.#told(error)
      if (!this.#isRestored) return RETRY_MS
    }
    return this.#untilOwnMoment()
  }

  #untilOwnMoment(): number {
    const { clock, periodMs } = this.#init
    const into = (clock.wallMs() - this.#offsetMs) % periodMs
    return periodMs - ((into + periodMs) % periodMs)
  }

  #told(error: unknown): void {
    this.#failures += 1
    const warning = `the Redis of -set-redis cannot be used: ${errorText(error)}`
    this.#init.logger.warn(warning)
    this.#init.warn('set-redis', warning)
  }

  /** @returns false when it has to be tried again */
  async #restore(): Promise<boolean> {
    const network = this.#init.network()
    if (network === undefined) return false
    const kept = new KeptSets(this.#init.link, network)
    const names = await kept.names()
    if (names.length === 0) await this.#tellOthers(kept)
    for (const name of names) {
      const read = await kept.read(name)
      if (typeof read === 'string') this.#refuse(name, read)
      else if (!(await this.#bringBack(name, read))) return false
    }
    return true
  }

  async #tellOthers(kept: KeptSets): Promise<void> {
    const others = await kept.networks()
    if (others.length > 0) this.#refuse('', `it keeps sets of network ${others.join(', ')}, and none of this one`)
  }

  /**
   * What is not sound is not merged: a set whose removals are lost would bring everything back that
   * was removed.
   */
  #refuse(name: string, why: string): void {
    const warning = `nothing of ${name === '' ? 'the Redis of -set-redis' : `the set ${name} in Redis`} was merged: ${why}`
    this.#init.logger.warn(warning)
    this.#init.warn(`set-redis ${name}`, warning)
  }

  async #bringBack(set: string, { entries, cut }: ReadSet): Promise<boolean> {
    for (let start = 0; start < entries.length; start += ELEMENTS_MAX) {
      const page = entries.slice(start, start + ELEMENTS_MAX)
      const isLast = start + ELEMENTS_MAX >= entries.length
      const answer = await this.#init.sets.ask<'restore'>({ kind: 'restore', set, entries: page, cut, isLast }, ASK_MS)
      if (answer.kind === 'not-ready') return false
    }
    this.#init.logger.info({ set, elements: entries.length }, 'a set was merged from Redis')
    return true
  }

  async #write(isLast: boolean): Promise<void> {
    const network = this.#init.network()
    if (network === undefined || !(await this.#isWriter(network, isLast))) return
    const kept = new KeptSets(this.#init.link, network)
    const { sets } = await this.#init.sets.ask<'list'>({ kind: 'list' }, ASK_MS)
    for (const view of sets) await this.#writeSet(kept, view)
  }

  /**
   * Whether it falls to this peer to write: to one of each cluster. A peer that stops leaves it to
   * others.
   */
  async #isWriter(network: string, isLast: boolean): Promise<boolean> {
    const { link, peerId, clusterId, periodMs } = this.#init
    const key = writerKey(network, clusterId)
    const lastsMs = String(isLast ? 1 : Math.ceil(periodMs * PERIODS_ABSENT))
    if ((await link.command(['SET', key, peerId, 'NX', 'PX', lastsMs])) !== null) return true
    if ((await link.command(['GET', key])) !== peerId) return false
    await link.command(['PEXPIRE', key, lastsMs])
    return true
  }

  async #writeSet(kept: KeptSets, { set, cut }: SetView): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const standing = await kept.look(set)
      const plan = await this.#plan(set, cut, standing)
      if (plan === undefined) return
      const filling = await kept.write(set, standing, { entries: plan.entries, cut }, plan.isAnew)
      if (filling === undefined) continue
      this.#written.set(set, { cursor: plan.cursor, filling })
      this.#writes += 1
      this.#elements += plan.count
      return
    }
  }

  /**
   * What to write of a set: what changed, where this peer wrote all before; all that there is,
   * where it did not; and that into an emptied place, where Redis lost something or this peer has
   * forgotten more than Redis has.
   *
   * @param cut as it was before anything of the set is read, so that nothing is told to be cut that
   * is not
   */
  async #plan(set: string, cut: Cut, { kept, fault }: Standing): Promise<Plan | undefined> {
    // Whoever wrote it has forgotten what this peer has not yet.
    if (kept !== undefined && kept.cut.number > cut.number) return undefined
    const isAnew = fault !== undefined || (kept !== undefined && kept.cut.number < cut.number)
    if (fault !== undefined) this.#init.logger.warn(`the set ${set} in Redis is written anew: ${fault}`)
    const written = this.#written.get(set)
    const isKnown = !isAnew && written !== undefined && written.filling === kept?.filling
    const changed = (isKnown ? await this.#changesAfter(set, written.cursor) : undefined) ?? (await this.#changesAfter(set, undefined))
    if (changed?.cursor === undefined || (isKnown && changed.count === 0)) return undefined
    return { entries: changed.entries, count: changed.count, cursor: changed.cursor, isAnew }
  }

  /** @returns undefined when there is no such set, or its changes are not known from there on */
  async #changesAfter(set: string, after: string | undefined): Promise<SetAnswerOf<'updates'> | undefined> {
    const answer = await this.#init.sets.ask<'updates-after'>({ kind: 'updates-after', set, after }, ASK_MS)
    return answer.kind === 'updates' ? answer : undefined
  }
}

interface Plan {
  readonly entries: Iterable<Entry>
  readonly count: number
  readonly cursor: string
  readonly isAnew: boolean
}
/** A moment within the period, of each peer its own. */
function offsetOf(peerId: string, periodMs: number): number {
  const hash = sha256(Buffer.from(peerId))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0) % periodMs
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
