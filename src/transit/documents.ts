/**
 * What clients send of sets: elements, and replicas `{add-set, del-set}`. Bounded; read whole or
 * refused whole.
 */
import { isUtf8 } from 'node:buffer'
import { ELEMENTS_MAX, ELEMENT_BYTES_MAX, NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Entry } from '../../protocols/sets/requests.ts'
import { equalBytes } from '../../protocols/base/record.ts'
import { TransitFault, guarded } from './fault.ts'
import type { Read } from './fault.ts'
import { drained, inTurns } from './steps.ts'
import type { Steps } from './steps.ts'
import { TransitText } from './transit-text.ts'
import type { Form } from './transit-text.ts'

/** UTF-8 or a fault; a byte order mark at the start is no part of a text. */
const decoder = new TextDecoder('utf-8', { fatal: true })
/** Digits of whole numbers that are known to be in their one spelling without reading them. */
const PLAIN_DIGITS_MAX = 15
const QUOTE = 0x22
const ZERO = 0x30
const NINE = 0x39
/** By byte: 1 for what stands in a text for itself, whatever is around it. */
const PLAIN_IN_TEXT = Uint8Array.from({ length: 256 }, (_, byte) => (/[A-Za-z0-9 ._-]/.test(String.fromCharCode(byte)) ? 1 : 0))
/** The keys of a replica, as keywords or, in JSON, as text. */
const FIELDS: Readonly<Record<string, 'added' | 'removed'>> = {
  '"~:add-set"': 'added',
  '"add-set"': 'added',
  '"~:del-set"': 'removed',
  '"del-set"': 'removed',
}

/** Reads an array, a list or a set of elements. @returns them in canonical spelling, each once */
export function readElements(body: Uint8Array, form: Form): Read<Uint8Array[]> {
  return guarded(() => drained(elementSteps(body, form)))
}

/** As `readElements`, while others have their turns. */
export function readElementsInTurns(body: Uint8Array, form: Form): Promise<Read<Uint8Array[]>> {
  return inTurns(elementSteps(body, form))
}

/** Reads one element. */
export function readElement(text: string): Read<Uint8Array> {
  return guarded(() => {
    const transit = new TransitText(text, 'transit')
    const element = transit.element()
    transit.end()
    return bytesOf(element)
  })
}

/** Whether bytes that came from elsewhere are an element in its one spelling. */
export function isElement(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || bytes.length > ELEMENT_BYTES_MAX) return false
  if (isPlainNumber(bytes) || isPlainText(bytes)) return true
  const { value } = isUtf8(bytes) ? readElement(Buffer.from(bytes).toString('utf8')) : {}
  return value !== undefined && equalBytes(value, bytes)
}

/** Most elements are plain: a number, or text of letters and digits. Those are told by their bytes. */
function isPlainNumber(bytes: Uint8Array): boolean {
  if (bytes.length > PLAIN_DIGITS_MAX || bytes[0] === ZERO) return false
  for (const byte of bytes) if (byte < ZERO || byte > NINE) return false
  return true
}

function isPlainText(bytes: Uint8Array): boolean {
  const last = bytes.length - 1
  if (last < 1 || bytes[0] !== QUOTE || bytes[last] !== QUOTE) return false
  for (let index = 1; index < last; index += 1) if (PLAIN_IN_TEXT[bytes[index] as number] === 0) return false
  return true
}

/**
 * Reads a replica. An element that is there more than once has the highest of its stamps.
 *
 * @param elementsMax the most elements that it may have
 */
export function readReplica(body: Uint8Array, form: Form, elementsMax: number = ELEMENTS_MAX): Read<Entry[]> {
  return guarded(() => drained(replicaSteps(body, form, elementsMax)))
}

/** As `readReplica`, while others have their turns. */
export function readReplicaInTurns(body: Uint8Array, form: Form, elementsMax: number = ELEMENTS_MAX): Promise<Read<Entry[]>> {
  return inTurns(replicaSteps(body, form, elementsMax))
}

function* elementSteps(body: Uint8Array, form: Form): Steps<Uint8Array[]> {
  const text = new TransitText(decode(body), form)
  const found = new Set<string>()
  let count = 0
  for (const element of text.elements()) {
    count += 1
    if (count > ELEMENTS_MAX) refuseMany(ELEMENTS_MAX)
    found.add(element)
    yield
  }
  text.end()
  return [...found].map(bytesOf)
}

function* replicaSteps(body: Uint8Array, form: Form, elementsMax: number): Steps<Entry[]> {
  const text = new TransitText(decode(body), form)
  const rows = new Map<string, Row>()
  const fields = new Set<string>()
  for (const key of text.map()) {
    const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined
    if (field === undefined) throw new TransitFault(`${key.slice(0, 40)} is no part of a replica; its parts are add-set and del-set`)
    if (fields.has(field)) throw new TransitFault(`${key} is there twice`)
    fields.add(field)
    yield* stampSteps(text, rows, field, elementsMax)
  }
  text.end()
  return Array.from(rows, ([element, { added, removed }]) => ({ element: bytesOf(element), added, removed }))
}

interface Row {
  added: number
  removed: number
}

function* stampSteps(text: TransitText, rows: Map<string, Row>, field: 'added' | 'removed', elementsMax: number): Steps<void> {
  let count = 0
  for (const element of text.map()) {
    count += 1
    const stamp = text.stamp(element)
    const row = rows.get(element) ?? { added: NO_STAMP, removed: NO_STAMP }
    rows.set(element, row)
    if (count > elementsMax || rows.size > elementsMax) refuseMany(elementsMax)
    row[field] = Math.max(row[field], stamp)
    yield
  }
}

function decode(body: Uint8Array): string {
  try {
    return decoder.decode(body)
  } catch {
    throw new TransitFault('it is not UTF-8')
  }
}

function refuseMany(most: number): never {
  throw new TransitFault(`a request may have at most ${most} elements`, 'too-large')
}

function bytesOf(element: string): Uint8Array {
  return Buffer.from(element, 'utf8')
}
