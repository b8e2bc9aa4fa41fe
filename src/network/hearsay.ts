/**
 * How many addresses are dialled because others spoke of them: the DHT, the local network, another
 * peer's roster. Whoever speaks may lie, and point every member at a host of its choice. An address
 * where a member turned out to be counts for nothing afterwards, so a network that forms is not
 * held up. Rules only: time is an argument.
 */

/** Addresses dialled on hearsay in any minute, those where a member was found not counted. */
export const HEARSAY_DIALS_PER_MINUTE = 30
const MINUTE_MS = 60_000

export class HearsayBudget {
  /** When each was dialled, the oldest first. */
  #dialledAtMs: number[] = []

  /** @returns how many of so many addresses may be dialled now; they count as dialled */
  take(wanted: number, nowMs: number): number {
    this.#dialledAtMs = this.#dialledAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS)
    const count = Math.min(wanted, HEARSAY_DIALS_PER_MINUTE - this.#dialledAtMs.length)
    for (let taken = 0; taken < count; taken += 1) this.#dialledAtMs.push(nowMs)
    return count
  }

  /** What was told was true: so many of them do not count any more. */
  giveBack(count: number): void {
    this.#dialledAtMs.splice(Math.max(0, this.#dialledAtMs.length - count))
  }
}
