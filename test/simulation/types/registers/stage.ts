/**
 * Three voters laid out by hand: a scenario says which message arrives where, and everything else
 * is lost.
 */
import type { Config } from '../../../../protocols/base/config.ts'
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, NetworkId, PeerId } from '../../../../protocols/base/identity.ts'
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { RegisterCodec } from '../../../../protocols/registers/messages.ts'
import type { RegisterMessage } from '../../../../protocols/registers/messages.ts'
import type { Condition, RegisterAnswer, WriteRequest } from '../../../../protocols/registers/requests.ts'
import { utf8 } from '../../../../src/bytes.ts'
import { Chance } from '../../chance.ts'
import { Bench } from './bench.ts'
import type { BenchPeer } from './bench.ts'

export const KEY: RegisterKey = dataKey('k')
const CLUSTER = 'c' as ClusterId
const DEADLINE_MS = 2_000
const ROUNDS_MAX = 400
const GRAIN_MS = 20
const codec = new RegisterCodec(utf8)

/** True for a message that arrives. @param name what it is: `reserve`, `commit`, `promised` … */
export type Arrives = (from: string, to: string, name: string) => boolean

export class Stage {
  readonly bench: Bench
  readonly answers: RegisterAnswer[] = []
  private lastClient = 0

  constructor() {
    const identities = ['A', 'B', 'C'].map((name) => identity(name as PeerId, name.toLowerCase().repeat(32) as Incarnation))
    const clusters = new Map([[CLUSTER, identities]])
    const config: Config = { networkId: '0'.repeat(32) as NetworkId, epoch: 0, clusters, forming: false, protocolMin: 1 }
    this.bench = new Bench({
      chance: new Chance(1),
      config,
      clusterOf: new Map(identities.map(({ peerId }) => [peerId, CLUSTER])),
      identities,
      answered: (_, answer) => void this.answers.push(answer),
      hardened: () => undefined,
    })
  }

  peer(name: string): BenchPeer {
    const peer = this.bench.peerOf(name as PeerId)
    if (peer === undefined) throw new Error(`nobody is called ${name}`)
    return peer
  }

  /** A put of the text by a client that names its write by it. */
  put(at: string, text: string, more: { readonly condition?: Condition; readonly after?: number } = {}): void {
    const request: WriteRequest = {
      kind: 'write',
      key: KEY,
      contents: { kind: 'value', value: utf8.encode(text), contentType: 'text/plain', ttlMs: undefined },
      condition: more.condition,
      writeId: text,
      writeIdGiven: true,
      after: more.after,
      writtenAtMs: 1_000,
    }
    this.lastClient += 1
    this.peer(at).ask(this.lastClient, request, this.bench.nowMs + DEADLINE_MS)
  }

  /**
   * Messages arrive as told, all disks are quick, and time passes, for so long; only for those
   * named, if any are.
   */
  play(arrives: Arrives, forMs: number = DEADLINE_MS, names = ''): void {
    const { bench } = this
    for (const endMs = bench.nowMs + forMs; bench.nowMs < endMs; bench.nowMs += GRAIN_MS) {
      for (let round = 0; bench.pool.length > 0 && round < ROUNDS_MAX; round += 1) this.deliverFirst(arrives)
      for (const peer of bench.peers) if (names === '' || names.includes(peer.identity.peerId)) peer.tick()
      for (const peer of bench.peers) peer.syncAll()
    }
    bench.pool = []
  }

  /** The process dies and comes back, with what is on disk. */
  bounce(name: string): void {
    this.peer(name).crash()
    this.peer(name).restart()
  }

  private deliverFirst(arrives: Arrives): void {
    const { bench } = this
    const [parcel] = bench.pool
    if (parcel === undefined) return
    if (arrives(parcel.from.peerId, parcel.to, nameOf(codec.decode(parcel.body)))) bench.deliver(0, false)
    else bench.pool.shift()
    for (const peer of bench.peers) peer.syncAll()
  }
}

function nameOf(message: RegisterMessage): string {
  if (message.kind === 'request') return message.body.kind
  return message.kind === 'reply' ? message.vote.body.kind : message.kind
}
