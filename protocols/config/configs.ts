/** Configs: the chain as it is installed here, how it gets about, and how it is changed. */
import type { Config } from '../base/config.ts'
import type { ClusterId, Identity, IdentityId, NetworkId, PeerId } from '../base/identity.ts'
import type { Installed } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import type { Quorum } from '../base/quorum.ts'
import type { ValueRecord } from '../base/record.ts'
import { configKey, epochOfConfigKey } from '../base/register.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import type { Agreement } from '../agreement/agreement.ts'
import { ONCE } from '../agreement/settlement.ts'
import type { Space } from '../agreement/space.ts'
import type { ClientId } from '../events.ts'
import type { Roster } from '../membership/roster.ts'
import type { Outbox } from '../outbox.ts'
import type { Handlers, RequestOf, Requests, Service } from '../service.ts'
import type { Codec } from '../wire/codec.ts'
import type { Greeting } from '../wire/greeting.ts'
import type { ConfigChain } from './chain.ts'
import { Change } from './change.ts'
import { ConfigExchange } from './exchange.ts'
import { knownPeers } from './known.ts'
import type { KnownPeer } from './known.ts'
import { ChangeRequests } from './requests.ts'

export interface ConfigsContext {
  readonly self: Identity
  readonly clusterId: ClusterId
  readonly minPeers: number
  readonly moment: Moment
  readonly outbox: Outbox
  readonly registers: Registers
  readonly codec: Codec
  readonly chain: ConfigChain
  readonly roster: Roster
  readonly agreement: Agreement
  readonly replaceAfterMs: number | undefined
  readonly isCaughtUp: () => boolean
  /** What this peer lacks to be ready. */
  readonly missing: () => string | undefined
  /** The latest protocol version spoken here. */
  readonly protocolMax: number
  /** Configs were installed. @param before of the one that was in force until now */
  readonly onInstalled: (before: Quorum | undefined) => void
}

export class Configs implements Service {
  readonly handles: Handlers<'configs-wanted' | 'configs' | 'covered'>
  readonly requests: Requests<'change'>
  readonly change: Change
  private readonly context: ConfigsContext
  private readonly exchange: ConfigExchange
  private readonly changeRequests: ChangeRequests
  private wasTooOld = false

  constructor(context: ConfigsContext) {
    const { agreement } = context
    const { roundTrips } = agreement
    this.context = context
    this.exchange = new ConfigExchange({ ...context, roundTrips }, (configs, isWhole) => this.offer(configs, isWhole))
    const changing = { ...context, coordinator: agreement.coordinator, roundTrips, known: () => this.known() }
    this.change = new Change(changing)
    this.changeRequests = new ChangeRequests(changing, this.change)
    this.handles = {
      'configs-wanted': (from, { networkId, since }) => this.exchange.wanted(from.peerId, networkId, since),
      configs: (from, { configs }) => this.exchange.onConfigs(from.peerId, configs),
      covered: (from, { sender, epoch, sources }) => (sender.id === from.id ? this.change.onCovered(sender, epoch, sources) : undefined),
    }
    this.requests = { change: (request) => this.requested(request) }
  }

  /**
   * True when the config lets only peers vote that speak a later protocol than this one: it learns.
   */
  get isTooOld(): boolean {
    const config = this.context.chain.current?.config
    return config !== undefined && config.protocolMin > this.protocolMax
  }

  get protocolMax(): number {
    return this.context.protocolMax
  }

  cancel(client: ClientId): void {
    this.changeRequests.cancel(client)
  }

  upkeep(): void {
    if (this.isTooOld && !this.wasTooOld) this.context.outbox.note({ kind: 'too-old', peerId: this.context.self.peerId })
    this.wasTooOld = this.isTooOld
    this.change.tick()
    this.changeRequests.tick()
  }

  configInstalled(): void {
    this.change.configInstalled()
  }

  met({ identity, networkId, epoch, protocolMax }: Greeting): void {
    const least = this.context.chain.current?.config.protocolMin ?? 0
    if (protocolMax < least) this.context.outbox.note({ kind: 'too-old', peerId: identity.peerId })
    this.exchange.onEpoch(identity.peerId, networkId, epoch)
  }

  lost(peerId: PeerId): void {
    this.exchange.lost(peerId)
  }

  restUntilMs(): number {
    return this.change.isAtRest && this.changeRequests.size === 0 ? Number.POSITIVE_INFINITY : this.context.moment.nowMs
  }

  /** A heartbeat says which epoch its sender has on disk. */
  onInstalled(sender: IdentityId, epoch: number): void {
    this.changeRequests.onInstalled(sender, epoch)
  }

  /** A peer says which epoch it is in. */
  onEpoch(peerId: PeerId, networkId: NetworkId | undefined, epoch: number): void {
    this.exchange.onEpoch(peerId, networkId, epoch)
  }

  /** A peer is in a later epoch; what it did not send along is asked for. */
  onLaterEpoch(peerId: PeerId, configs: readonly Config[]): void {
    this.offer(configs, false)
    if (configs.length === 0) this.exchange.ask(peerId)
  }

  private requested(request: RequestOf<'change'>): void {
    const { chain, outbox, missing } = this.context
    const config = chain.current?.config
    if (config !== undefined && !config.forming) return this.changeRequests.begin(request)
    outbox.answer(request.client, { kind: 'not-ready', detail: missing() ?? '' })
  }

  private offer(configs: readonly Config[], isWhole: boolean): void {
    const { chain, registers, agreement, onInstalled } = this.context
    const { epoch: before, current } = chain
    if (chain.offer(configs, isWhole, () => agreement.dropIfVoteless()) === 0) return
    for (let epoch = Math.max(before + 1, 0); epoch <= chain.epoch; epoch += 1) {
      const key = configKey(epoch)
      const record = registers.read(key)?.chosen
      if (record !== undefined) agreement.settled(key, record)
    }
    onInstalled(current?.quorum)
  }

  /** The registers that decide configs. */
  readonly space: Space = {
    settlement: ONCE,
    quorum: ({ configQuorum }: Installed): Quorum => configQuorum,
    isOpen: (key: RegisterKey, { config }: Installed): boolean => epochOfConfigKey(key) === config.epoch + 1,
    isOffered: () => false,
    isUnserved: () => false,
    isKeptWithoutVote: true,
    learn: (_: RegisterKey, record: ValueRecord): void => this.offer([this.context.codec.decodeConfig(record.value)], false),
  }

  private known(): KnownPeer[] {
    const { self: identity, clusterId, minPeers, chain, roster, isCaughtUp } = this.context
    const catchingUp = isCaughtUp() ? undefined : 'catching up'
    const hindrance = this.isTooOld ? 'protocol too old' : catchingUp
    const self: KnownPeer = { identity, clusterId, minPeers, protocolMax: this.protocolMax, hindrance }
    return knownPeers(self, roster, chain.current?.config.protocolMin ?? 0)
  }
}
