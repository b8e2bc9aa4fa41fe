/**
 * Sets and replicas as they are sent, made in parts while they are walked. An element is kept as a piece of transit and of
 * JSON, so it is copied and not written anew; only as the key of a map has transit another spelling for it.
 */
import { NO_STAMP } from '../../../protocols/sets/requests.ts'
import type { Element, Entry } from '../../../protocols/sets/requests.ts'
import { isComposite, keyOf } from '../../transit/writing.ts'
import type { Form } from '../../transit/transit-text.ts'
import { textOf } from './outcomes.ts'

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
