import type { Ballot } from './ballot.ts'
import type { Home } from './units.ts'

/**
 * What a register holds. Its identity is all four fields together: two records are the same only
 * when all four are.
 */
export interface ValueRecord {
  /**
   * Names one put of one key: the client's Idempotency-Key, or random. 1 to 128 visible ASCII
   * characters.
   */
  readonly writeId: string
  /** 0 to 16 MiB. */
  readonly value: Uint8Array
  /** At most 255 bytes, of what `isContentType` allows. */
  readonly contentType: string
  /**
   * Milliseconds since 1970, UTC, by the clock of the peer that took the put. Shown to people;
   * decides nothing.
   */
  readonly writtenAtMs: number
}

/** A record that an acceptor accepted at a ballot; it may or may not be chosen. */
export interface Accepted {
  readonly ballot: Ballot
  readonly record: ValueRecord
  /**
   * Of what was taken as an offer: it counts only as `agreement/offers.ts` says. Left out for what
   * was accepted plainly, by a commit.
   */
  readonly home?: Home
}

/**
 * True for what can stand as the value of an HTTP header: a record of another type could never be
 * answered to a client.
 */
export function isContentType(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text)
}

/** True when all bytes are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false
  return true
}

/** True when both hold the same value of the same type, whoever wrote it and when. */
export function equalContents(a: ValueRecord, b: ValueRecord): boolean {
  return a.contentType === b.contentType && equalBytes(a.value, b.value)
}

/** True when the two are the same record. */
export function equalRecords(a: ValueRecord, b: ValueRecord): boolean {
  return a === b || (a.writeId === b.writeId && a.writtenAtMs === b.writtenAtMs && equalContents(a, b))
}
