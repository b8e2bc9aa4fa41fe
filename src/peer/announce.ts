/** What a starting peer says as it finds company, and what it does when it finds none. */
import type { Config } from '../config/config.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { READY_LINE, discoveredLine, printLines, waitingLine } from '../start-up.ts'
import type { PeerService } from './service.ts'
import type { Warnings } from './warnings.ts'

/** Between looks at how far the start has come. */
const LOOK_MS = 50

export interface ProgressInit {
  readonly config: Config
  readonly runtime: Runtime
  readonly service: PeerService
  readonly warnings: Warnings
  /** It has been a member before, so it goes on trying for as long as it takes. */
  readonly isMember: boolean
  /** No peer could be reached in time. */
  readonly failed: (error: Error) => void
}

/** Prints `Waiting…`, `Discovered…` and `Replicator ready` as they become true. */
export function announceProgress(init: ProgressInit): { stop(): void } {
  const { config, runtime, service } = init
  const { core } = runtime
  const givesUpAtMs = performance.now() + config.joinTimeoutMs
  let hasDiscovered = false
  printLines([waitingLine(config.minPeers)])
  const look = (): void => {
    const peers = 1 + [...core.roster.connectedOf(core.clusterId)].length
    if (!hasDiscovered && peers >= config.minPeers) {
      hasDiscovered = true
      printLines([discoveredLine(peers)])
    }
    // A peer that comes back may be ready before all of its cluster are there again.
    if (core.missing() === undefined) {
      clearInterval(timer)
      if (!hasDiscovered) printLines([discoveredLine(peers)])
      printLines([READY_LINE])
      service.announce()
    } else if (!init.isMember && core.config === undefined && [...core.roster.all()].length === 0 && performance.now() > givesUpAtMs) {
      clearInterval(timer)
      init.failed(new Error(unreached(init)))
    }
  }
  const timer = setInterval(look, LOOK_MS)
  return { stop: () => clearInterval(timer) }
}

function unreached({ config, warnings }: ProgressInit): string {
  const tried = [...config.peers, ...config.bootstrap].join(', ')
  const reason = warnings.lastRefusal === undefined ? '' : ` (refused: ${warnings.lastRefusal})`
  const seconds = config.joinTimeoutMs / 1_000
  return `reached none of ${tried === '' ? 'the peers of its network' : tried} within ${seconds} s${reason}; see that one of them runs, or give another -peer`
}
