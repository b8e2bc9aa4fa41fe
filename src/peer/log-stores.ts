/** `-log`: the stores that this peer keeps for logs. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { LogHost } from '../logs/host.ts'
import type { StoreClaim } from '../ports/log-store.ts'
import type { TypePort } from '../ports/types.ts'
import type { LogOffer, Settings } from '../settings/settings.ts'
import { openKvStore } from '../stores/kv-store.ts'
import { LmdbCells } from '../stores/lmdb-cells.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Warnings } from './warnings.ts'

/** Of the data directory: one folder a log and a store of this peer. */
const FOLDER = 'logs'
const PRIVATE = 0o700

export interface LogStoresInit {
  readonly config: Settings
  readonly types: TypePort
  /** Of the data. */
  readonly directory: string
  readonly logger: Logger
  readonly warnings: Warnings
}

/** @param closers get what ends them */
export function openLogStores(init: LogStoresInit, closers: (() => Promise<void>)[]): void {
  const { config, types, directory, logger, warnings } = init
  const folder = join(directory, FOLDER)
  const offers = offersOf(config)
  if (offers.length > 0) mkdirSync(folder, { recursive: true, mode: PRIVATE })
  for (const { log, kind } of offers) {
    const host = new LogHost({
      types,
      log,
      store: kind,
      open: (claim) => openKv(folder, log, claim),
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

/** Each log once: those that only have a port of their own are kept too. */
function offersOf({ logs, hraftd }: Settings): readonly LogOffer[] {
  const offers = [...logs, ...hraftd.map(({ log }) => ({ log, kind: 'kv' as const }))]
  return [...new Map(offers.map((offer) => [offer.log, offer])).values()]
}

/** A peer that lost its disk is another, and so is its store. */
async function openKv(folder: string, log: string, claim: StoreClaim): Promise<LogStore> {
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
