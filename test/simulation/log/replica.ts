/**
 * One simulated peer with its replica: the production core, run as a runtime would, upon a disk and
 * a store of its own. A process that crashes takes what was in memory; a power loss takes what was
 * not synced as well; a wipe takes the disk, and makes the peer somebody else.
 */
import { identity } from '../../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../../protocols/base/identity.ts'
import type { Entry } from '../../../protocols/log/entry.ts'
import type { Consistency, LogAnswer, LogClient, LogEffect, LogEvent } from '../../../protocols/log/events.ts'
import type { LogLimits } from '../../../protocols/log/limits.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import type { LogMessage } from '../../../protocols/log/message.ts'
import { Replica } from '../../../protocols/log/replica.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'
import { check } from '../checkers/violation.ts'
import { Applier } from './applier.ts'
import type { AskedPeer, SubmitGiven } from './clients.ts'
import { LOG_ID, LogDisk } from './disk.ts'
import type { LogLedger } from './ledger.ts'
import type { LogOptions } from './options.ts'
import { ModelStore } from './store.ts'

/** Small enough that a short run meets each of them. */
export const LIMITS: LogLimits = {
  heartbeatMs: 100,
  appendBytesMax: 500,
  windowBytesMax: 2_000,
  windowAppendsMax: 4,
  commandBytesMax: 200,
  pendingBytesMax: 20_000,
  pendingEntriesMax: 60,
  keptEntriesMin: 8,
  keptBytesMax: 6_000,
  electionMs: 1_000,
  spreadElectionMs: 1_000,
  goneMs: 3_000,
  placedEveryMs: 500,
  checkEveryMs: 2_500,
  checkSlices: 2,
}
/** Between two ticks, where clocks differ. */
const TICK_MIN_MS = 0.01
/** Until an operator sees that a store was found to differ. */
const REFILLED_AFTER_MS = 500
export const ELECTION_MS: number = LIMITS.electionMs

export interface ReplicaWorld {
  readonly agenda: Agenda
  readonly options: LogOptions
  readonly ledger: LogLedger
  readonly firstMembers: Membership
  readonly send: (message: LogMessage) => void
  readonly answered: (peer: SimulatedReplica, client: LogClient, answer: LogAnswer) => void
  /** The store was asked: the list as it is. */
  readonly readReady: (peer: SimulatedReplica, client: LogClient, index: number) => void
  readonly giveSnapshot: (from: SimulatedReplica, to: Identity, indexMin: number) => void
  readonly others: (than: SimulatedReplica) => readonly SimulatedReplica[]
  readonly trace: (line: () => string) => void
}

export class SimulatedReplica implements AskedPeer {
  readonly peerId: PeerId
  identity: Identity
  store: ModelStore
  disk: LogDisk
  core: Replica | undefined
  isPaused = false
  /** How fast its clock runs. */
  private readonly rate: number
  /** How long its clock has stood still in all, and since when it does now. */
  private stoodStillMs = 0
  private suspendedMs: number | undefined
  /** Its time of day less the simulated time, in milliseconds. */
  wallAheadMs = 0
  /** The store refuses everything. */
  isStoreDown = false
  halted: string | undefined
  readonly applier: Applier
  private readonly world: ReplicaWorld
  private readonly chance: Chance
  private events: LogEvent[] = []
  private commitSeen = 0
  /** Rises with each start. */
  life = 0

  constructor(world: ReplicaWorld, chance: Chance, name: string) {
    this.world = world
    this.chance = chance
    this.peerId = name as PeerId
    this.identity = identity(this.peerId, chance.hex(32) as Incarnation)
    this.store = new ModelStore(world.firstMembers)
    this.disk = new LogDisk(world.agenda, chance.fork(), world.options.syncMaxMs, world.firstMembers)
    this.applier = new Applier(this, world, chance.fork())
    const { driftMax } = world.options
    this.rate = driftMax === 0 ? 1 : 1 + chance.span(0, driftMax) - driftMax / 2
  }

