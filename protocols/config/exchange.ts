/** How configs get about: whoever hears of a later epoch asks for what it lacks, and every peer holds the whole chain. */
import type { NetworkId, PeerId } from '../base/identity.ts'
import type { Outbox } from '../outbox.ts'
import { CONFIGS_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { ConfigChain } from './chain.ts'
import type { Config } from '../base/config.ts'

export class ConfigExchange {
  private readonly chain: ConfigChain
  private readonly outbox: Outbox
  private readonly offer: (configs: readonly Config[], isWhole: boolean) => void

  /** @param offer installs what follows the present config */
  constructor(chain: ConfigChain, outbox: Outbox, offer: (configs: readonly Config[], isWhole: boolean) => void) {
    this.chain = chain
    this.outbox = outbox
    this.offer = offer
  }

  /** Asks a peer for all configs after the present one. */
  ask(peerId: PeerId): void {
    this.outbox.send(peerId, { kind: 'configs-wanted', networkId: this.chain.networkId, since: this.chain.epoch + 1 }, 'nothing')
  }

  /** A peer is in this epoch: what is missing here is asked for. */
  onEpoch(peerId: PeerId, networkId: NetworkId | undefined, epoch: number): void {
    if (networkId !== undefined && epoch > this.chain.epoch) this.ask(peerId)
  }

  /** A peer asks for the configs from an epoch on. */
  wanted(from: PeerId, networkId: NetworkId | undefined, since: number): void {
    const config = this.chain.current?.config
    if (config === undefined || (networkId !== undefined && networkId !== config.networkId)) return
    const configs = this.chain.since(since)
    if (configs.length > 0) this.outbox.send(from, { kind: 'configs', configs }, 'nothing')
  }

  /** The answer; one that is full is followed by the next question. */
  onConfigs(from: PeerId, configs: readonly Config[]): void {
    this.offer(configs, true)
    if (configs.length === CONFIGS_PER_MESSAGE_MAX && configs.at(-1)?.epoch === this.chain.epoch) this.ask(from)
  }
}
