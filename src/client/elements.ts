/**
 * Elements of sets as values of JavaScript. Text, numbers, booleans, null, bigints and arrays are
 * themselves; what JavaScript has no value for is told by the tag that transit has for it.
 */

/**
 * `:` a keyword, `$` a symbol, `u` a UUID, `m` an instant in milliseconds, `r` a URI, `d` a float
 * that is whole.
 */
export interface Tagged {
  readonly tag: ':' | '$' | 'u' | 'm' | 'r' | 'd'
  readonly value: string
}

/**
 * Whole numbers are integers: for the float 1.0 write `{ tag: 'd', value: '1.0' }`. Integers beyond
 * 2^53 are bigints.
 */
export type Element = string | number | bigint | boolean | null | Tagged | readonly Element[]

/**
 * An element with its stamps in milliseconds; null for none. It is a member when it was added later
 * than removed.
 */
export interface Entry {
  readonly element: Element
  readonly added: number | null
  readonly removed: number | null
}

const TAGGED = /^~([:$umrd])(.*)$/s
const LARGE_INTEGER = /^~[in](-?[0-9]+)$/
const NUMBERS: Readonly<Record<string, number>> = { '~zNaN': NaN, '~zINF': Infinity, '~z-INF': -Infinity }

/** An element as JSON that every peer reads as that element. */
export function writeElement(element: Element): string {
  if (typeof element === 'string') return JSON.stringify(/^[~^`]/.test(element) ? `~${element}` : element)
  if (typeof element === 'number') return writeNumber(element)
  if (typeof element === 'object' && element !== null) {
    return isArray(element) ? `[${element.map(writeElement).join(',')}]` : JSON.stringify(`~${element.tag}${element.value}`)
  }
  return String(element)
}

/**
 * What a peer tells in JSON. Numbers are read by their text where the engine gives it, so that 1.0
 * is not 1.
 */
export function readJson(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    if (typeof value === 'string') return readText(value)
    const { source = '' } = context ?? {}
    return Number.isInteger(value) && /[.eE]/.test(source) ? ({ tag: 'd', value: source } satisfies Tagged) : value
  }
  return JSON.parse(text, revive) as unknown
}

function writeNumber(value: number): string {
  if (Number.isNaN(value)) return '"~zNaN"'
  if (!Number.isFinite(value)) return value > 0 ? '"~zINF"' : '"~z-INF"'
  return Number.isInteger(value) ? BigInt(value).toString() : String(value)
}

function readText(text: string): Element {
  if (!text.startsWith('~')) return text
  const [, tag, value = ''] = TAGGED.exec(text) ?? []
  if (tag !== undefined) return { tag: tag as Tagged['tag'], value }
  const [, digits] = LARGE_INTEGER.exec(text) ?? []
  return digits === undefined ? (NUMBERS[text] ?? text.slice(1)) : BigInt(digits)
}

function isArray(element: Tagged | readonly Element[]): element is readonly Element[] {
  return Array.isArray(element)
}
