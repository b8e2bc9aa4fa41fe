/**
 * The newest chosen row of each leaf of the hash tree. Each row names the one before it in its
 * leaf, so that all rows of a leaf are found and nothing in memory grows with their number. It is
 * worked out from the rows when the store is opened.
 */
import { LEAVES } from '../../protocols/base/hash-tree.ts'

export class NewestRows {
  /** Of each leaf, among all rows that were numbered; 0: none. */
  #numbered = new Uint32Array(LEAVES)
  /** The same among those on disk. */
  #settled = new Uint32Array(LEAVES)

  /**
   * A row is to be written; rows are numbered upwards, from 1. @returns the number of the row
   * before it in its leaf; 0: none
   */
  number(leaf: number, row: number): number {
    const before = this.#numbered[leaf] as number
    this.#numbered[leaf] = row
    return before
  }

  /** A row is on disk; to be told more than once, and in whatever order, changes nothing. */
  settle(leaf: number, row: number): void {
    this.#numbered[leaf] = Math.max(row, this.#numbered[leaf] as number)
    this.#settled[leaf] = Math.max(row, this.#settled[leaf] as number)
  }

  /** The newest row of a leaf that is on disk; 0: none. */
  newest(leaf: number): number {
    return this.#settled[leaf] as number
  }
}
