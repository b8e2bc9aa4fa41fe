/**
 * Changing the configuration: to a joint config, through the transfer, to a finished one. Any peer
 * may drive a change and any other may take it over, for every step is decided like a key and all
 * that is counted here can be asked for again.
 */
import { equalRecords } from '../base/record.ts'
import { configKey } from '../base/register.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import type { Roster } from '../membership/roster.ts'
import { writingClaim } from '../agreement/coordinator.ts'
import type { Coordinator } from '../agreement/coordinator.ts'
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { Codec } from '../wire/codec.ts'
import { Absences } from './absences.ts'
import { barredIn } from './barred.ts'
import { configRecord } from './chain.ts'
import type { ConfigChain } from './chain.ts'
import type { Clusters, Config } from '../base/config.ts'
import { planGrowth } from './growth.ts'
import type { KnownPeer } from './known.ts'
import { holdsMajority } from '../base/quorum.ts'
import { finishedAfter, jointAfter, withdrawnAfter } from './successors.ts'
import { isTransferred, members, transferProgress } from './transfer.ts'
import { protocolMinAfter } from './versions.ts'

/** Joins that arrive within this time of one another are one change. */
const SETTLE_MS = 400
/** How much longer each further voter waits before it does what another should have done. */
const RANK_WAIT_MS = 2_000
/** On far links as long as a config takes to be decided and told. */
const RANK_ROUND_TRIPS = 3
/** Between questions to the new voters about what they hold, by the one that drives the change. */
const ASK_MS = 100
/** The same by the other voters, so that all can tell how far it is. */
const ASK_IDLY_MS = 1_000
/** One try to decide a config. */
const DECIDE_MS = 10_000
/** On far links as long as it takes with a rival that comes between. */
const DECIDE_ROUND_TRIPS = 16
/**
 * A change whose new voters are out of reach for so long is withdrawn: the network takes no puts
 * meanwhile. It takes 2 s more to notice that they are, and all of it is to be over within 10 s.
 */
export const WITHDRAW_AFTER_MS = 4_000
/**
 * New voters that are far are out of reach only after so many round trips to the farthest, were it
 * lost meanwhile.
 */
const WITHDRAW_ROUND_TRIPS = 4

export interface ChangeContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly codec: Codec
  readonly chain: ConfigChain
  readonly roster: Roster
  readonly coordinator: Coordinator
  readonly roundTrips: Pick<RoundTrips, 'toDecideMs' | 'toFarthestKnownMs'>
  /** Who is known here, this peer included. */
  readonly known: () => readonly KnownPeer[]
  /**
   * A voter that was silent for so long gives its place to a learner of its cluster; undefined for
   * never.
   */
  readonly replaceAfterMs: number | undefined
  /** The latest protocol version spoken here. */
  readonly protocolMax: number
}

/** How a try to decide a successor ended. */
export type Decision =
  /** It is the one that was proposed, by whomever. */
  | 'as proposed'
  /** Another config was decided for the epoch. */
  | 'another'
  /** The time ran out; it may still be decided. */
  | 'in doubt'
  /** The time ran out, and it never will be for this try's sake. */
  | 'expired'

/** A change under way, as far as this peer knows. */
export interface ChangeView {
  /** Of the joint config. */
  readonly epoch: number
  readonly from: Clusters
  readonly to: Clusters
  /** When it was installed here, by the clock of `PeerCore.step`. */
  readonly sinceMs: number
  /** How many of the new voters that are needed hold the old voters' lists. */
  readonly covered: number
  readonly needed: number
}

export class Change {
  private readonly context: ChangeContext
  private readonly absences: Absences
  private coverage = new Map<IdentityId, ReadonlySet<IdentityId>>()
  private plan = ''
  private plannedAtMs = 0
  private installedAtMs: number
  private reachableAtMs: number
  private askAtMs = 0
  private isDeciding = false
  /** The epoch of the joint config that this peer decided itself. */
  private ownEpoch = -1

  constructor(context: ChangeContext) {
    const { nowMs } = context.moment
    this.context = context
    this.absences = new Absences(nowMs)
    this.installedAtMs = nowMs
    this.reachableAtMs = nowMs
  }

  /** Undefined when none is under way. */
  get view(): ChangeView | undefined {
    const config = this.context.chain.current?.config
    if (config?.next === undefined) return undefined
    const { epoch, clusters: from, next: to } = config
    return { epoch, from, to, sinceMs: this.installedAtMs, ...transferProgress(from, to, this.coverage) }
  }

  configInstalled(): void {
    this.coverage = new Map()
    this.plan = ''
    this.installedAtMs = this.context.moment.nowMs
    this.reachableAtMs = this.context.moment.nowMs
  }

  /** A new voter says whose lists it holds. */
  onCovered(sender: Identity, epoch: number, sources: readonly Identity[]): void {
    const { chain, roster } = this.context
    if (epoch !== chain.epoch || roster.isPutBack(sender.id)) return
    const ids = sources.map((source) => source.id)
    this.coverage.set(sender.id, new Set(ids.filter((id) => !roster.isPutBack(id))))
  }

  /** No change is under way, planned, or being decided. */
  get isAtRest(): boolean {
    return this.context.chain.current?.config.next === undefined && this.plan === '' && !this.isDeciding
  }

