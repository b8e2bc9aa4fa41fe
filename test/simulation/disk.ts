/**
 * The disk of a simulated peer, as the production core and the checkers read it: its registers, its
 * ceiling, and the tables of further types.
 */
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { epochOfConfigKey, isConfigKey } from '../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from '../../protocols/base/register.ts'
import type { ChosenAtStart } from '../../protocols/keys/chosen.ts'
import type { Rows, Tables } from '../../protocols/base/rows.ts'
import { FactRows, RegisterRows, TypeRows } from './disk-tables.ts'
import { SlotDisk } from './slot-disk.ts'

export class SimulatedDisk extends SlotDisk implements Registers, Tables {
  /**
   * @param hardened told of every write that is synced from now on. @param types beside keys, of
   * which there are no rows yet
   */
  constructor(hardened: (write: AnyWrite) => void, types: readonly string[] = []) {
    super(hardened, [new RegisterRows(), new FactRows(), ...types.map((type) => new TypeRows(type))])
  }

  rows(type: string): Rows {
    // Whatever a crash takes is gone from a table that is made anew.
    return { get: (name) => this.typeRows(type).get(name), range: (prefix, after) => this.typeRows(type).range(prefix, after) }
  }

  /**
   * What would still be there of a type if power were lost now, whatever the crash keeps beyond it.
   */
  rowsSynced(type: string): Rows {
    return this.synced(type) as TypeRows
  }

  /** A copy of what is synced, as of a directory whose process has ended. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk(this.hardened)
    copy.takeOver(this)
    return copy
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.registerRows.held.get(key)?.state
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
    for (const [key, { digest }] of this.registerRows.held) {
      if (digest === undefined || isConfigKey(key) || leafOf(key) !== leaf) continue
      if (after === undefined || compareUtf8(key, after) > 0) entries.push({ key, digest })
    }
    return entries.sort((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  chosen(): ChosenAtStart[] {
    const summaries: ChosenAtStart[] = []
    for (const [key, { state, digest }] of this.registerRows.held) {
      if (state.chosen === undefined || digest === undefined || isConfigKey(key)) continue
      summaries.push({ key, digest, bytes: key.length + state.chosen.value.length })
    }
    return summaries
  }

  diverged(): RegisterKey[] {
    return [...this.registerRows.diverged]
  }

  inDoubt(): RegisterKey[] {
    return [...this.registerRows.held].filter(([, { state }]) => state.accepted !== undefined).map(([key]) => key)
  }

  newestEpoch(): number {
    let newest = -1
    for (const [key, { state }] of this.registerRows.held) {
      if (state.chosen !== undefined && isConfigKey(key)) newest = Math.max(newest, epochOfConfigKey(key))
    }
    return newest
  }

  private typeRows(type: string): TypeRows {
    return this.seen(type) as TypeRows
  }

  private get registerRows(): RegisterRows {
    return this.seen('keys') as RegisterRows
  }
}
