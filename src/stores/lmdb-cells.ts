/**
 * Cells in an lmdb environment of their own. A write resolves when it is on disk; the disk is waited
 * for by a thread of lmdb's, so that nothing else in the process waits with it.
 */
import { open } from 'lmdb'
import type { RootDatabase } from 'lmdb'
import { commit } from '../commit.ts'
import { UTF8_KEYS } from '../utf8-keys.ts'
import type { Cell, Cells, CellWrites, Picture } from './cells.ts'

/** Address space to map at once, in bytes; no memory and no disk is taken by it. */
const MAP_BYTES = 16 * 2 ** 30

export class LmdbCells implements Cells {
  private readonly database: RootDatabase<Uint8Array, string>

  /** @param path of a folder, which is made when it is not there */
  constructor(path: string) {
    // As for keys: "returned" means two syncs, of the pages and of the root.
    const keys = { keyEncoder: UTF8_KEYS }
    this.database = open<Uint8Array, string>({
      ...keys,
      path,
      encoding: 'binary',
      mapSize: MAP_BYTES,
      overlappingSync: false,
      noSubdir: false,
    })
  }

  async write(writes: CellWrites): Promise<void> {
    const changes = [...writes].map(([name, bytes]) => async () => {
      if (bytes === undefined) await this.database.remove(name)
      else await this.database.put(name, bytes)
      return true
    })
    await commit(changes)
    // Only a snapshot taken from now on shows them.
    this.database.resetReadTxn()
  }

  picture(): Picture {
    const { database } = this
    const transaction = database.useReadTransaction()
    return {
      get: (name) => database.get(name, { transaction }),
      range: (prefix) => ranged(database, prefix, { transaction }),
      end: () => transaction.done(),
    }
  }

  async close(): Promise<void> {
    await this.database.close()
  }
}

type Reading = NonNullable<Parameters<RootDatabase<Uint8Array, string>['get']>[1]>

function* ranged(database: RootDatabase<Uint8Array, string>, prefix: string, reading: Reading): Iterable<Cell> {
  for (const { key, value } of database.getRange({ start: prefix, ...reading })) {
    if (!key.startsWith(prefix)) return
    yield { name: key, bytes: value }
  }
}
