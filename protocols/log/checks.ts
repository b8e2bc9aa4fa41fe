/**
 * How a leader compares the contents of all stores: it orders an entry `check` for one slice after
 * another. Every replica hashes that slice as its store stands at that entry, and tells the leader.
 * Where a majority of the voters found the same, a store that found something else is told so, and
 * stops. Without such a majority nobody knows which is right: that is an alarm, and no store stops.
 */
import { isMajority } from './commit.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { EntryBody } from './entry.ts'
import { allMembers } from './membership.ts'
import type { ReplicaState } from './state.ts'

/** Of how many checks answers that come late are still compared. */
const KEPT_MAX = 16
/** A member that was not heard of in so long holds up no further check, in milliseconds. */
const ANSWERED_WITHIN_MS = 2_000
/**
 * Nothing is applied to a store that is being hashed: so many times as long as it took here passes
 * before the next slice, however large the store is.
 */
const REST_TIMES = 20

interface Check {
  readonly index: number
  readonly orderedMs: number
  readonly found: Map<IdentityId, string>
  isAlarmed: boolean
}

export class Checks {
  private readonly state: ReplicaState
  private readonly order: (bodies: readonly EntryBody[]) => void
  private nextMs: number
  /** The slice that comes next; undefined while no pass is under way. */
  private slice: number | undefined
  private restsUntilMs = 0
  private readonly checks: Check[] = []

  constructor(state: ReplicaState, order: (bodies: readonly EntryBody[]) => void) {
    this.state = state
    this.order = order
    this.nextMs = state.nowMs + state.settings.limits.checkEveryMs
  }

  /** An operator asks for a pass through all slices. It goes on by itself. */
  begin(): void {
    this.slice ??= 0
  }

  tick(): void {
    const { nowMs, settings } = this.state
    const { checkEveryMs, checkSlices } = settings.limits
    if (checkEveryMs > 0 && this.nextMs <= nowMs) {
      this.nextMs = nowMs + checkEveryMs
      this.slice ??= 0
    }
    if (this.slice === undefined || this.isWaiting()) return
    const { slice } = this
    this.slice = slice + 1 < checkSlices ? slice + 1 : undefined
    this.order([{ kind: 'check', slice }])
    const index = this.state.tail.last.index
    this.checks.push({ index, orderedMs: nowMs, found: new Map(), isAlarmed: false })
    if (this.checks.length > KEPT_MAX) this.checks.shift()
  }

  /** A member hashed its store at that entry. */
  found(from: Identity, index: number, digest: string): void {
    const check = this.checks.find((each) => each.index === index)
    if (check === undefined) return
    check.found.set(from.id, digest)
    const { nowMs, self } = this.state
    if (from.id === self.id) this.restsUntilMs = nowMs + REST_TIMES * (nowMs - check.orderedMs)
    this.judge(check)
  }

  /**
   * True until the one before is committed, and all have answered it or had their time, and stores
   * have rested. Commands that are under way hold up none: there may always be some.
   */
  private isWaiting(): boolean {
    const last = this.checks.at(-1)
    const { commit, nowMs } = this.state
    if (nowMs < this.restsUntilMs || (last !== undefined && commit < last.index)) return true
    if (last === undefined || nowMs - last.orderedMs >= ANSWERED_WITHIN_MS) return false
    return allMembers(this.state.members).some(({ id }) => !last.found.has(id))
  }

  private judge(check: Check): void {
    const { state } = this
    const { members } = state
    const digests = new Set(check.found.values())
    if (digests.size === 1) return
    const right = [...digests].find((digest) => isMajority(members, (id) => check.found.get(id) === digest))
    if (right === undefined) return this.alarm(check)
    for (const peer of allMembers(members)) {
      const found = check.found.get(peer.id)
      if (found !== undefined && found !== right) state.send(peer, { kind: 'differs', index: check.index }, 'nothing')
    }
  }

  private alarm(check: Check): void {
    const { state } = this
    const isComplete = state.members.voters.every(({ id }) => check.found.has(id))
    if (!isComplete || check.isAlarmed) return
    check.isAlarmed = true
    state.note({ kind: 'differs', index: check.index, isHere: false })
  }
}
