/**
 * The changes of what is held here, numbered in the order in which this peer made them, in this run
 * of the process. A number means nothing elsewhere, nor after a restart: what was held and not on
 * disk is then learned anew, under other numbers.
 */
import type { RegisterKey } from '../base/register.ts'
import { isStub } from './record.ts'
import type { RegisterRecord } from './record.ts'

export interface Change {
  readonly number: number
  readonly key: RegisterKey
  /** The version that was held before, 0 for none. */
  readonly before: number
  /**
   * The version that is held since; of a stub that before it, because versions of stubs do not
   * order.
   */
  readonly version: number
}

/** Changes that are remembered, and about how many bytes of memory they take at most. */
const CHANGES_MAX = 100_000
const BYTES_MAX = 67_108_864
/** Bytes of a change without its key, which takes two a character. */
const CHANGE_BYTES = 96

export class Changes {
  /** The oldest that is remembered is at `first` of it; what is before is cut off now and then. */
  private kept: Change[] = []
  private first = 0
  private bytes = 0
  private lastNumber = 0

  /** The number of the newest change, 0 before the first. */
  get last(): number {
    return this.lastNumber
  }

  /** Another record is held. A stub tells that what was held is gone; where nothing was, nothing. */
  held(key: RegisterKey, before: RegisterRecord | undefined, record: RegisterRecord): void {
    const version = before?.version ?? 0
    if (!isStub(record)) this.add(key, version, record.version)
    else if (before !== undefined && !isStub(before)) this.add(key, version, version)
  }

  /** @param version the same as before where the register was forgotten */
  private add(key: RegisterKey, before: number, version: number): void {
    this.lastNumber += 1
    this.kept.push({ number: this.lastNumber, key, before, version })
    this.bytes += bytesOf(key)
    while (this.kept.length - this.first > CHANGES_MAX || this.bytes > BYTES_MAX) this.forgetFirst()
    if (this.first > CHANGES_MAX) {
      this.kept = this.kept.slice(this.first)
      this.first = 0
    }
  }

  /** True when every change behind a number is remembered. */
  reaches(number: number): boolean {
    return number <= this.lastNumber && number >= this.lastNumber - (this.kept.length - this.first)
  }

  /** The changes behind a number that is reached, the oldest first. */
  *after(number: number): Iterable<Change> {
    for (let place = this.kept.length - (this.lastNumber - number); place < this.kept.length; place += 1) yield this.kept[place] as Change
  }

  /**
   * The highest version that a register had in a change or one behind it: what is told once it is
   * gone.
   */
  highest({ number, key, version }: Change): number {
    let most = version
    for (const change of this.after(number)) if (change.key === key) most = Math.max(most, change.version)
    return most
  }

  private forgetFirst(): void {
    const change = this.kept[this.first]
    if (change === undefined) return
    this.bytes -= bytesOf(change.key)
    this.first += 1
  }
}

function bytesOf(key: RegisterKey): number {
  return CHANGE_BYTES + 2 * key.length
}
