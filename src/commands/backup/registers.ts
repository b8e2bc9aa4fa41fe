/**
 * Registers in a backup. One that changed while the list was read has a second line behind the
 * others, which says what became of it: the last line of a register holds.
 */
import type { Client, RegisterRow } from '../../client/client.ts'
import { CommandFailed } from '../failed.ts'
import { allOf, linesAtOneMoment, PAGE_ROWS } from './at-one-moment.ts'
import type { Reading } from './at-one-moment.ts'
import { registerLine } from './format.ts'

const SECOND_MS = 1_000

/** @throws CommandFailed when one cannot be read any more */
export function registerLines(client: Client, { inFlight, timeoutMs }: Reading): AsyncGenerator<string, void, undefined> {
  const { registers } = client
  const list = (options: object, limit: number): Promise<RegisterRow[]> =>
    allOf(registers.list({ ...options, limit, signal: AbortSignal.timeout(timeoutMs) }))
  const lineOf = async (key: string, row: RegisterRow | undefined, isAgain: boolean): Promise<string> => {
    const outcome = await registers.get(key, { consistency: 'local', signal: AbortSignal.timeout(timeoutMs) })
    if (outcome.kind === 'found') return registerLine(key, { ...outcome, ttl: ttlOf(row) }, isAgain)
    if (outcome.kind === 'absent') return isAgain ? registerLine(key, undefined, true) : ''
    throw new CommandFailed(`register ${key}: ${outcome.detail}; begin again`)
  }
  const source = {
    page: (after: string | undefined) => list({ ...(after !== undefined && { after }) }, PAGE_ROWS),
    watch: (signal: AbortSignal) => registers.watch({ signal }),
    listed: (row: RegisterRow) => lineOf(row.key, row, false),
    came: async (key: string) => {
      // Of those that begin so, the register itself is the first.
      const [row] = await list({ prefix: key }, 1)
      return lineOf(key, row?.key === key ? row : undefined, true)
    },
  }
  return linesAtOneMoment(source, inFlight)
}

/** Seconds from a write until its register expires; undefined for never. */
function ttlOf(row: RegisterRow | undefined): number | undefined {
  if (row?.expires === undefined) return undefined
  return Math.max(1, Math.round((Date.parse(row.expires) - Date.parse(row.writtenAt)) / SECOND_MS))
}
