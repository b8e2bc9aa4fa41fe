/**
 * A log in a simulated world of its own: replicas, a network, disks, stores, clients and an
 * operator, under drawn faults for a while, then healed and held to liveness. It is not the world
 * of keys: there peers share one configuration, and a type's rows are their state. A log has
 * members of its own, a leader, and an asynchronous store outside the step loop, so faults, load
 * and checkers are others.
 */
import { identity } from '../../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../../protocols/base/identity.ts'
import { allMembers, firstMembers, has, isJoint } from '../../../protocols/log/membership.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import { Agenda } from '../agenda.ts'
import { Chance } from '../chance.ts'
import { check, Violation } from '../checkers/violation.ts'
import { LogClients } from './clients.ts'
import type { ClientCounts } from './clients.ts'
import { LogFaults } from './faults.ts'
import { LogLedger, showPosition } from './ledger.ts'
import { LATE_COPY_MAX_MS, Links } from './links.ts'
import { drawOptions } from './options.ts'
import type { LogOptions } from './options.ts'
import { ELECTION_MS, SimulatedReplica } from './replica.ts'
import type { ReplicaWorld } from './replica.ts'

/** How often disks are probed, in milliseconds. */
const PROBE_MS = 250
/**
 * Once the last copies have come: a leader within so many election times, everything settled within
 * so much more.
 */
const LEADER_TIMES = 4
const SETTLED_MS = 25_000
/** Between looks whether a replica asks others than its leader to fill its store. */
const FILL_WANTED_MS = 2_000
/** A snapshot takes so long on its way at most, and is given up after so long. */
const SNAPSHOT_MAX_MS = 400

export interface LogRun {
  readonly seed: number
  readonly options: LogOptions
  readonly violation: Violation | undefined
  readonly counts: ClientCounts
  readonly committed: number
  readonly terms: number
  readonly hash: number
  readonly lines: readonly string[]
}

export class LogWorld {
  readonly agenda: Agenda = new Agenda()
  readonly chance: Chance
  readonly options: LogOptions
  readonly links: Links
  readonly ledger: LogLedger
  readonly peers: readonly SimulatedReplica[]
  readonly clients: LogClients
  readonly lines: string[] = []
  hash = 0
  private readonly isTraced: boolean
  private readonly operatorClients = new Map<number, () => void>()
  private lastOperation = -1

  constructor(seed: number, isTraced: boolean, overrides: Partial<LogOptions> = {}) {
    this.chance = new Chance(seed)
    this.isTraced = isTraced
    this.options = { ...drawOptions(this.chance.fork()), ...overrides }
    const { agenda, options } = this
    this.links = new Links(agenda, this.chance.fork(), options, (message) => {
      const peer = this.peers.find(({ peerId }) => peerId === message.to.peerId)
      this.count(message.kind.length + message.term)
      this.trace(
        () =>
          `${message.from.peerId} > ${message.to.peerId} ${JSON.stringify({ ...message, from: undefined, to: undefined, logId: undefined }, (key, value: unknown) => (key === 'command' ? undefined : value))}`,
      )
      peer?.step({ kind: 'message', message })
    })
    const chance = this.chance.fork()
    const founders = Array.from({ length: options.voterCount }, (_, place) =>
      identity(`p${place}` as PeerId, chance.hex(32) as Incarnation),
    )
    const members = firstMembers(founders)
    this.ledger = new LogLedger(members)
    const world = this.surroundings(members)
    this.peers = Array.from({ length: options.voterCount + options.spareCount }, (_, place) => {
      const peer = new SimulatedReplica(world, this.chance.fork(), `p${place}`)
      const founder = founders[place]
      if (founder !== undefined) peer.identity = founder
      return peer
    })
    let lastClient = 0
    this.clients = new LogClients(
      agenda,
      this.chance.fork(),
      this.ledger,
      () => this.peers,
      () => (lastClient += 1),
      options.isLeased,
    )
  }

