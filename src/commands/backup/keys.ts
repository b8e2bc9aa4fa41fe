/** Write-once keys in a backup. */
import type { Client, Stored } from '../../client/client.ts'
import { CommandFailed } from '../failed.ts'
import { allOf, linesAtOneMoment, PAGE_ROWS } from './at-one-moment.ts'
import type { Reading } from './at-one-moment.ts'
import { keyLine } from './format.ts'

/**
 * Keys of the last pages. A key may be listed a moment before it is told of as new, and is then not
 * written a second time.
 */
const LISTED_MAX = 50_000

/** @throws CommandFailed when one cannot be read any more */
export function keyLines(client: Client, { inFlight, timeoutMs }: Reading): AsyncGenerator<string, void, undefined> {
  const listed = new Set<string>()
  const page = async (after: string | undefined): Promise<Stored[]> => {
    const signal = AbortSignal.timeout(timeoutMs)
    const rows = await allOf(client.list({ limit: PAGE_ROWS, signal, ...(after !== undefined && { after }) }))
    for (const { key } of rows) remember(listed, key)
    return rows
  }
  const source = {
    page,
    watch: (signal: AbortSignal) => client.watch({ signal }),
    listed: ({ key }: Stored) => lineFor(client, key, timeoutMs),
    came: async (key: string) => (listed.has(key) ? '' : lineFor(client, key, timeoutMs)),
  }
  return linesAtOneMoment(source, inFlight)
}

function remember(listed: Set<string>, key: string): void {
  listed.add(key)
  if (listed.size <= LISTED_MAX) return
  const [oldest] = listed
  if (oldest !== undefined) listed.delete(oldest)
}

/** Of this peer: it has it, and nobody else need be asked. */
async function lineFor(client: Client, key: string, timeoutMs: number): Promise<string> {
  const outcome = await client.get(key, { consistency: 'local', signal: AbortSignal.timeout(timeoutMs) })
  if (outcome.kind === 'found') return keyLine(key, outcome.value, outcome.contentType)
  throw new CommandFailed(`${key}: ${outcome.kind === 'absent' ? 'it is gone' : outcome.detail}; begin again`)
}
