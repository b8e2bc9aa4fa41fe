/**
 * The chain of configs as this peer has installed it. A config is decided like a key (register
 * `config/N`), so what is installed is kept as the chosen record of that register; its persist
 * orders itself behind everything accepted before, and every later send behind itself. So from
 * outside a config counts as installed only once it is synced.
 */
import { chosenWrite } from '../base/persist.ts'
import { assert } from '../base/assert.ts'
import type { IdentityId, Identity, NetworkId } from '../base/identity.ts'
import type { Outbox } from '../outbox.ts'
import { equalBytes } from '../base/record.ts'
import type { ValueRecord } from '../base/record.ts'
import { configKey } from '../base/register.ts'
import type { Registers } from '../base/register.ts'
import type { Codec } from '../wire/codec.ts'
import { CONFIGS_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { Config } from '../base/config.ts'
import { configQuorum, dataQuorum } from '../base/quorum.ts'
import { unitsOf } from '../base/units.ts'
import type { InForce, Installed } from '../base/installed.ts'

const CONFIG_CONTENT_TYPE = 'application/vnd.replicator.config'
/** A config needs no digest: the hash tree knows clients' keys alone. */
export const DIGEST_NONE: Uint8Array = new Uint8Array(16)

/** The record that stands for a config; the same wherever the config is the same. */
export function configRecord(codec: Codec, config: Config): ValueRecord {
  return { writeId: `config/${config.epoch}`, value: codec.encodeConfig(config), contentType: CONFIG_CONTENT_TYPE, writtenAtMs: 0 }
}

export class ConfigChain implements InForce {
  private readonly codec: Codec
  private readonly registers: Registers
  private readonly outbox: Outbox
  private readonly wantedNetwork: NetworkId | undefined
  private installed: Installed | undefined

  /** @param epoch of the newest config in the store, -1 when there is none */
  constructor(codec: Codec, registers: Registers, outbox: Outbox, epoch: number, wantedNetwork: NetworkId | undefined) {
    this.codec = codec
    this.registers = registers
    this.outbox = outbox
    this.wantedNetwork = wantedNetwork
    const stored = epoch < 0 ? undefined : this.load(epoch)
    if (stored !== undefined) this.installed = worked(stored)
  }

  get current(): Installed | undefined {
    return this.installed
  }

  /** -1 before the first config. */
  get epoch(): number {
    return this.installed?.config.epoch ?? -1
  }

  get networkId(): NetworkId | undefined {
    return this.installed?.config.networkId ?? this.wantedNetwork
  }

  /** True when the identity votes on data or on configs now. */
  isVoter(id: IdentityId): boolean {
    return this.installed?.quorum.has(id) ?? false
  }

  /** The voter of this peer id, whatever its incarnation; undefined when the peer has no vote. */
  voterOf(peerId: Identity['peerId']): Identity | undefined {
    return this.installed?.quorum.voters.find((voter) => voter.peerId === peerId)
  }

  /**
   * Installs what follows the present config; the rest is passed over. A peer without any starts
   * from config 0, or from the oldest that another peer holds: so every peer holds the whole chain,
   * and whoever comes back finds what it lacks at any.
   *
   * @param isWhole the configs begin where the chain of the peer that sent them begins
   * @param passing called before a config is followed by the next: what it writes is on disk first
   * @returns how many were installed
   */
  offer(configs: readonly Config[], isWhole = false, passing: () => void = () => undefined): number {
    let count = 0
    for (const config of configs) {
      if (this.networkId !== undefined && config.networkId !== this.networkId) continue
      if (this.installed !== undefined && config.epoch === this.epoch) this.assertSame(config)
      const isBase = isWhole && this.installed === undefined
      if (config.epoch !== this.epoch + 1 && !isBase) continue
      if (this.installed !== undefined) passing()
      this.install(config)
      count += 1
    }
    return count
  }

  /** The config of an epoch; undefined when it is not installed here, or older than the chain. */
  at(epoch: number): Config | undefined {
    return epoch === this.epoch ? this.installed?.config : epoch < this.epoch ? this.load(epoch) : undefined
  }

  /** The configs from an epoch on, oldest first, as many as one message carries. */
  since(epoch: number): Config[] {
    const configs: Config[] = []
    for (let next = Math.max(epoch, this.baseEpoch()); next <= this.epoch && configs.length < CONFIGS_PER_MESSAGE_MAX; next += 1) {
      const config = this.at(next)
      assert(config !== undefined, `config ${next} is missing below config ${this.epoch}`)
      configs.push(config)
    }
    return configs
  }

  /**
   * The oldest config of this network here. A network that was started again from a survivor begins
   * above 0, and what the store holds below that is of the network before.
   */
  private baseEpoch(): number {
    const isOwn = (epoch: number): boolean => this.at(epoch)?.networkId === this.networkId
    let [below, base] = [-1, this.epoch]
    while (base - below > 1) {
      const middle = Math.floor((below + base) / 2)
      if (isOwn(middle)) base = middle
      else below = middle
    }
    return base
  }

  private load(epoch: number): Config | undefined {
    const record = this.registers.read(configKey(epoch))?.chosen
    return record === undefined ? undefined : this.codec.decodeConfig(record.value)
  }

  private install(config: Config): void {
    this.installed = worked(config)
    const record = configRecord(this.codec, config)
    this.outbox.persist(chosenWrite(configKey(config.epoch), record, DIGEST_NONE))
    this.outbox.note({ kind: 'config-installed', epoch: config.epoch, joint: config.next !== undefined })
  }

  private assertSame(config: Config): void {
    const mine = this.installed?.config
    assert(
      mine !== undefined && equalBytes(this.codec.encodeConfig(mine), this.codec.encodeConfig(config)),
      `two configs for epoch ${config.epoch} of network ${config.networkId}`,
    )
  }
}

function worked(config: Config): Installed {
  return { config, quorum: dataQuorum(config), configQuorum: configQuorum(config), units: unitsOf(config.clusters) }
}
