/**
 * Registers alone, without the peer around them: their cores, disks that lose what is not synced,
 * and one pool of messages that come in any order, twice or never. Steps are so short that what
 * whole networks seldom meet is met here all the time.
 */
import { Outbox } from '../../../../protocols/outbox.ts'
import { Rounds, raisedAtOpening } from '../../../../protocols/agreement/rounds.ts'
import { higherCeiling } from '../../../../protocols/base/ballot.ts'
import type { Config } from '../../../../protocols/base/config.ts'
import type { ClusterId, Identity, PeerId } from '../../../../protocols/base/identity.ts'
import type { InForce, Installed } from '../../../../protocols/base/installed.ts'
import { Overlay } from '../../../../protocols/base/overlay.ts'
import { configQuorum, dataQuorum } from '../../../../protocols/base/quorum.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { After } from '../../../../protocols/base/slot.ts'
import type { Effect } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import { readEntry, readSwept } from '../../../../protocols/registers/fields.ts'
import type { Entry } from '../../../../protocols/registers/record.ts'
import type { Cell, Swept } from '../../../../protocols/registers/cells.ts'
import { RegistersCore } from '../../../../protocols/registers/registers.ts'
import { REGISTERS } from '../../../../protocols/registers/requests.ts'
import type { RegisterAnswer, RegisterRequest } from '../../../../protocols/registers/requests.ts'
import { rowDigest } from '../../../../protocols/repair/indexed-rows.ts'
import { Codec } from '../../../../protocols/wire/codec.ts'
import { ByteReader } from '../../../../protocols/wire/reader.ts'
import { sha256, utf8 } from '../../../../src/bytes.ts'
import type { Chance } from '../../chance.ts'
import { Violation } from '../../checkers/violation.ts'
import { BenchPull } from './bench-pull.ts'
import { BenchRows } from './rows.ts'

export interface BenchInit {
  readonly chance: Chance
  readonly config: Config
  /** The cluster of each peer. */
  readonly clusterOf: ReadonlyMap<PeerId, ClusterId>
  readonly identities: readonly Identity[]
  readonly answered: (client: ClientId, answer: RegisterAnswer) => void
  /** A cell is on a peer's disk. */
  readonly hardened: (peer: BenchPeer, key: RegisterKey, cell: Cell) => void
  /** Between two sweeps of one peer; without it nobody sweeps. */
  readonly sweepEveryMs?: number
}

interface Parcel {
  readonly from: Identity
  readonly to: PeerId
  readonly body: Uint8Array
  readonly round: number
}

const codec = new Codec(utf8)
/** Told to nobody: what the registers of configs hold. */
const NO_REGISTERS = { read: () => undefined, leaf: () => [] }

export class Bench {
  nowMs = 1_000
  readonly init: BenchInit
  readonly peers: readonly BenchPeer[]
  pool: Parcel[] = []
  pulls: BenchPull[] = []

  constructor(init: BenchInit) {
    this.init = init
    this.peers = init.identities.map((identity) => new BenchPeer(identity, this))
  }

  peerOf(peerId: PeerId): BenchPeer | undefined {
    return this.peers.find(({ identity }) => identity.peerId === peerId)
  }

  deliver(place: number, isKept: boolean): void {
    const parcel = isKept ? this.pool[place] : this.pool.splice(place, 1)[0]
    if (parcel !== undefined) this.peerOf(parcel.to)?.receive(parcel.from, parcel.round, parcel.body)
  }

  /** One pull of those under way goes a step on. */
  stepPull(place: number): void {
    this.pulls[place]?.step()
    this.pulls = this.pulls.filter(({ isOver }) => !isOver)
  }
}

interface Held {
  readonly send: Extract<Effect, { kind: 'send' }>
  readonly upTo: number
}

export class BenchPeer {
  readonly identity: Identity
  readonly rows: BenchRows
  isUp = true
  /** Nothing reaches its disk but slot by slot. */
  isSlow = false
  core: RegistersCore
  /** The configs that it has installed, the oldest first. */
  private readonly configs: Config[] = []
  installed!: Installed
  private readonly bench: Bench
  private outbox!: Outbox
  rounds!: Rounds
  private heldBack: Held[] = []

  constructor(identity: Identity, bench: Bench) {
    this.identity = identity
    this.bench = bench
    this.installs(bench.init.config)
    this.rows = new BenchRows(({ changes }) => {
      const keys = new Set(changes.filter(({ name }) => '=+'.includes(name.charAt(0))).map(({ name }) => name.slice(1)))
      for (const key of keys) bench.init.hardened(this, key as RegisterKey, this.synced(key as RegisterKey))
    })
    this.core = this.start()
  }

  /** What is on disk of what it has forgotten. */
  get sweptSynced(): Swept | undefined {
    const bytes = this.rows.getSynced('@swept')
    return bytes === undefined ? undefined : readSwept(new ByteReader(bytes, utf8))
  }

  install(config: Config): void {
    this.installs(config)
    this.core.configInstalled()
    this.perform()
  }

  /** What is on disk of a register. */
  synced(key: RegisterKey): Cell {
    const entryOf = (name: string): Entry | undefined => {
      const bytes = this.rows.getSynced(name)
      return bytes === undefined ? undefined : readEntry(new ByteReader(bytes, utf8))
    }
    return { held: entryOf(`=${key}`), accepted: entryOf(`+${key}`), diverged: entryOf(`!${key}`) }
  }

