/** `GET /store`: this peer's keys, a page at a time. */
import { isUtf8 } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { ListedKey, Replicator } from '../ports/replicator.ts'
import { json } from './answers.ts'
import type { Answer } from './answers.ts'
import { formatTime } from './dates.ts'
import { entityTag } from './etags.ts'
import type { KeyListQuery } from './query.ts'

/**
 * Keys read at once to begin with: a record comes with its value, so a page of the largest values
 * must not be read in one go.
 */
const KEYS_AT_ONCE_MIN = 16
const KEYS_AT_ONCE_MAX = 256
/** While a reading is smaller than this, the next one takes more keys. */
const SMALL_BYTES = 262_144
/** Values hashed before others get their turn: about a millisecond's work. */
const BYTES_A_TURN_MAX = 1_048_576
/** Of the values that a page tells; it ends with the one that reaches it. */
const TOLD_BYTES_MAX = 4_194_304

interface Row {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly writtenAt: string
  /** Where values are asked for. */
  readonly contentType?: string
  readonly value?: string
  readonly valueBase64?: string
}

/** At most `limit` keys after `after`, in order, and whether there are more. */
export type ListingSource = (after: string, limit: number) => ReturnType<Replicator['list']>

/** Keys that begin with a text, or the one key that is that text. */
export interface Range {
  readonly prefix: string
  readonly isOne: boolean
}

/**
 * The keys with a prefix that a grant opens.
 *
 * @param granted paths, as a grant has them; undefined for all
 * @param base what the paths of keys begin with, as `/store/`
 */
export function listingWithin(replicator: Replicator, granted: readonly string[] | undefined, base: string, prefix: string): ListingSource {
  if (granted === undefined) return (after, limit) => replicator.list(prefix, after, limit)
  const ranges = grantedRanges(granted, base, prefix)
  return (after, limit) => listRanges(replicator, ranges, after, limit)
}

/** What of a prefix a grant opens: ranges in the order of their keys, none inside another. */
export function grantedRanges(granted: readonly string[] | undefined, base: string, prefix: string): readonly Range[] {
  if (granted === undefined) return [{ prefix, isOne: false }]
  return disjoint(granted.flatMap((path) => rangesOf(path, base)).flatMap((range) => within(range, prefix)))
}

/**
 * The keys that the path of a grant opens: those below it, and where it does not end in a slash the
 * one that it names.
 */
function rangesOf(path: string, base: string): Range[] {
  if (base.startsWith(path.endsWith('/') ? path : `${path}/`)) return [{ prefix: '', isOne: false }]
  if (!path.startsWith(base)) return []
  const key = path.slice(base.length)
  if (key.endsWith('/')) return [{ prefix: key, isOne: false }]
  return [
    { prefix: key, isOne: true },
    { prefix: `${key}/`, isOne: false },
  ]
}

/** What of a range has the prefix. */
function within(range: Range, prefix: string): Range[] {
  if (range.prefix.startsWith(prefix)) return [range]
  return !range.isOne && prefix.startsWith(range.prefix) ? [{ prefix, isOne: false }] : []
}

/** Ranges in the order of their keys, none inside another. */
function disjoint(ranges: readonly Range[]): Range[] {
  const kept: Range[] = []
  for (const range of ranges.toSorted((one, other) => compareUtf8(one.prefix, other.prefix) || Number(one.isOne) - Number(other.isOne))) {
    const last = kept.findLast(({ isOne }) => !isOne)
    const isInside = (last !== undefined && range.prefix.startsWith(last.prefix)) || (range.isOne && kept.at(-1)?.prefix === range.prefix)
    if (!isInside) kept.push(range)
  }
  return kept
}

function listRanges(replicator: Replicator, ranges: readonly Range[], after: string, limit: number): ReturnType<Replicator['list']> {
  const keys: ListedKey[] = []
  for (const { prefix, isOne } of ranges) {
    const full = keys.length >= limit
    // One key more than fits tells that there are more.
    const piece = replicator.list(prefix, after, full || isOne ? 1 : limit - keys.length)
    const found = isOne ? piece.keys.filter(({ key }) => key === prefix) : piece.keys
    if (full && found.length > 0) return { keys, more: true }
    if (full) continue
    keys.push(...found)
    if (!isOne && piece.more) return { keys, more: true }
  }
  return { keys, more: false }
}

/**
 * Reads a page in small pieces, giving way to other requests between them.
 *
 * @param signal aborted when nobody waits for the page any more; what was read is then returned
 */
export async function listKeys(source: ListingSource, query: KeyListQuery, signal: AbortSignal): Promise<Answer> {
  const keys: Row[] = []
  let after = query.after
  let more = true
  let atOnce = KEYS_AT_ONCE_MIN
  let bytesThisTurn = 0
  let roomBytes = query.values ? TOLD_BYTES_MAX : Number.POSITIVE_INFINITY
  while (more && keys.length < query.limit && roomBytes > 0 && !signal.aborted) {
    const piece = source(after, Math.min(atOnce, query.limit - keys.length))
    const fitting = fittingOf(piece.keys, roomBytes)
    let bytes = 0
    for (const { key, record } of fitting) {
      bytes += record.value.length
      keys.push(rowOf(key, record, query.values))
      after = key
    }
    roomBytes -= bytes
    more = (piece.more && piece.keys.length > 0) || fitting.length < piece.keys.length
    atOnce = bytes < SMALL_BYTES ? Math.min(atOnce * 2, KEYS_AT_ONCE_MAX) : KEYS_AT_ONCE_MIN
    bytesThisTurn += bytes
    if (more && bytesThisTurn > BYTES_A_TURN_MAX) {
      bytesThisTurn = 0
      await nextTurn()
    }
  }
  return json(200, more ? { keys, next: after } : { keys })
}

/** As many as there is room for, the last one over the edge of it. */
function fittingOf(keys: readonly ListedKey[], roomBytes: number): readonly ListedKey[] {
  let left = roomBytes
  const over = keys.findIndex(({ record }) => (left -= record.value.length) <= 0)
  return over < 0 ? keys : keys.slice(0, over + 1)
}

function rowOf(key: string, record: ValueRecord, tellsValue: boolean): Row {
  const row = { key, size: record.value.length, etag: entityTag(record), writtenAt: formatTime(record.writtenAtMs) }
  return tellsValue ? { ...row, contentType: record.contentType, ...valueOf(record.value) } : row
}

/** Text where the bytes are UTF-8, so that people can read it. */
function valueOf(value: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return isUtf8(bytes) ? { value: bytes.toString('utf8') } : { valueBase64: bytes.toString('base64') }
}
