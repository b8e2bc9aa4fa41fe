/**
 * The innermost loops of reading and writing: numbers, ASCII and hexadecimal. Nothing here checks
 * what it is given to read.
 */
import { assert } from '../base/assert.ts'

/** 2^53-1 takes eight bytes of seven bits. */
export const VARINT_BYTES_MAX = 8

/** The two digits of each byte, so that reading hexadecimal is one lookup a byte. */
export const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * The same memory as a bare Uint8Array. Of a subclass, `slice` may not copy, and comparisons by
 * type fail.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** How many bytes the varint of a number takes. */
export function varintBytes(value: number): number {
  let count = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count += 1
  return count
}

/**
 * Writes a varint into room that is there. @returns where it ends. Asserts that it is a whole
 * number from 0 to 2^53-1.
 */
export function putVarint(buffer: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = value
  if (value >>> 0 !== value) {
    if (!Number.isSafeInteger(value) || value < 0) assert(false, `not a whole number from 0 to 2^53-1: ${value}`)
    while (rest > 0xffff_ffff) {
      buffer[at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
  }
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

/**
 * Undefined unless all of the bytes are ASCII. Eight at a time, as a string is made anew by each
 * addition.
 */
export function readAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = ''
  let at = from
  for (; at + 8 <= to; at += 8) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    const e = bytes[at + 4] as number
    const f = bytes[at + 5] as number
    const g = bytes[at + 6] as number
    const h = bytes[at + 7] as number
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  for (; at < to; at += 1) {
    const code = bytes[at] as number
    if (code > 0x7f) return undefined
    text += String.fromCharCode(code)
  }
  return text
}

/** The value of a lower-case hexadecimal digit's character code, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}
