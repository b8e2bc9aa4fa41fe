/** `GET /store?count`: how many keys this peer holds, counted a piece a turn. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Replicator } from '../ports/replicator.ts'
import { json } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Range } from './listing.ts'

/** Keys looked at before others get their turn: about a millisecond's work. */
const KEYS_A_TURN = 1_024

/**
 * @param ranges in the order of their keys, none inside another
 * @param after only keys after this one
 * @param signal aborted when nobody waits for it any more; what was counted is then returned
 */
export async function countKeys(replicator: Replicator, ranges: readonly Range[], after: string, signal: AbortSignal): Promise<Answer> {
  let total = 0
  for (const { prefix, isOne } of ranges) {
    let from = after
    for (let more = true; more && !signal.aborted;) {
      const piece = replicator.count(prefix, from, isOne ? 1 : KEYS_A_TURN)
      total += isOne ? Number(piece.last === prefix) : piece.count
      more = piece.more && !isOne
      from = piece.last ?? from
      if (more) await nextTurn()
    }
  }
  return json(200, { keys: [], count: total })
}
