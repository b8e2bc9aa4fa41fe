/** A row for each step. */
import type { Seen } from './clients.ts'

const NAME_WIDTH = 28
const COLUMNS = ['seconds', 'puts', 'gap ms', 'disk ms', 'slowest ms', 'retried', 'failed'] as const
const WIDTH = 11

export const TABLE_HEAD: string = 'step'.padEnd(NAME_WIDTH) + COLUMNS.map((name) => name.padStart(WIDTH)).join('')

/** @param diskMs the longest sync of a bystander on the same disk */
export function stepLine(name: string, { seconds, puts, longestGapMs, longestPutMs, retried, failed }: Seen, diskMs: number): string {
  const cells = [seconds.toFixed(1), puts, Math.round(longestGapMs), Math.round(diskMs), Math.round(longestPutMs), retried, failed]
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => String(cell).padStart(WIDTH)).join('')
}
