/**
 * Bytes out and bytes in, one field at a time. A writer trusts its caller and asserts; a reader trusts nobody: every read is
 * checked against what is left and against its own bound, and says MalformedBytes.
 *
 * Most text on the wire is short ASCII (keys, ids). It is written and read here byte by byte, without the given UTF-8 codec,
 * whose call costs more than the text itself.
 */
import { assert } from '../base/assert.ts'
import type { Utf8 } from '../base/bytes.ts'
import { HEX_OF_BYTE, VARINT_BYTES_MAX, hexDigit, plainBytes, putVarint, readAscii, varintBytes } from './octets.ts'

/** Thrown for bytes that no peer of this protocol writes. The text is a short reason. */
export class MalformedBytes extends Error {
  static override readonly name = 'MalformedBytes'
  override readonly name = 'MalformedBytes'
}

/** Bytes that a writer takes from the allocator at a time. Outputs share them, for an allocation each would cost more than the writing. */
const SLAB_BYTES = 16_384
/** Longer text is left to the UTF-8 codec, in characters. */
const WRITTEN_HERE_CHARACTERS_MAX = 512
/** Longer ASCII is read faster by the UTF-8 codec, in bytes. */
const READ_HERE_BYTES_MAX = 64

/** Collects bytes in a buffer that doubles. One writer makes many outputs, one after another, and never writes into one given away. */
export class ByteWriter {
  /** Entries of lists in the output under way, counted by who writes lists; set back by whoever looks at it. */
  entries = 0
  #utf8: Utf8
  #slabBytes: number
  #buffer: Uint8Array
  /** Where the output under way begins; what is before it belongs to outputs given away. */
  #start = 0
  #position = 0

  /** @param capacity bytes of the first buffer, shared by the outputs that fit */
  constructor(utf8: Utf8, capacity: number = SLAB_BYTES) {
    this.#utf8 = utf8
    this.#slabBytes = capacity
    this.#buffer = new Uint8Array(capacity)
  }

  /** Bytes of the output under way. */
  get length(): number {
    return this.#position - this.#start
  }

