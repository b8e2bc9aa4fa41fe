/** What processes use, as the system counts it: time on a processor, and memory that is theirs alone. */
import { readFileSync } from 'node:fs'

/** Ticks of the clock that the system counts processor time in; 100 a second on every Linux. */
const TICK_MS = 10
/** Of what follows the name of the program in `stat`: user time, and the kernel's for it after that. */
const USER_TIME_FIELD = 11
const ANONYMOUS_MEMORY = /^RssAnon:\s+(\d+) kB$/m

/** Milliseconds on a processor since the process began. */
export function processorMs(processId: number): number {
  const text = readFileSync(`/proc/${processId}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1])) * TICK_MS
}

/** Megabytes of memory that no file stands behind. */
export function anonymousMegabytes(processId: number): number {
  const found = ANONYMOUS_MEMORY.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))
  return Number(found?.[1] ?? 0) / 1_024
}
