/**
 * A disk that tells what was written from what was synced. Everything written is seen by whoever reads; a crash keeps what
 * was synced and, of the rest, whatever the contract of `protocols/effects.ts` allows: nothing that a barrier (a ceiling or a
 * chosen config) comes before, unless all that was written before the barrier is there as well.
 */
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { epochOfConfigKey, isConfigKey } from '../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from '../../protocols/base/register.ts'
import { equalRecords } from '../../protocols/base/record.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import type { ChosenAtStart } from '../../protocols/keys/chosen.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'

interface Held {
  readonly state: RegisterState
  readonly digest: Uint8Array | undefined
  /** The write that left it so. */
  readonly sequence: number
}

interface Unsynced {
  readonly sequence: number
  readonly write: Persist
}

class Image {
  readonly registers: Map<RegisterKey, Held> = new Map()
  readonly diverged: Set<RegisterKey> = new Set()
  ceiling: Ceiling = CEILING_NONE

  copy(): Image {
    const image = new Image()
    for (const [key, held] of this.registers) image.registers.set(key, held)
    for (const key of this.diverged) image.diverged.add(key)
    image.ceiling = this.ceiling
    return image
  }

  apply(write: Persist, sequence: number): void {
    if (write.kind === 'ceiling') {
      this.ceiling = write.ceiling
      return
    }
    if (write.kind === 'diverged') {
      this.diverged.add(write.key)
      return
    }
    const before = this.registers.get(write.key)
    if (before !== undefined && before.sequence > sequence) return
    if (write.kind === 'accepted') this.registers.set(write.key, { state: { accepted: write.accepted }, digest: undefined, sequence })
    else if (write.kind === 'chosen') this.registers.set(write.key, { state: { chosen: write.record }, digest: write.digest, sequence })
    else if (before?.state.chosen === undefined) this.registers.delete(write.key)
  }
}

export class SimulatedDisk implements Registers {
  private seen = new Image()
  private synced = new Image()
  private unsynced: Unsynced[] = []
  private sequences = 0
  private readonly hardened: (write: Persist) => void

  /** @param hardened told of every write that is synced from now on */
  constructor(hardened: (write: Persist) => void) {
    this.hardened = hardened
  }

  /** @throws Error when a chosen record would be replaced or undone: no store takes that */
  write(write: Persist): number {
    this.refuse(write)
    this.sequences += 1
    this.seen.apply(write, this.sequences)
    this.unsynced.push({ sequence: this.sequences, write })
    return this.sequences
  }

  /** The write is on disk. */
  sync(sequence: number): void {
    const place = this.unsynced.findIndex((unsynced) => unsynced.sequence === sequence)
    const [found] = place < 0 ? [] : this.unsynced.splice(place, 1)
    if (found !== undefined) this.harden(found)
  }

  /** Everything written so far is on disk. */
  syncAll(): void {
    const { unsynced } = this
    this.unsynced = []
    for (const found of unsynced) this.harden(found)
  }

  /**
   * Power is lost: what was not synced is gone but for what `keeps` says, within the contract.
   *
   * @returns how many writes were lost
   */
  crash(keeps: (sequence: number) => boolean): number {
    const { unsynced } = this
    this.unsynced = []
    let lost = 0
    let isPastBarrier = false
    for (const found of unsynced) {
      const { isBarrier } = found.write
      if (!isPastBarrier && !(isBarrier && lost > 0) && keeps(found.sequence)) {
        this.harden(found)
        continue
      }
      lost += 1
      isPastBarrier ||= isBarrier
    }
    this.seen = this.synced.copy()
    return lost
  }

  /** A copy of what is synced, as of a directory whose process has ended. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk(this.hardened)
    copy.synced = this.synced.copy()
    copy.seen = this.synced.copy()
    copy.sequences = this.sequences
    return copy
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.seen.registers.get(key)?.state
  }

  /** What would still be there if power were lost now, whatever the crash keeps beyond it. */
  readSynced(key: RegisterKey): RegisterState | undefined {
    return this.synced.registers.get(key)?.state
  }

  get ceilingSynced(): Ceiling {
    return this.synced.ceiling
  }

  get unsyncedCount(): number {
    return this.unsynced.length
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    const entries: LeafEntry[] = []
    for (const [key, { digest }] of this.seen.registers) {
      if (digest === undefined || isConfigKey(key) || leafOf(key) !== leaf) continue
      if (after === undefined || compareUtf8(key, after) > 0) entries.push({ key, digest })
    }
    return entries.sort((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  chosen(): ChosenAtStart[] {
    const summaries: ChosenAtStart[] = []
    for (const [key, { state, digest }] of this.seen.registers) {
      if (state.chosen === undefined || digest === undefined || isConfigKey(key)) continue
      summaries.push({ key, digest, bytes: key.length + state.chosen.value.length })
    }
    return summaries
  }

  diverged(): RegisterKey[] {
    return [...this.seen.diverged]
  }

  inDoubt(): RegisterKey[] {
    return [...this.seen.registers].filter(([, { state }]) => state.accepted !== undefined).map(([key]) => key)
  }

  newestEpoch(): number {
    let newest = -1
    for (const [key, { state }] of this.seen.registers) {
      if (state.chosen !== undefined && isConfigKey(key)) newest = Math.max(newest, epochOfConfigKey(key))
    }
    return newest
  }

  private harden({ write, sequence }: Unsynced): void {
    this.synced.apply(write, sequence)
    this.hardened(write)
  }

  private refuse(write: Persist): void {
    if (write.kind === 'ceiling') return
    const chosen = this.read(write.key)?.chosen
    if (chosen === undefined) return
    if (write.kind === 'accepted') throw new Error(`accepted although chosen: ${write.key}`)
    if (write.kind === 'chosen' && !equalRecords(write.record, chosen)) throw new Error(`a second record is chosen for ${write.key}`)
  }
}
