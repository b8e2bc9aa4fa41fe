/**
 * Who offers a store for which log, and the birth of logs. A log that a flag names is born by
 * itself, by the first peer that sees as many peers offer a store for it, where it is wished to be,
 * as a cluster needs to vote. Rivals end in one log, because the birth is a write-once key.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import { birthKey, endKey, generationKey, readBirth, writeBirth } from './birth.ts'
import type { Birth } from './birth.ts'
import type { LogLimits } from './limits.ts'
import { Lives } from './lives.ts'
import type { News } from './lives.ts'
import { readWish, wantedVoters } from './placement.ts'
import type { Placeable } from './placement.ts'
import type { Offer } from './talk.ts'

/** A birth that was not decided by then is asked for again, if it is still wanted. */
const DECIDED_WITHIN_MS = 10_000
/** The first of those that could asks at once; the others only when nothing came of that. */
const RIVALS_WAIT_MS = 3_000
const LOG_ID_DIGITS = 32

/** Who a log would be born with, or what is in the way: `bad`, the wish itself will not do. */
export type Placed =
  | { readonly kind: 'voters'; readonly voters: readonly Identity[] }
  | { readonly kind: 'missing' | 'bad'; readonly detail: string }

export class Births {
  private readonly context: TypeContext
  private readonly minPeers: number
  private readonly limits: LogLimits
  readonly lives: Lives
  /** What connected peers offer. */
  private readonly offers = new Map<PeerId, readonly Offer[]>()
  private readonly own = new Map<string, Offer>()
  /** Where logs are wished to be that are offered here, by their names. */
  private readonly places = new Map<string, string>()
  private readonly asking = new Set<string>()
  /** Since when a log could be born, while it is not. */
  private readonly possibleSinceMs = new Map<string, number>()

  constructor(context: TypeContext, minPeers: number, limits: LogLimits) {
    this.context = context
    this.minPeers = minPeers
    this.limits = limits
    this.lives = new Lives(context.codec.utf8)
    for (const key of context.decidedNames()) {
      const value = context.decided(key)
      if (value !== undefined) this.decided(key, value)
    }
  }

  get all(): readonly Birth[] {
    return this.lives.all
  }

  get(name: string): Birth | undefined {
    return this.lives.get(name)
  }

  /** A key is known here. */
  decided(key: string, value: Uint8Array): News {
    const news = this.lives.take(key, value)
    if (news.kind === 'unreadable') this.context.note(`log ${news.name} is of a later version than this one`, true)
    if (this.isBorn(news.name)) this.possibleSinceMs.delete(news.name)
    return news
  }

  /** By itself a log is born once: after its end only whoever creates it begins its next life. */
  private isBorn(name: string): boolean {
    return this.lives.lifeOf(name) > 0
  }

  /** A store is offered here. @param place where the log is to be born; undefined for the own cluster */
  offer(offer: Offer, place: string | undefined): void {
    this.own.set(offer.log, offer)
    if (place !== undefined) this.places.set(offer.log, place)
  }

  get ownOffers(): readonly Offer[] {
    return [...this.own.values()]
  }

  /** True while something is offered here that is not born. */
  get isWaiting(): boolean {
    return [...this.own.keys()].some((name) => !this.isBorn(name))
  }

  onOffers({ peerId }: Identity, offers: readonly Offer[]): void {
    this.offers.set(peerId, offers)
  }

  lost(peerId: PeerId): void {
    this.offers.delete(peerId)
  }

