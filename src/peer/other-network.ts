/** A peer that has a network of its own, and is started with the address of another one. */
import type { Logger } from 'pino'
import type { Settings } from '../settings/settings.ts'
import type { Storage } from '../ports/storage.ts'
import type { Warnings } from './warnings.ts'

const NAME = 'other-network'
/** As the handshake says it. */
const REASON = 'other network'

interface Told {
  readonly config: Settings
  readonly storage: Storage
  readonly directory: { readonly path: string }
  readonly warnings: Warnings
  readonly logger: Logger
}

/**
 * Says what it is and how to start over, when somebody was refused for being of another network and
 * this peer was told of others: then it most likely stands in the wrong one.
 */
export function tellOtherNetwork({ config, storage, directory, warnings, logger }: Told, reason: string): void {
  const isTold = config.peers.length + config.bootstrap.length > 0
  if (reason !== REASON || !isTold || storage.registers.newestEpoch() < 0 || warnings.has(NAME)) return
  const warning =
    `this peer belongs to another network than the one that it met, for good: most likely it was once started without -peer, and began its own; ` +
    `to join the other one, start it with the same -peer and an empty -data (what ${directory.path} holds stays there, and goes into no other network)`
  warnings.set(NAME, warning)
  logger.warn(warning)
}
