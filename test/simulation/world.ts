/**
 * One simulated run, whole: a network of production cores, clients and faults drawn from one seed;
 * then healing, after which everything must settle. The checkers watch all the way. The same seed
 * gives the same run, to the last message.
 */
import { GROUPS } from '../../protocols/base/hash-tree.ts'
import type { ClusterId, Identity } from '../../protocols/base/identity.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import type { Note, Outcome, TypeOutcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Ledger } from './checkers/ledger.ts'
import { unsettled } from './checkers/liveness.ts'
import { holdsData } from './checkers/quorums.ts'
import { Violation, check } from './checkers/violation.ts'
import { Votes } from './checkers/votes.ts'
import { noCoverage } from './coverage.ts'
import type { Coverage } from './coverage.ts'
import { describeConfig } from './describe.ts'
import { Faults } from './faults.ts'
import { layFoundation } from './founding.ts'
import { SimulatedNetwork } from './network.ts'
import type { Observer } from './observer.ts'
import { Operator } from './operator.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './surroundings.ts'
import { Trace } from './trace.ts'
import type { SimulatedType, TypeInit, WorldType } from './type.ts'
import { KEYS } from './types/keys/keys.ts'

/** Founding takes a while before there is anything to break. */
const FOUNDING_MS = 3_000
/** Between looks at what is on disk. */
const PROBE_MS = 150
/** Between looks whether all has settled. */
const SETTLE_LOOK_MS = 250
/**
 * After healing, everything has settled by then: a change whose new voters are gone is withdrawn
 * after 4 s, but a disk that is gone has to be noticed.
 */
const SETTLED_WITHIN_MS = 120_000
/**
 * What is left half done may be two changes, each with two configs to decide, a transfer, and a try
 * or two that come to nothing.
 */
const SETTLED_ROUND_TRIPS = 60
/**
 * What an operation left may be copied after that, a page of one row being the smallest: a listing
 * and a record each, and before them the groups of the hash tree, with so many questions under way
 * at one time.
 */
const QUESTIONS_PER_OPERATION = 2
const QUESTIONS_AT_ONCE = 4
/** Promises are kept for 60 s. */
const PROMISES_GONE_MS = 63_000

/** So many peers are asked for the same thing at once. */
const RIVALS_MAX = 6

const KEYS_ALONE: readonly WorldType[] = [KEYS]

export interface RunResult {
  readonly seed: number
  readonly options: Options
  readonly hash: string
  readonly violation: Violation | undefined
  readonly coverage: Coverage
  readonly lines: readonly string[]
}

/**
 * Runs one seed to its end or to the first violation. @param types what the peers keep for clients:
 * keys, when left out
 */
