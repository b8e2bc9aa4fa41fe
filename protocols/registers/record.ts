/**
 * What one version of a register is, and how versions are ordered. A record is made on the one
 * before; where it is chosen, so is everything that it was made on. A stub stands where a register
 * was forgotten: its number stays, its content is gone.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import { equalBytes } from '../base/record.ts'

/**
 * Names a write and what it asked for: 8 bytes for key and writeId, 4 for contents and conditions;
 * 24 hexadecimal digits.
 */
export type Mark = string & { readonly __brand: 'Mark' }

/** A write before the one that made a record. */
export interface RecentWrite {
  readonly version: number
  readonly mark: Mark
  /** By the clock of the peer that took it. Only how much is remembered rests on it. */
  readonly writtenAtMs: number
  /** Nothing was live before it. */
  readonly wasAbsent: boolean
}

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
  readonly recent: readonly RecentWrite[]
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
const WRITE_DIGITS = 16

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
    recent: [],
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
  return isOfWrite(a, writeOfMark(b))
}

/** What of a mark names the write. */
export function writeOfMark(mark: Mark): string {
  return mark.slice(0, WRITE_DIGITS)
}

/** @param write as `writeOfMark` tells it, for whoever compares it with many marks */
export function isOfWrite(mark: Mark, write: string): boolean {
  return mark.startsWith(write)
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
    equalRecent(a.recent, b.recent) &&
    equalBytes(a.value, b.value)
  )
}

/** What a record made on another one remembers of the writes before it. */
export interface Memory {
  readonly recent: readonly RecentWrite[]
  readonly since: number
}

/**
 * @param base what the record is made on; undefined for none, or a stub
 * @param number the highest version that was ever seen of the register
 */
export function memoryAfter(base: RegisterRecord | undefined, number: number, nowMs: number): Memory {
  if (base === undefined) return { recent: [], since: number }
  const { version, mark, writtenAtMs, wasAbsent } = base
  const recent = [...base.recent, { version, mark, writtenAtMs, wasAbsent }]
  const sinceMs = Math.min(nowMs, ...recent.slice(-RECENT_LEAST).map((write) => write.writtenAtMs)) - RECENT_MS
  let dropped = 0
  while (recent.length - dropped > RECENT_LEAST) {
    const oldest = recent[dropped]
    if (oldest === undefined || (recent.length - dropped <= RECENT_MOST && oldest.writtenAtMs >= sinceMs)) break
    dropped += 1
  }
  const since = dropped === 0 ? base.since : (recent[dropped - 1]?.version ?? base.since)
  return { recent: recent.slice(dropped), since }
}

function equalRecent(a: readonly RecentWrite[], b: readonly RecentWrite[]): boolean {
  if (a.length !== b.length) return false
  return a.every((write, place) => {
    const other = b[place]
    if (write.version !== other?.version || write.mark !== other.mark) return false
    return write.writtenAtMs === other.writtenAtMs && write.wasAbsent === other.wasAbsent
  })
}
