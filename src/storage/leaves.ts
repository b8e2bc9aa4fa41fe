/**
 * Which chosen rows belong to which leaf of the hash tree: for each leaf a chain through the numbers of its rows, four bytes a
 * row. Kept in memory only; it is rebuilt from the rows.
 */
import { LEAVES } from '../../protocols/repair/tree.ts'

/** Ends a chain. A zero says that a row is in none. */
const END = 0xffff_ffff
/** Rows are kept in blocks, so that many millions of them are never copied to make room for one. */
const BLOCK_BITS = 16
const BLOCK_ROWS = 2 ** BLOCK_BITS

export class LeafChains {
  #first = new Uint32Array(LEAVES).fill(END)
  /** What follows each row in its chain. */
  #blocks: Uint32Array[] = []

  /** Puts a row into the chain of its leaf; once is enough, more changes nothing. @param row from 1 */
  add(leaf: number, row: number): void {
    const block = this.#block(row)
    const place = row % BLOCK_ROWS
    if (block[place] !== 0) return
    block[place] = this.#first[leaf] as number
    this.#first[leaf] = row
  }

  /** The rows of a leaf, the last added first. */
  *rows(leaf: number): Iterable<number> {
    for (let row = this.#first[leaf] as number; row !== END; row = this.#block(row)[row % BLOCK_ROWS] as number) yield row
  }

  #block(row: number): Uint32Array {
    const number = row >>> BLOCK_BITS
    while (this.#blocks.length <= number) this.#blocks.push(new Uint32Array(BLOCK_ROWS))
    return this.#blocks[number] as Uint32Array
  }
}