  run(): void {
    const { agenda, options } = this
    if (options.hasWildClock) this.chance.pick(this.peers).wallAheadMs = this.chance.pick([-86_400_000, 31_536_000_000])
    for (const peer of this.peers) peer.start()
    this.clients.begin(options.clientCount)
    const faults = new LogFaults(this)
    faults.begin()
    this.probeForEver()
    this.fillForEver()
    agenda.runUntil(options.runMs)
    faults.stop()
    this.heal()
  }

  /** An operator asks a replica for something. @param ended it was answered */
  operate(peer: SimulatedReplica, build: (client: number) => Parameters<SimulatedReplica['step']>[0], ended: () => void): void {
    const client = this.lastOperation--
    this.operatorClients.set(client, ended)
    peer.step(build(client))
  }

  leader(): SimulatedReplica | undefined {
    const leading = this.peers.filter((peer) => peer.core?.state.role === 'leader')
    return leading.toSorted((a, b) => (b.core?.state.term ?? 0) - (a.core?.state.term ?? 0))[0]
  }

  trace(line: () => string): void {
    if (this.isTraced) this.lines.push(`${this.agenda.nowMs.toFixed(1)} ${line()}`)
  }

  crash(peer: SimulatedReplica, how: 'process' | 'power' | 'wipe'): void {
    this.trace(() => `${peer.peerId} ${how}`)
    if (how === 'wipe') peer.wipe()
    else peer.crash(how === 'power')
    this.clients.crashed(peer)
    const gone = peer.identity
    for (const other of this.peers)
      if (other !== peer && this.chance.happens(0.7))
        this.agenda.after(this.chance.span(1, 50), () => other.step({ kind: 'disconnected', peer: gone }))
  }

  private surroundings(members: Membership): ReplicaWorld {
    return {
      agenda: this.agenda,
      options: this.options,
      ledger: this.ledger,
      firstMembers: members,
      send: (message) => this.links.send(message),
      answered: (_, client, answer) => {
        this.trace(() => `answer ${client} ${JSON.stringify(answer)}`)
        const ended = this.operatorClients.get(client)
        this.operatorClients.delete(client)
        if (ended === undefined) this.clients.answered(client, answer)
        else ended()
      },
      readReady: (peer, client, index) => {
        const { life } = peer
        check(
          peer.store.position.index >= index,
          'G9',
          () => `${peer.identity.id} is to show ${index}, and has ${showPosition(peer.store.position)}`,
        )
        this.agenda.after(this.chance.span(0.1, 5), () => {
          if (life === peer.life) this.readStore(peer, client, index)
        })
      },
      giveSnapshot: (from, to, indexMin) => this.giveSnapshot(from, to, indexMin),
      others: (than) => this.peers.filter((peer) => peer !== than && peer.isUp),
      trace: (line) => this.trace(line),
    }
  }

  /** The store itself tests the position: it may have gone back meanwhile. */
  private readStore({ store }: SimulatedReplica, client: number, index: number): void {
    const list = this.clients.listOf(client)
    if (list !== undefined) this.clients.found(client, store.position.index < index ? undefined : store.list(list), store.position)
  }

  /** Any store that is far enough may fill any other. */
  private giveSnapshot(from: SimulatedReplica, to: Identity, indexMin: number): void {
    const { life } = from
    const ended = (position: { readonly term: number; readonly index: number } | undefined): void => {
      if (life === from.life) this.agenda.after(1, () => from.step({ kind: 'snapshot-given', to, position }))
    }
    const givers = this.peers.filter((peer) => peer.isUp && peer.identity.id !== to.id && peer.store.position.index >= indexMin)
    if (givers.length === 0) {
      this.agenda.after(SNAPSHOT_MAX_MS, () => ended(undefined))
      return
    }
    const giver = this.chance.pick(givers)
    const journal = [...giver.store.journal]
    this.agenda.after(this.chance.span(10, SNAPSHOT_MAX_MS), () => {
      const taker = this.peers.find((peer) => peer.identity.id === to.id)
      const isThere = taker !== undefined && taker.isUp && !taker.isPaused && this.links.isOpen(giver.peerId, taker.peerId)
      this.trace(() => `snapshot of ${giver.peerId} at ${journal.length} for ${to.peerId}: ${isThere ? 'there' : 'lost'}`)
      if (isThere) taker.applier.stage(journal, ended)
      else ended(undefined)
    })
  }

