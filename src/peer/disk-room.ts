/**
 * How much room is left where the store lies: for the metrics, and for a warning while there is
 * still time to make some.
 */
import { statfs } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Warnings } from './warnings.ts'

/** Between looks. */
const LOOK_MS = 10_000
/**
 * Below this it is warned of: the smaller of a twentieth of the volume and 5 GiB, and never less
 * than 64 MiB.
 */
const PART_OF_VOLUME = 20
const LEAST_BYTES_MAX = 5_368_709_120
const LEAST_BYTES_MIN = 67_108_864
const MIB_BYTES = 1_048_576

export interface DiskRoom {
  /** As it was last seen; undefined where the system does not tell. */
  readonly freeBytes: () => number | undefined
  close(): void
}

/** Looks at once, and from then on. */
export async function watchDiskRoom(directory: string, warnings: Warnings, logger: Logger): Promise<DiskRoom> {
  let freeBytes: number | undefined
  let isLow = false
  const look = async (): Promise<void> => {
    try {
      const { bavail, blocks, bsize } = await statfs(directory)
      freeBytes = bavail * bsize
      const warning = shortage(directory, freeBytes, blocks * bsize)
      warnings.set('disk', warning)
      if (warning !== undefined && !isLow) logger.warn({ freeBytes }, warning)
      isLow = warning !== undefined
    } catch {
      // A directory that is gone is told by whoever watches it.
      freeBytes = undefined
    }
  }
  await look()
  const timer = setInterval(() => void look(), LOOK_MS)
  timer.unref()
  return { freeBytes: () => freeBytes, close: () => clearInterval(timer) }
}

/** @returns what to say; undefined while there is enough */
export function shortage(directory: string, freeBytes: number, volumeBytes: number): string | undefined {
  const least = Math.max(LEAST_BYTES_MIN, Math.min(volumeBytes / PART_OF_VOLUME, LEAST_BYTES_MAX))
  // A volume that small was made so on purpose, and is full only at its end.
  if (freeBytes >= Math.min(least, volumeBytes / 4)) return undefined
  const free = Math.floor(freeBytes / MIB_BYTES)
  return `the disk of ${directory} is almost full: ${free} MiB are free; this peer ends when it is; make room`
}
