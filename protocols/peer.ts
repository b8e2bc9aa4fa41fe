/**
 * The core of a peer: one way in (`step`), one way out (the effects it returns). It hands each
 * event to the services, which decide what follows. No clock, no chance, no IO: time comes with
 * each step, chance and hashing as functions, the store as a synchronous view of what was
 * persisted.
 */
import type { Ceiling } from './base/ballot.ts'
import { PROTOCOL_VERSION } from './base/config.ts'
import type { Config } from './base/config.ts'
import type { ClusterId, Identity, PeerId } from './base/identity.ts'
import type { Moment } from './base/moment.ts'
import { Overlay } from './base/overlay.ts'
import type { Quorum } from './base/quorum.ts'
import type { ConfigChain } from './config/chain.ts'
import type { ChangeView } from './config/change.ts'
import type { Doubts } from './agreement/doubts.ts'
import type { DataType } from './data-type.ts'
import type { Effect } from './effects.ts'
import type { CoreEvent } from './events.ts'
import type { ChosenKeys } from './keys/chosen.ts'
import type { Pair } from './membership/reachability.ts'
import type { Roster } from './membership/roster.ts'
import { Outbox } from './outbox.ts'
import type { Handlers, RequestKind, Requests, Service } from './service.ts'
import type { RepairedType } from './repair/repair.ts'
import { createServices, handlersOf, inOrder, loadOf, requestsOf } from './services.ts'
import type { Load, PeerInit, Services } from './services.ts'
import { Upkeep } from './upkeep.ts'
import type { Greeting } from './wire/greeting.ts'
import type { Message } from './wire/messages.ts'

/**
 * While something is under way, time is looked at this often: the grain of every wait shorter than
 * a heartbeat.
 */
const TICK_BUSY_MS = 5
/** A look that comes so much later than it was due tells that the process stood still. */
const STOOD_STILL_MS = 900

export class PeerCore {
  readonly identity: Identity
  readonly clusterId: ClusterId
  readonly minPeers: number
  readonly roster: Roster
  readonly chain: ConfigChain
  readonly chosen: ChosenKeys
  readonly doubts: Doubts
  private readonly parts: Services
  private readonly services: readonly Service[]
  private readonly handlers: Handlers<Message['kind']>
  private readonly requests: Requests<RequestKind>
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly upkeep: Upkeep

  constructor(init: PeerInit) {
    const registers = new Overlay(init.registers, init.tables)
    this.moment = { nowMs: init.nowMs }
    this.outbox = new Outbox(registers)
    this.upkeep = new Upkeep(init.nowMs)
    this.parts = createServices(init, this.moment, registers, this.outbox, (before) => this.installed(before))
    this.services = inOrder(this.parts)
    this.handlers = handlersOf(this.parts)
    this.requests = requestsOf(this.parts)
    this.identity = init.identity
    this.clusterId = init.clusterId
    this.minPeers = init.minPeers
    this.roster = this.parts.roster
    this.chain = this.parts.chain
    this.chosen = this.parts.keys.chosen
    this.doubts = this.parts.agreement.doubts
  }

  /**
   * Takes one event.
   *
   * @param nowMs of a clock that never goes back
   * @returns effects, to be performed in order
   * @throws ProtocolViolation when a rule is broken; the peer must then stop
   */
  step(event: CoreEvent, nowMs: number): Effect[] {
    if (nowMs > this.moment.nowMs) this.moment.nowMs = nowMs
    this.take(event)
    return this.outbox.take()
  }

  /** When the next tick is due, in the milliseconds of `step`; any other event may come before. */
  get wakeAtMs(): number {
    let wakeAtMs = this.isBusy ? this.moment.nowMs + TICK_BUSY_MS : this.upkeep.atMs
    for (const type of this.parts.types.all) wakeAtMs = Math.min(wakeAtMs, type.wakeAtMs ?? wakeAtMs)
    return wakeAtMs
  }

  /** The highest round seen here; goes out with every frame. */
  get round(): number {
    return this.parts.agreement.rounds.highest
  }

  get ceiling(): Ceiling {
    return this.parts.agreement.rounds.ceiling
  }

  get config(): Config | undefined {
    return this.chain.current?.config
  }

  /** The change of configuration that is under way, and how far it is. */
  get changeView(): ChangeView | undefined {
    return this.parts.configs.change.view
  }

  /**
   * True when the config lets only peers vote that speak a later protocol than this one: it learns.
   */
  get isTooOld(): boolean {
    return this.parts.configs.isTooOld
  }

  /**
   * True for a peer that somebody removed, itself or with its cluster, as far as it is known here.
   */
  isRemoved(peerId: PeerId): boolean {
    return this.parts.membership.isRemoved(peerId)
  }

