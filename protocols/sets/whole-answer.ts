/** Handing a whole set to another peer, page by page. Each question says where it goes on, so nothing is remembered between two. */
import { LEAVES } from '../base/hash-tree.ts'
import type { Holdings } from './holdings.ts'
import { LAST_PLACE, ROWS_BYTES, ROWS_PER_MESSAGE_MAX } from './messages.ts'
import type { Place, Told } from './messages.ts'

/** Bytes of a row besides its element. */
const ROW_BYTES = 16
/** Leaves that one page looks through: where a set is small among large ones most of them hold nothing of it. */
const LEAVES_LOOKED_AT = 8_192

export interface Page {
  readonly to: Place
  readonly rows: readonly Told[]
}

/** What follows behind the place: whole leaves, the last one perhaps cut. */
export function pageAfter(holdings: Holdings, set: string, after: Place, rowsMax: number = ROWS_PER_MESSAGE_MAX): Page {
  const rows: Told[] = []
  let bytes = 0
  const leavesEnd = Math.min(LEAVES, after.leaf + LEAVES_LOOKED_AT)
  for (let leaf = after.leaf; leaf < leavesEnd; leaf += 1) {
    for (const row of rowsOf(holdings, set, leaf)) {
      if (leaf === after.leaf && row.key <= after.key) continue
      rows.push(row)
      bytes += row.key.length + ROW_BYTES
      if (rows.length >= rowsMax || bytes >= ROWS_BYTES) return { to: { leaf, key: row.key }, rows }
    }
  }
  return { to: leavesEnd === LEAVES ? LAST_PLACE : { leaf: leavesEnd, key: '' }, rows }
}

/** The rows of a set between two places, the first excluded. */
export function* rowsBetween(holdings: Holdings, set: string, after: Place, to: Place): Iterable<Told> {
  for (let leaf = after.leaf; leaf <= Math.min(to.leaf, LEAVES - 1); leaf += 1) {
    for (const row of rowsOf(holdings, set, leaf)) {
      const isBefore = leaf === after.leaf && row.key <= after.key
      const isBehind = leaf === to.leaf && row.key > to.key
      if (!isBefore && !isBehind) yield row
    }
  }
}

function rowsOf(holdings: Holdings, set: string, leaf: number): readonly Told[] {
  const all = holdings.leaf(leaf)
  if (all.length === 0) return all
  return all.filter((row) => row.set === set).toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
