/**
 * Peers worth dialling, where, and when next. Rules only: time and chance are arguments, dialling is `connector.ts`.
 *
 * A peer named on the command line is never given up, nor is a voter; any other is, after a time, and one that was removed at once.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'

/** The wait before the second try; enough for a peer that is just restarting its process. */
export const RETRY_FIRST_MS = 200
/** The longest wait between tries of a peer that does not answer: what a healed link costs at most. */
export const RETRY_LAST_MS = 5_000
/** The wait while there are as many connections as are worth having: one may end, or the peer may become a voter. */
export const RETRY_POSTPONED_MS = 1_000
/** The wait after one end refused the other: people have to mend something first, and the mended end dials by itself. */
export const RETRY_REFUSED_MS = 30_000
/** The same for a peer merely heard of: most likely it belongs to others for good. */
export const RETRY_REFUSED_HEARD_MS = 600_000
/** A peer merely heard of that could not be reached for this long is forgotten; whoever still knows it will tell again. */
export const FORGET_MS = 600_000
/** The same for one that was connected: a day. It dials us when it comes back after all. */
export const FORGET_MEMBER_MS = 86_400_000
/** A peer gone for this long is tried more rarely: most likely it is gone for good, and when it is not, it dials us. */
const LONG_GONE_MS = 3_600_000
const RETRY_LONG_GONE_MS = 30_000
/** Of a peer's addresses, tried one after another, how many have their time in one try when none of them answers. */
const ADDRESSES_PER_TRY = 2
/** How many peers are remembered. Beyond it the one that was of no use for the longest time is forgotten. */
export const KNOWN_PEERS_MAX = 1_024
/** Of two peers that hear of each other at once, the one with the higher id lets the other dial first. */
const YIELD_MS = 250
/** A connection that ends sooner than this counts as a failed try, so that a peer that hangs up at once is not dialled at once. */
const STABLE_MS = 5_000

/** `given`: named on the command line. `member`: was connected. `heard`: told of by others. */
export type Origin = 'given' | 'member' | 'heard'

/** A peer to keep on disk, so that the next start finds the network without help. */
export interface KnownPeer {
  readonly peerId: PeerId
  /** Multiaddrs in text form, without the peer id, the most useful first. */
  readonly addresses: readonly string[]
}

interface Entry {
  origin: Origin
  /** Dialled however many are connected. */
  isWanted: boolean
  addresses: string[]
  failures: number
  nextDialAtMs: number
  /** When it was first heard of, was last connected or was told of anew. */
  wantedSinceMs: number
  connectedAtMs: number | undefined
  /** One end refused the other: nobody dials before this time. */
  refusedUntilMs: number
  /** Why it could not be reached the last time; undefined when it could. */
  failure: string | undefined
}

export class KnownPeers {
  /** How long one that cannot be reached is worth remembering: a voter `always`, one that was removed `never`. */
  isKept: (peerId: PeerId) => 'always' | 'for a time' | 'never' = () => 'for a time'
  readonly #self: PeerId
  readonly #random: () => number
  readonly #entries = new Map<PeerId, Entry>()

  /** `random`: from 0 up to, not including, 1. */
  constructor(self: PeerId, random: () => number) {
    this.#self = self
    this.#random = random
  }