  /** Has what is offered by enough peers begun. */
  upkeep(): void {
    const { moment, self } = this.context
    for (const offer of this.own.values()) {
      const { log } = offer
      if (this.isBorn(log) || this.asking.has(log) || this.hindrance() !== undefined) continue
      const place = this.places.get(log) ?? this.ownPlace
      const placed = this.placed(offer, place)
      if (placed.kind !== 'voters') {
        this.possibleSinceMs.delete(log)
        continue
      }
      const sinceMs = this.possibleSinceMs.get(log) ?? moment.nowMs
      this.possibleSinceMs.set(log, sinceMs)
      const isFirst = placed.voters.every(({ peerId }) => self.peerId <= peerId)
      if (!isFirst && moment.nowMs - sinceMs < RIVALS_WAIT_MS) continue
      this.begin(offer, { place, isLeased: false }, placed.voters, moment.nowMs + DECIDED_WITHIN_MS, () => {})
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

  /**
   * First voters for a wish: those who offer such a store, where that is wished, and exactly those
   * who are named, whatever they offer.
   */
  placed(offer: Offer, place: string): Placed {
    const wish = readWish(place)
    if (wish === undefined) return { kind: 'bad', detail: 'it is "cluster:ID", "spread:N" (3 to 7) or "peers:ID,ID,ID"' }
    const able = this.around(offer, wish.kind === 'peers' ? wish.peerIds : []).filter(({ standing }) => standing === 'able')
    const voters = wantedVoters(wish, [], able)
    if (wish.kind === 'peers')
      return voters.length === wish.peerIds.length
        ? { kind: 'voters', voters }
        : { kind: 'bad', detail: 'each of the peers has to be connected, and know logs' }
    const least = wish.kind === 'spread' ? wish.count : this.minPeers
    const offering = wish.kind === 'spread' ? voters.length : able.filter(({ clusterId }) => clusterId === wish.clusterId).length
    if (offering >= least) return { kind: 'voters', voters }
    const where = wish.kind === 'spread' ? 'enough clusters' : `cluster ${wish.clusterId}`
    const detail = `too few peers of ${where} offer a store for log ${offer.log}: start them with -log ${offer.log}=${offer.store}:`
    return { kind: 'missing', detail }
  }

  /** Peers in touch that offer a store for a log: each may be a member of it. */
  offering(log: string): readonly Identity[] {
    const offers = ({ peerId }: { readonly peerId: PeerId }): boolean =>
      this.offers.get(peerId)?.some((offer) => offer.log === log) === true
    return this.context.roster
      .connected()
      .filter(offers)
      .map(({ identity }) => identity)
  }

  /**
   * This peer, and those in touch, and whether each could vote on a log: whoever offers a store.
   *
   * @param named peers that could without a store: a log that begins has nothing yet to be filled with
   */
  around({ log, store }: Offer, named: readonly PeerId[] = []): readonly Placeable[] {
    const { context } = this
    const { self, roster } = context
    const isSame = (offer: Offer): boolean => offer.log === log && offer.store === store
    const standing = (peerId: PeerId, offers: readonly Offer[]): Pick<Placeable, 'standing' | 'learns'> => {
      const offer = offers.find(isSame)
      const isOffered = named.includes(peerId) || offer !== undefined
      return { standing: isOffered && context.speaks(peerId) ? 'able' : 'away', learns: offer?.learns }
    }
    const others = roster
      .connected()
      .map(({ peerId, identity: peer, clusterId }) => ({ peer, clusterId, ...standing(peerId, this.offers.get(peerId) ?? []) }))
    return [{ peer: self, clusterId: roster.clusterId, ...standing(self.peerId, this.ownOffers) }, ...others]
  }

  /**
   * Has a birth decided. @param settled told the birth that holds, this one or another; undefined
   * when that is not known in time
   */
  begin(
    { log: name, store }: Offer,
    { place, isLeased }: Pick<Birth, 'place' | 'isLeased'>,
    voters: readonly Identity[],
    deadlineMs: number,
    settled: (birth: Birth | undefined, isOwn: boolean) => void,
  ): void {
    const { random, codec } = this.context
    const logId = Array.from({ length: LOG_ID_DIGITS }, () => Math.floor(random() * 16).toString(16)).join('')
    const { electionMs: nearMs, spreadElectionMs } = this.limits
    const electionMs = readWish(place)?.kind === 'spread' ? spreadElectionMs : nearMs
    const first = voters.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1))
    const life = this.lives.isEnded(name) ? this.lives.lifeOf(name) + 1 : 1
    const birth = { name, life, logId, generation: 0, store, place, electionMs, voters: first, isLeased }
    this.asking.add(name)
    this.context.decide(birthKey(name, life), writeBirth(birth, codec.utf8), deadlineMs, (value) => {
      this.asking.delete(name)
      const held = value === undefined ? undefined : readBirth(name, life, value, codec.utf8)
      settled(held, held?.logId === logId)
    })
  }

  /** Ends a log for good. @param settled told whether it is decided in time */
  end({ name, life, logId }: Birth, deadlineMs: number, settled: (isEnded: boolean) => void): void {
    this.context.decide(endKey(name, life), this.context.codec.utf8.encode(logId), deadlineMs, (value) => settled(value !== undefined))
  }

  /**
   * Has a log go on from one survivor, in its next generation.
   *
   * @param settled told what holds, this or another survivor; undefined when that is not known in
   * time
   */
  goOn(birth: Birth, survivor: Identity, deadlineMs: number, settled: (held: Birth | undefined) => void): void {
    const { utf8 } = this.context.codec
    const { name, life } = birth
    const generation = birth.generation + 1
    const next = { ...birth, generation, voters: [survivor] }
    this.context.decide(generationKey(name, life, generation), writeBirth(next, utf8), deadlineMs, (value) =>
      settled(value === undefined ? undefined : readBirth(name, life, value, utf8)),
    )
  }
}
