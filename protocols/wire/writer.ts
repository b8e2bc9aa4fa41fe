/**
 * Bytes out, one field at a time. A writer trusts its caller and asserts.
 *
 * Most text on the wire is short ASCII (keys, ids). It is written here byte by byte, without the
 * given UTF-8 codec. A call of that costs more than the text itself.
 */
import { assert } from '../base/assert.ts'
import type { Utf8 } from '../base/bytes.ts'
import { VARINT_BYTES_MAX, hexDigit, putVarint, varintBytes } from './octets.ts'

/**
 * Bytes that a writer takes from the allocator at a time. Outputs share them, for an allocation
 * each would cost more than the writing.
 */
const SLAB_BYTES = 16_384
/** Longer text is left to the UTF-8 codec, in characters. */
const WRITTEN_HERE_CHARACTERS_MAX = 512
/**
 * Collects bytes in a buffer that doubles. One writer makes many outputs, one after another, and
 * never writes into one given away.
 */
export class ByteWriter {
  /**
   * Entries of lists in the output under way, counted by who writes lists; set back by whoever
   * looks at it.
   */
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

  /**
   * An unsigned whole number up to 2^53-1, seven bits a byte, the lowest first, the top bit set on
   * all but the last (LEB128).
   */
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

  /**
   * Puts the varint length of what was written since the mark in front of it, moving it when that
   * takes other than two bytes.
   */
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

  /**
   * The output, safe to keep: a view of bytes that this writer never touches again. The next output
   * begins empty.
   */
  finish(): Uint8Array {
    const output = this.view()
    this.#start = this.#position
    // The rest of a buffer made for one large output is let go with it: small outputs must not keep
    // megabytes alive.
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
