/**
 * Which chosen rows belong to which leaf of the hash tree: for each leaf a chain through the numbers of its rows, four bytes a
 * row. Kept in memory only; it is rebuilt from the rows.
 */
import { LEAVES } from '../../protocols/repair/tree.ts'

/** Ends a chain. A zero says that a row is in none. */
const END = 0xffff_ffff
const ROWS_AT_FIRST = 1_024

export class LeafChains {
  #first = new Uint32Array(LEAVES).fill(END)
  #next = new Uint32Array(ROWS_AT_FIRST)

  /** Puts a row into the chain of its leaf; once is enough, more changes nothing. @param row from 1 */
  add(leaf: number, row: number): void {
    if (row >= this.#next.length) {
      const longer = new Uint32Array(Math.max(row + 1, this.#next.length * 2))
      longer.set(this.#next)
      this.#next = longer
    }
    if (this.#next[row] !== 0) return
    this.#next[row] = this.#first[leaf] as number
    this.#first[leaf] = row
  }

  /** The rows of a leaf, the last added first. */
  *rows(leaf: number): Iterable<number> {
    for (let row = this.#first[leaf] as number; row !== END; row = this.#next[row] as number) yield row
  }
}
