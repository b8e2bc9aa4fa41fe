/**
 * Whole peers but for HTTP, libp2p and the disk, in one process: the real core and the real
 * runtime, over stores in memory and a transport in memory that can be told what to lose.
 */
import assert from 'node:assert/strict'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { PROTOCOL_VERSION } from '../../protocols/base/config.ts'
import type { TypeDefinition } from '../../protocols/data-type.ts'
import { protocolOf } from '../../protocols/types.ts'
import type { Outcome } from '../../protocols/effects.ts'
import { PeerCore } from '../../protocols/peer.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { openForUse } from '../../src/peer/founding.ts'
import type { Transport, TransportHandlers } from '../../src/ports/transport.ts'
import { systemClock, systemRandom } from '../../src/runtime/clock.ts'
import { Runtime } from '../../src/runtime/runtime.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { MemoryHub } from '../contract/memory-transport.ts'
import { until } from '../contract/transport.ts'

const codec = new Codec(utf8)
const TIMEOUT_MS = 10_000

/** Says whether a message arrives; lost ones are lost without a word. */
export type Delivery = (from: CorePeer, to: PeerId, message: Message) => boolean

export class CorePeer {
  readonly self: Identity
  readonly clusterId: ClusterId
  readonly storage: MemoryStorage
  readonly runtime: Runtime
  /** What this peer could not go on for; none in a sound test. */
  readonly failures: Error[]

  constructor(self: Identity, clusterId: ClusterId, storage: MemoryStorage, runtime: Runtime, failures: Error[]) {
    this.self = self
    this.clusterId = clusterId
    this.storage = storage
    this.runtime = runtime
    this.failures = failures
  }

  put(key: string, value: string, timeoutMs: number = TIMEOUT_MS, writeId?: string): Promise<Outcome> {
    const times = { writtenAtMs: systemClock.wallMs(), deadlineMs: systemClock.nowMs() + timeoutMs }
    const contents = {
      value: utf8.encode(value),
      contentType: 'text/plain',
      writeId: writeId ?? systemRandom.id(),
      writeIdGiven: writeId !== undefined,
    }
    return answered(this.runtime.ask((client) => ({ kind: 'put', key: dataKey(key), ...contents, ...times, client }), undefined))
  }

  get(key: string, timeoutMs: number = TIMEOUT_MS): Promise<Outcome> {
    const deadlineMs = systemClock.nowMs() + timeoutMs
    const asked = { kind: 'get', key: dataKey(key), consistency: 'linearizable', waitUntilMs: undefined } as const
    return answered(this.runtime.ask((client) => ({ ...asked, deadlineMs, client }), undefined))
  }

  /** What is chosen here, as text. */
  held(key: string): string | undefined {
    const record = this.storage.registers.read(dataKey(key))?.chosen
    return record === undefined ? undefined : Buffer.from(record.value).toString()
  }

  /** How a get ends, as `found VALUE` or the kind alone. */
  async reads(key: string, timeoutMs: number = TIMEOUT_MS): Promise<string> {
    const outcome = await this.get(key, timeoutMs)
    return outcome.kind === 'found' ? `found ${Buffer.from(outcome.record.value).toString()}` : outcome.kind
  }
}

export class CoreNetwork {
  readonly peers: CorePeer[] = []
  /** Everything arrives, until a test says otherwise. */
  delivers: Delivery = () => true
  /** The further types of the builds that join from now on. */
  types: readonly TypeDefinition[] = []
  readonly #hub: MemoryHub = new MemoryHub()
  readonly #dead = new Set<PeerId>()

  /** Clusters of so many peers each, all of them voters, the first peer being the founder. */
  static async of(sizes: Readonly<Record<string, number>>): Promise<CoreNetwork> {
    const network = new CoreNetwork()
    for (const [clusterId, size] of Object.entries(sizes)) {
      for (let number = 1; number <= size; number += 1) await network.join(`${clusterId}-${number}`, clusterId, size)
    }
    await until('all vote in one finished config', () =>
      network.peers.every(({ runtime: { core } }) => core.isVoter && core.missing() === undefined && core.config?.next === undefined),
    )
    return network
  }

