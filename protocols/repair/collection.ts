/**
 * What repair and transfer know of a type of data: rows by key, summed up in a hash tree. How two
 * peers' rows become one is the type's affair: the union for write-once keys, the higher version or
 * the join for others.
 */
import type { HashTree } from '../base/hash-tree.ts'
import type { Identity } from '../base/identity.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'

/** A row, and what names it. */
export interface Keyed<Key extends string, Row> {
  readonly key: Key
  readonly record: Row
}

export interface Collection<Key extends string = RegisterKey, Row = ValueRecord> {
  /** Over all rows that are held here. */
  readonly tree: HashTree
  /**
   * At most `limit` rows of one leaf of the tree, after the given key, in the order of the keys'
   * UTF-8 bytes.
   */
  leaf(leaf: number, after: Key | undefined, limit: number): readonly LeafEntry<Key>[]
  /** True when another peer's row, by its digest, might change what is held here. */
  lacks(key: Key, digest: Uint8Array): boolean
  /** The row, as it is handed to another peer; undefined when it is not here, or not to be told. */
  held(key: Key): Row | undefined
  /** True for a row that is here and not to be told: it is not listed either. */
  isWithheld(key: Key): boolean
  /**
   * Takes another peer's rows, as one answer brought them: whoever can, writes them together.
   * Idempotent, for each of them.
   *
   * @returns how many of them changed something here
   * @throws MalformedBytes of a further type, for what no peer writes: the pull fails, and the
   * connection is closed
   */
  take(rows: readonly Keyed<Key, Row>[], source: Identity): number
  /**
   * What a change of the config must carry over besides the rows: keys that are not settled here,
   * in an order that does not change, after the given one. Each is settled by whoever pulls, before
   * its pull counts.
   */
  page(after: Key | undefined, limit: number): { readonly keys: readonly Key[]; readonly more: boolean }
  /**
   * Settles a key that another peer named so. @param settled told false when it could not be done
   * in time
   */
  settle(key: Key, settled: (done: boolean) => void): void
  /**
   * A pull from this source begins, and is followed. @param minEpoch above 0 for a transfer, which
   * is the epoch of its config
   */
  visit?(source: Identity, minEpoch: number): Visit<Key>
}

/**
 * One pull, as its collection follows it. A type for which a row that the source lacks means
 * something learns it here.
 */
export interface Visit<Key extends string> {
  /**
   * An answer came, with the source's mark as it was then. @returns false when nothing may be
   * concluded from it: the pull fails
   */
  told(mark: Uint8Array): boolean
  /**
   * Where the two trees differed in a leaf, it was listed whole: the source has rows by these keys
   * in it, and no others.
   */
  listed(leaf: number, keys: ReadonlySet<Key>): void
  /**
   * Told once. @param isDone every row that was lacking was taken, and whatever differed was listed
   */
  ended(isDone: boolean): void
}

/** The rows of a further type: named by text, and written by the type. */
export interface RowCollection extends Collection<string, Uint8Array> {
  /** True where a change of the config waits until its new voters hold the rows of the old ones. */
  readonly isCarriedOver: boolean
  /**
   * What this peer's rows are known by as a whole: it goes with each answer to a pull.
   * MARK_BYTES_MAX at most.
   */
  mark?(): Uint8Array
}
