/**
 * Entries that count as rejected, because an operator ordered so. A verdict takes effect when it is
 * read, not when it is applied: the entry that it judges keeps everything behind it waiting.
 */
import type { Entry } from '../entry.ts'

export class Verdicts {
  private readonly codes = new Map<number, string>()
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  /** The first verdict on an entry holds. @returns false when there are too many */
  add(index: number, code: string): boolean {
    if (this.codes.size >= this.max) return false
    this.codes.set(index, code)
    return true
  }

  has(index: number): boolean {
    return this.codes.has(index)
  }

  /** All up to this are applied. */
  dropTo(last: number): void {
    for (const index of this.codes.keys()) if (index <= last) this.codes.delete(index)
  }

  /**
   * An entry of a later version is nothing that a store may pass over: it waits for a verdict. Judged,
   * it is a command that is rejected, as it is where it is understood.
   *
   * @returns undefined for an entry that has to wait
   */
  judged(entry: Entry, id: (entry: Entry) => Entry['body']): Entry | undefined {
    if (entry.body.kind !== 'unknown') return entry
    return this.has(entry.index) ? { ...entry, body: id(entry) } : undefined
  }
}
