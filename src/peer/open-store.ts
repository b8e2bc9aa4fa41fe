/** Opens a store of a kind that a setting names: the one list of kinds. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { LogStore, StoreClaim } from '../ports/log-store.ts'
import { readPassword } from '../security/private-file.ts'
import type { SecretMode } from '../security/private-file.ts'
import type { LogOffer, StoreKind } from '../settings/settings.ts'
import { openKvStore } from '../stores/kv-store.ts'
import { LaidCells } from '../stores/laid-cells.ts'
import { LmdbCells } from '../stores/lmdb-cells.ts'
import { openMysqlStore } from '../stores/mysql/mysql-store.ts'
import { openPostgresStore } from '../stores/postgres/postgres-store.ts'
import { openRedisStore } from '../stores/redis/redis-store.ts'
import { openSqliteStore } from '../stores/sqlite/sqlite-store.ts'
import type { ServerStoreInit } from '../stores/drivers.ts'

/** Its owner alone. */
export const PRIVATE = 0o700
/** Of a variable; the name of the log follows, in capitals. */
const PASSWORD_VARIABLE = 'REPLICATOR_STORE_PASSWORD_'

export interface Opening {
  readonly offer: LogOffer
  readonly claim: StoreClaim
  readonly folder: string
  /** @throws Error of one line when its file cannot be read */
  readonly password: () => Promise<string | undefined>
}

const OPEN: Readonly<Record<StoreKind, (opening: Opening) => Promise<LogStore>>> = {
  kv: openKv,
  redis: async (opening) => openRedisStore(await serverOf(opening), opening.claim),
  sqlite: openSqlite,
  mysql: async (opening) => openMysqlStore(await serverOf(opening), opening.claim),
  postgres: async (opening) => openPostgresStore(await serverOf(opening), opening.claim),
}

async function serverOf({ offer: { log, at }, folder, password }: Opening): Promise<ServerStoreInit> {
  return { url: at, password: await password(), scratchPath: join(folder, `${log}.outgoing`) }
}

/** A file that is named stays in its place; another belongs to one log and one disk of this peer. */
async function openSqlite({ offer: { log, at }, claim, folder }: Opening): Promise<LogStore> {
  return openSqliteStore(at === '' ? join(folder, `${log}-${claim.logId}-${claim.owner.incarnation}.sqlite`) : resolve(at), claim)
}

/** @throws StoreRefused, and whatever else the driver throws */
export function openStore(opening: Opening): Promise<LogStore> {
  return OPEN[opening.offer.kind](opening)
}

/** A peer that lost its disk is another, and so is its store. */
async function openKv({ offer: { log }, claim, folder }: Opening): Promise<LogStore> {
  const path = join(folder, `${log}-${claim.logId}-${claim.owner.incarnation}`)
  mkdirSync(path, { recursive: true, mode: PRIVATE })
  const cells = new LaidCells(new LmdbCells(path))
  try {
    return await openKvStore(cells, claim)
  } catch (error) {
    await cells.close()
    throw error
  }
}

/**
 * The file is read each time, so that a password can be changed while a program runs.
 *
 * @param path undefined for the variable of the log
 */
export async function passwordOf(log: string, path: string | undefined, secretMode: SecretMode): Promise<string | undefined> {
  if (path === undefined) return process.env[PASSWORD_VARIABLE + log.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')]
  return readPassword(path, secretMode)
}
