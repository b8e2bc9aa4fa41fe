/**
 * The numbers of one forwarder's commands that a leader has dealt with: a copy that the network
 * made, or that was sent again, is not dealt with twice.
 */
import { NUMBERS_KEPT_MAX } from './limits.ts'

export class Numbers {
  /** All up to here counts as dealt with: what is so far behind is passed over. */
  private floor = 0
  private seen = new Set<number>()

  /** @returns true for a number that was not dealt with yet; it is from now on */
  take(number: number): boolean {
    if (number <= this.floor || this.seen.has(number)) return false
    this.seen.add(number)
    if (this.seen.size > NUMBERS_KEPT_MAX) this.forgetHalf()
    return true
  }

  private forgetHalf(): void {
    const sorted = [...this.seen].sort((a, b) => a - b)
    const half = sorted.length >> 1
    this.floor = sorted[half - 1] as number
    this.seen = new Set(sorted.slice(half))
  }
}
