/**
 * Reads transit+json, or JSON that says the same, into canonical elements: a pull reader, bounded
 * in depth and in the size of an element. Both are read by one grammar; only in transit does a code
 * stand for a string said before.
 */
import { ELEMENT_BYTES_MAX } from '../../protocols/sets/requests.ts'
import { CachedStrings } from './cached-strings.ts'
import { TransitFault } from './fault.ts'
import { JsonText } from './json-text.ts'
import { canonicalNumber, canonicalString } from './scalars.ts'

/** Arrays and tags within one another. */
export const ELEMENT_DEPTH_MAX = 32

/** `json`: no codes, so every string is said in full. */
export type Form = 'transit' | 'json'

type Close = ']' | '}'

/** How a value of several parts begins, its beginning taken. */
type Entered =
  /**
   * @param first its first item, when that is a string, which had to be taken to see what this is
   */
  | { readonly kind: 'array'; readonly first: string | undefined; readonly isEmpty: boolean }
  /** Pairs of keys and values: `["^ ", …]`, or `{…}`, whose first key is taken. */
  | { readonly kind: 'map'; readonly close: Close; readonly firstKey: string | undefined; readonly isEmpty: boolean }
  /** One value follows, and then the end. */
  | { readonly kind: 'tagged'; readonly tag: string; readonly close: Close }

const MAP_MARK = '^ '
const TAG_MARK = '~#'
const STAMP = /^(?:(-?[0-9]+)|"~[in](-?[0-9]+)")$/
/** Bytes that a character of UTF-16 takes in UTF-8, at the most. */
const BYTES_A_CHARACTER_MAX = 3
const SHOWN_CHARACTERS = 40
const NO_PAIRS = 'a map, or an array of pairs of an element and its stamp, is expected'

export class TransitText {
  readonly #json: JsonText
  readonly #cached: CachedStrings | undefined

  constructor(text: string, form: Form) {
    this.#json = new JsonText(text)
    this.#cached = form === 'transit' ? new CachedStrings() : undefined
  }

  /** @throws TransitFault when anything is left */
  end(): void {
    this.#json.end()
  }

  /** Takes the next value, an element. @returns its canonical spelling */
  element(): string {
    return assertSmall(this.#value(0))
  }

  /** Takes the next value, an array, list or set: gives an element at a time. */
  *elements(): Generator<string, void, undefined> {
    const entered = this.#enter('an array of elements')
    if (entered.kind === 'array') return yield* this.#each(entered)
    if (entered.kind === 'map') throw new TransitFault('an array of elements is expected, and not a map')
    const { tag, close } = entered
    if (tag !== 'list' && tag !== 'set') throw new TransitFault(`an array of elements is expected, and not the tag ${shown(tag)}`)
    const inner = this.#enter('an array of elements')
    if (inner.kind !== 'array') throw new TransitFault(`what stands behind the tag ${tag} is no array`)
    yield* this.#each(inner)
    this.#close(close)
  }

  /**
   * Takes the next value, a map or an array of pairs: gives a key at a time, canonical. Whoever
   * gets it takes the value.
   */
  *map(): Generator<string, void, undefined> {
    const entered = this.#enter('a map')
    if (entered.kind === 'map') return yield* this.#pairs(entered)
    if (entered.kind === 'array') return yield* this.#listedPairs(entered)
    const { tag, close } = entered
    const inner = tag === 'cmap' ? this.#enter('a map') : undefined
    if (inner?.kind !== 'array') throw new TransitFault(`a map is expected, and not the tag ${shown(tag)}`)
    for (const key of this.#each(inner)) {
      this.#another('a key of a map has no value')
      yield key
    }
    this.#close(close)
  }

  /**
   * Takes the next value, whole milliseconds.
   *
   * @param of the element whose stamp it is, in canonical spelling
   */
  stamp(of: string): number {
    const text = this.#value(0)
    const [, plain, large = ''] = STAMP.exec(text) ?? []
    const digits = plain ?? large
    if (digits === '') throw new TransitFault(`the stamp of ${shown(of)} is no whole number of milliseconds`)
    const stamp = Number(digits)
    if (stamp >= 0 && Number.isSafeInteger(stamp)) return stamp
    throw new TransitFault(`the stamp of ${shown(of)} is ${digits.slice(0, SHOWN_CHARACTERS)}; stamps are from 0 to 2^53 - 1`, 'bad-stamp')
  }

  #elementFrom(first: string | undefined): string {
    return first === undefined ? this.element() : assertSmall(canonicalString(first))
  }

