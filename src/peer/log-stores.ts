/** `-log`: the stores that this peer keeps for logs. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { LogHost } from '../logs/host.ts'
import type { LogStore, OfferedStore, StoreClaim } from '../ports/log-store.ts'
import type { TypePort } from '../ports/types.ts'
import { readPrivateFile } from '../security/private-file.ts'
import type { LogOffer, Settings, StoreKind } from '../settings/settings.ts'
import { openKvStore } from '../stores/kv-store.ts'
import { LmdbCells } from '../stores/lmdb-cells.ts'
import { openMysqlStore } from '../stores/mysql/mysql-store.ts'
import { openPostgresStore } from '../stores/postgres/postgres-store.ts'
import { openRedisStore } from '../stores/redis/redis-store.ts'
import { openSqliteStore } from '../stores/sqlite/sqlite-store.ts'
import type { ServerStoreInit } from '../stores/drivers.ts'
import type { Warnings } from './warnings.ts'

/** Of the data directory: what this peer's stores need there. */
const FOLDER = 'logs'
const PRIVATE = 0o700
/** Of a variable; the name of the log follows, in capitals. */
const PASSWORD_VARIABLE = 'REPLICATOR_STORE_PASSWORD_'

export interface LogStoresInit {
  readonly config: Settings
  readonly types: TypePort
  /** Of the data. */
  readonly directory: string
  readonly logger: Logger
  readonly warnings: Warnings
  /** Of the program around the peer, by the names of logs. */
  readonly stores?: ReadonlyMap<string, OfferedStore>
}

interface Opening {
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

/** @param closers get what ends them */
export function openLogStores(init: LogStoresInit, closers: (() => Promise<void>)[]): void {
  const { config, types, directory, logger, warnings } = init
  const folder = join(directory, FOLDER)
  const stores = storesOf(init, folder)
  if (stores.size > 0) mkdirSync(folder, { recursive: true, mode: PRIVATE })
  for (const [log, store] of stores) {
    const host = new LogHost({
      types,
      log,
      store: store.kind,
      place: config.logPlaces.find((each) => each.log === log)?.place,
      learns: config.logLearns.includes(log),
      open: (claim) => store.open(claim),
      stagingPath: join(folder, `${log}.incoming`),
      logger,
      warn: (warning) => {
        if (warning !== undefined) logger.warn(warning)
        warnings.set(`log ${log}`, warning)
      },
    })
    closers.push(() => host.stop())
  }
}

/** By the names of their logs: those of the settings, and those of the program around the peer. */
function storesOf(init: LogStoresInit, folder: string): ReadonlyMap<string, OfferedStore> {
  const stores = new Map(init.stores)
  for (const offer of offersOf(init.config)) {
    const { log, kind } = offer
    warnOfPassword(offer, init)
    const password = (): Promise<string | undefined> => passwordOf(log, init.config)
    stores.set(log, { kind, open: (claim) => OPEN[kind]({ offer, claim, folder, password }) })
  }
  return stores
}

/** Each log once: those that only have a port of their own are kept too. */
function offersOf({ logs, hraftd }: Settings): readonly LogOffer[] {
  const offers = [...hraftd.map(({ log }) => ({ log, kind: 'kv' as const, at: '' })), ...logs]
  return [...new Map(offers.map((offer) => [offer.log, offer])).values()]
}

/** A peer that lost its disk is another, and so is its store. */
async function openKv({ offer: { log }, claim, folder }: Opening): Promise<LogStore> {
  const path = join(folder, `${log}-${claim.logId}-${claim.owner.incarnation}`)
  mkdirSync(path, { recursive: true, mode: PRIVATE })
  const cells = new LmdbCells(path)
  try {
    return await openKvStore(cells, claim)
  } catch (error) {
    await cells.close()
    throw error
  }
}

/** The file is read each time, so that a password can be changed while a peer runs. */
async function passwordOf(log: string, { storePasswords, secretMode }: Settings): Promise<string | undefined> {
  const named = storePasswords.find((each) => each.log === log)
  if (named === undefined) return process.env[PASSWORD_VARIABLE + log.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')]
  return Buffer.from(await readPrivateFile(named.path, secretMode))
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

function warnOfPassword({ log, at }: LogOffer, { logger, warnings }: LogStoresInit): void {
  const isShown = URL.canParse(at) && new URL(at).password !== '' && process.argv.some((argument) => argument.includes(at))
  if (!isShown) return
  const warning = `the password in the URL of the store of log ${log} can be read by every user of this machine, in the list of processes; give it by -store-password ${log}=FILE`
  logger.warn(warning)
  warnings.add(warning)
}
