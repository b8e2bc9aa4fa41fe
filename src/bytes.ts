/** UTF-8 and SHA-256 as the core wants them, by what Node brings. */
import { hash } from 'node:crypto'
import type { Sha256, Utf8 } from '../protocols/base/bytes.ts'

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

/** SHA-256 of the bytes: 32 bytes. */
export const sha256: Sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')
