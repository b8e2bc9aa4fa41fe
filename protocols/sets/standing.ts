/**
 * What peers tell one another now and then: how their clocks stand, whether they hold the whole,
 * and how far their cuts are. From it a new peer learns whom to pull from, and any peer that
 * another has a later cut.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { Clocks } from './clocks.ts'
import { isRemoved } from './context.ts'
import type { SetsContext } from './context.ts'
import type { Holdings } from './holdings.ts'
import type { SetsMessage } from './messages.ts'
import type { TakeOvers } from './take-overs.ts'

/** Between two times that this peer tells how it stands. */
const TELL_MS = 10_000
/** A peer that lacks the whole asks this often. */
const ASK_MS = 1_000
/** A peer that was removed from the network follows what the others do, without haste. */
const ASK_REMOVED_MS = 30_000
/** Peers of the own cluster that are told each time; with more, others come next time. */
const TOLD_MAX = 16

type Of<Kind extends SetsMessage['kind']> = Extract<SetsMessage, { readonly kind: Kind }>

export class Standing {
  private readonly context: SetsContext
  private readonly holdings: Holdings
  private readonly clocks: Clocks
  private readonly takeOvers: TakeOvers
  /** Peers that said that they hold the whole. */
  private readonly whole = new Set<PeerId>()
  private tellAtMs: number
  private askAtMs: number
  private turn = 0

  constructor(context: SetsContext, holdings: Holdings, clocks: Clocks, takeOvers: TakeOvers) {
    this.context = context
    this.holdings = holdings
    this.clocks = clocks
    this.takeOvers = takeOvers
    this.tellAtMs = context.moment.nowMs
    this.askAtMs = context.moment.nowMs
  }

  /** Connected peers that hold the whole, as far as they have said. */
  get wholePeers(): readonly PeerId[] {
    return [...this.whole].filter((peerId) => this.context.roster.isConnected(peerId))
  }

  /**
   * This peer was removed from the network: it takes no operations until it is let in again, and
   * given the whole.
   */
  private get isOut(): boolean {
    return isRemoved(this.context, this.context.self.peerId, this.context.roster.clusterId)
  }

  restUntilMs(): number {
    return this.holdings.isWhole ? this.tellAtMs : Math.min(this.tellAtMs, this.askAtMs)
  }

  met(peerId: PeerId): void {
    this.tell(peerId)
  }

  lost(peerId: PeerId): void {
    this.whole.delete(peerId)
    this.clocks.forget(peerId)
  }

  tellAll(): void {
    const { roster, moment } = this.context
    this.tellAtMs = moment.nowMs + TELL_MS
    for (const cluster of roster.clusterIds()) {
      const connected = [...roster.connectedOf(cluster)]
      const count = cluster === roster.clusterId ? TOLD_MAX : 1
      for (let place = 0; place < Math.min(count, connected.length); place += 1) {
        // Each time those behind the ones of the last time, so that everybody has a turn, however
        // many they are.
        const peerId = connected[(this.turn * count + place) % connected.length]
        if (peerId !== undefined) this.tell(peerId)
      }
    }
    this.turn += 1
  }

  upkeep(): void {
    const { nowMs } = this.context.moment
    if (nowMs >= this.tellAtMs) this.tellAll()
    if (this.holdings.isWhole || nowMs < this.askAtMs) return
    this.askAtMs = nowMs + (this.isOut ? ASK_REMOVED_MS : ASK_MS)
    const { wholePeers } = this
    const peerId = wholePeers[Math.floor(this.context.random() * wholePeers.length)]
    if (peerId !== undefined && !this.takeOvers.isRunning) this.context.send(peerId, { kind: 'sets-wanted' }, 'nothing')
  }

  onStanding(from: Identity, { wallMs, isWhole, cuts }: Of<'standing'>): void {
    const { moment, roster } = this.context
    this.clocks.heard(from.peerId, wallMs, (roster.roundTripMs(from.peerId) ?? 0) / 2, moment.nowMs)
    if (isWhole) this.whole.add(from.peerId)
    else this.whole.delete(from.peerId)
    if (!(this.holdings.isWhole || this.isOut) || cuts === this.holdings.cuts || this.takeOvers.isRunning) return
    this.context.send(from.peerId, { kind: 'sets-wanted' }, 'nothing')
  }

  onSetsWanted(from: Identity): void {
    const { holdings } = this
    const sets = [...holdings.all()].map(({ name, cut }) => ({ set: name, cut }))
    this.context.send(from.peerId, { kind: 'sets', isWhole: holdings.isWhole, sets }, 'everything')
  }

  onSets(from: Identity, { isWhole, sets }: Of<'sets'>): void {
    const { holdings, takeOvers } = this
    if (!isWhole || takeOvers.isRunning) return
    if (!holdings.isWhole) return takeOvers.begin(from, sets, (isDone) => this.joined(isDone))
    const later = sets.filter(({ set, cut }) => cut.number > (holdings.get(set)?.cut.number ?? 0))
    if (later.length > 0) takeOvers.begin(from, later, () => undefined)
  }

  /** All that a whole peer held is here: this one takes operations from now on. */
  private joined(isDone: boolean): void {
    if (!isDone || this.isOut) return
    this.holdings.markWhole()
    this.tellAll()
  }

  private tell(peerId: PeerId): void {
    const { holdings } = this
    const wallMs = Math.max(0, Math.floor(this.context.wallMs()))
    this.context.send(peerId, { kind: 'standing', wallMs, isWhole: holdings.isWhole, cuts: holdings.cuts }, 'nothing')
  }
}
