/**
 * The strings that a transit text says once and then by a code, `^0` and so on (transit format,
 * "Caching"). Writers and readers number them alike: as they come, from the start again once the
 * table is full.
 */
import { TransitFault } from './fault.ts'

const CODE_MARK = '^'
const CODE_BASE = 44
const CODE_FIRST = 0x30
const STRINGS_MAX = CODE_BASE * CODE_BASE
/** Shorter strings cost no more than their codes. */
const CHARACTERS_MIN = 4
/** What is numbered where it is no key of a map: tags, keywords and symbols. */
const NAMED = /^~[#:$]/

export class CachedStrings {
  readonly #strings: string[] = []
  #next = 0

  /**
   * The string that is meant, as it was written the first time.
   *
   * @param isKey it is a key of a map
   */
  resolve(text: string, isKey: boolean): string {
    if (text.startsWith(CODE_MARK) && text !== '^ ') return this.#strings[indexOf(text)] ?? unknown(text)
    if (text.length >= CHARACTERS_MIN && (isKey || NAMED.test(text))) this.#keep(text)
    return text
  }

  #keep(text: string): void {
    if (this.#next === STRINGS_MAX) {
      this.#strings.length = 0
      this.#next = 0
    }
    this.#strings[this.#next] = text
    this.#next += 1
  }
}

function indexOf(code: string): number {
  const digits = Array.from(code.slice(1), (character) => character.charCodeAt(0) - CODE_FIRST)
  if (digits.length < 1 || digits.length > 2 || digits.some((digit) => digit < 0 || digit >= CODE_BASE)) unknown(code)
  return digits.reduce((index, digit) => index * CODE_BASE + digit, 0)
}

function unknown(code: string): never {
  throw new TransitFault(`${JSON.stringify(code.slice(0, 8))} stands for no string said before; text that begins with "^" is written "~^"`)
}
