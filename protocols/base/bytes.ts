/** Bytes in and out. UTF-8 and SHA-256 come in as arguments, for the core imports nothing. */

/** Text as UTF-8. */
export interface Utf8 {
  encode(text: string): Uint8Array
  /** @throws on bytes that are not valid UTF-8. */
  decode(bytes: Uint8Array): string
}

/** SHA-256 (FIPS 180-4): 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** How many bytes a well-formed text takes in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    const isSurrogate = unit >= 0xd800 && unit < 0xe000
    // Each half of a surrogate pair takes two of the pair's four bytes.
    bytes += unit < 0x800 || isSurrogate ? 1 : 2
  }
  return bytes
}

/**
 * Orders well-formed texts as their UTF-8 bytes order: by code point; negative, zero or positive.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left === right) continue
    // Surrogates stand for code points above all others, yet below some others as UTF-16 code
    // units.
    return rankOfUnit(left) - rankOfUnit(right)
  }
  return a.length - b.length
}

function rankOfUnit(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}
