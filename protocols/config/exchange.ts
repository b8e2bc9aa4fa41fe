/**
 * How configs get about: whoever hears of a later epoch asks for what it lacks, and every peer
 * holds the whole chain.
 */
import type { RoundTrips } from '../agreement/round-trips.ts'
import type { NetworkId, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import { CONFIGS_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { ConfigChain } from './chain.ts'
import type { Config } from '../base/config.ts'

/**
 * A peer that was asked is asked the same again only after so many round trips. Until then its
 * answer may be on its way.
 */
const LATE_ROUND_TRIPS = 1.5

export interface ExchangeContext {
  readonly chain: ConfigChain
  readonly outbox: Outbox
  readonly moment: Moment
  readonly roundTrips: Pick<RoundTrips, 'toPeerMs'>
}

export class ConfigExchange {
  private readonly context: ExchangeContext
  private readonly offer: (configs: readonly Config[], isWhole: boolean) => void
  /**
   * What each peer was last asked and has not answered yet: the configs from which epoch on, and
   * when.
   */
  private readonly asked = new Map<PeerId, { readonly since: number; readonly atMs: number }>()

  /** @param offer installs what follows the present config */
  constructor(context: ExchangeContext, offer: (configs: readonly Config[], isWhole: boolean) => void) {
    this.context = context
    this.offer = offer
  }

  /**
   * Asks a peer for all configs after the present one, unless it was asked and may be answering.
   */
  ask(peerId: PeerId): void {
    const { chain, outbox, moment, roundTrips } = this.context
    const { nowMs: atMs } = moment
    const since = chain.epoch + 1
    const before = this.asked.get(peerId)
    if (before?.since === since && atMs - before.atMs < LATE_ROUND_TRIPS * roundTrips.toPeerMs(peerId)) return
    this.asked.set(peerId, { since, atMs })
    outbox.send(peerId, { kind: 'configs-wanted', networkId: chain.networkId, since }, 'nothing')
  }

  /** Nothing that was asked over a connection that is lost is answered. */
  lost(peerId: PeerId): void {
    this.asked.delete(peerId)
  }

  /** A peer is in this epoch: what is missing here is asked for. */
  onEpoch(peerId: PeerId, networkId: NetworkId | undefined, epoch: number): void {
    if (networkId !== undefined && epoch > this.context.chain.epoch) this.ask(peerId)
  }

  /** A peer asks for the configs from an epoch on. */
  wanted(from: PeerId, networkId: NetworkId | undefined, since: number): void {
    const { chain, outbox } = this.context
    const config = chain.current?.config
    if (config === undefined || (networkId !== undefined && networkId !== config.networkId)) return
    const configs = chain.since(since)
    if (configs.length > 0) outbox.send(from, { kind: 'configs', configs }, 'nothing')
  }

  /** The answer; one that is full is followed by the next question. */
  onConfigs(from: PeerId, configs: readonly Config[]): void {
    this.asked.delete(from)
    this.offer(configs, true)
    if (configs.length === CONFIGS_PER_MESSAGE_MAX && configs.at(-1)?.epoch === this.context.chain.epoch) this.ask(from)
  }
}
