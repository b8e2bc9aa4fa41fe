/** Query parameters and headers of logs: strict, as all are. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Consistency } from '../../../protocols/log/events.ts'
import { parse, timeoutOf } from '../query.ts'
import type { BadParameter, Values } from '../query.ts'

const POSITION = /^([0-9]{1,15})\.([0-9]{1,15})$/
const INDEX = /^[0-9]{1,15}$/
export const SINCE_HEADER = 'Replicator-Since'

export interface SubmitQuery {
  readonly timeoutMs: number
}

export interface ReadQuery {
  readonly timeoutMs: number
  readonly consistency: Consistency
}

/** @param query what follows the question mark, or the empty text */
export function parseSubmitQuery(query: string): SubmitQuery | BadParameter {
  const values = valuesOf(query, ['timeout'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  return typeof timeoutMs === 'number' ? { timeoutMs } : timeoutMs
}

/**
 * Of a query whose text is the body.
 *
 * @param query what follows the question mark, or the empty text
 * @param isByOffset whether positions of the log are offsets
 */
export function parseReadQuery(query: string, isByOffset: boolean): ReadQuery | BadParameter {
  const values = valuesOf(query, ['consistency', 'after', 'timeout'])
  return 'parameter' in values ? values : readOf(values, isByOffset)
}

/** As above, with the text of the query in it. */
export function parseAskQuery(query: string, isByOffset: boolean): (ReadQuery & { readonly text: string }) | BadParameter {
  const values = valuesOf(query, ['q', 'consistency', 'after', 'timeout'])
  if ('parameter' in values) return values
  const text = values.found.get('q')
  if (text === undefined) return { parameter: 'q', detail: 'say what is asked, as q; GET /logs/NAME/status tells how the log stands' }
  const read = readOf(values, isByOffset)
  return 'parameter' in read ? read : { ...read, text }
}

/** Whether a proxy asks for a method. @param query what follows the question mark, or the empty text */
export function parseRoleQuery(query: string): { readonly isWrite: boolean } | BadParameter {
  const values = valuesOf(query, ['for'])
  if ('parameter' in values) return values
  const method = values.found.get('for')
  return { isWrite: method !== undefined && method !== 'GET' && method !== 'HEAD' }
}

/** The index at the first try; 0 where the client does not say; undefined when the header is bad. */
export function sinceOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers[SINCE_HEADER.toLowerCase()]
  if (text === undefined) return 0
  return typeof text === 'string' ? indexOf(text) : undefined
}

/** Undefined for what is no index. */
export function indexOf(text: string): number | undefined {
  return INDEX.test(text) ? Number(text) : undefined
}

function readOf(values: Values, isByOffset: boolean): ReadQuery | BadParameter {
  const timeoutMs = timeoutOf(values)
  if (typeof timeoutMs !== 'number') return timeoutMs
  const given = values.found.get('consistency')
  const after = values.found.get('after')
  if (after !== undefined) {
    if (given !== undefined) return { parameter: 'after', detail: 'consistency and after are both given; give one of them' }
    // An offset stands for a position of a log that Kafka orders, and of no other.
    if (isByOffset && INDEX.test(after)) return { timeoutMs, consistency: { after: { term: 0, index: Number(after) + 1 } } }
    const [, term, index] = POSITION.exec(after) ?? []
    if (term === undefined) return { parameter: 'after', detail: 'after is a position, as TERM.INDEX' }
    return { timeoutMs, consistency: { after: { term: Number(term), index: Number(index) } } }
  }
  const consistency = given ?? 'linearizable'
  if (consistency === 'linearizable' || consistency === 'lease' || consistency === 'local') return { timeoutMs, consistency }
  return { parameter: 'consistency', detail: 'consistency must be "linearizable", "lease" or "local"' }
}

function valuesOf(query: string, names: readonly string[]): Values | BadParameter {
  return query === '' ? { found: new Map() } : parse(query, names)
}
