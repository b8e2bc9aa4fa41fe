/**
 * Peers worth dialling, where, and when next. Rules only: time and chance are arguments, dialling
 * is `connector.ts`.
 *
 * A peer named on the command line is never given up, nor is a voter; any other is, after a time,
 * and one that was removed at once.
 */
import type { PeerId } from '../../protocols/base/identity.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import { cleaned, withoutPeerId } from './addresses.ts'
import { HearsayBudget } from './hearsay.ts'
import { HEARSAY_PER_TRY, addHearsay, addProved, inTurn } from './known-addresses.ts'
import type { Addresses } from './known-addresses.ts'
import {
  LONG_GONE_MS,
  RETRY_FIRST_MS,
  RETRY_LONG_GONE_MS,
  RETRY_POSTPONED_MS,
  RETRY_REFUSED_HEARD_MS,
  RETRY_REFUSED_MS,
  STABLE_MS,
  backoffMs,
} from './retrying.ts'

/**
 * A peer merely heard of that could not be reached for this long is forgotten; whoever still knows
 * it will tell again.
 */
export const FORGET_MS = 600_000
/** The same for one that was connected: a day. It dials us when it comes back after all. */
export const FORGET_MEMBER_MS = 86_400_000
/**
 * How many peers are remembered. Beyond it the one that was of no use for the longest time is
 * forgotten.
 */
export const KNOWN_PEERS_MAX = 1_024
/** How many of them are forgotten at once. */
const FORGOTTEN_AT_ONCE = 64
/**
 * Of two peers that hear of each other at once, the one with the higher id lets the other dial
 * first.
 */
const YIELD_MS = 250
/** `given`: named on the command line. `member`: was connected. `heard`: told of by others. */
export type Origin = 'given' | 'member' | 'heard'

/** A peer to keep on disk, so that the next start finds the network without help. */
export interface RememberedPeer {
  readonly peerId: PeerId
  /** Multiaddrs in text form, without the peer id, the most useful first. */
  readonly addresses: readonly string[]
}

interface Entry extends Addresses {
  origin: Origin
  /** Dialled however many are connected. */
  isWanted: boolean
  /** How much of it was dialled since the peer was last connected. */
  hearsayDialled: number
  /** A member told of it, and not only the DHT or the local network, where anybody may speak. */
  isVouched: boolean
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

interface Dialling {
  readonly addresses: readonly string[]
  readonly hearsayCount: number
  readonly failures: number
}

export class KnownPeers {
  /**
   * How long one that cannot be reached is worth remembering: a voter `always`, one that was
   * removed `never`.
   */
  isKept: (peerId: PeerId) => 'always' | 'for a time' | 'never' = () => 'for a time'
  readonly #self: PeerId
  readonly #random: () => number
  readonly #entries = new Map<PeerId, Entry>()
  /** Two, so that whoever floods the DHT holds up no peer that a member speaks of. */
  readonly #vouchedBudget = new HearsayBudget()
  readonly #foundBudget = new HearsayBudget()

  /** `random`: from 0 up to, not including, 1. */
  constructor(self: PeerId, random: () => number) {
    this.#self = self
    this.#random = random
  }

