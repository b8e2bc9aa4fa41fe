/**
 * A small network for directed scenarios: named peers, a config and disks laid out by hand, no
 * faults but those that a scenario asks for.
 */
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { ClusterId, Identity, NetworkId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Ledger } from './checkers/ledger.ts'
import { describeConfig, describeRecord } from './describe.ts'
import { SimulatedNetwork } from './network.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import type { SimulatedDisk } from './disk.ts'
import { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './surroundings.ts'
import { Trace } from './trace.ts'
import { KeyLedger } from './types/keys/ledger.ts'
import { QuorumProbe } from './types/keys/probe.ts'
import { nameless, Witness } from './witness.ts'

export interface Scenario {
  readonly name: string
  /** @returns what happened, line by line. @throws Violation */
  readonly play: () => string[]
}

export type Names = Readonly<Record<string, readonly string[]>>

const SEED = 7
/** Peers meet, and a config reaches those that lack it. */
const MEET_MS = 400

const QUIET: Partial<Options> = {
  nearMs: 0.5,
  farMs: 5,
  jitter: 0,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  slowLinkRate: 0,
  relayDropRate: 0,
  looseRate: 0,
  syncMs: 1,
  slowSyncRate: 0,
  failedSyncRate: 0,
  tickLateMs: 1,
  encodesAll: true,
  offersBy: 'nobody',
  replaceAfterMs: Number.POSITIVE_INFINITY,
  slowOpeningRate: 0,
  pageKeys: 1_024,
  pageBytes: 1_048_576,
}

export class Stage {
  protected readonly witness: Witness = new Witness()
  readonly lines: string[] = this.witness.lines
  protected readonly agenda: Agenda = new Agenda()
  protected readonly codec: Codec = new Codec(utf8)
  protected readonly peers: SimulatedPeer[] = []
  protected readonly network: SimulatedNetwork
  protected readonly ledger: Ledger
  protected readonly keys: KeyLedger
  private readonly quorumProbe: QuorumProbe

  /** What becomes of a message that one peer sends another. */
  fate: (from: string, to: string, message: Message) => 'arrives' | 'is lost' | 'waits' = () => 'arrives'
  /** Messages that wait until they are let go. */
  private waiting: { from: SimulatedPeer; send: Send }[] = []

  /**
   * @param voting who votes at first, by cluster; all when left out. @param changes of options,
   * beyond those of a quiet network
   */
  constructor(names: Names, voting: Names = names, changes: Partial<Options> = {}) {
    const { agenda, codec, witness: observer } = this
    const chance = new Chance(SEED)
    // Drawn apart: what seeds draw in time to come changes no scenario.
    const options: Options = { ...drawOptions(SEED, new Chance(SEED)), ...QUIET, ...changes }
    const transmit: PeerSurroundings['transmit'] = (from, send) => this.transmit(from, send)
    const disconnect: PeerSurroundings['disconnect'] = (from, to) => this.network.closeByPeerId(from, to)
    const surroundings = { agenda, chance, trace: new Trace(false), options, codec, observer, transmit, disconnect, isCalm: true }
    for (const [cluster, members] of Object.entries(names)) {
      for (const name of members) this.peers.push(new SimulatedPeer(this.peers.length, cluster as ClusterId, 1, surroundings, name))
    }
    this.network = new SimulatedNetwork(this.peers, surroundings)
    const networkId = chance.hex(32) as NetworkId
    const config: Config = { networkId, epoch: 0, clusters: this.clusters(voting), forming: false, protocolMin: protocolOf([]) }
    this.ledger = new Ledger(codec, [config], (decided) => {
      this.lines.push(`== decided: ${nameless(describeConfig(decided))}`)
      observer.copies.decided(decided)
    })
    this.keys = new KeyLedger(this.ledger, (key, { record }) => this.lines.push(`== ${key} is chosen: ${describeRecord(record)}`))
    observer.ledger = this.keys
    const readSynced = (id: Identity['id'], key: RegisterKey): ReturnType<SimulatedPeer['disk']['readSynced']> =>
      this.peers.find((peer) => peer.identity.id === id)?.disk.readSynced(key)
    this.quorumProbe = new QuorumProbe(this.keys, readSynced)
    for (const peer of this.peers) peer.found([config])
  }

  /** Syncs of this peer take so many times as long. */
  slow(name: string, factor: number): void {
    this.peer(name).slowness = factor
  }

  start(): void {
    this.startWithout([])
  }

  /** Starts all but those named, and lets them meet. */
  startWithout(latecomers: readonly string[]): void {
    for (const peer of this.peers) if (!latecomers.includes(peer.peerId)) this.startPeer(peer)
    this.run(MEET_MS)
  }

  /** A message out of nowhere. */
  tell(from: string, to: string, message: Message): void {
    this.lines.push(`${from} > ${to} ${message.kind}`)
    this.peer(to).dispatch({ kind: 'message', from: this.peer(from).identity, round: 0, message })
  }

  /** Lets everything written be synced. */
  sync(): void {
    this.run(50)
  }

  /** All peers die at once, with everything not synced, and come back. */
  losePower(): void {
    this.lines.push('-- power is lost everywhere')
    for (const peer of this.peers) {
      peer.crash()
      this.network.stopped(peer)
    }
    this.probe()
    for (const peer of this.peers) this.startPeer(peer)
    this.run(2_000)
  }

  /** @throws Violation when some quorum would not show a chosen record */
  probe(): void {
    this.quorumProbe.all()
  }

  notes(name: string): readonly string[] {
    return this.witness.notes(name)
  }

  /** Nothing passes between this peer and the others, until `mend`. */
  isolate(name: string): void {
    for (const other of this.peers) {
      if (other.peerId === name) continue
      this.network.cut(this.peer(name), other)
      this.network.cut(other, this.peer(name))
    }
  }

  mend(name: string): void {
    for (const other of this.peers) if (other.peerId !== name) this.network.mend(this.peer(name), other)
  }

  /** What waited arrives, over connections of long ago. */
  letGo(): void {
    const { waiting } = this
    this.waiting = []
    this.lines.push(`-- ${waiting.length} messages arrive late`)
    for (const { from, send } of waiting) {
      this.peer(send.to).dispatch({ kind: 'message', from: from.identity, round: 0, message: send.message })
    }
    this.run(MEET_MS)
  }

  private transmit(from: SimulatedPeer, send: Send): void {
    const fate = this.fate(from.peerId, send.to, send.message)
    if (fate === 'arrives') this.network.transmit(from, send)
    if (fate === 'waits') this.waiting.push({ from, send })
  }

  /** A peer dies and comes back, and meets nobody yet. */
  restart(name: string): void {
    this.lines.push(`-- ${name} restarts`)
    const peer = this.peer(name)
    peer.crash()
    this.network.stopped(peer)
    this.startPeer(peer)
  }

  /** A peer dies with what was not synced, and stays away. */
  crash(name: string): void {
    this.lines.push(`-- ${name} is gone`)
    this.peer(name).crash()
    this.network.stopped(this.peer(name))
  }

  /** A peer that was away starts, and has time to meet the others. */
  comeBack(name: string): void {
    this.lines.push(`-- ${name} starts`)
    this.startPeer(this.peer(name))
    this.run(MEET_MS)
  }

  /** The store of a peer as it is on disk now. */
  copyOf(name: string): SimulatedDisk {
    return this.peer(name).disk.copy()
  }

  /** An older copy takes the place of the store of a peer that is away. */
  putBack(name: string, copy: SimulatedDisk): void {
    this.lines.push(`-- an older copy of the store of ${name} is put back`)
    this.peer(name).disk = copy
    this.witness.outside.add(name)
  }

  /** The ceiling on a peer's disk, and its newest config there. */
  onDisk(name: string): { ceiling: Ceiling; epoch: number } {
    const { disk } = this.peer(name)
    let epoch = -1
    while (disk.readSynced(configKey(epoch + 1))?.chosen !== undefined) epoch += 1
    return { ceiling: disk.ceilingSynced, epoch }
  }

  /** Lets time pass. */
  pass(elapsedMs: number): void {
    this.run(elapsedMs)
  }

  /** The newest epoch that was decided. */
  newestEpoch(): number {
    return this.ledger.newest.epoch
  }

  /** All peers stand still, as on a machine that sleeps: to them it is later than they thought. */
  sleep(elapsedMs: number): void {
    this.lines.push(`-- all sleep for ${elapsedMs} ms`)
    for (const peer of this.peers) peer.jump(elapsedMs)
  }

  protected startPeer(peer: SimulatedPeer): void {
    peer.start()
    this.network.started(peer)
  }

  protected run(elapsedMs: number): void {
    this.agenda.runUntil(this.agenda.nowMs + elapsedMs)
  }

  protected peer(name: string): SimulatedPeer {
    const peer = this.peers.find((candidate) => candidate.peerId === name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  protected clusters(names: Names): Map<ClusterId, Identity[]> {
    return new Map(
      Object.entries(names).map(([cluster, members]) => [cluster as ClusterId, members.map((name) => this.peer(name).identity)]),
    )
  }
}
