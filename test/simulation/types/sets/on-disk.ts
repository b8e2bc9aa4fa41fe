/** What a simulated peer holds of sets on its disk. */
import { DROPPED, DiskRows, ELEMENTS, LONG_ELEMENTS, SETS_KEPT } from '../../../../protocols/sets/disk-rows.ts'
import type { ElementKey } from '../../../../protocols/sets/element.ts'
import { NO_STAMPS } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import { SETS } from '../../../../protocols/sets/requests.ts'
import type { Cut } from '../../../../protocols/sets/requests.ts'
import type { Row } from '../../../../protocols/sets/rows.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import type { SimulatedPeer } from '../../peer.ts'

const DISK_ROWS = new DiskRows(utf8, sha256)
const NO_CUT: Cut = { number: 0, stamp: -1, bar: -1 }

/** By element. */
export function rowsOnDisk({ disk }: SimulatedPeer, set: string): Map<ElementKey, Row> {
  const rows = disk.rowsSynced(SETS)
  const found = [`${ELEMENTS}${set}/`, `${LONG_ELEMENTS}${set}/`].flatMap((prefix) => [...rows.range(prefix)])
  return new Map(found.map(({ name, bytes }) => DISK_ROWS.decode(name, bytes)).map((row) => [row.key, row]))
}

export function stampsOnDisk({ disk }: SimulatedPeer, set: string, key: ElementKey): Stamps {
  const name = DISK_ROWS.nameOf(set, key)
  const bytes = disk.rowsSynced(SETS).get(name)
  return bytes === undefined ? NO_STAMPS : DISK_ROWS.decode(name, bytes)
}

export function cutOnDisk({ disk }: SimulatedPeer, set: string): Cut {
  const bytes = disk.rowsSynced(SETS).get(`${SETS_KEPT}${set}`)
  return bytes === undefined ? NO_CUT : cutOfRow(bytes)
}

/** Of what is kept of a set beside its elements. */
export function cutOfRow(bytes: Uint8Array): Cut {
  return DISK_ROWS.decodeKept(bytes).cut
}

/** Elements that a cut dropped here and that its source did not have. */
export function evidenceOnDisk({ disk }: SimulatedPeer): number {
  return [...disk.rowsSynced(SETS).range(DROPPED)].length
}

/** The element of a row's name; undefined for rows of something else. */
export function elementOfName(name: string, bytes: Uint8Array): Row | undefined {
  return name.startsWith(ELEMENTS) || name.startsWith(LONG_ELEMENTS) ? DISK_ROWS.decode(name, bytes) : undefined
}
