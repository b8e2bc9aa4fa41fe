/**
 * A network in simulated time: the production core of every peer, a disk that syncs in a fixed
 * time, and links with a fixed delay. Nothing is lost and nothing fails but the peers that are
 * killed: what is looked at is how many messages, bytes and round trips things take, which no load
 * of this machine changes.
 */
import type { ClusterId, Identity, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { VOTERS_PER_CLUSTER_MAX } from '../../protocols/base/config.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Outcome } from '../../protocols/effects.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { Agenda } from '../../test/simulation/agenda.ts'
import { Chance } from '../../test/simulation/chance.ts'
import type { Observer } from '../../test/simulation/observer.ts'
import { drawOptions } from '../../test/simulation/options.ts'
import { SimulatedPeer } from '../../test/simulation/peer.ts'
import type { PeerSurroundings } from '../../test/simulation/surroundings.ts'
import { Trace } from '../../test/simulation/trace.ts'

const SEED = 1
const SYNC_MS = 0.5
/** A tick comes so much later than asked for, at most, as with the timers of a process. */
const TICK_LATE_MS = 1
const REQUEST_MS = 30_000
const SETTLE_MS = 3_000
/** Between two peers that join: what they are told all at once would not fit into memory. */
const JOIN_MS = 1
const VALUE = new Uint8Array(100).fill(118)

export interface ModelInit {
  readonly clusters: number
  readonly peersPerCluster: number
  readonly votersPerCluster: number
  readonly votingClusters: number
  /** One way, in milliseconds, between two peers. */
  readonly delayMs: (from: SimulatedPeer, to: SimulatedPeer) => number
  /** Whether two peers keep a connection. */
  readonly connects: (a: SimulatedPeer, b: SimulatedPeer) => boolean
}

/** How a request ended, and after how many simulated milliseconds. */
export interface Ended {
  readonly outcome: Outcome
  readonly elapsedMs: number
}

interface Answer {
  ended: Ended | undefined
}

/** A message that left a peer for another. */
export type Watch = (from: SimulatedPeer, to: SimulatedPeer, message: Message) => void

export class Model {
  readonly agenda: Agenda = new Agenda()
  readonly peers: readonly SimulatedPeer[]
  readonly config: Config
  readonly codec: Codec = new Codec(utf8)
  /** Told of every message; nobody at first. */
  watch: Watch = () => undefined
  private readonly init: ModelInit
  private readonly byPeerId = new Map<PeerId, SimulatedPeer>()
  private readonly waiting = new Map<number, (outcome: Outcome) => void>()
  private clients = 0

  constructor(init: ModelInit) {
    const { agenda, codec } = this
    this.init = init
    const chance = new Chance(SEED)
    const calm = {
      looseRate: 0,
      failedSyncRate: 0,
      slowSyncRate: 0,
      syncMs: SYNC_MS,
      tickLateMs: TICK_LATE_MS,
      slowOpeningRate: 0,
      offersBy: 'all' as const,
    }
    const surroundings: PeerSurroundings = {
      agenda,
      chance,
      trace: new Trace(false),
      options: { ...drawOptions(SEED, chance.fork()), ...calm },
      codec,
      observer: this.observer(),
      transmit: (from, send) => this.transmit(from, send),
      disconnect: (from, to) => {
        if (this.byPeerId.get(to)?.isUp === true) throw new Error(`${from.peerId} gave up ${to}: nothing fails here`)
      },
      isCalm: true,
    }
    const peers: SimulatedPeer[] = []
    for (let cluster = 0; cluster < init.clusters; cluster += 1) {
      for (let member = 0; member < init.peersPerCluster; member += 1) {
        const clusterId = `c${String(cluster).padStart(3, '0')}` as ClusterId
        peers.push(new SimulatedPeer(peers.length, clusterId, 1, surroundings, `p${String(peers.length).padStart(4, '0')}`))
      }
    }
    this.peers = peers
    for (const peer of peers) this.byPeerId.set(peer.peerId, peer)
    this.config = this.lay(chance)
  }

  /**
   * Starts the peers one after another, connects those that keep a connection, and lets them
   * settle.
   */
  start(): void {
    for (const peer of this.peers) {
      peer.start()
      for (const other of this.peers) if (other.index < peer.index && this.init.connects(peer, other)) this.connect(peer, other)
      this.run(JOIN_MS)
    }
    this.run(SETTLE_MS)
  }

  /** Lets simulated time pass. */
  run(elapsedMs: number): void {
    this.agenda.runUntil(this.agenda.nowMs + elapsedMs)
  }

  /** Runs until the request is answered. */
  put(peer: SimulatedPeer, key: string): Ended {
    return this.ended(this.beginPut(peer, key))
  }

  get(peer: SimulatedPeer, key: string): Ended {
    const answer = this.ask((client) => {
      const how = { consistency: 'linearizable', waitUntilMs: undefined } as const
      peer.dispatch({ kind: 'get', client, key: dataKey(key), ...how, deadlineMs: peer.clockMs + REQUEST_MS })
    })
    return this.ended(answer)
  }

  /**
   * Each of these peers is asked to put the key, all at one moment. Runs until all are answered.
   */
  contend(peers: readonly SimulatedPeer[], key: string): Ended[] {
    return peers.map((peer) => this.beginPut(peer, key)).map((answer) => this.ended(answer))
  }

  /**
   * The process ends, and those connected to it hear so as soon as a message of its would have
   * come.
   */
  kill(peer: SimulatedPeer): void {
    peer.crash()
    for (const other of this.peers) {
      if (other === peer || !this.init.connects(peer, other)) continue
      this.agenda.after(this.init.delayMs(peer, other), () => {
        other.dispatch({ kind: 'disconnected', peerId: peer.peerId, reason: 'connection closed' })
      })
    }
  }

  isVoter(peer: SimulatedPeer): boolean {
    return this.config.clusters.get(peer.clusterId)?.some((voter) => voter.id === peer.identity.id) === true
  }

  private beginPut(peer: SimulatedPeer, key: string): Answer {
    return this.ask((client) => {
      const contents = { value: VALUE, contentType: 'text/plain', writeId: `w${client}`, writeIdGiven: false, writtenAtMs: 0 }
      peer.dispatch({ kind: 'put', client, key: dataKey(key), ...contents, deadlineMs: peer.clockMs + REQUEST_MS })
    })
  }

  private ask(begin: (client: number) => void): Answer {
    const { agenda } = this
    const client = (this.clients += 1)
    const startedMs = agenda.nowMs
    const answer: Answer = { ended: undefined }
    this.waiting.set(client, (outcome) => (answer.ended = { outcome, elapsedMs: agenda.nowMs - startedMs }))
    begin(client)
    return answer
  }

  private ended(answer: Answer): Ended {
    const { agenda } = this
    const endMs = agenda.nowMs + REQUEST_MS
    // In small steps, so that nothing much happens after the answer.
    while (answer.ended === undefined && agenda.nowMs < endMs) this.run(0.1)
    if (answer.ended === undefined) throw new Error(`no answer in ${REQUEST_MS} ms`)
    return answer.ended
  }

  private transmit(from: SimulatedPeer, { to, message }: Send): void {
    const receiver = this.byPeerId.get(to)
    if (receiver === undefined || from.core === undefined || !this.init.connects(from, receiver)) return
    this.watch(from, receiver, message)
    const { round } = from.core
    const { identity } = from
    // One delay for all of a link, and the agenda keeps order: nothing overtakes.
    this.agenda.after(this.init.delayMs(from, receiver), () => receiver.dispatch({ kind: 'message', from: identity, round, message }))
  }

  private connect(a: SimulatedPeer, b: SimulatedPeer): void {
    const [ofA, ofB] = [a.greeting(), b.greeting()]
    if (ofA === undefined || ofB === undefined) throw new Error('a peer that is not up')
    a.dispatch({ kind: 'connected', remote: ofB })
    b.dispatch({ kind: 'connected', remote: ofA })
  }

  /** Gives every store the same finished configs. */
  private lay(chance: Chance): Config {
    const { init, peers } = this
    const clusters = new Map<ClusterId, Identity[]>()
    for (const peer of peers) {
      const voters = clusters.get(peer.clusterId) ?? []
      const isNew = voters.length === 0
      if (isNew && clusters.size >= init.votingClusters) continue
      if (voters.length < Math.min(init.votersPerCluster, VOTERS_PER_CLUSTER_MAX)) clusters.set(peer.clusterId, [...voters, peer.identity])
    }
    const finished: Config = { networkId: chance.hex(32) as NetworkId, epoch: 0, clusters, forming: false, protocolMin: protocolOf([]) }
    const configs = [finished, { ...finished, epoch: 1, next: clusters }, { ...finished, epoch: 2 }]
    for (const peer of peers) peer.found(configs)
    return { ...finished, epoch: 2 }
  }

  private observer(): Observer {
    const nothing = (): void => undefined
    return {
      persisting: nothing,
      hardened: nothing,
      sending: nothing,
      left: nothing,
      answered: (_peer, client, outcome) => {
        this.waiting.get(client)?.(outcome)
        this.waiting.delete(client)
      },
      noted: (peer, note) => {
        if (note.kind === 'divergence') throw new Error(`${peer.peerId} was told two records for ${note.key}`)
      },
      threw: (_peer, error) => {
        throw error instanceof Error ? error : new Error(String(error))
      },
      crashed: nothing,
    }
  }
}