  /** Takes what was heard of a peer. Returns false when it is nothing new. */
  learn(peerId: PeerId, addresses: readonly string[], origin: Origin, nowMs: number, isWanted = false, isVouched = false): boolean {
    if (peerId === this.#self) return false
    const entry = this.#entries.get(peerId)
    const clean = cleaned(addresses)
    if (entry === undefined) {
      if (origin === 'heard' && clean.length === 0) return false
      this.#makeRoom()
      const yieldMs = origin === 'heard' && this.#self > peerId ? YIELD_MS : 0
      const told = clean.slice(0, ADDRESSES_MAX)
      this.#entries.set(peerId, {
        origin,
        isWanted,
        addresses: origin === 'heard' ? [] : told,
        hearsay: origin === 'heard' ? told : [],
        hearsayDialled: 0,
        isVouched,
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
    entry.isVouched ||= isVouched
    if (origin !== 'member') entry.wantedSinceMs = nowMs
    const added = clean.some((address) => !entry.addresses.includes(address) && !entry.hearsay.includes(address))
    if (origin === 'heard') addHearsay(entry, clean)
    else addProved(entry, clean)
    // News of another address is worth a try now, but never a storm of tries.
    if (added) entry.nextDialAtMs = Math.max(Math.min(entry.nextDialAtMs, nowMs + RETRY_FIRST_MS), entry.refusedUntilMs)
    return added
  }

  /**
   * The greeting is done: the addresses it told replace what was heard before, the one that worked
   * (if we dialled) first.
   */
  connected(peerId: PeerId, addresses: readonly string[], dialled: string | undefined, nowMs: number): void {
    this.learn(peerId, addresses, 'member', nowMs)
    const entry = this.#entries.get(peerId)
    if (entry === undefined) return
    const told = cleaned(addresses)
    const first = dialled === undefined ? [] : [withoutPeerId(dialled)]
    if (told.length > 0) entry.addresses = [...new Set([...first, ...told])].slice(0, ADDRESSES_MAX)
    entry.hearsay = []
    this.#budgetOf(entry).giveBack(entry.hearsayDialled)
    entry.hearsayDialled = 0
    if (first[0] !== undefined) this.#isNobodyElsesAt(peerId, first[0])
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
    entry.nextDialAtMs = nowMs + backoffMs(entry.failures, this.#random)
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
    const waitMs = isLongGone ? RETRY_LONG_GONE_MS : backoffMs(entry.failures, this.#random)
    entry.nextDialAtMs = Math.max(nowMs + waitMs, entry.refusedUntilMs)
    if (reason !== undefined && this.#isForgotten(peerId, entry, nowMs)) this.#entries.delete(peerId)
  }

  /**
   * There are connections enough; it is looked at again soon, for it counts as neither tried nor
   * lost.
   */
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

  /**
   * A dial begins: no other before it has an end.
   *
   * @returns where to dial, in this order, and how many of the addresses are hearsay; none when it
   * must wait. And how many tries before it have failed
   */
  dialling(peerId: PeerId, nowMs: number): Dialling {
    const entry = this.#entries.get(peerId)
    if (entry === undefined) return { addresses: [], hearsayCount: 0, failures: 0 }
    const ordered = this.addresses(peerId)
    const told = ordered.filter((address) => entry.hearsay.includes(address)).slice(0, HEARSAY_PER_TRY)
    const hearsayCount = this.#budgetOf(entry).take(told.length, nowMs)
    const allowed = new Set(told.slice(0, hearsayCount))
    const addresses = ordered.filter((address) => entry.addresses.includes(address) || allowed.has(address))
    entry.hearsayDialled += hearsayCount
    const isHeldBack = addresses.length === 0 && told.length > 0
    entry.nextDialAtMs = isHeldBack ? nowMs + RETRY_POSTPONED_MS : Number.POSITIVE_INFINITY
    return { addresses, hearsayCount, failures: entry.failures }
  }

  /**
   * Another peer, with its own key, answers at this address of a peer. Kept when it is the only
   * one: the other may go again.
   */
  isElsewhere(peerId: PeerId, address: string): void {
    const entry = this.#entries.get(peerId)
    if (entry === undefined || entry.addresses.length + entry.hearsay.length < 2) return
    entry.addresses = entry.addresses.filter((other) => other !== address)
    entry.hearsay = entry.hearsay.filter((other) => other !== address)
  }

  /** True when it does not rest on what others say that the peer is there. */
  isProved(peerId: PeerId, address: string): boolean {
    return this.#entries.get(peerId)?.addresses.includes(address) ?? false
  }

  isConnected(peerId: PeerId): boolean {
    return this.#entries.get(peerId)?.connectedAtMs !== undefined
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

  /** Where it may be, in the order to be tried. */
  addresses(peerId: PeerId): readonly string[] {
    const entry = this.#entries.get(peerId)
    return entry === undefined ? [] : inTurn(entry, entry.failures)
  }

  /** Those worth keeping on disk, with what was proved of them alone. */
  members(): RememberedPeer[] {
    const members = [...this.#entries].filter(([, entry]) => entry.origin !== 'heard' && entry.addresses.length > 0)
    return members.map(([peerId, entry]) => ({ peerId, addresses: [...entry.addresses] }))
  }

  #budgetOf({ isVouched, origin }: Entry): HearsayBudget {
    return isVouched || origin !== 'heard' ? this.#vouchedBudget : this.#foundBudget
  }

  /** A member was reached there: then no other is. */
  #isNobodyElsesAt(peerId: PeerId, address: string): void {
    for (const other of this.#entries.keys()) if (other !== peerId) this.isElsewhere(other, address)
  }

  #isForgotten(peerId: PeerId, { origin, wantedSinceMs }: Entry, nowMs: number): boolean {
    const kept = this.isKept(peerId)
    if (origin === 'given' || kept === 'always') return false
    return kept === 'never' || nowMs - wantedSinceMs > (origin === 'heard' ? FORGET_MS : FORGET_MEMBER_MS)
  }

  /**
   * Forgets some of those neither named, nor connected, nor wanted most, if there are too many:
   * those of no use for the longest time.
   */
  #makeRoom(): void {
    if (this.#entries.size < KNOWN_PEERS_MAX) return
    const idle = [...this.#entries].filter(([, entry]) => entry.origin !== 'given' && entry.connectedAtMs === undefined)
    idle.sort(([, a], [, b]) => rankOf(a) - rankOf(b) || a.wantedSinceMs - b.wantedSinceMs)
    const [least] = idle
    if (least === undefined) return
    // Many at once: else each of a flood of strangers would have all of them looked through.
    const alike = idle.slice(0, FORGOTTEN_AT_ONCE).filter(([, entry]) => rankOf(entry) === rankOf(least[1]))
    for (const [peerId] of alike) this.#entries.delete(peerId)
  }
}

const RANKS: Readonly<Record<Origin, number>> = { given: 3, member: 2, heard: 0 }

function rankOf({ origin, isWanted }: Entry): number {
  return Math.max(RANKS[origin], isWanted ? 1 : 0)
}