  /** As peers do that keep a replica: they ask around where its leader cannot fill its store. */
  private fillForEver(): void {
    this.agenda.after(FILL_WANTED_MS, () => {
      const leader = this.leader()
      for (const peer of this.peers) {
        const { core, identity: to } = peer
        const isLeft = peer === leader || leader?.core?.state.isReady !== true
        if (core?.wantsFill === true && isLeft && !peer.isPaused) this.giveSnapshot(peer, to, core.state.tail.base.index)
      }
      this.fillForEver()
    })
  }

  private probeForEver(): void {
    this.agenda.after(PROBE_MS, () => {
      this.ledger.probe(this.chance, (voter) => this.peers.find((peer) => peer.identity.id === voter)?.disk.stored())
      this.probeForEver()
    })
  }

  /**
   * All faults end: a leader is there soon, all stores become equal, and a change that was begun
   * has ended.
   */
  private heal(): void {
    this.trace(() => 'healed')
    this.links.calm()
    for (const peer of this.peers) {
      peer.isStoreDown = false
      peer.resume()
      if (!peer.isUp) peer.start()
    }
    const { agenda } = this
    agenda.runUntil(agenda.nowMs + LATE_COPY_MAX_MS + LEADER_TIMES * this.electedMs)
    check(this.leader() !== undefined, 'L1', () => `no leader ${LEADER_TIMES} election times after healing`)
    this.clients.stop()
    const until = agenda.nowMs + SETTLED_MS
    while (this.unsettled() !== undefined && agenda.nowMs < until) agenda.runUntil(agenda.nowMs + 100)
    const unsettled = this.unsettled()
    check(unsettled === undefined, 'L2', () => `${unsettled}, ${SETTLED_MS} ms after healing`)
    for (const peer of this.peers) {
      check(peer.halted === undefined, 'L3', () => `${peer.identity.id} halted: ${peer.halted}`)
      this.ledger.opened(peer.identity.id, peer.store.journal)
    }
  }

  /**
   * An election time is meant to be long beside what a vote takes. Where disks and links are so slow
   * that it is not, votes cross, and twice what a vote takes is allowed in its place.
   */
  private get electedMs(): number {
    const { delayMaxMs, syncMaxMs } = this.options
    return Math.max(ELECTION_MS, 2 * (2 * delayMaxMs + syncMaxMs))
  }

  private unsettled(): string | undefined {
    const leader = this.leader()
    if (leader?.core === undefined) return 'nobody leads'
    const { members, commit, tail } = leader.core.state
    if (commit < tail.last.index) return `committed to ${commit} of ${tail.last.index}`
    if (isJoint(members)) return 'a change has not ended'
    if (this.clients.openCount > 0) return `${this.clients.openCount} clients wait`
    for (const peer of this.peers) {
      if (!has(allMembers(members), peer.identity.id)) continue
      if (peer.store.position.index !== commit) return `the store of ${peer.peerId} is at ${showPosition(peer.store.position)} of ${commit}`
    }
    return undefined
  }

  private count(value: number): void {
    this.hash = (Math.imul(this.hash, 31) + value + Math.floor(this.agenda.nowMs * 1_000)) | 0
  }
}

/** One run from a seed. */
export function simulateLog(seed: number, isTraced: boolean = false, overrides: Partial<LogOptions> = {}): LogRun {
  const world = new LogWorld(seed, isTraced, overrides)
  let violation: Violation | undefined
  try {
    world.run()
  } catch (error) {
    // An assertion of the core is a rule of its own.
    violation =
      error instanceof Violation ? error : new Violation('assert', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { ledger, clients, options, hash, lines } = world
  const terms = ledger.committed.at(-1)?.term ?? 0
  return { seed, options, violation, counts: clients.counts, committed: ledger.committed.length, terms, hash, lines }
}
