/**
 * Keys in the order in which they became known here, each once it is on disk. Only the last ones
 * are remembered, and only until the peer ends: whoever is further behind, or comes from another
 * peer, lists the keys and goes on from there.
 */
import { isConfigKey, isHiddenKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Feed } from '../ports/feed.ts'

/** Events that are remembered: at 1,024 bytes a key, 100 MB at most; at the usual 30, some 10. */
const EVENTS_MAX = 100_000
const CURSOR = /^([0-9a-zA-Z]{1,64})\.(0|[1-9][0-9]{0,15})$/

export class KeyFeed implements Feed {
  /** A ring: the event at a position lies at its remainder. */
  readonly #keys: string[] = []
  readonly #followers = new Set<() => void>()
  readonly #start: string
  readonly #eventsMax: number
  #next = 0

  /**
   * @param start drawn anew at each start, in letters and digits: what was remembered before is
   * gone
   */
  constructor(start: string, eventsMax: number = EVENTS_MAX) {
    this.#start = start
    this.#eventsMax = eventsMax
  }

  get first(): number {
    return Math.max(0, this.#next - this.#eventsMax)
  }

  get next(): number {
    return this.#next
  }

  /** A chosen record is on disk. */
  synced(key: RegisterKey): void {
    if (isConfigKey(key) || isHiddenKey(key)) return
    this.#keys[this.#next % this.#eventsMax] = key
    this.#next += 1
    for (const told of this.#followers) told()
  }

  keyAt(position: number): string {
    return this.#keys[position % this.#eventsMax] ?? ''
  }

  cursorAt(position: number): string {
    return `${this.#start}.${position}`
  }

  positionOf(cursor: string): number | undefined {
    const [, start, digits] = CURSOR.exec(cursor) ?? []
    const position = Number(digits)
    return start === this.#start && position >= this.first && position <= this.#next ? position : undefined
  }

  follow(told: () => void): () => void {
    this.#followers.add(told)
    return () => this.#followers.delete(told)
  }
}
