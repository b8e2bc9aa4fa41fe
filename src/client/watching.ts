/** A watch of keys, gone on with after each loss of its connection. */
import type { ServerEvent } from './events.ts'
import { NEVER, cursorGone, follow } from './following.ts'
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

export function watchKeys(tries: Tries, { prefix, cursor, signal = NEVER }: WatchOptions): AsyncGenerator<Watched, void, undefined> {
  const pathOf = (last: string | undefined): string => {
    const query = queryOf({ prefix, cursor: last })
    return `/store?watch${query === '' ? '' : `&${query.slice(1)}`}`
  }
  return follow(tries, { pathOf, read: watchedOf }, cursor, signal)
}

/** @throws ClientFailed at the last event of a watch that has fallen too far behind */
function watchedOf(event: ServerEvent): Watched | undefined {
  const { name, data, id = '' } = event
  if (name === 'watching') return { kind: 'watching', cursor: id }
  if (name === 'put') return { kind: 'put', stored: JSON.parse(data) as Stored, cursor: id }
  if (name !== 'cursor-gone') return undefined
  throw cursorGone(event)
}
