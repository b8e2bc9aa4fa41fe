/**
 * Sets and replicas as they are sent, made in parts while they are walked. An element is kept as a
 * piece of transit and of JSON, so it is copied and not written anew; only as the key of a map has
 * transit another spelling for it.
 */
import { NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Element, Entry } from '../../protocols/sets/requests.ts'
import type { Form } from './transit-text.ts'

/** What an array begins with. */
const BRACKET = 0x5b

/**
 * True for an element that is no key of a map `["^ ", …]`: only a map of pairs, `~#cmap`, has it as
 * a key.
 */
export function isComposite(element: Uint8Array): boolean {
  return element[0] === BRACKET
}

/**
 * An element as the key of a map: keys are strings in JSON, so numbers, booleans and null are
 * tagged.
 *
 * @param element canonical, and no array
 */
export function keyOf(element: string): string {
  if (element.startsWith('"')) return element
  if (element === 'null') return '"~_"'
  if (element === 'true' || element === 'false') return `"~?${element[0]}"`
  return /[.e]/.test(element) ? `"~d${element}"` : `"~i${element}"`
}

/** An element as it stands in transit and in JSON. */
export function textOf(element: Element): string {
  return Buffer.from(element.buffer, element.byteOffset, element.length).toString('utf8')
}

/** The members: a set in transit, an array in JSON. */
export function* membersDocument(elements: Iterable<Element>, form: Form): Generator<string> {
  yield form === 'transit' ? '["~#set",[' : '['
  yield* separated(mapped(elements, textOf))
  yield form === 'transit' ? ']]' : ']'
}

/** `{add-set, del-set}`: maps in transit, arrays of pairs in JSON. */
export function* replicaDocument(entries: Iterable<Entry>, form: Form): Generator<string> {
  const isTransit = form === 'transit'
  yield isTransit ? '["^ ","~:add-set",' : '{"add-set":'
  yield* stampsDocument(entries, 'added', isTransit)
  yield isTransit ? ',"~:del-set",' : ',"del-set":'
  yield* stampsDocument(entries, 'removed', isTransit)
  yield isTransit ? ']' : '}'
}

function* stampsDocument(entries: Iterable<Entry>, field: 'added' | 'removed', isTransit: boolean): Generator<string> {
  if (!isTransit) {
    yield '['
    yield* separated(mapped(stamped(entries, field), (entry) => `[${textOf(entry.element)},${entry[field]}]`))
    yield ']'
  } else if (some(stamped(entries, field), ({ element }) => isComposite(element))) {
    yield '["~#cmap",['
    yield* separated(mapped(stamped(entries, field), (entry) => `${textOf(entry.element)},${entry[field]}`))
    yield ']]'
  } else {
    yield '["^ "'
    for (const entry of stamped(entries, field)) yield `,${keyOf(textOf(entry.element))},${entry[field]}`
    yield ']'
  }
}

function* stamped(entries: Iterable<Entry>, field: 'added' | 'removed'): Generator<Entry> {
  for (const entry of entries) if (entry[field] !== NO_STAMP) yield entry
}

function* mapped<T>(values: Iterable<T>, write: (value: T) => string): Generator<string> {
  for (const value of values) yield write(value)
}

function* separated(parts: Iterable<string>): Generator<string> {
  let isFirst = true
  for (const part of parts) {
    yield isFirst ? part : `,${part}`
    isFirst = false
  }
}

function some<T>(values: Iterable<T>, holds: (value: T) => boolean): boolean {
  for (const value of values) if (holds(value)) return true
  return false
}
