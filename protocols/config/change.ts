/**
 * Changing the configuration: to a joint config, through the transfer, to a finished one. Any peer may drive a change and
 * any other may take it over, for every step is decided like a key and all that is counted here can be asked for again.
 */
import { equalRecords } from '../base/record.ts'
import { configKey } from '../base/register.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../base/outbox.ts'
import type { Roster } from '../membership/roster.ts'
import { writingClaim } from '../register/coordinator.ts'
import type { Coordinator } from '../register/coordinator.ts'
import type { Codec } from '../wire/codec.ts'
import { configRecord } from './chain.ts'
import type { ConfigChain } from './chain.ts'
import type { Clusters, Config } from './config.ts'
import { planGrowth } from './growth.ts'
import type { Candidate } from './growth.ts'
import { holdsMajority } from './quorum.ts'
import { isTransferred, members } from './transfer.ts'

/** Joins that arrive within this time of one another are one change. */
const SETTLE_MS = 400
/** How much longer each further voter waits before it does what another should have done. */
const RANK_WAIT_MS = 2_000
/** Between questions to the new voters about what they hold. */
const ASK_MS = 100
/** One try to decide a config. */
const DECIDE_MS = 10_000
/** A change whose new voters are out of reach for so long is withdrawn. */
const WITHDRAW_AFTER_MS = 20_000

export interface ChangeContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly codec: Codec
  readonly chain: ConfigChain
  readonly roster: Roster
  readonly coordinator: Coordinator
  /** Who could vote now, present voters among them. */
  readonly candidates: () => readonly Candidate[]
}

export class Change {
  private readonly context: ChangeContext
  private coverage = new Map<IdentityId, ReadonlySet<IdentityId>>()
  private plan = ''
  private plannedAtMs = 0
  private installedAtMs = 0
  private reachableAtMs = 0
  private askAtMs = 0
  private isDeciding = false
  /** The epoch of the joint config that this peer decided itself. */
  private ownEpoch = -1

  constructor(context: ChangeContext) {
    this.context = context
  }

  configInstalled(): void {
    this.coverage = new Map()
    this.plan = ''
    this.installedAtMs = this.context.moment.nowMs
    this.reachableAtMs = this.context.moment.nowMs
  }

  /** A new voter says whose lists it holds. */
  told(sender: Identity, epoch: number, sources: readonly Identity[]): void {
    const { chain, roster } = this.context
    if (epoch !== chain.epoch || roster.isPutBack(sender.id)) return
    const ids = sources.map((source) => source.id)
    this.coverage.set(sender.id, new Set(ids.filter((id) => !roster.isPutBack(id))))
  }

  tick(): void {
    const config = this.context.chain.current?.config
    if (config === undefined || this.isDeciding) return
    if (config.next === undefined) this.grow(config)
    else this.complete(config, config.next)
  }

  /** True for the peer itself and for those that answer, as the very voter that is meant. */
  private isUp(voter: Identity): boolean {
    if (voter.id === this.context.self.id) return true
    const peer = this.context.roster.get(voter.peerId)
    return peer?.state === 'alive' && peer.identity.id === voter.id && !this.context.roster.isPutBack(voter.id)
  }

  private grow(config: Config): void {
    const rank = this.rank(members(config.clusters))
    const next = rank < 0 ? undefined : planGrowth(config, this.context.candidates())
    if (next === undefined || !holdsMajority(next, (voter) => this.isUp(voter))) {
      this.plan = ''
      return
    }
    const plan = members(next)
      .map((voter) => voter.id)
      .join()
    const { nowMs } = this.context.moment
    if (plan !== this.plan) {
      this.plan = plan
      this.plannedAtMs = nowMs
    }
    if (nowMs - this.plannedAtMs < SETTLE_MS + rank * RANK_WAIT_MS) return
    this.decide(config, { clusters: config.clusters, next, forming: config.forming })
  }

  private complete(config: Config, next: Clusters): void {
    const { moment, outbox } = this.context
    const { nowMs } = moment
    if (holdsMajority(next, (voter) => this.isUp(voter))) this.reachableAtMs = nowMs
    if (this.ownEpoch !== config.epoch) {
      // Whoever decided the joint config completes it; the others, one after another, should it not.
      const rank = this.rank([...members(config.clusters), ...members(next)])
      if (rank < 0 || nowMs - this.installedAtMs < RANK_WAIT_MS * (rank + 1)) return
    }
    if (nowMs >= this.askAtMs) {
      this.askAtMs = nowMs + ASK_MS
      for (const voter of members(next)) {
        outbox.send(voter.peerId, { kind: 'covered-wanted', epoch: config.epoch })
      }
    }
    if (isTransferred(config.clusters, next, this.coverage)) this.decide(config, { clusters: next, forming: false })
    else if (nowMs - this.reachableAtMs > WITHDRAW_AFTER_MS) this.decide(config, { clusters: config.clusters, forming: config.forming })
  }

  private decide(config: Config, change: Pick<Config, 'clusters' | 'next' | 'forming'>): void {
    const { codec, coordinator, moment, outbox } = this.context
    const { networkId, protocolMin } = config
    const successor: Config = { networkId, protocolMin, epoch: config.epoch + 1, ...change }
    const record = configRecord(codec, successor)
    this.isDeciding = true
    outbox.note({ kind: 'change-begun', epoch: successor.epoch })
    const claim = writingClaim(record, moment.nowMs + DECIDE_MS, (result) => {
      this.isDeciding = false
      if (result.kind === 'chosen' && equalRecords(result.record, record)) this.ownEpoch = successor.epoch
    })
    coordinator.claim(configKey(successor.epoch), claim, false)
  }

  /** This peer's place among those that are up, in the order given; -1 when it is not one of them. */
  private rank(voters: readonly Identity[]): number {
    return voters.filter((voter) => this.isUp(voter)).findIndex((voter) => voter.id === this.context.self.id)
  }
}