  #value(depth: number): string {
    switch (this.#json.beginning()) {
      case 'string':
        return canonicalString(this.#string(false))
      case 'number':
        return canonicalNumber(this.#json.number())
      case 'literal':
        return this.#json.literal()
      default:
        return this.#composite(depth + 1)
    }
  }

  /** An array, or what a tag makes one or leaves as it is. */
  #composite(depth: number): string {
    if (depth > ELEMENT_DEPTH_MAX) throw new TransitFault(`an element is nested more than ${ELEMENT_DEPTH_MAX} deep`, 'too-large')
    const entered = this.#enter('an element')
    if (entered.kind === 'map') throw new TransitFault('a map is no element')
    if (entered.kind === 'array') return this.#array(entered, depth)
    const { tag, close } = entered
    if (tag !== "'" && tag !== 'list') throw new TransitFault(`${shown(`~#${tag}`)} is no element that is known here`)
    const value = this.#value(depth)
    if (tag === 'list' && !value.startsWith('[')) throw new TransitFault('what stands behind the tag list is no array')
    this.#close(close)
    return value
  }

  #array(entered: Extract<Entered, { kind: 'array' }>, depth: number): string {
    const items: string[] = []
    let length = 1
    this.#items(entered, (first) => {
      const item = first === undefined ? this.#value(depth) : canonicalString(first)
      length += item.length + 1
      if (length > ELEMENT_BYTES_MAX) refuseLarge()
      items.push(item)
    })
    return `[${items.join(',')}]`
  }

  /**
   * Takes each item of an array, to its end. @param take is given the first item when that was
   * taken already
   */
  #items({ first, isEmpty }: Extract<Entered, { kind: 'array' }>, take: (first: string | undefined) => void): void {
    if (isEmpty) return
    take(first)
    while (this.#json.next(false, ']')) take(undefined)
  }

  *#each({ first, isEmpty }: Extract<Entered, { kind: 'array' }>): Generator<string, void, undefined> {
    if (isEmpty) return
    yield this.#elementFrom(first)
    while (this.#json.next(false, ']')) yield this.element()
  }

  *#pairs({ close, firstKey, isEmpty }: Extract<Entered, { kind: 'map' }>): Generator<string, void, undefined> {
    if (isEmpty) return
    const isObject = close === '}'
    let key = firstKey === undefined ? undefined : assertSmall(canonicalString(firstKey))
    for (;;) {
      if (key !== undefined) {
        if (isObject) this.#json.colon()
        else this.#another('a key of a map has no value')
        yield key
      }
      if (!this.#json.next(false, close)) return
      key = this.#key(isObject)
    }
  }

  *#listedPairs({ first, isEmpty }: Extract<Entered, { kind: 'array' }>): Generator<string, void, undefined> {
    if (isEmpty) return
    if (first !== undefined) throw new TransitFault(NO_PAIRS)
    do {
      const pair = this.#enter('a pair of an element and its stamp')
      if (pair.kind !== 'array' || pair.isEmpty) throw new TransitFault(NO_PAIRS)
      const key = this.#elementFrom(pair.first)
      this.#another(`the element ${shown(key)} has no stamp`)
      yield key
      this.#close(']')
    } while (this.#json.next(false, ']'))
  }

  #key(isObject: boolean): string {
    const isString = isObject || this.#json.beginning() === 'string'
    return isString ? assertSmall(canonicalString(this.#string(true))) : this.element()
  }

  #enter(what: string): Entered {
    const beginning = this.#json.beginning()
    if (beginning !== 'array' && beginning !== 'object') throw new TransitFault(`${what} is expected`)
    this.#json.open()
    return beginning === 'array' ? this.#enterArray() : this.#enterObject()
  }

  #enterArray(): Entered {
    if (!this.#json.next(true, ']')) return { kind: 'array', first: undefined, isEmpty: true }
    const first = this.#json.beginning() === 'string' ? this.#string(false) : undefined
    if (first === MAP_MARK) return { kind: 'map', close: ']', firstKey: undefined, isEmpty: false }
    if (first?.startsWith(TAG_MARK) !== true) return { kind: 'array', first, isEmpty: false }
    this.#another(`the tag ${shown(first)} has no value`)
    return { kind: 'tagged', tag: first.slice(TAG_MARK.length), close: ']' }
  }

  /** The verbose form of transit writes maps as objects, and a tag as the one key of an object. */
  #enterObject(): Entered {
    if (!this.#json.next(true, '}')) return { kind: 'map', close: '}', firstKey: undefined, isEmpty: true }
    const firstKey = this.#string(true)
    if (!firstKey.startsWith(TAG_MARK)) return { kind: 'map', close: '}', firstKey, isEmpty: false }
    this.#json.colon()
    return { kind: 'tagged', tag: firstKey.slice(TAG_MARK.length), close: '}' }
  }

  #string(isKey: boolean): string {
    const text = this.#json.string()
    return this.#cached?.resolve(text, isKey) ?? text
  }

  #another(orElse: string): void {
    if (!this.#json.next(false, ']')) throw new TransitFault(orElse)
  }

  #close(close: Close): void {
    if (this.#json.next(false, close)) throw new TransitFault('more follows where one value is expected')
  }
}

function assertSmall(element: string): string {
  const isSmall = element.length * BYTES_A_CHARACTER_MAX <= ELEMENT_BYTES_MAX || Buffer.byteLength(element) <= ELEMENT_BYTES_MAX
  return isSmall ? element : refuseLarge()
}

function refuseLarge(): never {
  throw new TransitFault(`an element may have at most ${ELEMENT_BYTES_MAX} bytes in its canonical spelling`, 'too-large')
}

/** @param element in canonical spelling */
function shown(element: string): string {
  return element.length <= SHOWN_CHARACTERS ? element : `${element.slice(0, SHOWN_CHARACTERS)}…`
}
