/** Bytes in and out. UTF-8 and SHA-256 come in as arguments, for the core imports nothing. */

/** Text as UTF-8. */
export interface Utf8 {
  encode(text: string): Uint8Array
  /** @throws on bytes that are not valid UTF-8. */
  decode(bytes: Uint8Array): string
}

/** SHA-256 (FIPS 180-4): 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array
