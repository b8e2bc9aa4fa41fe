/**
 * The rows of a collection in the table of their type, with what repair needs of each: its digest,
 * found by its leaf of the hash tree. Nothing of a row is in memory but its part of the tree's
 * sums, so that a type may have as many as a disk holds.
 *
 *     =NAME       the row
 *     #LLLLNAME   its digest, 16 bytes; LLLL is its leaf in hexadecimal digits
 *
 * Both are written together. Names that begin otherwise are the type's own. A NAME has 1,595 bytes
 * of UTF-8 at most, five fewer than the name of a row.
 */
import type { Sha256 } from '../base/bytes.ts'
import { HASH_BYTES, HashTree, leafOf } from '../base/hash-tree.ts'
import { equalBytes } from '../base/record.ts'
import type { LeafEntry } from '../base/register.ts'
import type { Row, Rows, RowWrite } from '../base/rows.ts'
import type { Codec } from '../wire/codec.ts'

const ROW = '='
const DIGEST = '#'
const LEAF_DIGITS = 4

export class IndexedRows {
  readonly tree: HashTree = new HashTree()
  private readonly rows: Rows
  private readonly digestOf: (name: string, bytes: Uint8Array) => Uint8Array

  /**
   * @param rows of the type, as the store holds them now
   * @param digestOf 16 bytes, equal where two peers need not tell one another of the row
   */
  constructor(rows: Rows, digestOf: (name: string, bytes: Uint8Array) => Uint8Array) {
    this.rows = rows
    this.digestOf = digestOf
    for (const { name, bytes } of rows.range(DIGEST)) this.tree.add(name.slice(DIGEST.length + LEAF_DIGITS), bytes)
  }

  get(name: string): Uint8Array | undefined {
    return this.rows.get(ROW + name)
  }

  /** Rows whose name begins with the prefix, after the given name, in the order of UTF-8. */
  *range(prefix: string, after = ''): Iterable<Row> {
    for (const { name, bytes } of this.rows.range(ROW + prefix, ROW + after)) yield { name: name.slice(ROW.length), bytes }
  }

  digest(name: string): Uint8Array | undefined {
    return this.rows.get(indexName(name))
  }

  /** True when a row of this digest is not the one that is held here. */
  lacks(name: string, digest: Uint8Array): boolean {
    const held = this.digest(name)
    return held === undefined || !equalBytes(held, digest)
  }

  /**
   * The row is as told from now on. @returns what the type persists before it comes here again, in
   * one write
   */
  put(name: string, bytes: Uint8Array): RowWrite[] {
    const before = this.digest(name)
    const digest = this.digestOf(name, bytes)
    if (before === undefined) this.tree.add(name, digest)
    else this.tree.replace(name, before, digest)
    return [
      { name: ROW + name, bytes },
      { name: indexName(name), bytes: digest },
    ]
  }

  /**
   * The row is gone. @returns what the type persists, as above; nothing for a row that is not here
   */
  remove(name: string): RowWrite[] {
    const before = this.digest(name)
    if (before === undefined) return []
    this.tree.remove(name, before)
    return [
      { name: ROW + name, bytes: undefined },
      { name: indexName(name), bytes: undefined },
    ]
  }

  /** At most `limit` rows of a leaf, after the given name. */
  leaf(leaf: number, after: string | undefined, limit: number): readonly LeafEntry<string>[] {
    const prefix = leafPrefix(leaf)
    const entries: LeafEntry<string>[] = []
    if (limit === 0) return entries
    for (const { name, bytes } of this.rows.range(prefix, after === undefined ? prefix : prefix + after)) {
      entries.push({ key: name.slice(prefix.length), digest: bytes })
      if (entries.length === limit) break
    }
    return entries
  }
}

/** The first 16 bytes of SHA-256 over the name, as the wire writes text, and the row. */
export function rowDigest(sha256: Sha256, codec: Codec): (name: string, bytes: Uint8Array) => Uint8Array {
  return (name, bytes) => sha256(codec.encodeNamed(name, bytes)).slice(0, HASH_BYTES)
}

function leafPrefix(leaf: number): string {
  return DIGEST + leaf.toString(16).padStart(LEAF_DIGITS, '0')
}

function indexName(name: string): string {
  return leafPrefix(leafOf(name)) + name
}
