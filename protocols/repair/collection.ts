/**
 * What repair and transfer know of a type of data: rows by key, summed up in a hash tree. How two peers' rows become one is
 * the type's affair: the union for write-once keys, the higher version or the join for others.
 */
import type { HashTree } from '../base/hash-tree.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'

export interface Collection {
  /** Over all rows that are held here. */
  readonly tree: HashTree
  /** At most `limit` rows of one leaf of the tree, after the given key, in the order of the keys' UTF-8 bytes. */
  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[]
  /** True when another peer's row, by its digest, would change what is held here. */
  lacks(key: RegisterKey, digest: Uint8Array): boolean
  /** The row, as it is handed to another peer; undefined when it is not here, or not to be told. */
  held(key: RegisterKey): ValueRecord | undefined
  /** True for a row that is here and not to be told: it is not listed either. */
  isWithheld(key: RegisterKey): boolean
  /** Takes another peer's row. Idempotent. */
  take(key: RegisterKey, record: ValueRecord): void
  /**
   * What a change of the config must carry over besides the rows: keys that are not settled here, in an order that does not
   * change, after the given one. Each is settled by whoever pulls, before its pull counts.
   */
  page(after: RegisterKey | undefined, limit: number): { readonly keys: readonly RegisterKey[]; readonly more: boolean }
  /** Settles a key that another peer named so. @param settled told false when it could not be done in time */
  settle(key: RegisterKey, settled: (done: boolean) => void): void
}
