/**
 * Keys that this voter accepted and does not know to be chosen. Their coordinator may be dead; so
 * after a while this voter finishes them itself, with a read first, for usually somebody has.
 * Whoever else is seen at work on one is given the time that it needs, however far away it is.
 */
import type { Moment } from '../base/moment.ts'
import { isConfigKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import type { RoundTrips } from './round-trips.ts'

/** Younger doubt is a put under way. */
const FINISH_AFTER_MS = 2_000
/**
 * A put that was accepted here needs its last answers and the word of them: on far links that is
 * what takes longer.
 */
const FINISH_ROUND_TRIPS = 3
/** Spreads the voters of one key, so that the first one's result is there when the others look. */
const JITTER_MS = 1_000
/** What a rival needs to end what it began: a reserve, a commit, and the word of it. */
const RIVAL_ROUND_TRIPS = 3
/** Between the turns of two voters: the one before has read, and its reserve has come. */
const TURN_ROUND_TRIPS = 2
/** Voters whose turn is later than this go with it. */
const TURNS_MAX = 8
/** Keys finished at one time. */
const FINISHING_MAX = 64

export class Doubts {
  private readonly moment: Moment
  private readonly random: () => number
  private readonly roundTrips: Pick<RoundTrips, 'toDecideMs' | 'turnOf'>
  /** With the last acceptance or try, the oldest first. */
  private readonly waiting = new Map<RegisterKey, { readonly sinceMs: number; readonly jitterMs: number }>()
  /** No put under way any more, with the time to begin finishing. */
  private readonly ripe = new Map<RegisterKey, number>()
  private readonly finishing = new Set<RegisterKey>()
  /** When another coordinator was last seen at work on a key in doubt. */
  private readonly rivals = new Map<RegisterKey, number>()

  constructor(moment: Moment, random: () => number, roundTrips: Pick<RoundTrips, 'toDecideMs' | 'turnOf'>) {
    this.moment = moment
    this.random = random
    this.roundTrips = roundTrips
  }

  get size(): number {
    return this.waiting.size + this.ripe.size
  }

  /** Something of the key was accepted. A later acceptance starts the wait anew. */
  accepted(key: RegisterKey): void {
    this.ripe.delete(key)
    this.waiting.delete(key)
    this.waiting.set(key, { sinceMs: this.moment.nowMs, jitterMs: this.random() * JITTER_MS })
  }

  /**
   * Another coordinator is at work on the key: its ballot was promised or accepted here, or forbade
   * one of this peer.
   */
  onRival(key: RegisterKey): void {
    if (this.has(key)) this.rivals.set(key, this.moment.nowMs)
  }

  /**
   * Until then a rival that was seen is given its time, each voter in its turn; in the past where
   * there is none.
   */
  rivalUntilMs(key: RegisterKey): number {
    const seenAtMs = this.rivals.get(key)
    if (seenAtMs === undefined) return Number.NEGATIVE_INFINITY
    return seenAtMs + RIVAL_ROUND_TRIPS * this.roundTrips.toDecideMs(key) + this.turnMs(key)
  }

  settled(key: RegisterKey): void {
    this.waiting.delete(key)
    this.ripe.delete(key)
    this.finishing.delete(key)
    this.rivals.delete(key)
  }

  keys(): Iterable<RegisterKey> {
    return [...this.waiting.keys(), ...this.ripe.keys()]
  }

  /** Keys to be finished now; each is named once until `retry` or `settled`. */
  due(): RegisterKey[] {
    const { nowMs } = this.moment
    this.ripen()
    const due: RegisterKey[] = []
    for (const [key, dueAtMs] of this.ripe) {
      if (this.finishing.size >= FINISHING_MAX) break
      if (dueAtMs > nowMs || this.finishing.has(key) || this.rivalUntilMs(key) > nowMs) continue
      this.finishing.add(key)
      due.push(key)
    }
    return due
  }

  /** Finishing came to nothing this time. */
  retry(key: RegisterKey): void {
    this.finishing.delete(key)
    if (this.has(key)) this.accepted(key)
  }

  private has(key: RegisterKey): boolean {
    return this.waiting.has(key) || this.ripe.has(key)
  }

  private ripen(): void {
    for (const [key, { sinceMs, jitterMs }] of this.waiting) {
      const ageMs = this.moment.nowMs - sinceMs
      if (ageMs < FINISH_AFTER_MS) break
      const waitMs = Math.max(FINISH_AFTER_MS, FINISH_ROUND_TRIPS * this.roundTrips.toDecideMs(key))
      if (ageMs < waitMs) continue
      this.waiting.delete(key)
      this.ripe.set(key, sinceMs + waitMs + jitterMs + this.turnMs(key))
    }
  }

  /**
   * Of several voters one goes first, the others later in turn. On near links the jitter is what
   * spreads them.
   */
  private turnMs(key: RegisterKey): number {
    return Math.min(TURNS_MAX, this.roundTrips.turnOf(key)) * TURN_ROUND_TRIPS * this.roundTrips.toDecideMs(key)
  }

  /**
   * A page of the clients' keys in an order that does not change: that of their UTF-16 code units.
   */
  page(after: RegisterKey | undefined, limit: number): { keys: RegisterKey[]; more: boolean } {
    const later = [...this.keys()].filter((key) => !isConfigKey(key) && (after === undefined || key > after)).toSorted(compareText)
    return { keys: later.slice(0, limit), more: later.length > limit }
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