  /** One byte, 0 to 255. */
  u8(value: number): void {
    if ((value & 0xff) !== value) assert(false, `not a byte: ${value}`)
    if (this.#position === this.#buffer.length) this.#grow(1)
    this.#buffer[this.#position++] = value
  }

  /** Four bytes, big-endian. */
  u32(value: number): void {
    if (value >>> 0 !== value) assert(false, `not an unsigned 32-bit number: ${value}`)
    if (this.#position + 4 > this.#buffer.length) this.#grow(4)
    this.#position += 4
    this.patchU32(this.length - 4, value)
  }

  /** An unsigned whole number up to 2^53-1, seven bits a byte, the lowest first, the top bit set on all but the last (LEB128). */
  varint(value: number): void {
    if (this.#position + VARINT_BYTES_MAX > this.#buffer.length) this.#grow(VARINT_BYTES_MAX)
    this.#position = putVarint(this.#buffer, this.#position, value)
  }

  /** Eight bytes: an IEEE 754 double, big-endian; finite. */
  f64(value: number): void {
    if (!Number.isFinite(value)) assert(false, `not a finite number: ${value}`)
    if (this.#position + 8 > this.#buffer.length) this.#grow(8)
    new DataView(this.#buffer.buffer, this.#buffer.byteOffset).setFloat64(this.#position, value)
    this.#position += 8
  }

  /** The bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (this.#position + bytes.length > this.#buffer.length) this.#grow(bytes.length)
    this.#buffer.set(bytes, this.#position)
    this.#position += bytes.length
  }

  /** A varint length, then the bytes. */
  sized(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** The UTF-8 of the text, sized. */
  text(text: string): void {
    if (text.length > WRITTEN_HERE_CHARACTERS_MAX || !this.#putAscii(text)) this.sized(this.#utf8.encode(text))
  }

  /** The bytes of a lower-case hexadecimal string; the reader must know how many. */
  hex(digits: string): void {
    if (digits.length % 2 !== 0) assert(false, `half a byte: ${digits}`)
    for (let index = 0; index < digits.length; index += 2) {
      const byte = (hexDigit(digits.charCodeAt(index)) << 4) | hexDigit(digits.charCodeAt(index + 1))
      if (byte < 0) assert(false, `not lower-case hexadecimal: ${digits}`)
      this.u8(byte)
    }
  }

  /**
   * Writes four bytes over earlier ones.
   *
   * @param offset where in the output under way
   */
  patchU32(offset: number, value: number): void {
    const at = this.#start + offset
    const buffer = this.#buffer
    buffer[at] = value >>> 24
    buffer[at + 1] = (value >>> 16) & 0xff
    buffer[at + 2] = (value >>> 8) & 0xff
    buffer[at + 3] = value & 0xff
  }

  /**
   * Begins something sized whose length is not known yet.
   *
   * @returns the mark to close it with
   */
  openSized(): number {
    if (this.#position + 2 > this.#buffer.length) this.#grow(2)
    this.#position += 2
    return this.length
  }

  /** Puts the varint length of what was written since the mark in front of it, moving it when that takes other than two bytes. */
  closeSized(mark: number): void {
    const length = this.length - mark
    const sizeBytes = varintBytes(length)
    if (this.#position + sizeBytes > this.#buffer.length) this.#grow(sizeBytes)
    const body = this.#start + mark
    if (sizeBytes !== 2) this.#buffer.copyWithin(body - 2 + sizeBytes, body, body + length)
    this.#position = putVarint(this.#buffer, body - 2, length) + length
  }

  /** The output under way, until the next write or `clear`. */
  view(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#position)
  }

  /** Takes back what was written after the first `length` bytes of the output under way. */
  truncate(length: number): void {
    this.#position = this.#start + length
  }

  /** Drops the output under way. */
  clear(): void {
    this.#position = this.#start
    if (this.#buffer.length > this.#slabBytes) this.#renew()
  }

  /** The output, safe to keep: a view of bytes that this writer never touches again. The next output begins empty. */
  finish(): Uint8Array {
    const output = this.view()
    this.#start = this.#position
    // The rest of a buffer made for one large output is let go with it: small outputs must not keep megabytes alive.
    if (this.#buffer.length > this.#slabBytes) this.#renew()
    return output
  }

  #renew(): void {
    this.#buffer = new Uint8Array(this.#slabBytes)
    this.#start = 0
    this.#position = 0
  }

  /** Moves the output under way to a buffer with room for `more` bytes. */
  #grow(more: number): void {
    const length = this.length
    const grown = new Uint8Array(Math.max(this.#slabBytes, length * 2, length + more))
    grown.set(this.view())
    this.#buffer = grown
    this.#start = 0
    this.#position = length
  }

  /** Writes the text if it is ASCII; otherwise nothing, and false. */
  #putAscii(text: string): boolean {
    const length = text.length
    if (this.#position + length + 2 > this.#buffer.length) this.#grow(length + 2)
    const buffer = this.#buffer
    let at = putVarint(buffer, this.#position, length)
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[at++] = code
    }
    this.#position = at
    return true
  }
}

/** Takes fields off bytes that anybody may have written. */
export class ByteReader {
  /** What is read. */
  readonly bytes: Uint8Array
  /** Entries of lists read until now, those of lists within lists too: what they take is out of proportion to their bytes. */
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

  /** @throws MalformedBytes also when it is above 2^53-1, or longer than it need be: each number has one form */
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

  /** Eight bytes: an IEEE 754 double, big-endian. @throws MalformedBytes also when it is not finite */
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

  /** Sized ASCII without blanks and control characters, 1 to `bytesMax` bytes: what ids are made of. */
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

/** @throws MalformedBytes always */
export function refuse(reason: string): never {
  throw new MalformedBytes(reason)
}
