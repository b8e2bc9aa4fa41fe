/**
 * Each set as a peer held it at one moment: members, and the removals that are remembered, with
 * their stamps. One answer holds a whole set, and so does the memory of this command.
 */
import { writeElement } from '../../client/elements.ts'
import type { Client, Entry } from '../../client/client.ts'
import { CommandFailed } from '../failed.ts'
import { ENTRIES_A_LINE } from './format.ts'

/** @throws ClientFailed when one cannot be read */
export async function* setLines(client: Client, timeoutMs: number): AsyncGenerator<string, void, undefined> {
  for (const { name } of await client.sets({ signal: AbortSignal.timeout(timeoutMs) })) {
    const updates = await client.set(name).updates(undefined, { signal: AbortSignal.timeout(timeoutMs) })
    if (updates.kind !== 'updates') throw new CommandFailed(`the set ${name} cannot be read; begin again`)
    for (let first = 0; first < updates.entries.length; first += ENTRIES_A_LINE)
      yield lineOf(name, updates.entries.slice(first, first + ENTRIES_A_LINE))
  }
}

/** Elements are written as peers read them: JSON would lose what is large or exact. */
function lineOf(set: string, entries: readonly Entry[]): string {
  const written = entries.map(({ element, added, removed }) => `[${writeElement(element)},${added},${removed}]`)
  return `{"set":${JSON.stringify(set)},"entries":[${written.join(',')}]}\n`
}
