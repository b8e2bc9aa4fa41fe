/** Where commands write: answers on standard output, all else on standard error, a line each. */
import { once } from 'node:events'
import { printLines } from '../start-up.ts'

/** Lines of an answer. */
export function say(lines: readonly string[]): void {
  printLines(lines)
}

/** One line for whoever typed the command. */
export function complain(command: string, why: string): void {
  process.stderr.write(`replicator ${command}: ${why.replaceAll('\n', ' ')}\n`)
}

/**
 * A part of an answer that may be large: it waits for a slow reader, and ends the command with one
 * that is gone.
 */
export async function write(part: string | Uint8Array): Promise<void> {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => process.exit(0))
  if (!process.stdout.write(part)) await once(process.stdout, 'drain')
}
