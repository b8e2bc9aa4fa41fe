/**
 * The room that clients have for connections, and a word to the operator when it is small, or was
 * all taken.
 */
import type { Logger } from 'pino'
import { BOUNDS } from '../http/load.ts'
import { measureDescriptors } from './descriptors.ts'
import type { Warnings } from './warnings.ts'

/** So long is it told that all was taken, after the last time; and the log is told once. */
const TOLD_MS = 60_000

export interface ClientRoom {
  /** The most connections of clients at once. */
  readonly connections: number
  /** To be called when all were taken and another came. */
  readonly full: () => void
}

export async function openClientRoom(logger: Logger, warnings: Warnings): Promise<ClientRoom> {
  const { connections: most = BOUNDS.connections, warning } = await measureDescriptors()
  if (warning !== undefined) logger.warn(warning)
  warnings.set('descriptors', warning)
  const connections = Math.min(BOUNDS.connections, most)
  const text = `all ${connections} HTTP connections were taken when another came: the longest idle is closed for it, or it is refused`
  let timer: NodeJS.Timeout | undefined
  const full = (): void => {
    if (timer !== undefined) return void timer.refresh()
    logger.warn(text)
    warnings.set('connections', text)
    timer = setTimeout(() => {
      timer = undefined
      warnings.set('connections', undefined)
    }, TOLD_MS).unref()
  }
  return { connections, full }
}
