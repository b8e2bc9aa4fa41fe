/** A row for each step. */
import type { Seen } from './clients.ts'

const NAME_WIDTH = 28
const COLUMNS = ['seconds', 'puts', 'gap ms', 'slowest ms', 'retried', 'failed'] as const
const WIDTH = 11

export const TABLE_HEAD: string = 'step'.padEnd(NAME_WIDTH) + COLUMNS.map((name) => name.padStart(WIDTH)).join('')

export function stepLine(name: string, { seconds, puts, longestGapMs, longestPutMs, retried, failed }: Seen): string {
  const cells = [seconds.toFixed(1), puts, Math.round(longestGapMs), Math.round(longestPutMs), retried, failed]
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => String(cell).padStart(WIDTH)).join('')
}