  /** The latest protocol version that this peer speaks. */
  get protocolMax(): number {
    return this.parts.configs.protocolMax
  }

  get isVoter(): boolean {
    return this.chain.isVoter(this.identity.id)
  }

  get caughtUp(): boolean {
    return this.parts.repair.caughtUp
  }

  /** The further types, by name. */
  get types(): ReadonlyMap<string, DataType> {
    return this.parts.types.byName
  }

  /** Those of them whose rows are repaired, with their trees. */
  get repairedTypes(): readonly RepairedType[] {
    return this.parts.types.repaired
  }

  /** How much is under way, for metrics and for seeing that it comes back to nothing. */
  get load(): Load {
    return loadOf(this.parts)
  }

  /**
   * What this peer says of itself on a new connection.
   *
   * @param ceiling as it is on disk: no other may be told
   * @param addresses where it can be reached
   */
  greeting(ceiling: Ceiling, addresses: readonly string[]): Greeting {
    const { identity, clusterId, minPeers, chain } = this
    const versions = { protocolMin: PROTOCOL_VERSION, protocolMax: this.protocolMax }
    return { ...versions, networkId: chain.networkId, clusterId, identity, epoch: chain.epoch, ceiling, minPeers, addresses }
  }

  /** What this peer lacks to be ready; undefined when it is. */
  missing(): string | undefined {
    return this.parts.readiness.missing()
  }

  /** Pairs of peers that must reach one another and do not. */
  get apart(): readonly Pair[] {
    return this.parts.membership.apart
  }

  /** Whether the voter is this peer or answered a heartbeat lately. */
  hasAnswered(voter: Identity): boolean {
    return this.parts.readiness.hasAnswered(voter)
  }

  private get isBusy(): boolean {
    return this.services.some((service) => service.isBusy === true)
  }

  private take(event: CoreEvent): void {
    if (event.kind !== 'tick' && !this.isNoNews(event)) this.upkeep.hurry(this.moment.nowMs)
    switch (event.kind) {
      case 'tick':
        return this.tick()
      case 'connected':
        return this.connected(event.remote)
      case 'disconnected':
        for (const service of this.services) service.lost?.(event.peerId, event.reason)
        return
      case 'message':
        this.parts.agreement.rounds.observe(event.round)
        if (event.from.id !== this.identity.id) this.roster.onMessage(event.from.peerId)
        return this.handle(event.from, event.message)
      case 'put':
        return this.requests.put(event)
      case 'get':
        return this.requests.get(event)
      case 'change':
        return this.requests.change(event)
      case 'typed':
        return this.requests.typed(event)
      case 'cancel':
        for (const service of this.services) service.cancel?.(event.client)
    }
  }

  private handle<Kind extends Message['kind']>(from: Identity, message: Extract<Message, { readonly kind: Kind }>): void {
    const handler: (from: Identity, message: Extract<Message, { readonly kind: Kind }>) => void = this.handlers[message.kind]
    handler(from, message)
  }

  private tick(): void {
    for (const service of this.services) service.tick?.()
    const { nowMs } = this.moment
    if (nowMs < this.upkeep.atMs) return
    if (nowMs - this.upkeep.atMs > STOOD_STILL_MS) this.roster.onStoodStill()
    this.parts.readiness.observe()
    for (const service of this.services) service.upkeep?.()
    this.upkeep.onLooked(nowMs, this.restUntilMs())
  }

  private connected(remote: Greeting): void {
    const before = this.roster.get(remote.identity.peerId)
    const peer = this.parts.membership.greeted(remote)
    for (const service of this.services) service.met?.(remote)
    // Others hear of it when all here have.
    this.parts.membership.announce(peer, before)
  }

  private installed(before: Quorum | undefined): void {
    for (const service of this.services) service.configInstalled?.(before)
    // Others hear of it when all here have.
    this.parts.membership.tellEpoch()
  }

  /** A heartbeat that says what was known: by it, what is waited for only becomes due later. */
  private isNoNews(event: CoreEvent): boolean {
    if (event.kind !== 'message' || event.message.kind !== 'heartbeat') return false
    const { membership, repair } = this.parts
    return membership.isNoNews(event.from.peerId, event.message) && repair.isOwn(event.message.health)
  }

  /** When something is due, if nothing happens before; with anything under way, now. */
  private restUntilMs(): number {
    const { nowMs } = this.moment
    if (this.isBusy || !this.parts.readiness.hasBeenReady) return nowMs
    let untilMs = Number.POSITIVE_INFINITY
    for (const service of this.services) {
      untilMs = Math.min(untilMs, service.restUntilMs?.() ?? untilMs)
      if (untilMs <= nowMs) return nowMs
    }
    return untilMs
  }
}