  tick(): void {
    const config = this.context.chain.current?.config
    if (config === undefined) return
    this.absences.observe(this.context.moment.nowMs, config.clusters, this.isUp)
    if (this.isDeciding) return
    if (config.next === undefined) this.grow(config)
    else this.complete(config, config.next)
  }

  /** True for the peer itself and for those that answer, as the very voter that is meant. */
  readonly isUp = (voter: Identity): boolean => {
    if (voter.id === this.context.self.id) return true
    const peer = this.context.roster.get(voter.peerId)
    return peer?.state === 'alive' && peer.identity.id === voter.id && !this.context.roster.isPutBack(voter.id)
  }

  /**
   * Has a successor of the present config decided. Whoever decided a joint config completes it.
   *
   * @param deadlineMs by the clock of the steps
   */
  propose(successor: Config, deadlineMs: number, ended: (decision: Decision) => void): void {
    const { codec, coordinator, outbox } = this.context
    const record = configRecord(codec, successor)
    outbox.note({ kind: 'change-begun', epoch: successor.epoch })
    const claim = writingClaim(record, deadlineMs, (result) => {
      if (result.kind !== 'chosen') return ended(claim.commitSent ? 'in doubt' : 'expired')
      if (!equalRecords(result.record, record)) return ended('another')
      this.ownEpoch = successor.epoch
      ended('as proposed')
    })
    coordinator.claim(configKey(successor.epoch), claim, false)
  }

  private grow(config: Config): void {
    const { known, replaceAfterMs, moment } = this.context
    const rank = this.rank(members(config.clusters))
    const candidates = known().filter((peer) => peer.hindrance === undefined)
    const gone = this.absences.longerThan(replaceAfterMs ?? Number.POSITIVE_INFINITY)
    const next = rank < 0 ? undefined : (planGrowth(config, candidates, gone) ?? this.risen(config))
    if (next === undefined || !holdsMajority(next, this.isUp)) {
      this.plan = ''
      return
    }
    const plan = members(next)
      .map((voter) => voter.id)
      .join()
    const { nowMs } = moment
    if (plan !== this.plan) {
      this.plan = plan
      this.plannedAtMs = nowMs
    }
    if (nowMs - this.plannedAtMs < SETTLE_MS + rank * this.rankWaitMs(config)) return
    const protocolMin = protocolMinAfter(config, next, { peers: known(), isUp: this.isUp })
    this.decide(jointAfter(config, next, barredIn(config), protocolMin))
  }

  /**
   * The same voters once more, where all of them speak a later protocol than their config asks for:
   * what it lets peers use may be used then.
   */
  private risen(config: Config): Clusters | undefined {
    const { known, protocolMax } = this.context
    if (protocolMax <= config.protocolMin || config.forming) return undefined
    const isRisen = protocolMinAfter(config, config.clusters, { peers: known(), isUp: this.isUp }) > config.protocolMin
    return isRisen ? config.clusters : undefined
  }

  private complete(config: Config, next: Clusters): void {
    const { nowMs } = this.context.moment
    if (holdsMajority(next, this.isUp)) this.reachableAtMs = nowMs
    const rank = this.rank([...members(config.clusters), ...members(next)])
    // Whoever decided the joint config completes it; the others, one after another, should it not.
    const isOwn = this.ownEpoch === config.epoch
    const isDriver = isOwn || (rank >= 0 && nowMs - this.installedAtMs >= this.rankWaitMs(config) * (rank + 1))
    if (isOwn || rank >= 0) this.askNewVoters(config.epoch, next, isDriver ? ASK_MS : ASK_IDLY_MS)
    if (!isDriver) return
    if (isTransferred(config.clusters, next, this.coverage)) this.decide(finishedAfter(config, next))
    else if (nowMs - this.reachableAtMs > this.withdrawAfterMs(next)) this.decide(withdrawnAfter(config))
  }

  private askNewVoters(epoch: number, next: Clusters, everyMs: number): void {
    const { moment, outbox } = this.context
    if (moment.nowMs < this.askAtMs) return
    this.askAtMs = moment.nowMs + everyMs
    for (const voter of members(next)) outbox.send(voter.peerId, { kind: 'covered-wanted', epoch }, 'nothing')
  }

  private decide(successor: Config): void {
    this.isDeciding = true
    const { moment, roundTrips } = this.context
    const tryMs = Math.max(DECIDE_MS, DECIDE_ROUND_TRIPS * roundTrips.toDecideMs(configKey(successor.epoch)))
    this.propose(successor, moment.nowMs + tryMs, () => (this.isDeciding = false))
  }

  private rankWaitMs({ epoch }: Config): number {
    return Math.max(RANK_WAIT_MS, RANK_ROUND_TRIPS * this.context.roundTrips.toDecideMs(configKey(epoch + 1)))
  }

  private withdrawAfterMs(next: Clusters): number {
    return Math.max(WITHDRAW_AFTER_MS, WITHDRAW_ROUND_TRIPS * this.context.roundTrips.toFarthestKnownMs(members(next)))
  }

  /**
   * This peer's place among those that are up, in the order given; -1 when it is not one of them.
   */
  private rank(voters: readonly Identity[]): number {
    return voters.filter(this.isUp).findIndex((voter) => voter.id === this.context.self.id)
  }
}
