/** `-log`: the stores that this peer keeps for logs. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { LogHost } from '../logs/host.ts'
import type { OfferedStore } from '../ports/log-store.ts'
import type { TypePort } from '../ports/types.ts'
import type { LogOffer, Settings } from '../settings/settings.ts'
import { openStore, passwordOf, PRIVATE } from './open-store.ts'
import type { Warnings } from './warnings.ts'

/** Of the data directory: what this peer's stores need there. */
const FOLDER = 'logs'

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

/** @param closers get what ends them */
export function openLogStores(init: LogStoresInit, closers: (() => Promise<void>)[]): void {
  const { config, types, directory, logger, warnings } = init
  const folder = join(directory, FOLDER)
  const stores = storesOf(init, folder)
  if (stores.size > 0) mkdirSync(folder, { recursive: true, mode: PRIVATE })
  for (const [log, store] of stores) {
    if (config.logOrders.some((each) => each.log === log)) continue
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
  const { storePasswords, secretMode } = init.config
  for (const offer of offersOf(init.config)) {
    const { log, kind } = offer
    warnOfPassword(offer, init)
    const path = storePasswords.find((each) => each.log === log)?.path
    const password = (): Promise<string | undefined> => passwordOf(log, path, secretMode)
    stores.set(log, { kind, open: (claim) => openStore({ offer, claim, folder, password }) })
  }
  return stores
}

/** Each log once: those that only have a port of their own are kept too. */
function offersOf({ logs, hraftd }: Settings): readonly LogOffer[] {
  const offers = [...hraftd.map(({ log }) => ({ log, kind: 'kv' as const, at: '' })), ...logs]
  return [...new Map(offers.map((offer) => [offer.log, offer])).values()]
}

function warnOfPassword({ log, at }: LogOffer, { logger, warnings }: LogStoresInit): void {
  const isShown = URL.canParse(at) && new URL(at).password !== '' && process.argv.some((argument) => argument.includes(at))
  if (!isShown) return
  const warning = `the password in the URL of the store of log ${log} can be read by every user of this machine, in the list of processes; give it by -store-password ${log}=FILE`
  logger.warn(warning)
  warnings.add(warning)
}
