/** Query parameters of registers: strict, as all are. */
import type { Consistency } from '../../../protocols/events.ts'
import { badKeyText, consistencyOf, number, parse, parseListQuery, timeoutOf, valuesAsked, WAIT_MS_MAX } from '../query.ts'
import type { BadParameter, ListQuery, Values } from '../query.ts'
import { VERSION_MAX } from './versions.ts'

const TTL_SECONDS_MAX = 31_536_000
const CURSOR_CHARACTERS_MAX = 128
const SECOND_MS = 1_000

export interface PutQuery {
  readonly timeoutMs: number
  readonly ttlMs: number | undefined
}

export interface ReadQuery {
  readonly timeoutMs: number
  readonly consistency: Consistency
  readonly waitMs: number
  /** Undefined when any version will do, also none. */
  readonly newer: number | undefined
}

export interface WatchQuery {
  readonly prefix: string
  readonly from: { readonly cursor: string } | 'start' | 'now'
  readonly values: boolean
}

/** @param query what follows the question mark, or the empty text */
export function parsePutQuery(query: string): PutQuery | BadParameter {
  const values = valuesOf(query, ['ttl', 'timeout'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  if (typeof timeoutMs !== 'number') return timeoutMs
  if (!values.found.has('ttl')) return { timeoutMs, ttlMs: undefined }
  const ttl = number(values, 'ttl', 1, TTL_SECONDS_MAX, 0)
  return typeof ttl === 'number' ? { timeoutMs, ttlMs: ttl * SECOND_MS } : ttl
}

/** @param query what follows the question mark, or the empty text */
export function parseReadQuery(query: string): ReadQuery | BadParameter {
  const values = valuesOf(query, ['consistency', 'timeout', 'wait', 'newer'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  if (typeof timeoutMs !== 'number') return timeoutMs
  const waitMs = number(values, 'wait', 0, WAIT_MS_MAX, 0)
  if (typeof waitMs !== 'number') return waitMs
  const newer = number(values, 'newer', 0, VERSION_MAX - 1, 0)
  if (typeof newer !== 'number') return newer
  const consistency = consistencyOf(values)
  if (typeof consistency !== 'string') return consistency
  return { timeoutMs, consistency, waitMs, newer: values.found.has('newer') || waitMs > 0 ? newer : undefined }
}

/**
 * Of a list, or of a watch where `watch` is given.
 *
 * @param query what follows the question mark, or the empty text
 * @param lastEventId of the header, which counts before the cursor of the query
 */
export function parseListOrWatch(query: string, lastEventId: string | undefined): ListQuery | WatchQuery | BadParameter {
  const isWatch = query.split('&').some((pair) => pair === 'watch' || pair.startsWith('watch='))
  if (!isWatch) return parseListQuery(query)
  const values = parse(query, ['watch', 'prefix', 'cursor', 'from', 'values'])
  if ('parameter' in values) return values
  const { found } = values
  if (found.get('watch') !== '') return { parameter: 'watch', detail: 'watch has no value; leave away what follows the "="' }
  const bad = badKeyText(values, 'prefix')
  if (bad !== undefined) return bad
  const from = fromOf(values, lastEventId)
  if (typeof from === 'object' && 'parameter' in from) return from
  const asked = valuesAsked(values)
  if (typeof asked !== 'boolean') return asked
  return { prefix: found.get('prefix') ?? '', from, values: asked }
}

function fromOf({ found }: Values, lastEventId: string | undefined): WatchQuery['from'] | BadParameter {
  const cursor = lastEventId ?? found.get('cursor')
  const from = found.get('from')
  if (from !== undefined && !['start', 'now'].includes(from))
    return { parameter: 'from', detail: 'from must be "start", first what is live here, then changes, or "now", changes alone' }
  if (from !== undefined && (found.get('cursor') ?? '') !== '')
    return { parameter: 'cursor', detail: 'cursor and from both say where to begin; give one of them' }
  if (cursor !== undefined && cursor !== '') {
    if (cursor.length <= CURSOR_CHARACTERS_MAX) return { cursor }
    return { parameter: 'cursor', detail: `a cursor has at most ${CURSOR_CHARACTERS_MAX} characters` }
  }
  return from === 'start' ? 'start' : 'now'
}

function valuesOf(query: string, names: readonly string[]): Values | BadParameter {
  return query === '' ? { found: new Map() } : parse(query, names)
}
