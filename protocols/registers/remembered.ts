/**
 * The ballots of the last commits from here, each with what was chosen at it: nobody else has been
 * promised anything above it as far as is known, so that the next write may be committed at it
 * without a reserve. Each serves once; whoever is refused with it reserves anew.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Entry } from './record.ts'

/** Registers whose last ballot is remembered. */
const REMEMBERED_MAX = 16_384
/** Bytes of values that are remembered with them. */
const REMEMBERED_BYTES_MAX = 16_777_216

export class Remembered {
  /** The one that was kept first comes first. */
  private readonly entries = new Map<RegisterKey, Entry>()
  private bytes = 0

  get size(): number {
    return this.entries.size
  }

  keep(key: RegisterKey, entry: Entry): void {
    this.take(key)
    this.entries.set(key, entry)
    this.bytes += entry.record.value.length
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= REMEMBERED_MAX && this.bytes <= REMEMBERED_BYTES_MAX) return
      this.take(oldest)
    }
  }

  /** True for the ballot that is remembered of a register. */
  isAt(key: RegisterKey, ballot: Ballot): boolean {
    const entry = this.entries.get(key)
    return entry !== undefined && compareBallots(entry.ballot, ballot) === 0
  }

  /** What is remembered of a register, and not any longer. */
  take(key: RegisterKey): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    this.entries.delete(key)
    this.bytes -= entry.record.value.length
    return entry
  }

  clear(): void {
    this.entries.clear()
    this.bytes = 0
  }
}
