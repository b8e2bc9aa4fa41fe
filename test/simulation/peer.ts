/**
 * A simulated peer: the production core, a disk, and what `src/runtime` does between them: events
 * in, effects performed in order, sends held back behind their syncs, ticks when the core wants
 * them or somewhat later.
 */
import { chosenWrite } from '../../protocols/base/persist.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Effect } from '../../protocols/effects.ts'
import type { CoreEvent } from '../../protocols/events.ts'
import { beginOpening } from '../../protocols/opening.ts'
import type { Founding, Opened } from '../../protocols/opening.ts'
import { PeerCore } from '../../protocols/peer.ts'
import { protocolOf } from '../../protocols/types.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import { sha256 } from '../../src/bytes.ts'
import type { Saying, Send } from '../../src/runtime/send-gate.ts'
import { Chance } from './chance.ts'
import { describeOutcome, describePersist } from './describe.ts'
import { SimulatedDisk } from './disk.ts'
import { openingStore } from './opening-store.ts'
import type { PeerSurroundings } from './surroundings.ts'
import { BatchedSyncing, LooseSyncing } from './syncing.ts'
import type { Syncing, SyncingInit } from './syncing.ts'

const DIGEST_NONE = new Uint8Array(16)
/** A slow sync takes so many times as long. */
const SLOW_SYNC_FACTOR = 40
/** Above any seed and what is drawn of it elsewhere. */
const OPENING = 2 ** 44
/** The same, for whether a peer makes offers. */
const OFFERING = 2 ** 45
/** The time of day when a run begins. */
const WALL_MS = 1_700_000_000_000
/** Incarnations are 32 hexadecimal digits. */
const INCARNATION_DIGITS = 32

export class SimulatedPeer {
  readonly index: number
  readonly peerId: PeerId
  readonly clusterId: ClusterId
  readonly minPeers: number
  readonly isLoose: boolean
  readonly surroundings: PeerSurroundings
  identity: Identity
  disk: SimulatedDisk
  core: PeerCore | undefined
  /** Counts the lives of the process, over all incarnations. */
  boots = 0
  /** Its disk is slower than others by this factor. */
  slowness = 1
  /** Its disk takes nothing more: the next sync fails, and no start comes to an end. */
  isDiskFull = false
  /** Messages and ticks wait until then. */
  pausedUntilMs = 0
  /** The network that it begins when it starts with an empty store. */
  founding: Founding | undefined
  private isOpening = false
  /**
   * Apart from all other chance, so that seeds without slow openings mean what they meant before.
   */
  private readonly opening: Chance
  private syncing: Syncing | undefined
  /** Its puts begin with an offer, also after a restart. */
  private readonly isOffering: boolean
  private readonly queue: CoreEvent[] = []
  private isStepping = false
  private tickAtMs = Number.POSITIVE_INFINITY
  /**
   * The time of day that its machine shows is ahead by so much, or behind: it is set to jump by
   * whoever tests a type that stamps by it.
   */
  wallAheadMs = 0
  /** The peer's own clock is ahead of simulated time by so much. */
  private clockAheadMs: number

  constructor(
    index: number,
    clusterId: ClusterId,
    minPeers: number,
    surroundings: PeerSurroundings,
    name = `p${String(index).padStart(2, '0')}`,
  ) {
    const { chance, options } = surroundings
    this.index = index
    this.peerId = name as PeerId
    this.clusterId = clusterId
    this.minPeers = minPeers
    this.surroundings = surroundings
    this.isLoose = chance.happens(options.looseRate)
    this.clockAheadMs = chance.below(1_000_000)
    this.opening = new Chance(options.seed + OPENING + index)
    const { offersBy } = options
    this.isOffering = offersBy === 'all' || (offersBy === 'some' && new Chance(options.seed + OFFERING + index).happens(0.5))
    this.identity = this.drawIdentity()
    this.disk = this.emptyDisk()
  }

  get isUp(): boolean {
    return this.core !== undefined
  }

  /** It runs, or is about to: its process is there. */
  get isStarted(): boolean {
    return this.isOpening || this.isUp
  }

  get isPaused(): boolean {
    return this.surroundings.agenda.nowMs < this.pausedUntilMs
  }

  get pendingWrites(): number {
    return this.syncing?.pendingCount ?? 0
  }