  /** Takes what was heard of a peer. Returns false when it is nothing new. */
  learn(peerId: PeerId, addresses: readonly string[], origin: Origin, nowMs: number, isWanted = false): boolean {
    if (peerId === this.#self) return false
    const entry = this.#entries.get(peerId)
    const clean = cleaned(addresses)
    if (entry === undefined) {
      if (origin === 'heard' && clean.length === 0) return false
      this.#makeRoom()
      const yieldMs = origin === 'heard' && this.#self > peerId ? YIELD_MS : 0
      this.#entries.set(peerId, {
        origin,
        isWanted,
        addresses: clean.slice(0, ADDRESSES_MAX),
        failures: 0,
        nextDialAtMs: nowMs + yieldMs,
        wantedSinceMs: nowMs,
        connectedAtMs: undefined,
        refusedUntilMs: nowMs,
        failure: undefined,
      })
      return true
    }
    if (RANKS[origin] > RANKS[entry.origin]) entry.origin = origin
    entry.isWanted ||= isWanted
    if (origin !== 'member') entry.wantedSinceMs = nowMs
    const added = clean.some((address) => !entry.addresses.includes(address))
    entry.addresses = [...new Set([...clean, ...entry.addresses])].slice(0, ADDRESSES_MAX)
    // News of another address is worth a try now, but never a storm of tries.
    if (added) entry.nextDialAtMs = Math.max(Math.min(entry.nextDialAtMs, nowMs + RETRY_FIRST_MS), entry.refusedUntilMs)
    return added
  }

  /** The greeting is done: the addresses it told replace what was heard before, the one that worked (if we dialled) first. */
  connected(peerId: PeerId, addresses: readonly string[], dialled: string | undefined, nowMs: number): void {
    this.learn(peerId, addresses, 'member', nowMs)
    const entry = this.#entries.get(peerId)
    if (entry === undefined) return
    const told = cleaned(addresses)
    const first = dialled === undefined ? [] : [withoutPeerId(dialled)]
    if (told.length > 0) entry.addresses = [...new Set([...first, ...told])].slice(0, ADDRESSES_MAX)
    entry.connectedAtMs = nowMs
    entry.wantedSinceMs = nowMs
    entry.refusedUntilMs = nowMs
    entry.failure = undefined
  }

  disconnected(peerId: PeerId, nowMs: number): void {
    const entry = this.#entries.get(peerId)
    if (entry?.connectedAtMs === undefined) return
    const stable = nowMs - entry.connectedAtMs >= STABLE_MS
    entry.connectedAtMs = undefined
    entry.wantedSinceMs = nowMs
    entry.failures = stable ? 0 : entry.failures + 1
    entry.nextDialAtMs = nowMs + this.#backoffMs(entry.failures)
  }

  /**
   * A try is over. Forgets a peer that is not worth another.
   *
   * @param reason why it has failed; undefined when it has not
   */
  tried(peerId: PeerId, reason: string | undefined, nowMs: number): void {
    const entry = this.#entries.get(peerId)
    if (entry === undefined) return
    entry.failures += 1
    entry.failure = reason ?? entry.failure
    const isLongGone = entry.origin !== 'given' && nowMs - entry.wantedSinceMs > LONG_GONE_MS
    const waitMs = isLongGone ? RETRY_LONG_GONE_MS : this.#backoffMs(entry.failures)
    entry.nextDialAtMs = Math.max(nowMs + waitMs, entry.refusedUntilMs)
    if (reason !== undefined && this.#isForgotten(peerId, entry, nowMs)) this.#entries.delete(peerId)
  }

  /** There are connections enough; it is looked at again soon, for it counts as neither tried nor lost. */
  postponed(peerId: PeerId, nowMs: number): void {
    const entry = this.#entries.get(peerId)
    if (entry !== undefined) entry.nextDialAtMs = nowMs + RETRY_POSTPONED_MS
  }

  /** One end refused the other. */
  refused(peerId: PeerId, reason: string, nowMs: number): void {
    const entry = this.#entries.get(peerId)
    if (entry === undefined) return
    entry.failure = reason
    entry.connectedAtMs = undefined
    entry.refusedUntilMs = nowMs + (entry.origin === 'heard' ? RETRY_REFUSED_HEARD_MS : RETRY_REFUSED_MS)
    entry.nextDialAtMs = entry.refusedUntilMs
  }

  /** True while it would be of no use to dial the peer. */
  isRefused(peerId: PeerId, nowMs: number): boolean {
    const entry = this.#entries.get(peerId)
    return entry !== undefined && entry.refusedUntilMs > nowMs
  }

  /** A dial is under way: not again before it has an end. */
  dialling(peerId: PeerId): void {
    const entry = this.#entries.get(peerId)
    if (entry !== undefined) entry.nextDialAtMs = Number.POSITIVE_INFINITY
  }

  /** Peers to dial now, those named on the command line first, those merely heard of last. */
  due(nowMs: number): PeerId[] {
    const due = [...this.#entries].filter(([, entry]) => entry.connectedAtMs === undefined && entry.nextDialAtMs <= nowMs)
    return due.sort(([, a], [, b]) => rankOf(b) - rankOf(a)).map(([peerId]) => peerId)
  }

  /** When the next one is due; infinity when none is. */
  nextDialAtMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const entry of this.#entries.values()) if (entry.connectedAtMs === undefined) next = Math.min(next, entry.nextDialAtMs)
    return next
  }

  /** True for one merely heard of, of which nobody said that it is wanted. */
  isOptional(peerId: PeerId): boolean {
    const entry = this.#entries.get(peerId)
    return entry?.origin === 'heard' && !entry.isWanted
  }

  origin(peerId: PeerId): Origin | undefined {
    return this.#entries.get(peerId)?.origin
  }

  /** Why it could not be reached the last time. */
  failure(peerId: PeerId): string | undefined {
    return this.#entries.get(peerId)?.failure
  }

  /**
   * Where to dial it now, to be tried in this order. A try may end before the last had its turn, so each try after one that
   * failed begins further down.
   */
  addresses(peerId: PeerId): readonly string[] {
    const { addresses, failures } = this.#entries.get(peerId) ?? { addresses: [], failures: 0 }
    const start = (failures * ADDRESSES_PER_TRY) % Math.max(1, addresses.length)
    return [...addresses.slice(start), ...addresses.slice(0, start)]
  }

  /** Those worth keeping on disk. */
  members(): KnownPeer[] {
    const members = [...this.#entries].filter(([, entry]) => entry.origin !== 'heard' && entry.addresses.length > 0)
    return members.map(([peerId, entry]) => ({ peerId, addresses: [...entry.addresses] }))
  }

  #isForgotten(peerId: PeerId, { origin, wantedSinceMs }: Entry, nowMs: number): boolean {
    const kept = this.isKept(peerId)
    if (origin === 'given' || kept === 'always') return false
    return kept === 'never' || nowMs - wantedSinceMs > (origin === 'heard' ? FORGET_MS : FORGET_MEMBER_MS)
  }

  /** Forgets one of those neither named, nor connected, nor being dialled, if there are too many. Wanted ones and members last. */
  #makeRoom(): void {
    if (this.#entries.size < KNOWN_PEERS_MAX) return
    let least: [PeerId, Entry] | undefined
    for (const [peerId, entry] of this.#entries) {
      if (entry.origin === 'given' || entry.connectedAtMs !== undefined) continue
      const difference = least === undefined ? -1 : rankOf(entry) - rankOf(least[1]) || entry.wantedSinceMs - least[1].wantedSinceMs
      if (difference < 0) least = [peerId, entry]
    }
    if (least !== undefined) this.#entries.delete(least[0])
  }

  #backoffMs(failures: number): number {
    const ceilingMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 10))
    return ceilingMs * (0.5 + this.#random() / 2)
  }
}

/** Without peer ids; those that lead nowhere but to the machine itself, where another peer may have the same port, last. */
function cleaned(addresses: readonly string[]): string[] {
  const clean = addresses.map(withoutPeerId).filter((address) => address !== '')
  return clean.sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
}

/** True for a multiaddr that leads to the machine itself. */
export function isLoopback(address: string): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/')
}

/** The multiaddr without its last `/p2p/…`. */
export function withoutPeerId(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

/** The peer id that the multiaddr ends with. */
export function peerIdOfAddress(address: string): PeerId | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1] as PeerId | undefined
}

const RANKS: Readonly<Record<Origin, number>> = { given: 3, member: 2, heard: 0 }

function rankOf({ origin, isWanted }: Entry): number {
  return Math.max(RANKS[origin], isWanted ? 1 : 0)
}
