/**
 * Several cores in memory: no clock, no chance, no network but what a test says. A store loses at a
 * crash what was not synced; messages wait in one queue and can be dropped, repeated or held; time
 * moves when a test moves it.
 */
import assert from 'node:assert/strict'
import type { Ballot } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { Outbox } from '../../protocols/outbox.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import { chosenWrite } from '../../protocols/base/persist.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import type { TypeDefinition } from '../../protocols/data-type.ts'
import type { Effect, Note, Outcome } from '../../protocols/effects.ts'
import type { ClientId, Consistency, CoreEvent } from '../../protocols/events.ts'
import { beginOpening } from '../../protocols/opening.ts'
import type { Opened } from '../../protocols/opening.ts'
import { PeerCore } from '../../protocols/peer.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import type { AcceptorReply, AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { SendGate } from '../../src/runtime/send-gate.ts'
import type { Saying, Send } from '../../src/runtime/send-gate.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'

export const codec: Codec = new Codec(utf8)
export const network: NetworkId = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf' as NetworkId
export const key: RegisterKey = dataKey('k')

const GIVEN_UP_AFTER_MESSAGES = 100_000
/** A grain of time that no wait of the core is shorter than. */
const GRAIN_MS = 5

/** The identity of a peer by its short name; `store` tells its stores apart. */
export function peer(name: string, store = 0): Identity {
  const digits = [...utf8.encode(name)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return identity(name as PeerId, `${store}${digits}`.padEnd(32, '0') as Incarnation)
}

/** Clusters from names: `{ c1: ['a', 'b'] }`. */
export function clusters(names: Record<string, readonly string[]>): Clusters {
  return new Map(Object.entries(names).map(([cluster, voters]) => [cluster as ClusterId, voters.map((name) => peer(name))]))
}

/** A config of these clusters, joint when `next` is given. */
export function configOf(epoch: number, names: Record<string, readonly string[]>, next?: Record<string, readonly string[]>): Config {
  const config: Config = { networkId: network, epoch, clusters: clusters(names), forming: false, protocolMin: protocolOf([]) }
  return next === undefined ? config : { ...config, next: clusters(next) }
}

/** A record that holds a text. */
export function recordOf(text: string, writeId = `write-${text}`): ValueRecord {
  return { writeId, value: utf8.encode(text), contentType: 'text/plain', writtenAtMs: 1_700_000_000_000 }
}

export function ballotOf(epoch: number, round: number, by: string): Ballot {
  return { epoch, round, by: peer(by) }
}

/** The messages among effects. */
export function sends(effects: readonly Effect[]): Send[] {
  return effects.filter((effect) => effect.kind === 'send')
}

export function persists(effects: readonly Effect[]): AnyWrite[] {
  return effects.flatMap((effect) => (effect.kind === 'persist' ? [effect.write] : []))
}

/** A role alone: its outbox over a store that takes what is persisted. */
export class Bench {
  readonly storage: MemoryStorage = new MemoryStorage()
  readonly overlay: Overlay = new Overlay(this.storage.registers, this.storage)
  readonly outbox: Outbox = new Outbox(this.overlay)

  /** The effects since the last call, the writes among them being in the store from now on. */
  take(): Effect[] {
    const effects = this.outbox.take()
    void this.storage.write(persists(effects))
    return effects
  }
}

interface Posted {
  readonly from: TestPeer
  readonly to: PeerId
  readonly round: number
  readonly message: Message
}

/** One peer of a test: its core, its store, and what it said to its clients. */
export class TestPeer {
  readonly name: string
  readonly clusterId: ClusterId
  readonly world: TestWorld
  identity: Identity
  core: PeerCore
  isUp = true
  /** What tells its token file from others. */
  tokens: string | undefined
  /** False: what is persisted waits for `sync`. */
  syncsAtOnce = true
  readonly answers: Map<ClientId, Outcome> = new Map()
  /** What clients were told before their answers. */
  readonly told: { readonly client: ClientId; readonly outcome: Outcome }[] = []
  readonly notes: Note[] = []
  readonly connected: Set<PeerId> = new Set()
  private readonly minPeers: number
  private synced: AnyWrite[] = []
  private unsynced: AnyWrite[] = []
  private storage = new MemoryStorage()
  private gate = new SendGate()
  private stores = 0

  constructor(name: string, clusterId: ClusterId, world: TestWorld, chain: readonly Config[], minPeers: number) {
    this.name = name
    this.clusterId = clusterId
    this.world = world
    this.minPeers = minPeers
    this.identity = peer(name)
    for (const config of chain) this.synced.push(configWrite(config))
    this.core = this.open()
  }

  /** What the store shows of a register. */
  read(of: RegisterKey): RegisterState | undefined {
    return this.storage.registers.read(of)
  }

  /** What would be there after a crash now. */
  readDurable(of: RegisterKey): RegisterState | undefined {
    const durable = new MemoryStorage()
    void durable.write(this.synced)
    return durable.registers.read(of)
  }

  step(event: CoreEvent): Effect[] {
    if (!this.isUp) return []
    const effects = this.core.step(event, this.world.nowMs)
    for (const effect of effects) this.perform(effect)
    if (this.syncsAtOnce) this.sync()
    return effects
  }

  /** Everything persisted so far is on disk, and what waited for it leaves. */
  sync(): void {
    if (this.unsynced.length === 0) return
    this.synced.push(...this.unsynced)
    this.unsynced = []
    for (const saying of this.gate.settle(this.gate.close())) this.say(saying)
  }

  /** Ends the process: what was not synced, and what was on its way to it, is lost. */
  crash(): void {
    this.isUp = false
    this.unsynced = []
    this.gate = new SendGate()
    this.world.forget(this)
  }

  /** Starts again from what was synced. */
  restart(): void {
    this.isUp = true
    this.core = this.open()
  }

  /** Starts again with an empty store, as somebody else of the same peer id. */
  restartEmpty(): void {
    this.stores += 1
    this.identity = peer(this.name, this.stores)
    this.synced = []
    this.restart()
  }

  private open(): PeerCore {
    const { incarnation } = this.identity
    const before = new MemoryStorage(incarnation)
    void before.write(this.synced)
    const write = (writes: readonly AnyWrite[], synced: () => void): void => {
      this.synced.push(...writes)
      synced()
    }
    const store = { ceiling: before.facts.ceiling(), newestEpoch: before.registers.newestEpoch(), write, replaceConfigs: write }
    let opened: Opened | undefined
    beginOpening(store, codec, undefined, (now) => (opened = now))
    assert.ok(opened !== undefined)
    this.storage = new MemoryStorage(incarnation)
    void this.storage.write(this.synced)
    return new PeerCore({
      identity: this.identity,
      clusterId: this.clusterId,
      minPeers: this.minPeers,
      replaceAfterMs: this.world.replaceAfterMs,
      wantedNetwork: network,
      registers: this.storage.registers,
      tables: this.storage,
      types: this.world.types,
      wallMs: () => this.world.nowMs,
      codec,
      sha256,
      random: () => this.world.random(),
      tokens: () => this.tokens,
      ...opened,
      newestEpoch: this.storage.registers.newestEpoch(),
      chosen: this.storage.registers.chosen(),
      inDoubt: this.storage.registers.inDoubt(),
      diverged: [...this.storage.registers.diverged()].map((each) => each.key),
      nowMs: this.world.nowMs,
    })
  }

  private perform(effect: Effect): void {
    if (effect.kind === 'persist') {
      void this.storage.write([effect.write])
      this.unsynced.push(effect.write)
      this.gate.wrote(effect.write)
    } else if (effect.kind === 'send' || effect.kind === 'answer' || effect.kind === 'tell') {
      if (this.gate.admit(effect)) this.say(effect)
    } else if (effect.kind === 'note') this.notes.push(effect.note)
  }

  private say(saying: Saying): void {
    if (saying.kind === 'send') return this.post(saying)
    const { kind, client, outcome } = saying
    assert(!this.answers.has(client), `client ${client} is answered twice`)
    if (kind === 'answer') this.answers.set(client, outcome)
    else this.told.push({ client, outcome })
  }

  private post({ to, message }: Send): void {
    // Written and read as bytes, so that nothing passes here that could not pass between processes.
    this.world.post({ from: this, to, round: this.core.round, message: codec.decodeMessage(codec.encodeMessage(message)) })
  }
}

/** What an operator asks for, by short names. */
export interface Asked {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  readonly removeCluster?: string
  readonly force?: boolean
  readonly withdraw?: boolean
}

/** Peers, the messages between them, and the time. */
export class TestWorld {
  nowMs = 1_000
  readonly peers: Map<string, TestPeer> = new Map()
  /** The further types of the builds that peers start with from now on. */
  types: readonly TypeDefinition[] = []
  /** What peers that are added from now on are told with `-replace-after`. */
  replaceAfterMs: number | undefined
  /** Says which messages are lost. */
  loses: (from: string, to: string, message: Message) => boolean = () => false
  /** Every message handed over, in order. */
  readonly seen: { readonly from: string; readonly to: string; readonly message: Message }[] = []
  private queue: Posted[] = []
  private lastClient = 0
  private seed = 1

  /** The same numbers in every run. */
  random(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0
    return this.seed / 2 ** 32
  }

  add(name: string, cluster: string, chain: readonly Config[], minPeers = 1): TestPeer {
    const added = new TestPeer(name, cluster as ClusterId, this, chain, minPeers)
    this.peers.set(name, added)
    return added
  }

  get(name: string): TestPeer {
    const found = this.peers.get(name)
    assert(found !== undefined, `no peer ${name}`)
    return found
  }

  post(posted: Posted): void {
    this.queue.push(posted)
  }

  forget(gone: TestPeer): void {
    this.queue = this.queue.filter(({ to }) => to !== gone.name)
    for (const other of this.peers.values()) {
      if (other.connected.delete(gone.identity.peerId)) {
        other.step({ kind: 'disconnected', peerId: gone.identity.peerId, reason: 'crashed' })
      }
    }
    gone.connected.clear()
  }

  connect(a: TestPeer, b: TestPeer): void {
    if (a.connected.has(b.identity.peerId) || !a.isUp || !b.isUp) return
    a.connected.add(b.identity.peerId)
    b.connected.add(a.identity.peerId)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const { core } = other
      one.step({ kind: 'connected', remote: core.greeting(core.ceiling, []) })
    }
  }

  connectAll(): void {
    const all = [...this.peers.values()]
    for (const [index, a] of all.entries()) for (const b of all.slice(index + 1)) this.connect(a, b)
  }

  /** Hands over messages until there are none, or until `until` holds. */
  deliver(until: () => boolean = () => false): void {
    for (let count = 0; !until(); count += 1) {
      const posted = this.queue.shift()
      if (posted === undefined) return
      assert(count < GIVEN_UP_AFTER_MESSAGES, 'messages without end')
      const { from, to, round, message } = posted
      const target = this.peers.get(to)
      if (target === undefined || !target.isUp) continue
      if (to !== from.name && !target.connected.has(from.identity.peerId)) continue
      if (this.loses(from.name, to, message)) continue
      this.seen.push({ from: from.name, to, message })
      target.step({ kind: 'message', from: from.identity, round, message })
    }
  }

  /** Moves time on in small steps, with ticks where they are due. */
  advance(forMs: number, until: () => boolean = () => false): void {
    const endMs = this.nowMs + forMs
    this.deliver(until)
    while (this.nowMs < endMs && !until()) {
      this.nowMs += GRAIN_MS
      for (const each of this.peers.values()) if (each.isUp && each.core.wakeAtMs <= this.nowMs) each.step({ kind: 'tick' })
      this.deliver(until)
    }
  }

  /** Lets time pass until something holds. @throws when it does not within `withinMs` */
  reach(what: string, holds: () => boolean, withinMs = 60_000): void {
    this.advance(withinMs, holds)
    assert(holds(), `not within ${withinMs} ms: ${what}`)
  }

  put(at: TestPeer, text: string, how: { key?: RegisterKey; writeId?: string; given?: boolean; timeoutMs?: number } = {}): ClientId {
    const client = (this.lastClient += 1)
    const { value, contentType, writeId } = recordOf(text, how.writeId ?? `write-${client}`)
    const deadlineMs = this.nowMs + (how.timeoutMs ?? 10_000)
    const put = { kind: 'put', client, key: how.key ?? key, value, contentType, writeId, writtenAtMs: this.nowMs, deadlineMs } as const
    at.step({ ...put, writeIdGiven: how.given ?? false })
    return client
  }

  read(at: TestPeer, how: { key?: RegisterKey; consistency?: Consistency; waitMs?: number; timeoutMs?: number } = {}): ClientId {
    const client = (this.lastClient += 1)
    const waitUntilMs = how.waitMs === undefined ? undefined : this.nowMs + how.waitMs
    const get = { kind: 'get', client, key: how.key ?? key, consistency: how.consistency ?? 'linearizable', waitUntilMs } as const
    at.step({ ...get, deadlineMs: this.nowMs + (how.timeoutMs ?? 10_000) })
    return client
  }

  /** An operator's request for a change of configuration. */
  change(at: TestPeer, asked: Asked, timeoutMs = 30_000): ClientId {
    const client = (this.lastClient += 1)
    const peerIds = (names: readonly string[] = []): PeerId[] => names.map((name) => name as PeerId)
    const request = {
      add: peerIds(asked.add),
      remove: peerIds(asked.remove),
      removeCluster: asked.removeCluster as ClusterId | undefined,
      force: asked.force ?? false,
      withdraw: asked.withdraw ?? false,
    }
    at.step({ kind: 'change', client, request, deadlineMs: this.nowMs + timeoutMs })
    return client
  }

  /** Lets time pass until the client has its answer. */
  outcome(at: TestPeer, client: ClientId, withinMs = 30_000): Outcome {
    this.reach(`client ${client} has an answer`, () => at.answers.has(client), withinMs)
    return at.answers.get(client) as Outcome
  }
}

