/** `GET /store`: this peer's keys, a page at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Replicator } from '../ports/replicator.ts'
import { json } from './answers.ts'
import type { Answer } from './answers.ts'
import { formatTime } from './dates.ts'
import { entityTag } from './etags.ts'
import type { ListQuery } from './query.ts'

/** Keys read at once to begin with: a record comes with its value, so a page of the largest values must not be read in one go. */
const KEYS_AT_ONCE_MIN = 16
const KEYS_AT_ONCE_MAX = 256
/** While a reading is smaller than this, the next one takes more keys. */
const SMALL_BYTES = 262_144
/** Values hashed before others get their turn: about a millisecond's work. */
const BYTES_A_TURN_MAX = 1_048_576

interface Row {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly writtenAt: string
}

/**
 * Reads a page in small pieces, giving way to other requests between them.
 *
 * @param signal aborted when nobody waits for the page any more; what was read is then returned
 */
export async function listKeys(replicator: Replicator, query: ListQuery, signal: AbortSignal): Promise<Answer> {
  const keys: Row[] = []
  let after = query.after
  let more = true
  let atOnce = KEYS_AT_ONCE_MIN
  let bytesThisTurn = 0
  while (more && keys.length < query.limit && !signal.aborted) {
    const piece = replicator.list(query.prefix, after, Math.min(atOnce, query.limit - keys.length))
    let bytes = 0
    for (const { key, record } of piece.keys) {
      bytes += record.value.length
      keys.push({ key, size: record.value.length, etag: entityTag(record), writtenAt: formatTime(record.writtenAtMs) })
      after = key
    }
    more = piece.more && piece.keys.length > 0
    atOnce = bytes < SMALL_BYTES ? Math.min(atOnce * 2, KEYS_AT_ONCE_MAX) : KEYS_AT_ONCE_MIN
    bytesThisTurn += bytes
    if (more && bytesThisTurn > BYTES_A_TURN_MAX) {
      bytesThisTurn = 0
      await nextTurn()
    }
  }
  return json(200, more ? { keys, next: after } : { keys })
}
