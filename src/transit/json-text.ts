/**
 * Reads a text of JSON piece by piece, in order. `JSON.parse` cannot serve here: it makes 1 and 1.0
 * one number, and rounds large integers. Nothing is kept of what was read, so a text costs no more
 * than itself. Whoever reads nested values bounds how deep it goes.
 */
import { ELEMENT_BYTES_MAX } from '../../protocols/sets/requests.ts'
import { TransitFault } from './fault.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const LITERAL = /true|false|null/y
const SPACE = /[ \t\n\r]*/y
/** JSON has these in strings only as escapes. */
const CONTROL = /[\u0000-\u001f]/ // eslint-disable-line no-control-regex
const SHOWN_CHARACTERS = 24
/**
 * Of the longest element, each of whose characters is an escape. What is longer is refused before
 * it is read.
 */
const STRING_CHARACTERS_MAX = 6 * ELEMENT_BYTES_MAX

/** What the next value begins as. */
export type Beginning = 'string' | 'array' | 'object' | 'number' | 'literal'

export interface NumberText {
  readonly text: string
  /** It has a fraction or an exponent. */
  readonly isFloat: boolean
}

const BEGINNINGS: Readonly<Record<string, Beginning>> = {
  '"': 'string',
  '[': 'array',
  '{': 'object',
  t: 'literal',
  f: 'literal',
  n: 'literal',
}

export class JsonText {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Looks at the next value without taking it. */
  beginning(): Beginning {
    this.#skipSpace()
    const character = this.#text[this.#at] ?? ''
    const beginning = BEGINNINGS[character] ?? (character === '-' || (character >= '0' && character <= '9') ? 'number' : undefined)
    return beginning ?? this.#refuse('a value is expected')
  }

  /** Takes the bracket or brace that the next value begins with. */
  open(): void {
    this.#at += 1
  }

  /**
   * Goes to the next item of what was opened.
   *
   * @param isFirst nothing of it was taken yet
   * @returns false, past its end, when there is none
   */
  next(isFirst: boolean, close: ']' | '}'): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] === close) {
      this.#at += 1
      return false
    }
    if (!isFirst) this.#take(COMMA, `"," or "${close}" is expected`)
    return true
  }

  /** Takes the colon between a name and its value. */
  colon(): void {
    this.#skipSpace()
    this.#take(COLON, '":" is expected')
  }

  string(): string {
    this.#skipSpace()
    const start = this.#at
    this.#take(QUOTE, 'a string is expected')
    let end = start
    let isPlain = true
    do {
      end = this.#text.indexOf('"', end + 1)
      if (end < 0) this.#refuse('a string has no end', start)
      if (end - start > STRING_CHARACTERS_MAX)
        throw new TransitFault(`a string has more than ${STRING_CHARACTERS_MAX} characters`, 'too-large')
      if (isPlain) isPlain = !this.#text.slice(start, end).includes('\\')
    } while (!isPlain && this.#isEscaped(end))
    this.#at = end + 1
    const inside = this.#text.slice(start + 1, end)
    if (CONTROL.test(inside)) this.#refuse('a control character stands in a string', start)
    return isPlain ? inside : this.#unescape(start, end + 1)
  }

  number(): NumberText {
    this.#skipSpace()
    const match = this.#match(NUMBER)
    if (match === null) return this.#refuse('a number is expected')
    return { text: match[0], isFloat: match[1] !== undefined || match[2] !== undefined }
  }

  literal(): 'true' | 'false' | 'null' {
    this.#skipSpace()
    const match = this.#match(LITERAL)
    return match === null ? this.#refuse('a value is expected') : (match[0] as 'true' | 'false' | 'null')
  }

  /** @throws TransitFault when anything is left */
  end(): void {
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('nothing more is expected')
  }

  /** True when an odd number of backslashes stands before. */
  #isEscaped(quote: number): boolean {
    let before = quote - 1
    while (this.#text.charCodeAt(before) === BACKSLASH) before -= 1
    return (quote - before) % 2 === 0
  }

  #unescape(start: number, end: number): string {
    try {
      return JSON.parse(this.#text.slice(start, end)) as string
    } catch {
      return this.#refuse('a string has an escape that JSON does not know', start)
    }
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at = pattern.lastIndex
    return match
  }

  #skipSpace(): void {
    // Most texts have no space before most values.
    if (this.#text.charCodeAt(this.#at) > 0x20) return
    this.#match(SPACE)
  }

  #take(code: number, expected: string): void {
    if (this.#text.charCodeAt(this.#at) !== code) this.#refuse(expected)
    this.#at += 1
  }

  #refuse(what: string, at: number = this.#at): never {
    const rest = this.#text.slice(at, at + SHOWN_CHARACTERS)
    throw new TransitFault(`it is not JSON: ${what} at offset ${at}${rest === '' ? ', where it ends' : `, before ${JSON.stringify(rest)}`}`)
  }
}