  /** What its clock shows, which counts from nowhere. */
  private get clockMs(): number {
    return (this.world.agenda.nowMs - this.stoodStillMs) * this.rate
  }

  get isUp(): boolean {
    return this.core !== undefined
  }

  get name(): string {
    return this.identity.id
  }

  submit(client: LogClient, submit: SubmitGiven, timeoutMs: number): void {
    const deadlineMs = this.clockMs + timeoutMs
    this.step({ kind: 'submit', submits: [{ client, ...submit, deadlineMs }] })
  }

  query(client: LogClient, _list: string, consistency: Consistency, timeoutMs: number): void {
    this.step({ kind: 'query', questions: [{ client, consistency, deadlineMs: this.clockMs + timeoutMs }] })
  }

  /** Gives the peer the members that its log is born with, which name the peer itself. */
  born(members: Membership): void {
    this.store = new ModelStore(members)
    this.disk = new LogDisk(this.world.agenda, this.chance.fork(), this.world.options.syncMaxMs, members)
  }

  start(): void {
    const { agenda, ledger } = this.world
    const stored = this.disk.stored()
    ledger.restarts(this.identity.id, stored)
    this.life += 1
    this.commitSeen = stored.base.index
    const settings = {
      logId: LOG_ID,
      generation: 0,
      self: this.identity,
      electionMs: ELECTION_MS,
      limits: LIMITS,
      isLeased: this.world.options.isLeased,
      isSurvivor: false,
      random: () => this.chance.number(),
      wallMs: () => Math.max(0, agenda.nowMs + this.wallAheadMs),
    }
    this.core = new Replica(settings, stored, this.clockMs)
    this.halted = undefined
    this.events = []
    this.planTick()
    const { life } = this
    agenda.after(this.chance.span(1, 200), () => {
      if (life !== this.life || this.core === undefined) return
      ledger.opened(this.identity.id, this.store.journal)
      this.applier.opened()
    })
  }

  crash(isPowerLost: boolean): void {
    if (this.core === undefined) return
    this.wake()
    this.core = undefined
    this.life += 1
    this.isPaused = false
    this.disk.crash(isPowerLost)
    this.applier.stop()
    if (isPowerLost)
      this.store.cut(Math.max(this.store.durableIndex, this.chance.between(this.store.durableIndex, this.store.position.index)))
    // A process that ends leaves its store running: what it has is kept for good sooner or later.
  }

  /** The disk is gone, and with it who this peer was. */
  wipe(): void {
    this.crash(true)
    this.identity = identity(this.peerId, this.chance.hex(32) as Incarnation)
    this.born(this.world.firstMembers)
  }

  /** Its store is emptied, as an operator would: the log stays. */
  refill(): void {
    this.applier.stop()
    this.store.become([])
    this.applier.opened()
  }

  pause(): void {
    if (this.isUp) this.isPaused = true
  }

  /** The machine sleeps: its clock stands still, and the time of day goes on. */
  suspend(): void {
    if (!this.isUp || this.isPaused) return
    this.isPaused = true
    this.suspendedMs = this.world.agenda.nowMs
  }

  resume(): void {
    this.wake()
    if (!this.isPaused) return
    this.isPaused = false
    for (const event of this.events.splice(0)) this.step(event)
    this.step({ kind: 'tick' })
  }

  /** What was on its way to a machine that slept is lost. */
  private wake(): void {
    if (this.suspendedMs === undefined) return
    this.stoodStillMs += this.world.agenda.nowMs - this.suspendedMs
    this.suspendedMs = undefined
    this.events = this.events.filter(({ kind }) => kind !== 'message')
  }

