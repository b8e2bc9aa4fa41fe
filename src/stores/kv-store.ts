/** The reference store: keys and values, by commands in JSON. */
import type { LogStore, StoreClaim } from '../ports/log-store.ts'
import { openCellStore } from './cell-store.ts'
import type { Cells } from './cells.ts'
import { KV } from './kv-command.ts'

/** @throws StoreRefused */
export function openKvStore(cells: Cells, claim: StoreClaim): Promise<LogStore> {
  return openCellStore(cells, KV, claim)
}
