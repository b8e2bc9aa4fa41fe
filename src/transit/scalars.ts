/**
 * The scalars of transit in their one canonical spelling, which is a piece of transit+json and of
 * JSON: two spellings of one value become the same text. `protocols/sets/elements.md` is the
 * specification.
 */
import { ELEMENT_BYTES_MAX } from '../../protocols/sets/requests.ts'
import { TransitFault } from './fault.ts'
import type { NumberText } from './json-text.ts'

/** Integers below this are numbers in JSON; all readers keep them exactly. */
const PLAIN_LIMIT = 2n ** 53n
const INT64_LIMIT = 2n ** 63n
/** Digits of a number that is below the limit for certain. */
const PLAIN_DIGITS = 15
/** An integer of more characters would be too large an element. */
const INTEGER_CHARACTERS_MAX = ELEMENT_BYTES_MAX
/**
 * From the year 271,821 before to 275,760 after our time: what dates of JavaScript, and of most
 * others, reach.
 */
const INSTANT_MS_MAX = 8.64e15
const INTEGER = /^-?[0-9]+$/
const FLOAT = /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z$/
const MILLISECOND_DIGITS = 3
const SHOWN_CHARACTERS = 40

/** By what follows the tilde: takes the rest, gives the canonical spelling. */
const TAGS: Readonly<Record<string, (rest: string) => string>> = {
  _: (rest) => (rest === '' ? 'null' : refuse('null', `~_${rest}`)),
  '?': (rest) => (rest === 't' ? 'true' : rest === 'f' ? 'false' : refuse('boolean', `~?${rest}`)),
  i: integer,
  n: integer,
  d: float,
  z: (rest) => (rest === 'NaN' || rest === 'INF' || rest === '-INF' ? `"~z${rest}"` : refuse('number', `~z${rest}`)),
  ':': (rest) => named(':', rest, 'keyword'),
  $: (rest) => named('$', rest, 'symbol'),
  u: uuid,
  m: instant,
  t: time,
  r: (rest) => quoted(`~r${rest}`),
}

/**
 * A string of transit.
 *
 * @param text as it is between its quotes in JSON, unescaped, and said in full if it was a code
 */
export function canonicalString(text: string): string {
  const [first, second] = text
  if (first !== '~') return first === '^' ? quoted(`~${assertText(text)}`) : first === '`' ? quoted(`~${text}`) : quoted(text)
  if (second === undefined) return quoted('~~')
  if (second === '~' || second === '^' || second === '`') return quoted(text)
  const read = Object.hasOwn(TAGS, second) ? TAGS[second] : undefined
  return read === undefined ? refuse('element', text) : read(text.slice(2))
}

/**
 * A number of JSON. One with a fraction or an exponent is a float, any other an integer of any
 * size.
 */
export function canonicalNumber({ text, isFloat }: NumberText): string {
  return isFloat ? float(text) : integer(text)
}

/** Only codes begin so, and those are said in full by now. */
function assertText(text: string): string {
  throw new TransitFault(`${JSON.stringify(text.slice(0, SHOWN_CHARACTERS))} is no element; text that begins with "^" is written "~^"`)
}

function integer(text: string): string {
  if (!INTEGER.test(text)) return refuse('integer', text)
  if (text.length <= PLAIN_DIGITS && text[0] !== '-' && text[0] !== '0') return text
  if (text.length > INTEGER_CHARACTERS_MAX) throw new TransitFault(`an integer has more than ${INTEGER_CHARACTERS_MAX} digits`, 'too-large')
  const value = BigInt(text)
  if (value < PLAIN_LIMIT && value > -PLAIN_LIMIT) return String(value)
  return value < INT64_LIMIT && value >= -INT64_LIMIT ? `"~i${value}"` : `"~n${value}"`
}

function float(text: string): string {
  const value = Number(text)
  if (!FLOAT.test(text) || !Number.isFinite(value)) return refuse('float', text)
  // There is one zero: adding it to itself loses its sign.
  const shortest = String(value + 0)
  return /[.e]/.test(shortest) ? shortest : `${shortest}.0`
}

function named(mark: ':' | '$', name: string, what: string): string {
  return name === '' ? refuse(what, `~${mark}`) : quoted(`~${mark}${name}`)
}

function uuid(text: string): string {
  const lower = text.toLowerCase()
  return UUID.test(lower) ? `"~u${lower}"` : refuse('UUID', text)
}

function instant(text: string): string {
  const value = Number(text)
  return INTEGER.test(text) && Math.abs(value) <= INSTANT_MS_MAX ? `"~m${value + 0}"` : refuse('date', text)
}

function time(text: string): string {
  const value = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(value)) return refuse('date', text)
  const [whole = '', fraction = ''] = text.slice(0, -1).split('.')
  // The 30th of February would be read as a day in March.
  if (new Date(value).toISOString() !== `${whole}.${fraction.padEnd(MILLISECOND_DIGITS, '0')}Z`) return refuse('date', text)
  return `"~m${value}"`
}

function quoted(text: string): string {
  if (!text.isWellFormed()) throw new TransitFault('it has half of a surrogate pair, which is no text')
  return JSON.stringify(text)
}

function refuse(what: string, text: string): never {
  throw new TransitFault(`${JSON.stringify(text.slice(0, SHOWN_CHARACTERS).toWellFormed())} is no ${what} that is known here`)
}