  step(event: LogEvent): void {
    const { core } = this
    if (core === undefined) return
    if (this.isPaused) {
      if (event.kind !== 'tick') this.events.push(event)
      return
    }
    const { state } = core
    const before = { index: state.tail.membersIndex, members: state.members, commit: state.commit }
    const effects = core.step(event, this.clockMs)
    check(state.commit >= before.commit, 'G12', () => `${this.identity.id} goes back from ${before.commit} to ${state.commit}`)
    this.sawCommit()
    for (const effect of effects) this.perform(effect, before)
    this.planTick()
  }

  private perform(effect: LogEffect, before: { readonly index: number; readonly members: Membership }): void {
    const { core, world, identity: self } = this
    if (core === undefined) return
    switch (effect.kind) {
      case 'persist':
        world.ledger.persisting(core.state, effect.write, before.index, before.members)
        world.ledger.compacts(self.id, effect.write, this.store.durableIndex)
        return this.disk.write(effect.write)
      case 'send':
        return this.disk.after(effect.after, () => this.say(effect.message))
      case 'apply':
        return this.applier.add(effect.entries)
      case 'verdict':
        return this.applier.verdict(effect.index, effect.code)
      case 'read-ready':
        check(!core.state.isStalled, 'G9', () => `${self.id} has its store asked, which refuses what comes next`)
        return world.readReady(this, effect.client, effect.index)
      case 'give-snapshot':
        return world.giveSnapshot(this, effect.to, effect.indexMin)
      case 'take-snapshot':
        return this.applier.takeStaged()
      case 'answer':
        return world.answered(this, effect.client, effect.answer)
      case 'note':
        world.trace(() => `${this.peerId} ${JSON.stringify(effect.note)}`)
        if (effect.note.kind === 'halted') this.halted = effect.note.why
        if (effect.note.kind === 'differs') this.differs(effect.note)
        if (effect.note.kind === 'role' && effect.note.role === 'leader') world.ledger.leads(core.state)
    }
  }

  /**
   * Stores are alike, but for what was applied and judged otherwise afterwards: an operator has such
   * a one filled anew.
   */
  private differs({ index, isHere }: { readonly index: number; readonly isHere: boolean }): void {
    const { agenda, ledger } = this.world
    check(ledger.isAnyRevoked, 'G14', () => `${this.identity.id} is told at ${index} that stores differ`)
    if (!isHere) return
    const { life } = this
    agenda.after(REFILLED_AFTER_MS, () => {
      if (life === this.life) this.refill()
    })
  }

  private say(message: LogMessage): void {
    const { life } = this
    this.world.ledger.left(message)
    if (message.to.id !== this.identity.id) return this.world.send(message)
    this.world.agenda.after(0, () => {
      if (life === this.life) this.step({ kind: 'message', message })
    })
  }

  private sawCommit(): void {
    const { state } = this.core as Replica
    const from = Math.max(this.commitSeen, state.tail.base.index)
    if (state.commit <= from) return
    const entries: readonly Entry[] = state.tail.range(from + 1, state.commit)
    this.commitSeen = state.commit
    this.world.ledger.commits(this.identity.id, entries, this.world.agenda.nowMs)
  }

  private planTick(): void {
    const { core, life } = this
    const wakeAtMs = core?.wakeAtMs ?? Number.POSITIVE_INFINITY
    if (wakeAtMs === Number.POSITIVE_INFINITY || wakeAtMs === this.plannedMs) return
    this.plannedMs = wakeAtMs
    const { agenda } = this.world
    const restMs = (wakeAtMs - this.clockMs) / this.rate
    // A clock of its own pace may be a hair before the time that was meant.
    agenda.at(agenda.nowMs + (this.world.options.isLeased ? Math.max(restMs, TICK_MIN_MS) : Math.max(restMs, 0)), () => {
      if (this.plannedMs === wakeAtMs) this.plannedMs = Number.NaN
      if (life === this.life) this.step({ kind: 'tick' })
    })
  }

  private plannedMs: number = Number.NaN
}
