/**
 * Stands in front of `src/commit.ts` in a peer with the preload: a transaction is handed to
 * the disk late. Until then the store shows it, and nothing may rest on it; a kill loses it, as a
 * loss of power loses what was not synced. And a sync may fail, after which the transaction is
 * there or not.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { commit as commitNow } from '../../src/commit.ts'
import type { RowChange } from '../../src/commit.ts'
import { current } from './preload.ts'

export async function commit(changes: readonly RowChange[]): Promise<void> {
  const { diskDelayMs, isDiskFailing } = current()
  if (diskDelayMs > 0) await delay(Math.random() * diskDelayMs)
  if (!isDiskFailing || Math.random() < 0.5) await commitNow(changes)
  if (isDiskFailing) throw new Error('EIO: input/output error, fdatasync')
}
