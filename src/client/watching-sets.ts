/**
 * A watch of one set, gone on with after each loss of its connection. It begins by asking where the
 * set stands at a peer, so that a connection that is lost before anything changed loses nothing.
 */
import type { Entry } from './elements.ts'
import { readJson } from './elements.ts'
import type { ServerEvent } from './events.ts'
import { NEVER, cursorGone, follow } from './following.ts'
import { ClientFailed } from './outcomes.ts'
import type { Refused } from './outcomes.ts'
import { queryOf } from './paths.ts'
import { isTransient, refusedOf } from './refusals.ts'
import type { Sent, Tried, Tries } from './tries.ts'

export interface SetWatchOptions {
  /** Where to go on, at the peer that gave it; from now on unless given. */
  readonly cursor?: string
  readonly signal?: AbortSignal
}

/** The first one tells where the watch began, and has no element. */
export type SetWatched =
  | { readonly kind: 'watching'; readonly cursor: string }
  | { readonly kind: 'insert' | 'delete'; readonly entry: Entry; readonly cursor: string }

const OK = 200
const NO_SUCH_SET = 404
/** What one peer is given before another is asked. */
const TRY_MS = 5_000

/** @param path of the set */
export async function* watchSet(
  tries: Tries,
  path: string,
  { cursor, signal = NEVER }: SetWatchOptions,
): AsyncGenerator<SetWatched, void, undefined> {
  const first = cursor ?? (await cursorOf(tries, path, signal))
  if (first === undefined) return
  yield { kind: 'watching', cursor: first }
  yield* follow(tries, { pathOf: (last) => `${path}/watch${queryOf({ after: last })}`, read: watchedOf }, first, signal)
}

/**
 * Where the set stands at the peer that the watch is of; one that is not there is waited for.
 *
 * @returns undefined when the signal came first
 */
async function cursorOf(tries: Tries, path: string, signal: AbortSignal): Promise<string | undefined> {
  const sent: Sent = { path: `${path}/`, method: 'HEAD', headers: {}, tryMs: TRY_MS }
  const judge = (tried: Tried): string | Refused | undefined => {
    if (tried.kind !== 'answered' || tried.answer.status === NO_SUCH_SET || isTransient(tried.answer)) return undefined
    const { answer } = tried
    if (answer.status === OK) return answer.headers.get('replicator-cursor') ?? ''
    return refusedOf(answer)
  }
  const found = await tries.until<string | Refused | undefined>(sent, signal, judge, () => undefined)
  if (typeof found === 'object') throw new ClientFailed(found)
  return found
}

/** @throws ClientFailed at the last event of a watch whose changes are forgotten */
function watchedOf(event: ServerEvent): SetWatched | undefined {
  const { name, data, id = '' } = event
  if (name === 'cursor-gone') throw cursorGone(event)
  if (name !== 'insert' && name !== 'delete') return undefined
  return { kind: name, entry: readJson(data) as Entry, cursor: id }
}
