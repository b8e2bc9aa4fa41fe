/**
 * What one version of a register is, and how versions are ordered. A record is made on the one
 * before; where it is chosen, so is everything that it was made on. A stub stands where a register
 * was forgotten: its number stays, its content is gone.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import { equalBytes } from '../base/record.ts'
import { RecentWrites, WRITE_BYTES } from './recent.ts'

/**
 * Names a write and what it asked for: 8 bytes for key and writeId, 4 for contents and conditions;
 * 24 hexadecimal digits.
 */
export type Mark = string & { readonly __brand: 'Mark' }

/** All fields together are its identity. */
export interface RegisterRecord {
  /** From 1 on. */
  readonly version: number
  /** 0 to 16 MiB; empty in a deleted one. */
  readonly value: Uint8Array
  readonly contentType: string
  readonly isDeleted: boolean
  /**
   * How long it is held before it is deleted, by the clock of whoever holds it. Undefined for ever.
   */
  readonly ttlMs: number | undefined
  /** Empty in a stub alone. */
  readonly writeId: string
  readonly mark: Mark
  /** Milliseconds since 1970, UTC, by the clock of the peer that took the write. 0 in a stub. */
  readonly writtenAtMs: number
  /**
   * Nothing was live before it. Versions do not tell: two tries of one write may make the same
   * version, on a deletion and on something live, and one of them is chosen.
   */
  readonly wasAbsent: boolean
  /** The writes before it, the oldest first. */
  readonly recent: RecentWrites
  /**
   * The version that has last fallen out of `recent`: of writes above it, those that are not in
   * `recent` were never applied.
   */
  readonly since: number
}

/**
 * A record at the ballot that it was accepted or chosen at. One ballot may carry several versions,
 * rising.
 */
export interface Entry {
  readonly ballot: Ballot
  readonly record: RegisterRecord
}

/** Writes that are always remembered. */
export const RECENT_LEAST = 16
/** The most that are, of the last minute. */
export const RECENT_MOST = 256
/**
 * The last minute of the slowest clock that made one of the writes always remembered: one peer whose
 * clock is ahead does not make the others' retries forgotten.
 */
export const RECENT_MS = 60_000

export const MARK_NONE: Mark = '0'.repeat(24) as Mark
const NO_VALUE = new Uint8Array()
/** Hexadecimal digits of a mark that name the write; the rest names what it asked for. */
const WRITE_DIGITS = 2 * WRITE_BYTES

/** What is left of a register that was forgotten. */
export function stub(version: number): RegisterRecord {
  return {
    version,
    value: NO_VALUE,
    contentType: '',
    isDeleted: true,
    ttlMs: undefined,
    writeId: '',
    mark: MARK_NONE,
    writtenAtMs: 0,
    wasAbsent: false,
    recent: RecentWrites.NONE,
    since: version,
  }
}

export function isStub(record: RegisterRecord): boolean {
  return record.writeId === ''
}

/** By ballot, then version; negative, zero or positive. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareBallots(a.ballot, b.ballot) || a.record.version - b.record.version
}

/** True for marks of one write, whatever it asked for each time. */
export function isSameWrite(a: Mark, b: Mark): boolean {
  return a.startsWith(b.slice(0, WRITE_DIGITS))
}

export function equalRegisterRecords(a: RegisterRecord, b: RegisterRecord): boolean {
  if (a === b) return true
  return (
    a.version === b.version &&
    a.writeId === b.writeId &&
    a.mark === b.mark &&
    a.isDeleted === b.isDeleted &&
    a.ttlMs === b.ttlMs &&
    a.writtenAtMs === b.writtenAtMs &&
    a.wasAbsent === b.wasAbsent &&
    a.contentType === b.contentType &&
    a.since === b.since &&
    a.recent.equals(b.recent) &&
    equalBytes(a.value, b.value)
  )
}

/** What a record made on another one remembers of the writes before it. */
export interface Memory {
  readonly recent: RecentWrites
  readonly since: number
}

/**
 * @param base what the record is made on; undefined for none, or a stub
 * @param number the highest version that was ever seen of the register
 */
export function memoryAfter(base: RegisterRecord | undefined, number: number, nowMs: number): Memory {
  if (base === undefined) return { recent: RecentWrites.NONE, since: number }
  const all = base.recent.with(base)
  const times = all.times()
  const sinceMs = Math.min(nowMs, ...times.slice(-RECENT_LEAST)) - RECENT_MS
  let dropped = 0
  while (times.length - dropped > RECENT_LEAST) {
    const oldestMs = times[dropped]
    if (oldestMs === undefined || (times.length - dropped <= RECENT_MOST && oldestMs >= sinceMs)) break
    dropped += 1
  }
  const { recent, last } = all.without(dropped)
  return { recent, since: last ?? base.since }
}
