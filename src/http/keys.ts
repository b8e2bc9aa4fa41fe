/** Keys as they stand in a path. */
import { percentDecode } from './percent.ts'
import type { Decoded } from './percent.ts'

/** The longest key, in bytes of UTF-8. */
export const KEY_BYTES_MAX = 1024

/** What stands in a path as it is. */
const PLAIN = /^[\w\-.!~*'()/]*$/
const SLASH = 0x2f
const DOT = 0x2e

/**
 * Reads a key.
 *
 * @param raw the path after `/store/`, up to the question mark, as it came
 * @returns the key, or what is wrong with it, to be said after "the key is bad: "
 */
export function parseKey(raw: string): Decoded {
  if (raw === '') return { fault: 'it is empty' }
  const decoded = percentDecode(raw, false)
  if (decoded.fault !== undefined) return decoded
  const fault = keyFault(decoded.text)
  return fault === undefined ? decoded : { fault }
}

/** What is wrong with a key, to be said after "the key is bad: ". */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'it is empty'
  if (isLongerThan(key, KEY_BYTES_MAX)) return `it is longer than ${KEY_BYTES_MAX} bytes`
  if (key.includes('\u0000')) return 'it contains U+0000'
  return hasDotSegment(key) ? 'a segment of it is "." or "..", which clients rewrite' : undefined
}

/** True when the text has more bytes of UTF-8 than the bound. */
export function isLongerThan(text: string, bytesMax: number): boolean {
  return text.length > bytesMax || (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax)
}

function hasDotSegment(key: string): boolean {
  let start = 0
  for (let index = 0; index <= key.length; index += 1) {
    if (index < key.length && key.charCodeAt(index) !== SLASH) continue
    const length = index - start
    if ((length === 1 || length === 2) && key.charCodeAt(start) === DOT && key.charCodeAt(index - 1) === DOT) return true
    start = index + 1
  }
  return false
}

/** The path of a key: each segment encoded, `/` kept. */
export function keyPath(key: string): string {
  if (PLAIN.test(key)) return `/store/${key}`
  let path = '/store'
  for (const segment of key.split('/')) path += `/${encodeURIComponent(segment)}`
  return path
}