  /** The time that this peer's core is told. */
  get clockMs(): number {
    return this.surroundings.agenda.nowMs + this.clockAheadMs
  }

  /** What its machine shows as the time of day. */
  get wallMs(): number {
    return this.surroundings.agenda.nowMs + WALL_MS + this.wallAheadMs
  }

  /** The latest protocol version that its build speaks. */
  get protocol(): number {
    return protocolOf(this.surroundings.furtherTypes ?? [])
  }

  /** Its clock jumps ahead. */
  jump(aheadMs: number): void {
    this.clockAheadMs += aheadMs
  }

  /** Lays configs into the empty store, as founding does. */
  found(configs: readonly Config[]): void {
    const { codec } = this.surroundings
    for (const config of configs) {
      this.disk.write(chosenWrite(configKey(config.epoch), configRecord(codec, config), DIGEST_NONE))
    }
    this.disk.syncAll()
  }

  /** Opens its store, and runs from when that is done: at once, or when a slow disk has synced. */
  start(running: () => void = () => undefined): void {
    this.boots += 1
    const boot = this.boots
    this.isOpening = true
    const founding = this.disk.newestEpoch() < 0 ? this.founding : undefined
    const { disk, opening: chance } = this
    const { agenda, options } = this.surroundings
    const store = openingStore({
      disk,
      agenda,
      chance,
      slowRate: options.slowOpeningRate,
      isGone: () => this.boots !== boot || this.disk !== disk,
      isFull: () => this.isDiskFull,
      failed: () => this.crash(),
    })
    beginOpening(store, this.surroundings.codec, founding, (opened) => {
      if (this.boots !== boot || !this.isOpening) return
      this.isOpening = false
      this.run(opened, boot)
      running()
    })
  }

  private run({ floor, ceiling }: Opened, boot: number): void {
    const { agenda, chance, codec } = this.surroundings
    const init: SyncingInit = {
      disk: this.disk,
      agenda,
      chance,
      syncMs: () => this.syncMs(),
      fails: () => this.isDiskFull || (!this.surroundings.isCalm && chance.happens(this.surroundings.options.failedSyncRate)),
      released: (sayings) => this.released(sayings, boot),
      failed: () => this.crash(),
    }
    const syncing = this.isLoose ? new LooseSyncing(init) : new BatchedSyncing(init)
    this.syncing = syncing
    const coreChance = chance.fork()
    this.core = new PeerCore({
      identity: this.identity,
      clusterId: this.clusterId,
      minPeers: this.minPeers,
      replaceAfterMs: this.surroundings.options.replaceAfterMs,
      wantedNetwork: undefined,
      registers: syncing.registers,
      tables: syncing.registers,
      codec,
      sha256,
      random: () => coreChance.number(),
      wallMs: () => this.wallMs,
      tokens: () => undefined,
      floor,
      ceiling,
      newestEpoch: this.disk.newestEpoch(),
      chosen: this.disk.chosen(),
      diverged: this.disk.diverged(),
      inDoubt: this.disk.inDoubt(),
      pageLimits: { keys: this.surroundings.options.pageKeys, recordsBytes: this.surroundings.options.pageBytes },
      types: this.surroundings.furtherTypes,
      areOffersMade: this.isOffering,
      nowMs: this.clockMs,
    })
    this.dispatch({ kind: 'tick' })
  }

  /** The process is gone, and with it what was not on disk. */
  crash(): void {
    if (!this.isStarted) return
    const kept = this.isOpening ? this.opening.happens(0.5) : undefined
    this.isOpening = false
    this.core = undefined
    this.queue.length = 0
    this.tickAtMs = Number.POSITIVE_INFINITY
    this.pausedUntilMs = 0
    const lost = kept === undefined ? (this.syncing?.crash() ?? 0) : this.disk.crash(() => kept)
    this.syncing = undefined
    this.surroundings.observer.crashed(this, lost)
  }

  /** The disk is gone as well; what comes back is somebody else. */
  wipe(): void {
    this.crash()
    this.identity = this.drawIdentity()
    this.disk = this.emptyDisk()
    this.founding = undefined
  }

  greeting(): Greeting | undefined {
    const { core } = this
    return core?.greeting(core.ceiling, [`/sim/${this.peerId}`])
  }

