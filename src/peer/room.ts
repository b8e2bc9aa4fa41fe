/**
 * What a running peer looks at now and then: the room on its disk, and how many keys the fullest
 * peer holds.
 */
import type { Logger } from 'pino'
import { systemClock } from '../runtime/clock.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { watchDiskRoom } from './disk-room.ts'
import type { Lag } from './lag.ts'
import { mostKeys } from './views.ts'
import type { Warnings } from './warnings.ts'

/** Between looks at the keys: as exact as the seconds that are told are. */
const LOOK_MS = 5_000

interface Watched {
  readonly runtime: Runtime
  readonly directory: { readonly path: string }
  readonly lag: Lag
  readonly metrics: Metrics
  readonly warnings: Warnings
  readonly logger: Logger
}

export async function watchRoom(
  { runtime, directory, lag, metrics, warnings, logger }: Watched,
  closers: (() => Promise<void>)[],
): Promise<void> {
  const room = await watchDiskRoom(directory.path, warnings, logger)
  metrics.observeDisk(room.freeBytes)
  const timer = setInterval(() => lag.look(systemClock.nowMs(), mostKeys(runtime.core)), LOOK_MS)
  timer.unref()
  closers.push(async () => {
    room.close()
    clearInterval(timer)
  })
}
