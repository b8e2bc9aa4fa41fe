/**
 * The store is the snapshot. Entries are dropped when the store holds them for good, no member in
 * touch needs them, and so many applied ones stay for whoever is a little behind. And where a log
 * and its store were parted by a crash or joined by a snapshot, this says which of them is ahead
 * and what becomes of the log.
 */
import { assert } from '../base/assert.ts'
import type { StoreAt } from './events.ts'
import type { Followers } from './followers.ts'
import type { ReplicaState } from './state.ts'

/** Entries that are dropped in one write at most. */
const DROPPED_MAX = 1_000
/** Of the entries that are kept at least, this part has to be too many before any is dropped. */
const STRIDE_PART = 10

/** @param followers of a leader, who must not be left without what they need next */
export function compact(state: ReplicaState, followers: Followers | undefined): void {
  const { applied, durableIndex, tail, settings } = state
  if (applied === undefined) return
  const { keptEntriesMin } = settings.limits
  // The last entry stays: it says what the log's clock shows.
  const mostIndex = Math.min(durableIndex, applied - keptEntriesMin, tail.last.index - 1, neededBy(state, followers))
  const dropped = mostIndex - tail.base.index
  if (dropped < Math.max(1, Math.floor(keptEntriesMin / STRIDE_PART))) return
  tail.compact(tail.base.index + Math.min(dropped, DROPPED_MAX))
  state.persist({ kind: 'compacted', base: tail.base, members: tail.membersAt(tail.base.index) })
}

/**
 * The store was opened, or a snapshot was restored into it. @returns false when only a snapshot can
 * help: the log lacks what comes next
 */
export function settle(state: ReplicaState, { position, members, atMs, durableIndex }: StoreAt): boolean {
  const { tail } = state
  state.applied = undefined
  if (position.index < tail.base.index) {
    state.stalledSinceMs ??= state.nowMs
    return false
  }
  if (!tail.holds(position)) {
    // What the store applied was committed: a log without it has nothing behind it that was.
    assert(position.index > state.commit, `the store has ${position.term}.${position.index}, and the log another entry committed there`)
    tail.reset(position, members)
    state.persist({ kind: 'reset', base: position, members })
    state.commit = position.index
  }
  state.storeAtMs = atMs
  state.durableIndex = durableIndex
  state.stalledSinceMs = undefined
  state.commitTo(position.index)
  state.storeIsAt(position.index)
  return true
}

/**
 * Members in touch that are behind get the log, unless it takes more than is kept for them: a
 * snapshot is cheaper then.
 */
function neededBy(state: ReplicaState, followers: Followers | undefined): number {
  const { nowMs, settings, tail } = state
  let index = Number.POSITIVE_INFINITY
  for (const { match, heardMs } of followers?.all() ?? []) {
    const isInTouch = nowMs - heardMs < settings.electionMs
    const isWorthKeeping = tail.bytesBetween(match, tail.last.index) <= settings.limits.keptBytesMax
    if (isInTouch && isWorthKeeping) index = Math.min(index, match)
  }
  return index
}
