/**
 * A few peers laid out by hand: a scenario says which message arrives where, and everything else
 * is lost.
 */
import type { Config } from '../../../../protocols/base/config.ts'
import { identity } from '../../../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId } from '../../../../protocols/base/identity.ts'
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { RegisterCodec } from '../../../../protocols/registers/messages.ts'
import type { RegisterMessage } from '../../../../protocols/registers/messages.ts'
import type { Condition, Contents, RegisterAnswer, WriteRequest } from '../../../../protocols/registers/requests.ts'
import type { Consistency } from '../../../../protocols/events.ts'
import { utf8 } from '../../../../src/bytes.ts'
import { Chance } from '../../chance.ts'
import { Bench } from './bench.ts'
import { BenchPull } from './bench-pull.ts'
import type { BenchPeer } from './bench.ts'

export const KEY: RegisterKey = dataKey('k')
const CLUSTER = 'c' as ClusterId
const DEADLINE_MS = 2_000
const ROUNDS_MAX = 400
const GRAIN_MS = 20
const codec = new RegisterCodec(utf8)

/** Between two sweeps. */
const SWEEP_EVERY_MS = 10_000

interface More {
  readonly key?: RegisterKey
  readonly condition?: Condition
  readonly after?: number
  readonly forMs?: number
  /** False where the client leaves it to the peer to name the write. */
  readonly isNamed?: boolean
}

/**
 * True for a message that arrives. @param name what it is: `reserve`, `commit`, `promised` …, and
 * `pull` for a step of a pull, which is from whoever pulls. `later`: it is kept until `deliverKept`
 */
export type Arrives = (from: string, to: string, name: string) => boolean | 'later'

export interface StageInit {
  /** Who is there, a letter each. */
  readonly names?: string
  /** Those of them that vote at first. */
  readonly voters?: string
}

export interface RegisterScenario {
  readonly name: string
  /** @throws Violation, or what a peer stops with */
  readonly play: () => void
}

export class Stage {
  readonly bench: Bench
  readonly answers: RegisterAnswer[] = []
  private lastClient = 0
  private kept: Bench['pool'] = []

  constructor({ names = 'ABC', voters = names }: StageInit = {}) {
    const identities = names.split('').map(identityOf)
    this.bench = new Bench({
      chance: new Chance(1),
      config: configOf(0, voters),
      clusterOf: new Map(identities.map(({ peerId }) => [peerId, CLUSTER])),
      identities,
      sweepEveryMs: SWEEP_EVERY_MS,
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
  put(at: string, text: string, more: More = {}): void {
    this.write(at, text, { kind: 'value', value: utf8.encode(text), contentType: 'text/plain', ttlMs: undefined }, more)
  }

  delete(at: string, writeId: string, key: RegisterKey = KEY): void {
    this.write(at, writeId, { kind: 'deleted' }, { key })
  }

  get(at: string, consistency: Consistency = 'linearizable'): void {
    this.lastClient += 1
    this.peer(at).ask(this.lastClient, { kind: 'read', key: KEY, consistency, newer: undefined }, this.bench.nowMs + DEADLINE_MS)
  }

  /** What was answered last: the text that was found, or the kind of the answer. */
  get told(): string {
    const answer = this.answers.at(-1)
    return answer?.kind === 'found' ? utf8.decode(answer.record.value) : (answer?.kind ?? 'nothing')
  }

  /** All of these have a config from now on. */
  install(epoch: number, voters: string, names: string): void {
    for (const name of names) this.peer(name).install(configOf(epoch, voters))
  }

  /** Time passes until whoever has deletions forgets them. */
  awaitSweep(): void {
    this.bench.nowMs += SWEEP_EVERY_MS
  }

  /** What was to come later comes first now. */
  deliverKept(): void {
    this.bench.pool.unshift(...this.kept)
    this.kept = []
  }

  /** This peer was refused twice for a ballot of the other, that of its last write if it wrote last. */
  refuseTwice(name: string, owner: string): void {
    const { core, identity: by } = this.peer(owner)
    const { held } = core.cells.read(KEY)
    if (held === undefined) throw new Error(`${owner} holds nothing`)
    for (let tries = 0; tries < 2; tries += 1) this.peer(name).core.forwards.onRejected(KEY, { ...held.ballot, by }, true)
  }

  /** A pull, all at once. */
  pull(by: string, source: string): void {
    const pull = new BenchPull(this.peer(by), this.peer(source), () => undefined)
    while (!pull.isOver) pull.step()
    this.peer(by).syncAll()
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
      for (const pull of bench.pulls) if (arrives(pull.by, pull.source, 'pull')) pull.step()
      bench.pulls = bench.pulls.filter(({ isOver }) => !isOver)
    }
    bench.pool = []
  }

  /** The process dies and comes back, with what is on disk. */
  bounce(name: string): void {
    this.peer(name).crash()
    this.peer(name).restart()
  }

  private write(
    at: string,
    writeId: string,
    contents: Contents,
    { key = KEY, condition, after, forMs = DEADLINE_MS, isNamed = true }: More,
  ): void {
    this.lastClient += 1
    // Two tries of a write come at two moments.
    const writtenAtMs = 1_000 + this.lastClient
    const request: WriteRequest = { kind: 'write', key, contents, condition, writeId, writeIdGiven: isNamed, after, writtenAtMs }
    this.peer(at).ask(this.lastClient, request, this.bench.nowMs + forMs)
  }

  private deliverFirst(arrives: Arrives): void {
    const { bench } = this
    const [parcel] = bench.pool
    if (parcel === undefined) return
    const fate = arrives(parcel.from.peerId, parcel.to, nameOf(codec.decode(parcel.body)))
    if (fate === true) bench.deliver(0, false)
    else bench.pool.shift()
    if (fate === 'later') this.kept.push(parcel)
    for (const peer of bench.peers) peer.syncAll()
  }
}

export function identityOf(name: string): Identity {
  return identity(name as PeerId, name.toLowerCase().charCodeAt(0).toString(16).padEnd(32, '0') as Incarnation)
}

function configOf(epoch: number, voters: string): Config {
  const clusters = new Map([[CLUSTER, voters.split('').map(identityOf)]])
  return { networkId: '0'.repeat(32) as NetworkId, epoch, clusters, forming: false, protocolMin: 1 }
}

function nameOf(message: RegisterMessage): string {
  if (message.kind === 'request') return message.body.kind
  return message.kind === 'reply' ? message.vote.body.kind : message.kind
}
