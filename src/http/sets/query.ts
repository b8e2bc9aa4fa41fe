/** What the queries of sets ask for. */
import type { Wait } from '../../../protocols/sets/requests.ts'
import { readElement } from '../../transit/documents.ts'
import { parse, timeoutOf } from '../query.ts'
import type { BadParameter } from '../query.ts'

/** Of a cursor; they are opaque, and shorter. */
const CURSOR_CHARACTERS_MAX = 128
const STAMP = /^[0-9]{1,16}$/

export interface ChangeQuery {
  readonly wait: Wait
  readonly timeoutMs: number
}

export type UpdatesQuery = { readonly since: number } | { readonly after: string | undefined }

export interface WatchQuery {
  readonly after: string | undefined
}

const CHANGE_DEFAULT: ChangeQuery = { wait: 'here', timeoutMs: 10_000 }

/** @param query what follows the question mark, or the empty text */
export function parseChangeQuery(query: string): ChangeQuery | BadParameter {
  if (query === '') return CHANGE_DEFAULT
  const values = parse(query, ['wait', 'timeout'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  if (typeof timeoutMs !== 'number') return timeoutMs
  const wait = values.found.get('wait') ?? 'here'
  if (wait !== 'here' && wait !== 'cluster' && wait !== 'network') {
    return { parameter: 'wait', detail: 'wait must be "cluster" or "network"; without it the answer comes once it is on the disk here' }
  }
  return { wait, timeoutMs }
}

/** @param query what follows the question mark, or the empty text */
export function parseUpdatesQuery(query: string): UpdatesQuery | BadParameter {
  const values = parse(query === '' ? 'since' : query, ['since', 'after'])
  if ('parameter' in values) return values
  const since = values.found.get('since')
  const after = values.found.get('after')
  if (since !== undefined && after !== undefined) return { parameter: 'after', detail: 'since and after are both given; give one of them' }
  if (after !== undefined) return cursorOf(after)
  const stamp = STAMP.test(since ?? '') ? Number(since) : Number.NaN
  if (Number.isSafeInteger(stamp)) return { since: stamp }
  return {
    parameter: 'since',
    detail:
      'say since which stamp, a whole number of milliseconds from 0 to 2^53 - 1, or after which cursor (an empty one: from the first)',
  }
}

/**
 * @param query what follows the question mark, or the empty text @param lastEventId of the header,
 * which counts before it
 */
export function parseWatchQuery(query: string, lastEventId: string | undefined): WatchQuery | BadParameter {
  const values = query === '' ? { found: new Map<string, string>() } : parse(query, ['after'])
  if ('parameter' in values) return values
  const after = lastEventId ?? values.found.get('after')
  return after === undefined ? { after } : cursorOf(after)
}

/** @param query what follows the question mark, or the empty text */
export function parseContainsQuery(query: string): { readonly element: Uint8Array } | BadParameter {
  const values = parse(query === '' ? 'element' : query, ['element'])
  if ('parameter' in values) return values
  const { value, fault } = readElement(values.found.get('element') ?? '')
  if (fault === undefined) return { element: value }
  return { parameter: 'element', detail: `element must be an element as transit writes it, like 11 or "foo": ${fault.message}` }
}

function cursorOf(text: string): { readonly after: string | undefined } | BadParameter {
  if (text.length <= CURSOR_CHARACTERS_MAX) return { after: text === '' ? undefined : text }
  return { parameter: 'after', detail: `a cursor has at most ${CURSOR_CHARACTERS_MAX} characters` }
}