export function simulate(
  seed: number,
  keepsLines: boolean,
  change: Partial<Options> = {},
  types: readonly WorldType[] = KEYS_ALONE,
): RunResult {
  const chance = new Chance(seed)
  const needs = types.reduce<Partial<Options>>((sum, type) => ({ ...sum, ...type.needs }), {})
  const options = { ...drawOptions(seed, chance.fork()), ...needs, ...change }
  const world = new World(options, chance, keepsLines, types)
  let violation: Violation | undefined
  try {
    world.run()
  } catch (error) {
    violation =
      error instanceof Violation ? error : new Violation('broken', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return { seed, options, hash: world.trace.hash, violation, coverage: world.finalCoverage(), lines: world.trace.lines }
}

export class World implements Observer {
  readonly trace: Trace
  readonly peers: readonly SimulatedPeer[]
  private readonly options: Options
  private readonly chance: Chance
  private readonly agenda: Agenda = new Agenda()
  private readonly coverage: Coverage = noCoverage()
  private readonly votes: Votes = new Votes()
  private readonly surroundings: PeerSurroundings
  private readonly network: SimulatedNetwork
  private readonly ledger: Ledger
  private readonly faults: Faults
  private readonly operator: Operator
  private readonly types: readonly SimulatedType[]
  private isLoaded = true

  constructor(options: Options, chance: Chance, keepsLines: boolean, types: readonly WorldType[]) {
    const { agenda, coverage } = this
    const codec = new Codec(utf8)
    const trace = new Trace(keepsLines)
    this.options = options
    this.chance = chance
    this.trace = trace
    const peers: SimulatedPeer[] = []
    this.peers = peers
    const transmit = (from: SimulatedPeer, send: Send): void => this.network.transmit(from, send)
    const disconnect: PeerSurroundings['disconnect'] = (from, to) => this.network.closeByPeerId(from, to)
    const furtherTypes = types.flatMap(({ further }) => further ?? [])
    this.surroundings = { agenda, chance, trace, options, codec, observer: this, transmit, disconnect, furtherTypes, isCalm: false }
    for (const [cluster, size] of options.clusterSizes.entries()) {
      for (let member = 0; member < size; member += 1) {
        peers.push(new SimulatedPeer(peers.length, `c${cluster}` as ClusterId, options.minPeers, this.surroundings))
      }
    }
    const first = layFoundation(peers, options, chance)
    this.network = new SimulatedNetwork(peers, this.surroundings)
    this.ledger = new Ledger(codec, first, (config) => {
      trace.line(agenda.nowMs, () => `== decided: ${describeConfig(config)}`)
      if (this.isLoaded) coverage.changesUnderLoad += 1
      for (const type of this.types) type.decided?.(config)
      this.faults.decided(config)
    })
    let lastClient = 0
    const nextClient = (): ClientId => (lastClient += 1)
    const allowedMs: TypeInit['allowedMs'] = (leastMs, roundTrips) => this.network.allowedMs(leastMs, roundTrips)
    const shared = { agenda, trace, options, peers, ledger: this.ledger, nextClient, allowedMs }
    this.types = types.map((type) => type.begin({ ...shared, chance: chance.fork() }))
    this.operator = new Operator({ peers, chance, codec, ledger: this.ledger })
    const isAnyInDoubt = (): boolean => this.types.some((type) => type.isAnyInDoubt === true)
    const start = (peer: SimulatedPeer): void => this.start(peer)
    const { network, ledger, operator } = this
    this.faults = new Faults({ agenda, chance, trace, options, peers, network, operator, ledger, coverage, isAnyInDoubt, start })
  }

  /** @throws Violation */
  run(): void {
    const { agenda, options, peers, chance } = this
    for (const peer of peers) agenda.at(peer.index === 0 ? 0 : chance.span(0, 300), () => this.start(peer))
    for (const type of this.types) type.begin()
    const foundingMs = options.isFounded ? FOUNDING_MS : 100
    agenda.at(chance.happens(0.5) ? foundingMs : chance.span(0, foundingMs), () => this.faults.begin())
    this.probeOnAndOn()
    agenda.runUntil(foundingMs + options.loadMs)
    this.heal()
    this.settle()
    const rivals = chance.shuffled(peers).slice(0, RIVALS_MAX)
    for (const type of this.types) type.contend?.(rivals)
    this.survive()
    this.settle()
    for (const type of this.types) type.check()
    this.operator.checkAnswered()
    if (options.waitsForPromises) this.forgetPromises()
  }

  finalCoverage(): Coverage {
    const coverage: Coverage = {
      ...this.coverage,
      withdrawals: this.operator.withdrawals,
      requests: this.operator.requests,
      requestsDone: this.operator.done,
      votes: this.votes.checkedCount,
      messages: this.network.sentCount,
      simulatedMs: this.agenda.nowMs,
    }
    for (const type of this.types) type.cover(coverage)
    return coverage
  }

  persisting(peer: SimulatedPeer, write: AnyWrite): void {
    this.votes.persisting(peer, write)
    for (const type of this.types) type.persisting?.(peer, write)
  }

  hardened(peer: SimulatedPeer, identity: Identity, write: AnyWrite): void {
    // While the world is being built there is nothing to check yet.
    if (this.ledger === undefined) return
    for (const type of this.types) type.hardened?.(peer, identity, write)
    this.ledger.hardened(identity, write)
  }

  sending(peer: SimulatedPeer, send: Send): void {
    this.votes.answering(peer, send)
    for (const type of this.types) type.sending?.(peer, send)
  }

  left(peer: SimulatedPeer, send: Send): void {
    this.votes.left(peer, send)
    for (const type of this.types) type.left?.(peer, send)
  }

  answered(_peer: SimulatedPeer, client: ClientId, outcome: Outcome): void {
    if (client < 0) this.operator.answered(client, outcome)
    this.trace.mix(client)
    this.trace.mixText(outcome.kind)
    for (const type of this.types) type.answered(client, outcome)
  }

  told(_peer: SimulatedPeer, client: ClientId, outcome: TypeOutcome): void {
    this.trace.mix(client)
    for (const type of this.types) type.told?.(client, outcome)
  }

  noted(peer: SimulatedPeer, note: Note): void {
    const { trace, agenda } = this
    trace.line(agenda.nowMs, () => `${peer.peerId} notes ${note.kind}`)
    for (const type of this.types) type.noted?.(peer, note)
  }

  threw(peer: SimulatedPeer, error: unknown): void {
    if (error instanceof Violation) throw error
    throw new Violation('threw', `${peer.peerId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  crashed(peer: SimulatedPeer, lost: number): void {
    this.coverage.crashes += 1
    this.coverage.lostWrites += lost
    for (const type of this.types) type.crashed(peer)
    this.network.stopped(peer)
    if (!this.surroundings.isCalm) this.agenda.after(this.chance.span(0, 2 * this.options.downMs), () => this.start(peer))
  }

  private start(peer: SimulatedPeer): void {
    // Each opening raises the ceiling, for which there is no room.
    if (peer.isStarted || peer.isDiskFull) return
    this.trace.line(this.agenda.nowMs, () => `${peer.peerId} starts as ${peer.identity.incarnation.slice(0, 3)}`)
    for (const type of this.types) type.starting?.(peer)
    peer.start(() => this.network.started(peer))
  }

  private probeOnAndOn(): void {
    this.agenda.after(PROBE_MS, () => {
      for (const type of this.types) type.probe?.()
      this.probeOnAndOn()
    })
  }

  private heal(): void {
    this.trace.line(this.agenda.nowMs, () => '-- healed')
    this.isLoaded = false
    this.surroundings.isCalm = true
    for (const type of this.types) type.stop()
    this.faults.heal()
  }

  /** Waits until nothing is left to be done. @throws Violation when that takes too long */
  private settle(): void {
    const { agenda, peers, ledger } = this
    const endMs = agenda.nowMs + this.network.allowedMs(SETTLED_WITHIN_MS, SETTLED_ROUND_TRIPS + this.copyRoundTrips())
    for (let calm = 0; calm < 2;) {
      agenda.runUntil(agenda.nowMs + SETTLE_LOOK_MS)
      const lacking = unsettled(peers, ledger, this.types)
      calm = lacking === undefined ? calm + 1 : 0
      if (lacking !== undefined && agenda.nowMs > endMs) throw new Violation(lacking.rule, lacking.detail)
      const isAgreed = peers.every((peer) => peer.core?.config?.epoch === ledger.newest.epoch)
      if (isAgreed && lacking?.rule === 'L4') this.operator.replace(ledger.newest)
    }
  }

  /** To copy all that clients left, from one peer to another, by the smallest pages. */
  private copyRoundTrips(): number {
    const { operations } = this.finalCoverage()
    return (GROUPS + QUESTIONS_PER_OPERATION * operations) / QUESTIONS_AT_ONCE
  }

  /**
   * The loss of one peer, or of one cluster of three, stops nobody else (L5). It is the newest
   * config that must bear it; while those who decided it are the only ones who know it, the one
   * before still holds, and that may need all of its clusters.
   */
  private survive(): void {
    const { agenda, chance, peers, ledger } = this
    const cluster = chance.pick(peers).clusterId
    const victims = chance.happens(0.3) ? peers.filter((peer) => peer.clusterId === cluster) : [chance.pick(peers)]
    const left = peers.filter((peer) => !victims.includes(peer))
    const isKnown = left.some((peer) => peer.core?.config?.epoch === ledger.newest.epoch)
    if (!isKnown || !holdsData(ledger.newest, (id) => left.some((peer) => peer.identity.id === id))) return
    this.trace.line(agenda.nowMs, () => `-- ${victims.map((victim) => victim.peerId).join(' ')} left for good`)
    for (const victim of victims) victim.crash()
    const peer = chance.pick(left)
    const missing = victims.map((victim) => victim.peerId).join(' ')
    for (const type of this.types) type.survive?.(peer, missing)
    for (const victim of victims) this.start(victim)
  }

  private forgetPromises(): void {
    const { agenda, peers } = this
    agenda.runUntil(agenda.nowMs + PROMISES_GONE_MS)
    const holder = peers.find((peer) => (peer.core?.load.promises ?? 0) > 0)
    check(holder === undefined, 'L6', () => `${holder?.peerId} still keeps ${holder?.core?.load.promises} promises`)
  }
}
