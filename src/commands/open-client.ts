/** The client library, by the ways that a command has to the peers that were named. */
import { Client } from '../client/client.ts'
import type { Speaking } from '../settings/client-commands.ts'
import { fetchBy } from './fetch-by.ts'
import { wayTo } from './way.ts'
import type { Way } from './way.ts'

export interface Opened {
  readonly client: Client
  /** For people. */
  readonly names: readonly string[]
  /** For whoever typed the command. */
  readonly warnings: readonly string[]
}

/** @throws CommandFailed when there is no way */
export async function openClient(command: Speaking): Promise<Opened> {
  const ways = new Map<string, Way>()
  for (const url of command.urls) {
    const { origin, pathname } = new URL(url)
    ways.set(`${origin}${pathname.replace(/\/+$/, '')}`, await wayTo({ ...command, url }))
  }
  const found = [...ways.values()]
  return {
    client: new Client({ peers: [...ways.keys()], fetch: fetchBy(ways) }),
    names: found.map(({ name }) => name),
    warnings: found.flatMap(({ warnings }) => warnings),
  }
}
