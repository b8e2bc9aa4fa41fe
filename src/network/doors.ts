/**
 * Who may stand in the doors: connections of which nobody has proved yet to be a member, from the
 * moment that they are accepted. Each has a bounded time, and there is a bounded number of them: in
 * all, from one source, and of one peer id. Where a bound is reached the one that has stood longest
 * makes room, so that a member that comes after many silent strangers comes in.
 *
 * Addresses where members are, or were, are let in past the bounds of strangers: whoever presses
 * from elsewhere cannot shut members out. Rules only: time is an argument, and cutting a connection
 * is given.
 */
import type { PeerId } from '../../protocols/base/identity.ts'

/** From its acceptance a connection has this long to prove itself. */
export const UNPROVED_MS = 12_000
/** Unproved connections of one source, where no member is known to be. */
export const UNPROVED_PER_SOURCE_MAX = 16
/** The same for a source of members: a whole cluster may sit behind one, and start at once. */
export const UNPROVED_PER_MEMBER_SOURCE_MAX = 256
/** Unproved connections of one peer id, or connections beside the one in use. */
export const UNPROVED_PER_PEER_MAX = 4
/** Unproved connections in all: some 150 MB when all of them are encrypted. */
export const UNPROVED_MAX = 512
/** So long nobody has to make room for another, because a handshake takes some round trips. */
export const GRACE_MS = 1_000
/** Sources of members that are remembered; beyond it the one that was told first is forgotten. */
const MEMBER_SOURCES_MAX = 4_096
/** What was turned away is told for this long. */
const TOLD_MS = 60_000
/**
 * Fewer turned away in that time, or fewer that stand idle, are no news: a scanner, a probe of
 * health.
 */
const TURNED_AWAY_NEWS = 16
const IDLE_NEWS = 8
/** Standing for so long, a connection is idle. */
const IDLE_MS = 3_000
/** How many that were turned away are looked at for that. */
const RECENT_MAX = 4_096

/** Why a connection was turned away. */
export const TURNED_AWAY = ['time', 'source', 'peer', 'all'] as const
export type TurnedAway = (typeof TURNED_AWAY)[number]

const REASONS: Readonly<Record<TurnedAway, string>> = {
  time: `no proof within ${UNPROVED_MS / 1_000} s`,
  source: 'too many unproved connections of its source',
  peer: 'too many unproved connections of its peer id',
  all: 'too many unproved connections',
}

/** A connection, from its acceptance to its end. */
export interface Visitor {
  /** Multiaddr in text form, without a peer id. */
  readonly address: string
  /**
   * What it is counted under; undefined for one that we have dialled, or that has no IP address.
   */
  readonly source: string | undefined
  /** Whose key it has shown. */
  peerId: PeerId | undefined
  /** Since when it has had to prove itself; milliseconds of `performance.now`. */
  sinceMs: number
  readonly cut: (reason: string) => void
}

export interface DoorsInit {
  /** True while a stream of the peer is proved, on whichever connection. */
  readonly isProved: (peerId: PeerId) => boolean
  /** The address of the connection that is used for a peer. */
  readonly addressInUse: (peerId: PeerId) => string | undefined
  /** True for the sources where this peer is itself. */
  readonly isOwnSource: (source: string) => boolean
  readonly turnedAway: (address: string, reason: string) => void
}

export class Doors {
  /** Connections turned away or cut, only ever rising. */
  readonly counts: Map<TurnedAway, number> = new Map(TURNED_AWAY.map((why) => [why, 0]))
  readonly #init: DoorsInit
  readonly #visitors = new Set<Visitor>()
  readonly #memberSources = new Set<string>()
  #recent: { readonly atMs: number; readonly source: string }[] = []

  constructor(init: DoorsInit) {
    this.#init = init
  }

  /** A connection was accepted. @returns false when it must be closed */
  enter(visitor: Visitor, nowMs: number): boolean {
    const { source } = visitor
    const isMember = source !== undefined && this.#isMemberSource(source)
    const unproved = this.unproved().filter((other) => other.source !== undefined)
    const sameSource = unproved.filter((other) => other.source === source)
    const max = isMember ? UNPROVED_PER_MEMBER_SOURCE_MAX : UNPROVED_PER_SOURCE_MAX
    if (source !== undefined && sameSource.length >= max && !this.#makeRoom(sameSource, 'source', isMember, nowMs)) {
      this.#note(visitor, 'source', nowMs)
      return false
    }
    if (this.#count(unproved) >= UNPROVED_MAX && !this.#makeRoom(this.#strangersFirst(unproved), 'all', isMember, nowMs)) {
      this.#note(visitor, 'all', nowMs)
      return false
    }
    this.#visitors.add(visitor)
    return true
  }