  receive(from: Identity, round: number, body: Uint8Array): void {
    if (!this.isUp) return
    this.rounds.observe(round)
    this.core.told(from, body)
    this.perform()
  }

  ask(client: ClientId, request: RegisterRequest, deadlineMs: number): void {
    this.core.asked(client, request, deadlineMs)
    this.perform()
  }

  tick(): void {
    if (!this.isUp) return
    this.core.tick()
    this.core.upkeep()
    this.perform()
  }

  sync(chance: Chance): void {
    if (!this.isUp) return
    this.rows.syncOne(chance)
    this.release()
  }

  /** What was written to one slot reaches the disk, as far as it may before the rest. */
  syncSlot(name: string): void {
    if (!this.isUp) return
    this.rows.syncSlot(name)
    this.release()
  }

  syncAll(): void {
    if (!this.isUp || this.isSlow) return
    this.rows.syncAll()
    this.release()
  }

  crash(): void {
    this.isUp = false
    this.heldBack = []
    this.rows.crash()
  }

  restart(): void {
    this.isUp = true
    this.core = this.start()
  }

  private installs(config: Config): void {
    this.configs.push(config)
    this.installed = { config, quorum: dataQuorum(config), configQuorum: configQuorum(config), units: [] }
  }

  private start(): RegistersCore {
    const { bench, identity: self, rows } = this
    const { init } = bench
    const installed = (): Installed => this.installed
    const floor = rows.ceilingSynced
    const ceiling = higherCeiling(floor, raisedAtOpening(floor))
    rows.write({ slot: { type: 'facts', name: 'ceiling' }, isBarrier: true, changes: [], ceiling })
    rows.syncAll()
    this.outbox = new Outbox(new Overlay(NO_REGISTERS))
    this.rounds = new Rounds(self, this.outbox, ceiling, floor)
    const { outbox } = this
    const { clusterOf, chance } = init
    const clusterId = clusterOf.get(self.peerId) as ClusterId
    const chain: InForce = {
      get current() {
        return installed()
      },
      get epoch() {
        return installed().config.epoch
      },
      networkId: init.config.networkId,
      isVoter: (id) => installed().quorum.has(id),
      voterOf: (peerId) => installed().quorum.voters.find((voter) => voter.peerId === peerId),
    }
    const others = (cluster: ClusterId): PeerId[] =>
      [...clusterOf].filter(([peerId, of]) => of === cluster && peerId !== self.peerId).map(([peerId]) => peerId)
    let lastId = chance.below(1_000_000_000)
    return new RegistersCore({
      self,
      moment: {
        get nowMs() {
          return bench.nowMs
        },
      },
      chain,
      neighbours: {
        clusterId,
        isFew: true,
        isConnected: () => true,
        isConnectedAs: ({ id }) => bench.peers.some((peer) => peer.identity.id === id),
        speaks: () => true,
        representatives: others,
        roundTripMs: () => undefined,
        clusterIds: () => new Set(clusterOf.values()),
        clusterOf: (peerId) => clusterOf.get(peerId),
        nearest: (peerIds) => [...peerIds][0],
        connectedOf: others,
        isPutBack: () => false,
      },
      rounds: this.rounds,
      floor,
      store: {
        rows,
        persist: (name, changes, urgency) => {
          rows.write({ slot: { type: REGISTERS, name }, isBarrier: urgency === 'barrier', changes, ceiling: undefined })
        },
        digestOf: rowDigest(sha256, codec),
      },
      utf8,
      sha256,
      random: () => chance.number(),
      nextId: () => (lastId += 1),
      missing: () => undefined,
      isTooOld: () => false,
      configsSince: (epoch) => this.configs.filter((config) => config.epoch >= epoch),
      onLaterEpoch: (_, configs) => {
        for (const config of configs) if (config.epoch > installed().config.epoch) this.install(config)
      },
      send: (to: PeerId, body: Uint8Array, after: After) => outbox.send(to, { kind: 'typed', type: 1, body }, after),
      answer: (client, answer) => outbox.answer(client, { kind: 'typed', type: REGISTERS, answer }),
      tell: () => undefined,
      sweepEveryMs: init.sweepEveryMs ?? Number.POSITIVE_INFINITY,
      pull: (source, ended) => {
        const peer = bench.peerOf(source.peerId)
        if (peer === undefined) ended(false)
        else bench.pulls.push(new BenchPull(this, peer, ended))
      },
      alarm: (key) => {
        throw new Violation('V1', `${self.peerId} was told two records for ${key}`)
      },
    })
  }

  perform(): void {
    for (const effect of this.outbox.take()) {
      if (effect.kind === 'send') this.heldBack.push({ send: effect, upTo: this.rows.lastSequence })
      else if (effect.kind === 'answer' && effect.outcome.kind === 'typed')
        this.bench.init.answered(effect.client, effect.outcome.answer as RegisterAnswer)
      else if (effect.kind === 'persist' && effect.write.kind === 'ceiling') {
        const { slot, isBarrier, ceiling } = effect.write
        this.rows.write({ slot, isBarrier, changes: [], ceiling })
      }
    }
    this.release()
  }

  private release(): void {
    const kept: Held[] = []
    for (const held of this.heldBack) {
      const { send, upTo } = held
      if (!this.rows.isDurable(send.after, upTo)) kept.push(held)
      else if (send.message.kind === 'typed') {
        this.bench.pool.push({ from: this.identity, to: send.to, body: send.message.body, round: this.rounds.highest })
      }
    }
    this.heldBack = kept
  }
}
