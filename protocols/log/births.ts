/**
 * Who offers a store for which log, and the birth of logs. A log that a flag names is born by
 * itself, by the first peer that sees as many peers of its cluster offer a store for it as a cluster
 * needs to vote. Rivals end in one log, because the birth is a write-once key.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import { birthKey, ELECTION_MS, nameOfBirthKey, readBirth, writeBirth } from './birth.ts'
import type { Birth } from './birth.ts'
import type { Offer } from './talk.ts'

/** A birth that was not decided by then is asked for again, if it is still wanted. */
const DECIDED_WITHIN_MS = 10_000
/** The first of those that could asks at once; the others only when nothing came of that. */
const RIVALS_WAIT_MS = 3_000
/** Voters that a log has at its birth, at most. */
const FIRST_VOTERS_MAX = 5
const LOG_ID_DIGITS = 32

export class Births {
  private readonly context: TypeContext
  private readonly minPeers: number
  private readonly known = new Map<string, Birth>()
  /** What connected peers of the own cluster offer. */
  private readonly offers = new Map<PeerId, { readonly peer: Identity; readonly offers: readonly Offer[] }>()
  private readonly own = new Map<string, Offer>()
  private readonly asking = new Set<string>()
  /** Since when a log could be born, while it is not. */
  private readonly possibleSinceMs = new Map<string, number>()

  constructor(context: TypeContext, minPeers: number) {
    this.context = context
    this.minPeers = minPeers
    for (const key of context.decidedNames()) {
      const value = context.decided(key)
      if (value !== undefined) this.decided(key, value)
    }
  }

  get all(): Iterable<Birth> {
    return this.known.values()
  }

  get(name: string): Birth | undefined {
    return this.known.get(name)
  }

  /** A key is known here. @returns the log that it says is born, if it is news */
  decided(key: string, value: Uint8Array): Birth | undefined {
    const name = nameOfBirthKey(key)
    if (name === undefined || this.known.has(name)) return undefined
    const birth = readBirth(name, value, this.context.codec.utf8)
    if (birth === undefined) {
      this.context.note(`log ${name} was born of a later version than this one`, true)
      return undefined
    }
    this.known.set(name, birth)
    this.possibleSinceMs.delete(name)
    return birth
  }

  /** A store is offered here. */
  offer(offer: Offer): void {
    this.own.set(offer.log, offer)
  }

  get ownOffers(): readonly Offer[] {
    return [...this.own.values()]
  }

  /** True while something is offered here that is not born. */
  get isWaiting(): boolean {
    return [...this.own.keys()].some((name) => !this.known.has(name))
  }

  onOffers(peer: Identity, offers: readonly Offer[]): void {
    this.offers.set(peer.peerId, { peer, offers })
  }

  lost(peerId: PeerId): void {
    this.offers.delete(peerId)
  }

  /** Has what is offered by enough peers begun. */
  upkeep(): void {
    const { moment, self } = this.context
    for (const offer of this.own.values()) {
      const { log } = offer
      if (this.known.has(log) || this.asking.has(log) || this.hindrance() !== undefined) continue
      const voters = this.offering(offer)
      if (voters.length < this.minPeers) {
        this.possibleSinceMs.delete(log)
        continue
      }
      const sinceMs = this.possibleSinceMs.get(log) ?? moment.nowMs
      this.possibleSinceMs.set(log, sinceMs)
      const isFirst = voters.every(({ peerId }) => self.peerId <= peerId)
      if (!isFirst && moment.nowMs - sinceMs < RIVALS_WAIT_MS) continue
      this.begin(offer.log, offer.store, this.ownPlace, voters, moment.nowMs + DECIDED_WITHIN_MS, () => {})
    }
  }

  /** Why no log can be born now; undefined when one can. */
  hindrance(): string | undefined {
    const { readiness, isOpen } = this.context
    readiness.observe()
    if (!readiness.hasBeenReady) return readiness.missing() ?? 'this peer is not ready'
    return isOpen ? undefined : 'some voter does not know logs yet: replace its release'
  }

  get ownPlace(): string {
    return `cluster:${this.context.roster.clusterId}`
  }

  /** Peers of the own cluster that offer such a store, this one among them if it does. */
  offering({ log, store }: Offer): readonly Identity[] {
    const { self } = this.context
    const isSame = (offer: Offer): boolean => offer.log === log && offer.store === store
    const others = [...this.offers.values()].filter(({ offers }) => offers.some(isSame)).map(({ peer }) => peer)
    const own = this.own.get(log)
    return own !== undefined && isSame(own) ? [self, ...others] : others
  }

  /** True when as many offer such a store as a log needs to be born. */
  hasEnough(offer: Offer): boolean {
    return this.offering(offer).length >= this.minPeers
  }

  /**
   * Has a birth decided. @param settled told the birth that holds, this one or another; undefined
   * when that is not known in time
   */
  begin(
    name: string,
    store: string,
    place: string,
    voters: readonly Identity[],
    deadlineMs: number,
    settled: (birth: Birth | undefined, isOwn: boolean) => void,
  ): void {
    const { random, codec } = this.context
    const logId = Array.from({ length: LOG_ID_DIGITS }, () => Math.floor(random() * 16).toString(16)).join('')
    const first = voters.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1)).slice(0, FIRST_VOTERS_MAX)
    const birth = { name, logId, generation: 0, store, place, electionMs: ELECTION_MS, voters: first }
    this.asking.add(name)
    this.context.decide(birthKey(name), writeBirth(birth, codec.utf8), deadlineMs, (value) => {
      this.asking.delete(name)
      const held = value === undefined ? undefined : readBirth(name, value, codec.utf8)
      settled(held, held?.logId === logId)
    })
  }
}
