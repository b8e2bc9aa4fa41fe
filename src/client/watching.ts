/** A watch of keys, gone on with after each loss of its connection. */
import { detailOf, readAnswer } from './answer.ts'
import { eventsOf } from './events.ts'
import type { ServerEvent } from './events.ts'
import { ClientFailed } from './outcomes.ts'
import type { Stored } from './outcomes.ts'
import { queryOf } from './paths.ts'
import type { Tries } from './tries.ts'

export interface WatchOptions {
  /** Only keys that begin so; all of them unless given. */
  readonly prefix?: string
  /** Where to go on, at the peer that gave it; from now on unless given. */
  readonly cursor?: string
  readonly signal?: AbortSignal
}

/** The first one tells where the watch began, and has no key. */
export type Watched =
  | { readonly kind: 'watching'; readonly cursor: string }
  | { readonly kind: 'put'; readonly stored: Stored; readonly cursor: string }

const NEVER = new AbortController().signal
/** Nothing is sent that takes as long to begin. */
const TRY_MS = 5_000

export async function* watchKeys(tries: Tries, { prefix, cursor, signal = NEVER }: WatchOptions): AsyncGenerator<Watched, void, undefined> {
  let last = cursor
  for (let round = 0; !signal.aborted; round += 1) {
    const query = queryOf({ prefix, cursor: last })
    const path = `/store?watch${query === '' ? '' : `&${query.slice(1)}`}`
    try {
      // A cursor leads on at its own peer alone.
      const response = await tries.open({ path, method: 'GET', headers: {}, tryMs: TRY_MS }, signal, round > 0 && last === undefined)
      if (response.status >= 500 || response.body === null) throw new Error(`status ${response.status}`)
      if (response.status !== 200) throw await refusedOf(response)
      for await (const event of eventsOf(response.body)) {
        last = event.id ?? last
        round = 0
        const watched = watchedOf(event)
        if (watched !== undefined) yield watched
      }
    } catch (error) {
      if (error instanceof ClientFailed) throw error
    }
    await tries.pause(round, signal)
  }
}

async function refusedOf(response: Response): Promise<ClientFailed> {
  const answer = await readAnswer(response)
  return new ClientFailed({ kind: 'refused', problem: answer.problem ?? 'unknown', status: answer.status, detail: detailOf(answer) })
}

/** @throws ClientFailed at the last event of a watch that has fallen too far behind */
function watchedOf({ name, data, id = '' }: ServerEvent): Watched | undefined {
  if (name === 'watching') return { kind: 'watching', cursor: id }
  if (name === 'put') return { kind: 'put', stored: JSON.parse(data) as Stored, cursor: id }
  if (name !== 'cursor-gone') return undefined
  const { detail } = JSON.parse(data) as { readonly detail: string }
  throw new ClientFailed({ kind: 'refused', problem: name, status: 410, detail })
}
