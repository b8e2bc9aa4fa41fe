/** The opening of a peer (`protocols/opening.ts`) over a store that answers with promises. */
import { beginOpening } from '../../protocols/opening.ts'
import type { Founding, Opened } from '../../protocols/opening.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Storage } from '../ports/storage.ts'

/**
 * @returns once the raised ceiling, and the first config where a network begins, are on disk.
 * @throws what the store throws
 */
export function openForUse(storage: Storage, codec: Codec, founding: Founding | undefined): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const store = {
      ceiling: storage.facts.ceiling(),
      newestEpoch: storage.registers.newestEpoch(),
      write: (writes: Parameters<Storage['write']>[0], synced: () => void): void => {
        storage.write(writes).then(synced, reject)
      },
      replaceConfigs: (writes: Parameters<Storage['write']>[0], synced: () => void): void => {
        storage.replaceConfigs(writes).then(synced, reject)
      },
    }
    beginOpening(store, codec, founding, resolve)
  })
}
