/**
 * Handing a whole set to another peer, page by page. Each question says where it goes on, so
 * nothing is remembered between two.
 */
import { LEAVES } from '../base/hash-tree.ts'
import type { Holdings } from './holdings.ts'
import { LAST_PLACE, ROWS_BYTES, ROWS_PER_MESSAGE_MAX } from './messages.ts'
import type { Place, Told } from './messages.ts'
import type { Row } from './rows.ts'

/** Bytes of a row besides its element. */
const ROW_BYTES = 16
/** Sets with more rows are walked leaf by leaf; of others the rows are put in order each time. */
const SMALL_MAX = 8_192

export interface Page {
  readonly to: Place
  readonly rows: readonly Told[]
}

interface Placed {
  readonly leaf: number
  readonly row: Row
}

/** What follows behind the place, as much as one message carries. */
export function pageAfter(holdings: Holdings, set: string, after: Place, rowsMax: number = ROWS_PER_MESSAGE_MAX): Page {
  const rows: Told[] = []
  let bytes = 0
  for (const { leaf, row } of placedAfter(holdings, set, after)) {
    rows.push(row)
    bytes += row.key.length + ROW_BYTES
    if (rows.length >= rowsMax || bytes >= ROWS_BYTES) return { to: { leaf, key: row.key }, rows }
  }
  return { to: LAST_PLACE, rows }
}

/** The rows of a set between two places, the first excluded. */
export function* rowsBetween(holdings: Holdings, set: string, after: Place, to: Place): Iterable<Row> {
  for (const { leaf, row } of placedAfter(holdings, set, after)) {
    if (leaf > to.leaf || (leaf === to.leaf && row.key > to.key)) return
    yield row
  }
}

/** The rows of a set behind a place, in order. */
function* placedAfter(holdings: Holdings, set: string, after: Place): Iterable<Placed> {
  const rows = holdings.get(set)
  if (rows === undefined) return
  const isBehind = ({ leaf, row }: Placed): boolean => leaf > after.leaf || (leaf === after.leaf && row.key > after.key)
  if (rows.entryCount <= SMALL_MAX) {
    yield* [...rows.all()]
      .map((row) => ({ leaf: holdings.leafOf(row), row }))
      .filter(isBehind)
      .toSorted(byPlace)
    return
  }
  for (let leaf = after.leaf; leaf < LEAVES; leaf += 1) {
    const own = holdings.leaf(leaf).filter((row) => row.set === set)
    yield* own
      .map((row) => ({ leaf, row }))
      .filter(isBehind)
      .toSorted(byPlace)
  }
}

function byPlace(a: Placed, b: Placed): number {
  if (a.leaf !== b.leaf) return a.leaf - b.leaf
  return a.row.key < b.row.key ? -1 : 1
}
