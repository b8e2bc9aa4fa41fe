/**
 * Percent-decoding by hand: exactly once, to bytes, and strictly. `decodeURIComponent` would do it
 * too, but throws without saying why and costs an exception for each bad key.
 */
import { isUtf8 } from 'node:buffer'

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

export type Decoded = { readonly text: string; readonly fault?: never } | { readonly text?: never; readonly fault: string }

const PLAIN = 0
const ESCAPED = 1

/**
 * Decodes percent-escapes.
 *
 * @param raw as it came: each character stands for one byte
 * @param plusIsSpace true in a query, false in a path
 * @returns the text, or what is wrong with it
 */
export function percentDecode(raw: string, plusIsSpace: boolean): Decoded {
  if (scan(raw, plusIsSpace) === PLAIN) return { text: raw }
  const bytes = Buffer.allocUnsafe(raw.length)
  let size = 0
  for (let index = 0; index < raw.length; index += 1) {
    const code = raw.charCodeAt(index)
    if (code === PERCENT) {
      const byte = (hexDigit(raw.charCodeAt(index + 1)) << 4) | hexDigit(raw.charCodeAt(index + 2))
      if (byte < 0) return { fault: `the percent sign at offset ${index} is not followed by two hexadecimal digits` }
      bytes[size] = byte
      index += 2
    } else {
      bytes[size] = code === PLUS && plusIsSpace ? SPACE : code
    }
    size += 1
  }
  const decoded = bytes.subarray(0, size)
  // Unlike TextDecoder, this keeps a byte order mark, which is part of a key like any other
  // character.
  return isUtf8(decoded) ? { text: decoded.toString('utf8') } : { fault: 'it is not valid UTF-8' }
}

/** Most paths have nothing to decode; they are found out without a copy. */
function scan(raw: string, plusIsSpace: boolean): typeof PLAIN | typeof ESCAPED {
  for (let index = 0; index < raw.length; index += 1) {
    const code = raw.charCodeAt(index)
    if (code === PERCENT || code > 0x7f || (code === PLUS && plusIsSpace)) return ESCAPED
  }
  return PLAIN
}

/** 0 to 15, or -1, which makes the whole byte negative. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
