/**
 * What a leader knows of each member, and how far ahead it may send. `probe`: one append at a time,
 * until it is known where the two logs agree. `stream`: appends are sent ahead, as many as the
 * window takes. `snapshot`: the log no longer has what the member needs, and a backup of a store is
 * on its way.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Entry, Position } from './entry.ts'
import type { LogLimits } from './limits.ts'
import type { Tail } from './tail.ts'

/**
 * With so many appends on their way, entries are gathered for so many milliseconds before the next
 * one: whoever is written to all the time is written to in larger parts, and each part waits for one
 * sync at the other end anyway.
 */
const APPENDS_AT_ONCE = 2
const GATHERED_MS = 1

export type FollowerState = 'probe' | 'stream' | 'snapshot'

interface InFlight {
  readonly lastIndex: number
  readonly bytes: number
}

/** What is to be sent next: entries behind a position, none at all, or a snapshot. */
export type Next = { readonly before: Position; readonly entries: readonly Entry[] } | 'nothing' | 'snapshot'

export class Follower {
  readonly peer: Identity
  state: FollowerState = 'probe'
  /** All up to here is as in the leader's log, and on the follower's disk. */
  match = 0
  /** The next entry to be sent. */
  next: number
  /** When anything was last heard of it in this term. */
  heardMs: number = Number.NEGATIVE_INFINITY
  /** What it was told is committed, by an append. */
  toldCommit = 0
  /** The newest round of heartbeats that it answered. */
  round = 0
  applied = 0
  isStalled = false
  lacksStore = false
  /** A backup is on its way to it. */
  isFilling = false
  /** An append of the probe has not been answered. */
  private isProbing = false
  /** When entries were sent last. */
  private sentMs = Number.NEGATIVE_INFINITY
  private inFlight: InFlight[] = []
  private inFlightBytes = 0

  constructor(peer: Identity, next: number) {
    this.peer = peer
    this.next = next
  }

  /** An answer is on its way that brings the next append. */
  get isAwaited(): boolean {
    return this.state === 'stream' && this.inFlight.length > 0
  }

  /**
   * Says what to send, and takes it as sent. @param isEmptyWanted for the commit that goes with it,
   * or as a probe
   */
  toSend(tail: Tail, limits: LogLimits, isEmptyWanted: boolean, nowMs: number): Next {
    if (this.state === 'snapshot' || (this.state === 'probe' && this.isProbing)) return 'nothing'
    const index = this.next - 1
    const term = tail.termAt(index)
    if (term === undefined) return 'snapshot'
    const isFull = this.inFlight.length >= limits.windowAppendsMax || this.inFlightBytes >= limits.windowBytesMax
    const isGathering = this.inFlight.length >= APPENDS_AT_ONCE && nowMs - this.sentMs < GATHERED_MS
    const entries = this.state === 'stream' && (isFull || isGathering) ? [] : tail.fitting(this.next, limits.appendBytesMax)
    if (entries.length === 0 && !isEmptyWanted) return 'nothing'
    const last = entries.at(-1)
    if (this.state === 'probe') this.isProbing = true
    else if (last !== undefined) {
      const bytes = tail.bytesBetween(index, last.index)
      this.sentMs = nowMs
      this.inFlight.push({ lastIndex: last.index, bytes })
      this.inFlightBytes += bytes
      this.next = last.index + 1
    }
    return { before: { term, index }, entries }
  }

  /** @returns true when it holds more than was known */
  appended(index: number): boolean {
    this.isProbing = false
    while (this.inFlight.length > 0 && (this.inFlight[0] as InFlight).lastIndex <= index)
      this.inFlightBytes -= (this.inFlight.shift() as InFlight).bytes
    const isMore = index > this.match
    if (isMore) this.match = index
    this.next = Math.max(this.next, index + 1)
    if (this.state === 'probe' || (this.state === 'snapshot' && isMore)) this.become('stream', this.match + 1)
    return isMore
  }

  /** What was sent behind `before` does not follow upon what it holds. */
  refused(before: number, hint: Position, tail: Tail): void {
    const isStale = this.state === 'probe' ? before !== this.next - 1 : before <= this.match
    if (this.state === 'snapshot' || isStale) return
    const agreed = tail.lastNotAbove(hint.index, hint.term).index
    this.become('probe', Math.max(Math.min(before, agreed + 1), this.match + 1))
  }

  /** Whatever was on its way may be lost: the next append asks where it stands. */
  lost(): void {
    if (this.state !== 'snapshot') this.become('probe', this.match + 1)
    this.isFilling = false
  }

  /** An answer came that an append did not bring: one that was sent before may have been lost. */
  probeAgain(): void {
    this.isProbing = false
  }

  snapshotBegun(): void {
    this.become('snapshot', this.next)
  }

  /** @param index of the snapshot, which has arrived; undefined when it has not */
  snapshotEnded(index: number | undefined): void {
    this.isFilling = false
    if (this.state === 'snapshot') this.become('probe', Math.max(this.match, index ?? 0) + 1)
  }

  private become(state: FollowerState, next: number): void {
    this.state = state
    this.next = next
    this.toldCommit = 0
    this.isProbing = false
    this.inFlight = []
    this.inFlightBytes = 0
  }
}

/** One for each member; those who leave are forgotten. */
export class Followers {
  private readonly byId = new Map<IdentityId, Follower>()

  /** @param next for those who are new */
  keep(members: readonly Identity[], next: number): void {
    const ids = new Set(members.map(({ id }) => id))
    for (const id of this.byId.keys()) if (!ids.has(id)) this.byId.delete(id)
    for (const peer of members) if (!this.byId.has(peer.id)) this.byId.set(peer.id, new Follower(peer, next))
  }

  get(id: IdentityId): Follower | undefined {
    return this.byId.get(id)
  }

  all(): Iterable<Follower> {
    return this.byId.values()
  }

  match(id: IdentityId): number {
    return this.byId.get(id)?.match ?? 0
  }

  /** True when it was heard of since then. */
  isHeardSince(id: IdentityId, sinceMs: number): boolean {
    return (this.byId.get(id)?.heardMs ?? Number.NEGATIVE_INFINITY) >= sinceMs
  }
}
