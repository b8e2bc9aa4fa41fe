/** `-set-redis` and `-lww-external`: opens what keeps sets elsewhere too. */
import type { Logger } from 'pino'
import type { Figure } from '../../protocols/data-type.ts'
import type { Settings } from '../settings/settings.ts'
import { External } from '../offload/external.ts'
import { Offload } from '../offload/offload.ts'
import type { OffloadInit } from '../offload/offload.ts'
import { openRedisLink } from '../offload/redis-link.ts'
import type { Warnings } from './warnings.ts'

const SET_DEFAULT = 'main'
const PASSWORD_WARNING =
  'the password in the URL of -set-redis can be read by every user of this machine, in the list of processes; give the URL by the variable REPLICATOR_SET_REDIS'

interface Offloading extends Omit<OffloadInit, 'link' | 'periodMs' | 'warn' | 'clusterId'> {
  readonly config: Settings
  readonly logger: Logger
  readonly warnings: Warnings
  /** Takes figures for graphs. */
  readonly observe: (figures: readonly Figure[]) => void
}

/**
 * @param closers get what ends it
 * @throws Error of one line when the package for it is not installed
 */
export async function openOffload({ config, warnings, observe, ...init }: Offloading, closers: (() => Promise<void>)[]): Promise<void> {
  const { sets, logger } = init
  for (const external of config.lwwExternal) {
    const set = config.lww[0]?.set ?? SET_DEFAULT
    const node = new External({ url: external, set, sets, logger, warn: (warning) => warnings.set(`lww-external ${external}`, warning) })
    closers.push(() => node.stop())
  }
  const { setRedis: url, setRedisEveryMs: periodMs, clusterId } = config
  if (url === undefined) return
  const isInArguments = process.argv.some((argument) => argument.includes(url))
  if (new URL(url).password !== '' && isInArguments) {
    init.logger.warn(PASSWORD_WARNING)
    warnings.add(PASSWORD_WARNING)
  }
  const link = await openRedisLink(url)
  const offload = new Offload({ ...init, link, periodMs, clusterId, warn: (about, warning) => warnings.set(about, warning) })
  observe(offload.figures)
  offload.start()
  closers.push(() => offload.stop())
}
