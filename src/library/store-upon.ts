/** From cells and a machine to a store that a log can be kept in. */
import type { OfferedStore, StoreClaim } from '../ports/log-store.ts'
import { openCellStore } from '../stores/cell-store.ts'
import type { Cells } from '../stores/cells.ts'
import type { Machine } from '../stores/machine.ts'

/**
 * @param kind of the store, as the birth of a log names it
 * @param machine what commands and queries mean
 * @param open opens the cells. They belong to one log and one member: nothing else is in them, and
 * what another wrote is refused
 */
export function storeUpon(kind: string, machine: Machine, open: (claim: StoreClaim) => Promise<Cells>): OfferedStore {
  return {
    kind,
    open: async (claim) => {
      const cells = await open(claim)
      try {
        return await openCellStore(cells, machine, claim)
      } catch (error) {
        await cells.close()
        throw error
      }
    },
  }
}
