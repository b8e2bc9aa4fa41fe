/**
 * Bytes in, one field at a time. A reader trusts nobody: every read is checked against what is left
 * and against its own bound, and says MalformedBytes.
 *
 * Most text on the wire is short ASCII (keys, ids). It is read here byte by byte, without the given
 * UTF-8 codec. A call of that costs more than the text itself.
 */
import type { Utf8 } from '../base/bytes.ts'
import { refuse } from './malformed.ts'
import { HEX_OF_BYTE, VARINT_BYTES_MAX, plainBytes, readAscii } from './octets.ts'

/** Longer ASCII is read faster by the UTF-8 codec, in bytes. */
const READ_HERE_BYTES_MAX = 64

/** Takes fields off bytes that anybody may have written. */
export class ByteReader {
  /** What is read. */
  readonly bytes: Uint8Array
  /**
   * Entries of lists read until now, those of lists within lists too: what they take is out of
   * proportion to their bytes.
   */
  entries = 0
  #utf8: Utf8
  #position = 0
  #end: number

  constructor(bytes: Uint8Array, utf8: Utf8) {
    this.bytes = plainBytes(bytes)
    this.#utf8 = utf8
    this.#end = bytes.length
  }

  /** Bytes left. */
  get remaining(): number {
    return this.#end - this.#position
  }

  /** Where in `bytes` the next read begins. */
  get position(): number {
    return this.#position
  }

  u8(): number {
    if (this.#position >= this.#end) refuse('ends early')
    return this.bytes[this.#position++] as number
  }

  /** Big-endian. */
  u32(): number {
    const at = this.skip(4)
    const bytes = this.bytes
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    return high * 0x1_0000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  }

  /**
   * @throws MalformedBytes also when it is above 2^53-1, or longer than it need be: each number has
   * one form
   */
  varint(): number {
    const first = this.u8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let scale = 0x80, count = 2; count <= VARINT_BYTES_MAX; scale *= 0x80, count += 1) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0) refuse('number longer than it need be')
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
    }
    return refuse('number above 2^53-1')
  }

  /** A varint of at most `max`. */
  varintTo(max: number): number {
    const value = this.varint()
    if (value > max) refuse(`${value} where at most ${max} is allowed`)
    return value
  }

  /**
   * Eight bytes: an IEEE 754 double, big-endian. @throws MalformedBytes also when it is not finite
   */
  f64(): number {
    const at = this.skip(8)
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset).getFloat64(at)
    return Number.isFinite(value) ? value : refuse('number that is not finite')
  }

  /** A view of the next bytes, not a copy. */
  raw(length: number): Uint8Array {
    const at = this.skip(length)
    return this.bytes.subarray(at, at + length)
  }

  /** A view of sized bytes, at most `max` of them. */
  sized(max: number): Uint8Array {
    return this.raw(this.varintTo(max))
  }

  /** Sized UTF-8 of at most `bytesMax` bytes. */
  text(bytesMax: number): string {
    const length = this.varintTo(bytesMax)
    const at = this.skip(length)
    const ascii = length <= READ_HERE_BYTES_MAX ? readAscii(this.bytes, at, at + length) : undefined
    return ascii ?? this.#decode(at, at + length)
  }

  /**
   * Sized ASCII without blanks and control characters, 1 to `bytesMax` bytes: what ids are made of.
   */
  visible(bytesMax: number): string {
    const length = this.varintTo(bytesMax)
    const at = this.skip(length)
    if (length === 0) refuse('empty id')
    for (let index = at; index < at + length; index += 1) {
      const code = this.bytes[index] as number
      if (code < 0x21 || code > 0x7e) refuse('id that is not visible ASCII')
    }
    return readAscii(this.bytes, at, at + length) as string
  }

  /** As `text`, but faster when the text is most likely this one, as no string is made. */
  textLike(guess: string, bytesMax: number): string {
    const from = this.#position
    const length = this.varintTo(bytesMax)
    if (length === guess.length && length <= this.remaining) {
      const at = this.#position
      let index = 0
      while (index < length && this.bytes[at + index] === guess.charCodeAt(index) && (this.bytes[at + index] as number) < 0x80) index += 1
      if (index === length) {
        this.#position = at + length
        return guess
      }
    }
    this.#position = from
    return this.text(bytesMax)
  }

  /** Lower-case hexadecimal of the next bytes. */
  hex(byteLength: number): string {
    const at = this.skip(byteLength)
    let digits = ''
    for (let index = at; index < at + byteLength; index += 1) digits += HEX_OF_BYTE[this.bytes[index] as number] as string
    return digits
  }

  /** Passes over bytes. @returns where in `bytes` they begin */
  skip(length: number): number {
    const at = this.#position
    if (length > this.#end - at) refuse('ends early')
    this.#position = at + length
    return at
  }

  /**
   * Makes the next bytes all there is to read, until `widen`.
   *
   * @returns what to widen with
   */
  narrow(length: number): number {
    if (length > this.remaining) refuse('ends early')
    const outerEnd = this.#end
    this.#end = this.#position + length
    return outerEnd
  }

  /** Ends a `narrow`, of which all must have been read. */
  widen(outerEnd: number): void {
    this.end()
    this.#end = outerEnd
  }

  /** @throws MalformedBytes unless nothing is left */
  end(): void {
    if (this.#position !== this.#end) refuse(`${this.remaining} bytes too many`)
  }

  #decode(from: number, to: number): string {
    // UTF-8 codecs like to drop a leading U+FEFF. Here it counts, or two keys would become one.
    let marks = ''
    let at = from
    while (to - at >= 3 && this.bytes[at] === 0xef && this.bytes[at + 1] === 0xbb && this.bytes[at + 2] === 0xbf) {
      marks += '\ufeff'
      at += 3
    }
    try {
      return marks + this.#utf8.decode(this.bytes.subarray(at, to))
    } catch {
      return refuse('text that is not UTF-8')
    }
  }
}
