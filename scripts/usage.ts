/**
 * What a process uses, as Linux counts it: its time on the processor, memory that is its own, and
 * what its files take on the disk.
 */
import { readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Linux counts time on the processor in hundredths of a second, on every machine. */
const TICKS_PER_SECOND = 100
/** Of `/proc/PID/stat`, counted from the word after the name of the program. */
const USER_TICKS_FIELD = 11
const SYSTEM_TICKS_FIELD = 12
const OWN_MEMORY = /^RssAnon:\s+(\d+) kB$/m
const KIB_PER_MIB = 1_024
const BLOCK_BYTES = 512

/** Seconds on the processor of a running process. @param text of `/proc/PID/stat` */
export function parseProcessorSeconds(text: string): number {
  // The name of the program stands in brackets and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) / TICKS_PER_SECOND
}

/**
 * Seconds on the processor of all these together, since each began; the same on a busy machine.
 * @throws Error when one has ended
 */
export function processorSeconds(processIds: readonly number[]): number {
  return processIds.reduce((sum, processId) => sum + parseProcessorSeconds(readFileSync(`/proc/${processId}/stat`, 'utf8')), 0)
}

/**
 * Mebibytes that are the process's own: a store's mapping of its file is left out. @throws Error
 * when it has ended
 */
export function ownMib(processId: number): number {
  return Number(OWN_MEMORY.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]) / KIB_PER_MIB
}

/** Bytes that a directory takes on the disk. */
export async function diskBytes(directory: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    // A log may be rotated away between the two.
    const { blocks } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ blocks: 0 }))
    sum += blocks * BLOCK_BYTES
  }
  return sum
}
