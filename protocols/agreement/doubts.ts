/**
 * Keys that this voter accepted and does not know to be chosen. Their coordinator may be dead; so after a while this
 * voter finishes them itself, with a read first, for usually somebody has.
 */
import type { Moment } from '../base/moment.ts'
import { isConfigKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'

/** Younger doubt is a put under way. */
const FINISH_AFTER_MS = 2_000
/** Spreads the voters of one key, so that the first one's result is there when the others look. */
const JITTER_MS = 1_000
/** Keys finished at one time. */
const FINISHING_MAX = 64

export class Doubts {
  private readonly moment: Moment
  private readonly random: () => number
  /** With the time to begin finishing; in the order of accepting, so nearly in the order of that time. */
  private readonly dueAtMs = new Map<RegisterKey, number>()
  private readonly finishing = new Set<RegisterKey>()

  constructor(moment: Moment, random: () => number) {
    this.moment = moment
    this.random = random
  }

  get size(): number {
    return this.dueAtMs.size
  }

  /** Something of the key was accepted. A later acceptance starts the wait anew. */
  accepted(key: RegisterKey): void {
    this.dueAtMs.delete(key)
    this.dueAtMs.set(key, this.moment.nowMs + FINISH_AFTER_MS + this.random() * JITTER_MS)
  }

  settled(key: RegisterKey): void {
    this.dueAtMs.delete(key)
    this.finishing.delete(key)
  }

  keys(): Iterable<RegisterKey> {
    return this.dueAtMs.keys()
  }

  /** Keys to be finished now; each is named once until `retry` or `settled`. */
  due(): RegisterKey[] {
    const due: RegisterKey[] = []
    for (const [key, dueAtMs] of this.dueAtMs) {
      if (this.finishing.size >= FINISHING_MAX || dueAtMs > this.moment.nowMs + JITTER_MS) break
      if (dueAtMs > this.moment.nowMs || this.finishing.has(key)) continue
      this.finishing.add(key)
      due.push(key)
    }
    return due
  }

  /** Finishing came to nothing this time. */
  retry(key: RegisterKey): void {
    this.finishing.delete(key)
    if (this.dueAtMs.has(key)) this.accepted(key)
  }

  /** A page of the clients' keys in an order that does not change: that of their UTF-16 code units. */
  page(after: RegisterKey | undefined, limit: number): { keys: RegisterKey[]; more: boolean } {
    const later = [...this.dueAtMs.keys()].filter((key) => !isConfigKey(key) && (after === undefined || key > after)).toSorted(compareText)
    return { keys: later.slice(0, limit), more: later.length > limit }
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