  /** A peer joins, or comes back on the store it had. The first one founds the network. */
  async join(name: string, clusterId: string, minPeers: number, storage: MemoryStorage = new MemoryStorage()): Promise<CorePeer> {
    const cluster = clusterId as ClusterId
    const self = identity(name as PeerId, storage.facts.incarnation)
    const isFounder = this.peers.length === 0 && storage.registers.newestEpoch() < 0
    const founding = {
      networkId: systemRandom.id() as NetworkId,
      clusterId: cluster,
      founder: self,
      isAnew: false,
      minPeers,
      protocolMin: protocolOf(this.types),
    }
    const opened = await openForUse(storage, codec, isFounder ? founding : undefined)
    const failures: Error[] = []
    const init = {
      identity: self,
      clusterId: cluster,
      minPeers,
      replaceAfterMs: undefined,
      wantedNetwork: undefined,
      codec,
      sha256,
      tokens: () => undefined,
      ...opened,
    }
    const diverged = [...storage.registers.diverged()].map(({ key }) => key)
    const kept = {
      newestEpoch: storage.registers.newestEpoch(),
      chosen: storage.registers.chosen(),
      inDoubt: storage.registers.inDoubt(),
      diverged,
    }
    const transport = this.#transport(self.peerId, () => peer, minPeers)
    const runtime = new Runtime({
      storage,
      transport,
      clock: systemClock,
      createCore: (registers) =>
        new PeerCore({
          ...init,
          ...kept,
          registers,
          tables: registers,
          types: this.types,
          wallMs: () => systemClock.wallMs(),
          random: () => systemRandom.number(),
          nowMs: systemClock.nowMs(),
        }),
      noted: () => {},
      synced: () => {},
      failed: (error) => failures.push(error),
    })
    const peer: CorePeer = new CorePeer(self, cluster, storage, runtime, failures)
    this.#dead.delete(self.peerId)
    this.peers.push(peer)
    for (const other of this.peers) if (other !== peer && !this.#dead.has(other.self.peerId)) transport.meet(other.self.peerId, [])
    return peer
  }

  /** The peer is no more; its store stays as it is. */
  async kill(peer: CorePeer): Promise<void> {
    this.#dead.add(peer.self.peerId)
    this.peers.splice(this.peers.indexOf(peer), 1)
    for (const other of this.peers) other.runtime.dispatch({ kind: 'disconnected', peerId: peer.self.peerId, reason: 'killed' })
    await peer.runtime.stop()
  }

  /** The first peer of that name. */
  peer(name: string): CorePeer {
    const peer = this.peers.find((candidate) => candidate.self.peerId === name)
    assert.ok(peer !== undefined, `no peer ${name}`)
    return peer
  }

  async close(): Promise<void> {
    for (const peer of this.peers) await peer.runtime.stop()
    for (const { failures, self } of this.peers) assert.deepEqual(failures, [], `${self.peerId} failed`)
  }

  #transport(peerId: PeerId, peer: () => CorePeer, minPeers: number): Transport {
    const handlers: TransportHandlers = {
      connected: (remote) => peer().runtime.dispatch({ kind: 'connected', remote }),
      disconnected: (other, reason) => peer().runtime.dispatch({ kind: 'disconnected', peerId: other, reason }),
      message: (from, round, message) => peer().runtime.dispatch({ kind: 'message', from, round, message }),
      round: () => peer().runtime.core.round,
      greeting: () => greetingOf(peer(), minPeers),
    }
    const transport = this.#hub.join(peerId, handlers)
    return {
      send: (to, message) => {
        if (!this.#dead.has(to) && !this.#dead.has(peerId) && this.delivers(peer(), to, message)) transport.send(to, message)
      },
      meet: (other, addresses) => {
        if (!this.#dead.has(other)) transport.meet(other, addresses)
      },
      disconnect: (other, reason) => transport.disconnect(other, reason),
      addresses: () => transport.addresses(),
    }
  }
}

async function answered(outcome: Promise<Outcome | undefined>): Promise<Outcome> {
  const answer = await outcome
  assert.ok(answer !== undefined, 'a request of nobody who hung up has no answer')
  return answer
}

function greetingOf({ self, clusterId, runtime }: CorePeer, minPeers: number): Greeting {
  const { core, ceiling } = runtime
  const { networkId, epoch } = core.chain
  const versions = { protocolMin: PROTOCOL_VERSION, protocolMax: core.protocolMax }
  return { ...versions, networkId, clusterId, identity: self, epoch, ceiling, minPeers, addresses: [`/memory/${self.peerId}`] }
}
