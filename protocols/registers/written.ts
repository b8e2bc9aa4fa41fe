/**
 * The bytes of records, by the record. One record is written many times, into a message for each
 * voter and into rows, and what it remembers of the writes before it is most of it. So whoever has
 * read or written it once copies its bytes from then on. A record never changes, and each has one
 * form.
 */
import { equalBytes } from '../base/record.ts'

/** Larger ones are written anew: their value is most of them, and would be in memory twice. */
const KEPT_BYTES_MAX = 16_384

const bytesOf = new WeakMap<object, Uint8Array>()

/** Undefined where the record was neither read nor written before, or is large. */
export function writtenBytes(record: object): Uint8Array | undefined {
  return bytesOf.get(record)
}

/** @param bytes that nobody changes */
export function keepWritten(record: object, bytes: Uint8Array): void {
  if (bytes.length <= KEPT_BYTES_MAX) bytesOf.set(record, bytes)
}

/** True for records that are known to be written alike; false says nothing. */
export function areWrittenAlike(a: object, b: object): boolean {
  const [bytes, others] = [bytesOf.get(a), bytesOf.get(b)]
  return bytes !== undefined && others !== undefined && equalBytes(bytes, others)
}
