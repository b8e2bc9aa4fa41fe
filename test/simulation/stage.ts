/** A small network for directed scenarios: named peers, a config and disks laid out by hand, no faults but those that a scenario asks for. */
import { acceptedWrite, ceilingWrite, chosenWrite } from '../../protocols/base/persist.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId } from '../../protocols/base/identity.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { configKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Outcome } from '../../protocols/effects.ts'
import { writingClaim } from '../../protocols/agreement/coordinator.ts'
import type { PullQuestion } from '../../protocols/repair/answers.ts'
import { GROUPS, HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Ledger } from './checkers/ledger.ts'
import { check } from './checkers/violation.ts'
import { describeConfig, describeOutcome, describeRecord } from './describe.ts'
import { SimulatedNetwork } from './network.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import type { SimulatedDisk } from './disk.ts'
import { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './peer.ts'
import { Trace } from './trace.ts'
import { KeyLedger } from './types/keys/ledger.ts'
import { QuorumProbe } from './types/keys/probe.ts'
import { nameless, Witness } from './witness.ts'

export interface Scenario {
  readonly name: string
  /** @returns what happened, line by line. @throws Violation */
  readonly play: () => string[]
}

type Names = Readonly<Record<string, readonly string[]>>

const SEED = 7
/** Peers meet, and a config reaches those that lack it. */
const MEET_MS = 400
const CHANGED_WITHIN_MS = 30_000
const GET_MS = 10_000

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
  replaceAfterMs: Number.POSITIVE_INFINITY,
  slowOpeningRate: 0,
  pageKeys: 1_024,
  pageBytes: 1_048_576,
}

export class Stage {
  private readonly witness: Witness = new Witness()
  readonly lines: string[] = this.witness.lines
  private readonly agenda: Agenda = new Agenda()
  private readonly codec: Codec = new Codec(utf8)
  private readonly peers: SimulatedPeer[] = []
  private readonly network: SimulatedNetwork
  private readonly ledger: Ledger
  private readonly keys: KeyLedger
  private readonly quorumProbe: QuorumProbe
  private lastClient = 0

  /** What becomes of a message that one peer sends another. */
  fate: (from: string, to: string, message: Message) => 'arrives' | 'is lost' | 'waits' = () => 'arrives'
  /** Messages that wait until they are let go. */
  private waiting: { from: SimulatedPeer; send: Send }[] = []

  /** @param voting who votes at first, by cluster; all when left out. @param changes of options, beyond those of a quiet network */
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
    const config: Config = { networkId, epoch: 0, clusters: this.clusters(voting), forming: false, protocolMin: 1 }
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

  /** Lays an accepted record on a peer's disk: at the given round of epoch 0, by the given peer. */
  accepted(holder: string, key: RegisterKey, round: number, by: string, record: ValueRecord): void {
    const { disk } = this.peer(holder)
    disk.write(acceptedWrite(key, { ballot: { epoch: 0, round, by: this.peer(by).identity }, record }))
    // Whoever accepted had raised its ceiling long before.
    disk.write(ceilingWrite({ epoch: 0, round: 100 }))
    disk.syncAll()
  }

  /** Lays a chosen record on a peer's disk, accepted at round 1 of the first peer before. */
  chosen(holder: string, key: RegisterKey, record: ValueRecord): void {
    this.accepted(holder, key, 1, this.peers[0]?.peerId ?? '', record)
    const { disk } = this.peer(holder)
    disk.write(chosenWrite(key, record, this.codec.recordDigest(sha256, key, record)))
    disk.syncAll()
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

  /**
   * Has the joint config decided that leads to `next`, starts the latecomers, who had no time to be told anything before, and waits
   * until the core has finished the change.
   *
   * @param driver who completes it, instead of whoever decided it
   * @throws Violation when it does not
   */
  change(next: Names, latecomers: readonly string[], driver?: string): void {
    const { epoch } = this.ledger.newest
    this.beginChange(next, latecomers, driver)
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; this.ledger.newest.epoch < epoch + 2 && this.agenda.nowMs < endMs;)
      this.run(0.25)
    check(this.ledger.newest.epoch === epoch + 2, 'L4', () => `the change ends in ${describeConfig(this.ledger.newest)}`)
  }

