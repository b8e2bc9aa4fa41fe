/**
 * Query parameters. One that a path does not know, one given twice and a bad value are refused by
 * name: a slip of the pen must never change what a request means.
 */
import type { Consistency } from '../../protocols/events.ts'
import { isLongerThan, KEY_BYTES_MAX } from './keys.ts'
import { percentDecode } from './percent.ts'

const TIMEOUT_MS_MIN = 100
const TIMEOUT_MS_MAX = 60_000
const TIMEOUT_MS_DEFAULT = 10_000
/** The longest that a read waits. */
export const WAIT_MS_MAX = 60_000
const LIMIT_MAX = 1000
const LIMIT_DEFAULT = 100
/** More digits than any of the numbers above has. */
const DIGITS_MAX = 16

/** A parameter that will not do. */
export interface BadParameter {
  readonly parameter: string
  readonly detail: string
}

export interface PutQuery {
  readonly timeoutMs: number
}

export interface GetQuery {
  readonly timeoutMs: number
  readonly waitMs: number
  readonly consistency: Consistency
}

export interface ListQuery {
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

/** Of write-once keys. */
export interface KeyListQuery extends ListQuery {
  /** Values are told too. */
  readonly values: boolean
  /** Their number is told, and nothing else of them. */
  readonly count: boolean
}

const PUT_DEFAULT: PutQuery = { timeoutMs: TIMEOUT_MS_DEFAULT }
const GET_DEFAULT: GetQuery = { timeoutMs: TIMEOUT_MS_DEFAULT, waitMs: 0, consistency: 'linearizable' }
const LIST_NAMES = ['prefix', 'after', 'limit']
/** What a parameter that is on or off may say. */
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['true', true],
  ['false', false],
])
const LIST_DEFAULT: ListQuery = { prefix: '', after: '', limit: LIMIT_DEFAULT }