  /** A pause is over before its time: a tick that waits for its end is planned anew. */
  resume(): void {
    this.pausedUntilMs = 0
    this.tickAtMs = Number.POSITIVE_INFINITY
    this.planTick()
  }

  dispatch(event: CoreEvent): void {
    if (this.core === undefined) return
    this.queue.push(event)
    if (this.isStepping) return
    this.drain()
  }

  /**
   * Has somebody act on the core from outside of `step`; what comes of it leaves with the step that
   * follows.
   */
  act(act: (core: PeerCore) => void): void {
    this.dispatch({ kind: 'tick' })
    if (this.core === undefined) return
    act(this.core)
    this.dispatch({ kind: 'tick' })
  }

  private drain(): void {
    this.isStepping = true
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) this.step(next)
    this.isStepping = false
    this.planTick()
  }

  private step(event: CoreEvent): void {
    const { core } = this
    if (core === undefined) return
    try {
      for (const effect of core.step(event, this.clockMs)) {
        if (this.core !== core) return
        this.perform(effect)
      }
    } catch (error) {
      this.surroundings.observer.threw(this, error)
    }
  }

  private perform(effect: Effect): void {
    const { observer, trace, agenda } = this.surroundings
    switch (effect.kind) {
      case 'persist':
        trace.line(agenda.nowMs, () => `${this.peerId} writes ${describePersist(effect.write)}`)
        observer.persisting(this, effect.write)
        return this.syncing?.persist(effect.write)
      case 'send':
        observer.sending(this, effect)
        return this.syncing?.admit(effect) === true ? this.say(effect) : undefined
      case 'answer':
      case 'tell':
        return this.syncing?.admit(effect) === true ? this.say(effect) : undefined
      case 'disconnect':
        return this.surroundings.disconnect(this, effect.peerId)
      case 'note':
        return observer.noted(this, effect.note)
      case 'meet':
        return
    }
  }

  /** All of them leave before anything that follows from those to this peer itself. */
  private released(sayings: readonly Saying[], boot: number): void {
    this.isStepping = true
    for (const saying of sayings) if (this.boots === boot && this.core !== undefined) this.say(saying)
    this.isStepping = false
    this.drain()
  }

  private say(saying: Saying): void {
    if (saying.kind === 'send') return this.send(saying)
    const { observer, trace, agenda } = this.surroundings
    const { kind, client, outcome } = saying
    trace.line(agenda.nowMs, () => `${this.peerId} ${kind}s client ${client}: ${describeOutcome(outcome)}`)
    if (kind === 'answer') observer.answered(this, client, outcome)
    else observer.told?.(this, client, outcome)
  }

  private send(send: Send): void {
    this.surroundings.observer.left(this, send)
    if (send.to === this.peerId) this.dispatch({ kind: 'message', from: this.identity, round: 0, message: send.message })
    else this.surroundings.transmit(this, send)
  }

  private planTick(): void {
    const { core } = this
    if (core === undefined) return
    const { agenda, chance, options } = this.surroundings
    const atMs = Math.max(agenda.nowMs, core.wakeAtMs - this.clockAheadMs)
    if (atMs >= this.tickAtMs) return
    this.tickAtMs = atMs
    const tick = (): void => {
      if (this.core !== core || this.tickAtMs !== atMs) return
      if (this.isPaused) return agenda.at(this.pausedUntilMs, tick)
      this.tickAtMs = Number.POSITIVE_INFINITY
      this.dispatch({ kind: 'tick' })
    }
    agenda.at(atMs + chance.number() * options.tickLateMs, tick)
  }

  private syncMs(): number {
    const { chance, options, isCalm } = this.surroundings
    const usualMs = options.syncMs * this.slowness * chance.span(0.5, 2)
    return !isCalm && chance.happens(options.slowSyncRate) ? usualMs * SLOW_SYNC_FACTOR : usualMs
  }

  private drawIdentity(): Identity {
    return identity(this.peerId, this.surroundings.chance.hex(INCARNATION_DIGITS) as Incarnation)
  }

  private emptyDisk(): SimulatedDisk {
    const { identity: own } = this
    const types = this.surroundings.furtherTypes?.map(({ name }) => name)
    return new SimulatedDisk((write) => this.surroundings.observer.hardened(this, own, write), types)
  }
}
