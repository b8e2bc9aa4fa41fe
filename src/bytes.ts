/** UTF-8 and SHA-256 as the core wants them, by what Node brings. */
import { hash } from 'node:crypto'
import type { Sha256, Utf8 } from '../protocols/base/bytes.ts'

const SHA256_BYTES = 32

// `fatal` refuses what is not UTF-8; `ignoreBOM` keeps U+FEFF at the start, so that bytes and text
// stay one to one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Text as UTF-8. Encoded by Buffer, whose small outputs share memory and so cost a tenth of a
 * TextEncoder's. `decode` throws a TypeError on bytes that are not valid UTF-8.
 */
export const utf8: Utf8 = {
  encode: (text: string): Uint8Array => Buffer.from(text, 'utf8'),
  decode: (bytes: Uint8Array): string => decoder.decode(bytes),
}

/**
 * SHA-256 of the bytes: 32 bytes. The hash comes as text, one character a byte: a buffer that Node
 * makes for it lies outside the heap, which costs as much as the hash does.
 */
export const sha256: Sha256 = (bytes: Uint8Array): Uint8Array => {
  const text = hash('sha256', bytes, 'binary')
  const digest = new Uint8Array(SHA256_BYTES)
  for (let index = 0; index < SHA256_BYTES; index += 1) digest[index] = text.charCodeAt(index)
  return digest
}