/**
 * A world of peers that have installed a chain of configs, all connected, all ready. @param types
 * of the build of each, by name
 */
export function worldOf(
  names: Record<string, readonly string[]>,
  chain: readonly Config[] = [configOf(0, names)],
  types: (name: string) => readonly TypeDefinition[] = () => [],
): TestWorld {
  const world = new TestWorld()
  for (const [cluster, members] of Object.entries(names)) {
    for (const name of members) {
      world.types = types(name)
      world.add(name, cluster, chain)
    }
  }
  world.connectAll()
  world.reach('every peer is ready', () => [...world.peers.values()].every(({ core }) => core.missing() === undefined))
  world.seen.length = 0
  return world
}

/** Asks one core as a coordinator would, and returns what it answers. */
export function ask(of: TestPeer, from: Identity, body: AcceptorRequest, target: Identity = of.identity): AcceptorReply | undefined {
  const effects = of.step({ kind: 'message', from, round: 0, message: { kind: 'request', id: 1, target, body } })
  const reply = sends(effects).find(({ to, message }) => to === from.peerId && message.kind === 'reply')
  return reply?.message.kind === 'reply' ? reply.message.vote.body : undefined
}

/** The write that stands for an installed config. */
export function configWrite(config: Config): AnyWrite {
  return chosenWrite(configKey(config.epoch), configRecord(codec, config), new Uint8Array(16))
}
