/**
 * The last changes of a set in their order, so that whoever reads on is not shown around the whole
 * set.
 */
import type { ElementKey } from './element.ts'

/** Changes that are remembered; older ones are found by looking through all rows. */
const RECENT_MAX = 16_384

export class RecentChanges {
  private keys: ElementKey[] = []
  /** The number of the change before the first of `keys`. */
  private before: number

  /** @param number of the last change before now */
  constructor(number: number) {
    this.before = number
  }

  /** The change that follows the last one. */
  changed(key: ElementKey, number: number): void {
    // Numbers are passed over where rows were forgotten: whatever is remembered ends there.
    if (number !== this.before + this.keys.length + 1) {
      this.keys = []
      this.before = number - 1
    }
    this.keys.push(key)
    if (this.keys.length < 2 * RECENT_MAX) return
    this.keys = this.keys.slice(RECENT_MAX)
    this.before += RECENT_MAX
  }

  /**
   * What changed after the number, some of it perhaps several times; undefined when that is too
   * long ago.
   */
  since(number: number): readonly ElementKey[] | undefined {
    return number < this.before ? undefined : this.keys.slice(number - this.before)
  }
}
