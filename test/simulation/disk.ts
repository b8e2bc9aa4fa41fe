/** The disk of a simulated peer, as the production core and the checkers read it: its registers, its ceiling, and the tables of further types. */
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { epochOfConfigKey, isConfigKey } from '../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from '../../protocols/base/register.ts'
import type { ChosenAtStart } from '../../protocols/keys/chosen.ts'
import { FactRows, RegisterRows } from './disk-tables.ts'
import { SlotDisk } from './slot-disk.ts'
import type { DiskTable } from './slot-disk.ts'

export class SimulatedDisk extends SlotDisk implements Registers {
  /** @param hardened told of every write that is synced from now on. @param further tables of types beside keys, empty */
  constructor(hardened: (write: AnyWrite) => void, further: readonly DiskTable[] = []) {
    super(hardened, [new RegisterRows(), new FactRows(), ...further])
  }

  /** A copy of what is synced, as of a directory whose process has ended. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk(this.hardened)
    copy.takeOver(this)
    return copy
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.rows.held.get(key)?.state
  }

  /** What would still be there if power were lost now, whatever the crash keeps beyond it. */
  readSynced(key: RegisterKey): RegisterState | undefined {
    return (this.synced('keys') as RegisterRows).held.get(key)?.state
  }

  get ceilingSynced(): Ceiling {
    return (this.synced('facts') as FactRows).ceiling
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    const entries: LeafEntry[] = []
    for (const [key, { digest }] of this.rows.held) {
      if (digest === undefined || isConfigKey(key) || leafOf(key) !== leaf) continue
      if (after === undefined || compareUtf8(key, after) > 0) entries.push({ key, digest })
    }
    return entries.sort((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  chosen(): ChosenAtStart[] {
    const summaries: ChosenAtStart[] = []
    for (const [key, { state, digest }] of this.rows.held) {
      if (state.chosen === undefined || digest === undefined || isConfigKey(key)) continue
      summaries.push({ key, digest, bytes: key.length + state.chosen.value.length })
    }
    return summaries
  }

  diverged(): RegisterKey[] {
    return [...this.rows.diverged]
  }

  inDoubt(): RegisterKey[] {
    return [...this.rows.held].filter(([, { state }]) => state.accepted !== undefined).map(([key]) => key)
  }

  newestEpoch(): number {
    let newest = -1
    for (const [key, { state }] of this.rows.held) {
      if (state.chosen !== undefined && isConfigKey(key)) newest = Math.max(newest, epochOfConfigKey(key))
    }
    return newest
  }

  private get rows(): RegisterRows {
    return this.seen('keys') as RegisterRows
  }
}
