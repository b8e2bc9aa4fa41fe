/**
 * Write-once keys as repair sees them: merging is union, and what a change must carry over are the
 * keys in doubt.
 */
import type { Doubts } from '../agreement/doubts.ts'
import type { Finisher } from '../agreement/finisher.ts'
import type { HashTree } from '../base/hash-tree.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey, Registers } from '../base/register.ts'
import type { Collection, Keyed } from '../repair/collection.ts'
import type { ChosenKeys } from './chosen.ts'

export interface KeyCollectionContext {
  readonly registers: Registers
  readonly chosen: ChosenKeys
  readonly doubts: Doubts
  readonly finisher: Finisher
  /** A register of any space is said to be chosen. */
  readonly learn: (key: RegisterKey, record: ValueRecord) => void
}

export class KeyCollection implements Collection {
  readonly tree: HashTree
  private readonly context: KeyCollectionContext

  constructor(context: KeyCollectionContext) {
    this.context = context
    this.tree = context.chosen.tree
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    return this.context.registers.leaf(leaf, after, limit)
  }

  lacks(key: RegisterKey, digest: Uint8Array): boolean {
    return this.context.chosen.lacks(key, digest)
  }

  held(key: RegisterKey): ValueRecord | undefined {
    return this.context.chosen.get(key)
  }

  isWithheld(key: RegisterKey): boolean {
    return this.context.chosen.isDiverged(key)
  }

  take(records: readonly Keyed<RegisterKey, ValueRecord>[]): number {
    for (const { key, record } of records) this.context.learn(key, record)
    return records.length
  }

  page(after: RegisterKey | undefined, limit: number): { readonly keys: readonly RegisterKey[]; readonly more: boolean } {
    return this.context.doubts.page(after, limit)
  }

  settle(key: RegisterKey, settled: (done: boolean) => void): void {
    this.context.finisher.finish(key, settled)
  }
}