/** @param query what follows the question mark, or the empty text */
export function parsePutQuery(query: string): PutQuery | BadParameter {
  if (query === '') return PUT_DEFAULT
  const values = parse(query, ['timeout'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  return typeof timeoutMs === 'number' ? { timeoutMs } : timeoutMs
}

/** @param query what follows the question mark, or the empty text */
export function parseGetQuery(query: string): GetQuery | BadParameter {
  if (query === '') return GET_DEFAULT
  const values = parse(query, ['timeout', 'wait', 'consistency'])
  if ('parameter' in values) return values
  const timeoutMs = timeoutOf(values)
  if (typeof timeoutMs !== 'number') return timeoutMs
  const waitMs = number(values, 'wait', 0, WAIT_MS_MAX, 0)
  if (typeof waitMs !== 'number') return waitMs
  const consistency = consistencyOf(values)
  return typeof consistency === 'string' ? { timeoutMs, waitMs, consistency } : consistency
}

/** @param query what follows the question mark, or the empty text */
export function parseListQuery(query: string): ListQuery | BadParameter {
  if (query === '') return LIST_DEFAULT
  const values = parse(query, LIST_NAMES)
  return 'parameter' in values ? values : listOf(values)
}

/** @param query what follows the question mark, or the empty text */
export function parseKeyListQuery(query: string): KeyListQuery | BadParameter {
  if (query === '') return { ...LIST_DEFAULT, values: false, count: false }
  const values = parse(query, [...LIST_NAMES, 'values', 'count'])
  if ('parameter' in values) return values
  const [asked, count] = [valuesAsked(values), switchOf(values, 'count')]
  if (typeof asked !== 'boolean') return asked
  if (typeof count !== 'boolean') return count
  // A limit is none of what is counted, and clients made from the description send its default.
  if (count && asked) return { parameter: 'values', detail: 'values tells keys, and count tells how many there are: ask for one of them' }
  const listed = listOf(values)
  return 'parameter' in listed ? listed : { ...listed, values: asked, count }
}

function listOf(values: Values): ListQuery | BadParameter {
  const limit = number(values, 'limit', 1, LIMIT_MAX, LIMIT_DEFAULT)
  if (typeof limit !== 'number') return limit
  for (const name of ['prefix', 'after']) {
    const bad = badKeyText(values, name)
    if (bad !== undefined) return bad
  }
  return { prefix: values.found.get('prefix') ?? '', after: values.found.get('after') ?? '', limit }
}

/** Whether values are to be told, by the parameter `values`. */
export function valuesAsked(values: Values): boolean | BadParameter {
  return switchOf(values, 'values')
}

function switchOf({ found }: Values, name: string): boolean | BadParameter {
  const detail = `${name} must be "true" or "false", or have no value, which is "true"`
  return SWITCHES.get(found.get(name) ?? 'false') ?? { parameter: name, detail }
}

/** What is wrong with a parameter that is a key, or the beginning of one. */
export function badKeyText(values: Values, name: string): BadParameter | undefined {
  const text = values.found.get(name) ?? ''
  if (isLongerThan(text, KEY_BYTES_MAX)) return { parameter: name, detail: `${name} must be at most ${KEY_BYTES_MAX} bytes, as keys are` }
  return text.includes('\u0000') ? { parameter: name, detail: `${name} must not contain U+0000, as keys do not` } : undefined
}

/** How a read is to be answered: `linearizable` unless given. */
export function consistencyOf(values: Values): Consistency | BadParameter {
  const consistency = values.found.get('consistency') ?? 'linearizable'
  if (consistency === 'linearizable' || consistency === 'local') return consistency
  return { parameter: 'consistency', detail: 'consistency must be "linearizable" or "local"' }
}

/**
 * What is wrong with a query of a path that takes none.
 *
 * @param query what follows the question mark, or the empty text
 */
export function parseNoQuery(query: string): BadParameter | undefined {
  const values = query === '' ? undefined : parse(query, [])
  return values !== undefined && 'parameter' in values ? values : undefined
}

function unknownParameter(name: string, names: readonly string[]): BadParameter {
  const known = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`
  return { parameter: name, detail: `${JSON.stringify(name)} is no parameter of this path; ${known}` }
}

/** The values of the parameters that are given, by name. */
export interface Values {
  readonly found: ReadonlyMap<string, string>
}

/**
 * The values of the known names. A name given twice has no one value, which is as bad as a wrong
 * one.
 */
export function parse(query: string, names: readonly string[]): Values | BadParameter {
  const found = new Map<string, string>()
  for (const pair of query.split('&')) {
    const cut = pair.indexOf('=')
    const name = percentDecode(cut < 0 ? pair : pair.slice(0, cut), true).text
    if (name === undefined || !names.includes(name)) return unknownParameter(name ?? pair, names)
    if (found.has(name)) return { parameter: name, detail: `${name} is given twice` }
    const value = percentDecode(cut < 0 ? '' : pair.slice(cut + 1), true)
    if (value.fault !== undefined) return { parameter: name, detail: `the value of ${name} is bad: ${value.fault}` }
    found.set(name, value.text)
  }
  return { found }
}

/** Milliseconds to try for, 10 s unless given. */
export function timeoutOf(values: Values): number | BadParameter {
  return number(values, 'timeout', TIMEOUT_MS_MIN, TIMEOUT_MS_MAX, TIMEOUT_MS_DEFAULT)
}

/** A whole number of the query. @param otherwise where it is not given */
export function number(values: Values, name: string, min: number, max: number, otherwise: number): number | BadParameter {
  const text = values.found.get(name)
  if (text === undefined) return otherwise
  const value = isDigits(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  return { parameter: name, detail: `${name} must be a whole number from ${min} to ${max}` }
}

function isDigits(text: string): boolean {
  if (text.length === 0 || text.length > DIGITS_MAX) return false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x30 || code > 0x39) return false
  }
  return true
}