  /**
   * It has shown whose key it has. Older connections of the same peer that are not in use make room
   * for it.
   */
  named(visitor: Visitor, peerId: PeerId, nowMs: number): void {
    visitor.peerId = peerId
    const inUse = this.#init.addressInUse(peerId)
    const others = [...this.#visitors].filter((other) => other.peerId === peerId && other !== visitor && other.address !== inUse)
    for (const other of others.slice(0, Math.max(0, others.length + 1 - UNPROVED_PER_PEER_MAX))) this.#turnAway(other, 'peer', nowMs)
  }

  /** A connection that was dialled: it is not counted, and has its time as others do. */
  dialled(visitor: Visitor): void {
    this.#visitors.add(visitor)
  }

  left(visitor: Visitor): void {
    this.#visitors.delete(visitor)
  }

  /** A member was met at these sources, or is said to be there by one who should know. */
  memberAt(sources: readonly (string | undefined)[]): void {
    for (const source of sources) {
      if (source === undefined) continue
      this.#memberSources.delete(source)
      this.#memberSources.add(source)
    }
    for (const source of this.#memberSources) {
      if (this.#memberSources.size <= MEMBER_SOURCES_MAX) break
      this.#memberSources.delete(source)
    }
  }

  /** The stream by which a peer was proved has ended: its connections have their time anew. */
  lost(peerId: PeerId, nowMs: number): void {
    for (const visitor of this.#visitors) if (visitor.peerId === peerId) visitor.sinceMs = nowMs
  }

  /** Cuts those whose time will be over before the next look. */
  look(nowMs: number, nextLookMs: number): void {
    for (const visitor of this.unproved()) {
      if (nowMs - visitor.sinceMs > UNPROVED_MS - nextLookMs) this.#turnAway(visitor, 'time', nowMs)
    }
  }

  /** Connections that nobody has proved anything on, the oldest first. */
  unproved(): Visitor[] {
    return [...this.#visitors].filter(({ peerId }) => peerId === undefined || !this.#init.isProved(peerId))
  }

  /** What an operator should know when strangers press on the doors. */
  pressure(nowMs: number): string | undefined {
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < TOLD_MS)
    const idle = this.unproved().filter(({ source, sinceMs }) => source !== undefined && nowMs - sinceMs > IDLE_MS)
    if (this.#recent.length < TURNED_AWAY_NEWS && idle.length < IDLE_NEWS) return undefined
    const sources = [...this.#recent, ...idle].map(({ source }) => source ?? '')
    return `strangers press on the doors: ${idle.length} connections stand unproved, and ${this.#recent.length} were turned away within a minute; most come from ${mostFrequent(sources)}`
  }

  #isMemberSource(source: string): boolean {
    return this.#memberSources.has(source) || this.#init.isOwnSource(source)
  }

  #count(unproved: readonly Visitor[]): number {
    return unproved.filter((visitor) => this.#visitors.has(visitor)).length
  }

  #strangersFirst(unproved: readonly Visitor[]): Visitor[] {
    const isMember = ({ source }: Visitor): boolean => source !== undefined && this.#isMemberSource(source)
    return [...unproved.filter((visitor) => !isMember(visitor)), ...unproved.filter(isMember)]
  }

  /** Cuts the first of them, unless it has hardly begun and who comes is a stranger. */
  #makeRoom([first]: readonly Visitor[], why: TurnedAway, isMember: boolean, nowMs: number): boolean {
    if (first === undefined || (!isMember && nowMs - first.sinceMs < GRACE_MS)) return false
    this.#turnAway(first, why, nowMs)
    return true
  }

  #turnAway(visitor: Visitor, why: TurnedAway, nowMs: number): void {
    this.#visitors.delete(visitor)
    this.#note(visitor, why, nowMs)
    visitor.cut(REASONS[why])
  }

  #note({ address, source }: Visitor, why: TurnedAway, nowMs: number): void {
    this.counts.set(why, (this.counts.get(why) ?? 0) + 1)
    if (source !== undefined && this.#recent.length < RECENT_MAX) this.#recent.push({ atMs: nowMs, source })
    this.#init.turnedAway(address, REASONS[why])
  }
}

/** The one of them that comes most often. */
function mostFrequent(sources: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const source of sources) counts.set(source, (counts.get(source) ?? 0) + 1)
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a)
  return most?.[0] ?? ''
}