  /** Has the joint config decided, then starts the latecomers. */
  beginChange(next: Names, latecomers: readonly string[], driver?: string): void {
    const { epoch } = this.ledger.newest
    this.propose(next, driver === undefined)
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; this.ledger.newest.epoch === epoch && this.agenda.nowMs < endMs;)
      this.run(0.25)
    for (const peer of this.peers) if (latecomers.includes(peer.peerId)) this.startPeer(peer)
    if (driver !== undefined) this.peer(driver).act((core) => void (core['parts'].configs.change['ownEpoch'] = epoch + 1))
  }

  /** Has a voter propose the joint config that leads to `next`, and waits for nothing. */
  propose(next: Names, drivesItself = true): void {
    const driver = this.peers.find((peer) => peer.core?.isVoter === true)
    const config = driver?.core?.config
    if (driver === undefined || config === undefined) throw new Error('no voter to begin the change')
    const successor: Config = { ...config, epoch: config.epoch + 1, next: this.clusters(next) }
    driver.act((core) => {
      // Whoever decided the joint config completes it, at once.
      const settle = (): void => void (drivesItself && (core['parts'].configs.change['ownEpoch'] = successor.epoch))
      const claim = writingClaim(configRecord(this.codec, successor), driver.clockMs + CHANGED_WITHIN_MS, settle)
      core['parts'].agreement.coordinator.claim(configKey(successor.epoch), claim, false)
    })
  }

  /** Waits until `from` asks `to` for a list, and kills `to` before it answers. @returns the number of the question */
  killWhenAsked(from: string, to: string): number {
    const { lists } = this.witness
    const isIt = (list: { from: string; to: string }): boolean => list.from === from && list.to === to
    for (const endMs = this.agenda.nowMs + CHANGED_WITHIN_MS; !lists.some(isIt) && this.agenda.nowMs < endMs;) this.run(0.1)
    this.peer(to).crash()
    this.network.stopped(this.peer(to))
    this.lines.push(`-- ${to} is gone before it answers ${from}`)
    return lists.findLast(isIt)?.question.id ?? 0
  }

  /** Whoever has taken the place of `from`, with an empty store, answers every question of `to` for lists: with nothing. */
  answerFromEmptyStore(from: string, to: string): void {
    const other = identity(this.peer(from).peerId, 'e'.repeat(32) as Incarnation)
    for (const list of this.witness.lists) {
      if (list.from !== to || list.to !== from) continue
      const message = answerOfEmptyStore(list.question)
      this.peer(to).dispatch({ kind: 'message', from: other, round: 0, message })
    }
  }

  /** Whose lists a peer says it holds. */
  coveredBy(name: string): readonly string[] {
    return (
      this.peer(name)
        .core?.['parts'].repair.coveredSources()
        .map((source) => source.peerId) ?? []
    )
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

  chosenByQuorum(key: RegisterKey): string | undefined {
    const record = this.keys.chosen(key)?.record
    return record === undefined ? undefined : valueText(record)
  }

  heldChosen(name: string, key: RegisterKey): string | undefined {
    const record = this.peer(name).disk.read(key)?.chosen
    return record === undefined ? undefined : valueText(record)
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

  /** A put that is only begun. @returns its number, for `outcome` */
  beginPut(name: string, key: RegisterKey, record: ValueRecord, timeoutMs: number): number {
    this.lastClient += 1
    const client = this.lastClient
    const peer = this.peer(name)
    peer.dispatch({ kind: 'put', client, key, ...record, writeIdGiven: false, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  /** A put. @returns what came of it */
  put(name: string, key: RegisterKey, record: ValueRecord, timeoutMs: number = GET_MS): string {
    const outcome = this.await(this.beginPut(name, key, record, timeoutMs), timeoutMs)
    this.lines.push(`put at ${name}: ${outcome?.kind}`)
    return outcome?.kind ?? 'nothing'
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

  /** Answers that were long under way arrive: to every question of this peer about these keys, as if the others knew nothing. */
  answerLate(name: string, keys: readonly RegisterKey[]): void {
    const { epoch } = this.ledger.newest
    for (const { from, to, id, key } of this.witness.asked) {
      if (from !== name || to === name || !keys.includes(key)) continue
      const sender = this.peer(to).identity
      const vote = { sender, body: { kind: 'seen', epoch, accepted: undefined } } as const
      this.peer(name).dispatch({ kind: 'message', from: sender, round: 0, message: { kind: 'reply', id, vote } })
    }
  }

  /** A linearizable get that is only begun. @returns its number, for `outcome` */
  beginGet(name: string, key: RegisterKey, timeoutMs: number): number {
    this.lastClient += 1
    const client = this.lastClient
    const peer = this.peer(name)
    peer.dispatch({ kind: 'get', client, key, consistency: 'linearizable', waitUntilMs: undefined, deadlineMs: peer.clockMs + timeoutMs })
    return client
  }

  outcome(client: number): string {
    return this.witness.outcomes.get(client)?.kind ?? 'nothing yet'
  }

  /** Has a peer finish a key, as it does with what it holds in doubt. */
  finish(name: string, key: RegisterKey): void {
    const settled: boolean[] = []
    this.peer(name).act((core) => core['parts'].agreement.finisher.finish(key, (done) => settled.push(done)))
    for (const endMs = this.agenda.nowMs + GET_MS; settled.length === 0 && this.agenda.nowMs < endMs;) this.run(0.25)
    this.run(30)
    this.lines.push(`${name} has finished ${key}`)
  }

  /** A linearizable get. @returns the value found, or what else came of it */
  get(name: string, key: RegisterKey, timeoutMs: number): string {
    const outcome = this.await(this.beginGet(name, key, timeoutMs), timeoutMs)
    this.lines.push(`get at ${name}: ${outcome === undefined ? 'nothing' : describeOutcome(outcome)}`)
    return outcome?.kind === 'found' ? valueText(outcome.record) : (outcome?.kind ?? 'nothing')
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

  /** What gets show at every peer, each thing once. */
  getEverywhere(key: RegisterKey): string[] {
    return [...new Set(this.peers.map((peer) => this.get(peer.peerId, key, GET_MS)))]
  }

  private startPeer(peer: SimulatedPeer): void {
    peer.start()
    this.network.started(peer)
  }

  /** Lets time pass until the request is answered, or a little longer than it may take. */
  private await(client: number, timeoutMs: number): Outcome | undefined {
    const { outcomes } = this.witness
    for (const endMs = this.agenda.nowMs + timeoutMs + 100; !outcomes.has(client) && this.agenda.nowMs < endMs;) this.run(1)
    return outcomes.get(client)
  }

  private run(elapsedMs: number): void {
    this.agenda.runUntil(this.agenda.nowMs + elapsedMs)
  }

  private peer(name: string): SimulatedPeer {
    const peer = this.peers.find((candidate) => candidate.peerId === name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  private clusters(names: Names): Map<ClusterId, Identity[]> {
    return new Map(
      Object.entries(names).map(([cluster, members]) => [cluster as ClusterId, members.map((name) => this.peer(name).identity)]),
    )
  }
}

/** What a store without a key answers. */
function answerOfEmptyStore(question: PullQuestion): Message {
  const { id } = question
  if (question.kind === 'doubts-wanted') return { kind: 'doubts', id, keys: [], more: false }
  if (question.kind === 'records-wanted') return { kind: 'records', id, records: [], keysDone: question.keys.length }
  if (question.kind === 'leaves-wanted') return { kind: 'leaves', id, entries: [], leavesDone: question.leaves.length, after: undefined }
  return { kind: 'hashes', id, group: question.group, hashes: new Uint8Array(GROUPS * HASH_BYTES) }
}

function valueText(record: ValueRecord): string {
  return String.fromCodePoint(...record.value)
}

/** A record that holds a text. */
export function text(value: string): ValueRecord {
  return {
    writeId: `w-${value}`,
    value: Uint8Array.from(value, (letter) => letter.charCodeAt(0)),
    contentType: 'text/plain',
    writtenAtMs: 0,
  }
}
