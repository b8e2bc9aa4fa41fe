/** What a starting peer says as it finds company, and what it does when it finds none. */
import type { Logger } from 'pino'
import type { Settings } from '../settings/settings.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Tell } from '../service-manager.ts'
import { READY_LINE, discoveredLine, waitingLine } from '../start-up.ts'
import type { PeerService } from './service.ts'
import type { Warnings } from './warnings.ts'

/** Between looks at how far the start has come. */
const LOOK_MS = 50

export interface ProgressInit {
  readonly config: Settings
  readonly runtime: Runtime
  readonly service: PeerService
  readonly warnings: Warnings
  readonly logger: Logger
  readonly print: (lines: readonly string[]) => void
  readonly tell?: Tell | undefined
  /** It has been a member before, so it goes on trying for as long as it takes. */
  readonly isMember: boolean
  /** No peer could be reached in time. */
  readonly failed: (error: Error) => void
}

/** Prints `Waiting…`, `Discovered…` and `Replicator ready` as they become true. */
export function announceProgress(init: ProgressInit): { stop(): void } {
  const { config, runtime, service, warnings, print } = init
  const { core } = runtime
  const givesUpAtMs = performance.now() + config.joinTimeoutMs
  let hasDiscovered = false
  print([waitingLine(config.minPeers)])
  const look = (): void => {
    const isAlone = [...core.roster.all()].length === 0
    if (!isAlone) warnings.alone = undefined
    const peers = 1 + [...core.roster.connectedOf(core.clusterId)].length
    if (!hasDiscovered && peers >= config.minPeers) {
      hasDiscovered = true
      print([discoveredLine(peers)])
    }
    // A peer that comes back may be ready before all of its cluster are there again.
    if (core.missing() === undefined) {
      clearInterval(timer)
      if (!hasDiscovered) print([discoveredLine(peers)])
      print([READY_LINE])
      // It may lose its quorum again, and nobody would say so here.
      init.tell?.({ status: 'Has become ready; /readyz says whether it is' })
      service.announce()
    } else if (isAlone && performance.now() > givesUpAtMs) {
      if (init.isMember) stayAlone(init)
      else if (core.config === undefined) {
        clearInterval(timer)
        init.failed(new Error(unreached(init)))
      }
    }
  }
  const timer = setInterval(look, LOOK_MS)
  return { stop: () => clearInterval(timer) }
}

/** A member goes on trying, and says once what may help. */
function stayAlone({ config, warnings, logger }: ProgressInit): void {
  if (warnings.alone !== undefined) return
  const given = config.peers.length + config.bootstrap.length > 0 ? ', nor at any -peer' : ''
  const refused = warnings.lastRefusal === undefined ? '' : ` (refused: ${warnings.lastRefusal})`
  warnings.alone = `reached no other peer since the start: none of its network answers where it was last${given}${refused}; if all addresses have changed, start this peer with -peer and the new address of one that runs`
  logger.warn(warnings.alone)
}

function unreached({ config, warnings }: ProgressInit): string {
  const tried = [...config.peers, ...config.bootstrap].join(', ')
  const reason = warnings.lastRefusal === undefined ? '' : ` (refused: ${warnings.lastRefusal})`
  const seconds = config.joinTimeoutMs / 1_000
  return `reached none of ${tried === '' ? 'the peers of its network' : tried} within ${seconds} s${reason}; see that one of them runs, or give another -peer`
}
