/** Keys of a list that come with their values. */
import type { Facts } from './outcomes.ts'

export interface StoredValue extends Facts {
  readonly value: Uint8Array
}

/** As peers write it: text where the bytes are UTF-8, else base64. */
export type ValueRow = Facts & ({ readonly value: string } | { readonly valueBase64: string })

export function valueOf(row: ValueRow): StoredValue {
  const { key, size, etag, writtenAt, contentType } = row
  const value = 'value' in row ? new TextEncoder().encode(row.value) : bytesOf(row.valueBase64)
  return { key, size, etag, writtenAt, contentType, value }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}
