/**
 * One simulated run, whole: a network of production cores, clients and faults drawn from one seed; then healing, after which everything must
 * settle. The checkers watch all the way. The same seed gives the same run, to the last message.
 */
import type { ClusterId, Identity, IdentityId } from '../../protocols/base/identity.ts'
import { dataKey, isConfigKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import type { Note, Outcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Copies } from './checkers/copies.ts'
import { Ledger } from './checkers/ledger.ts'
import { incomplete, unsettled } from './checkers/liveness.ts'
import { checkAnswer, checkHistory } from './checkers/outcomes.ts'
import { QuorumProbe } from './checkers/probe.ts'
import { holdsData } from './checkers/quorums.ts'
import { Violation, check } from './checkers/violation.ts'
import { Votes } from './checkers/votes.ts'
import { Clients } from './clients.ts'
import { noCoverage } from './coverage.ts'
import type { Coverage } from './coverage.ts'
import { describeConfig, describeKey, describeRecord } from './describe.ts'
import { Faults } from './faults.ts'
import { layFoundation } from './founding.ts'
import { History } from './history.ts'
import { SimulatedNetwork } from './network.ts'
import type { Observer } from './observer.ts'
import { Operator } from './operator.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './peer.ts'
import { Trace } from './trace.ts'

/** Founding takes a while before there is anything to break. */
const FOUNDING_MS = 3_000
/** Between looks at every key by the quorum probe. */
const PROBE_MS = 150
/** Between looks whether all has settled. */
const SETTLE_LOOK_MS = 250
/** After healing, everything has settled by then: a change whose new voters are gone is withdrawn after 4 s, but a disk that is gone has to be noticed. */
const SETTLED_WITHIN_MS = 120_000
/** A put must come through within so long while one peer is missing. */
const PUT_WITHIN_MS = 20_000
/** A rival gives up no sooner. */
const RIVAL_DEADLINE_MS = 40_000
/** Promises are kept for 60 s. */
const PROMISES_GONE_MS = 63_000

export interface RunResult {
  readonly seed: number
  readonly options: Options
  readonly hash: string
  readonly violation: Violation | undefined
  readonly coverage: Coverage
  readonly lines: readonly string[]
}

/** Runs one seed to its end or to the first violation. */
export function simulate(seed: number, keepsLines: boolean, change: Partial<Options> = {}): RunResult {
  const chance = new Chance(seed)
  const options = { ...drawOptions(seed, chance.fork()), ...change }
  const world = new World(options, chance, keepsLines)
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
  private readonly history: History = new History()
  private readonly votes: Votes = new Votes()
  private readonly copies: Copies = new Copies(() => this.ledger)
  private readonly surroundings: PeerSurroundings
  private readonly network: SimulatedNetwork
  private readonly ledger: Ledger
  private readonly probe: QuorumProbe
  private readonly clients: Clients
  private readonly faults: Faults
  private readonly operator: Operator
  private readonly inDoubt = new Set<RegisterKey>()
  private isLoaded = true

  constructor(options: Options, chance: Chance, keepsLines: boolean) {
    const { agenda, coverage, history } = this
    const codec = new Codec(utf8)
    const trace = new Trace(keepsLines)
    this.options = options
    this.chance = chance
    this.trace = trace
    const peers: SimulatedPeer[] = []
    this.peers = peers
    const transmit = (from: SimulatedPeer, send: Send): void => this.network.transmit(from, send)
    const disconnect: PeerSurroundings['disconnect'] = (from, to) => this.network.closeByPeerId(from, to)
    this.surroundings = { agenda, chance, trace, options, codec, observer: this, transmit, disconnect, isCalm: false }
    for (const [cluster, size] of options.clusterSizes.entries()) {
      for (let member = 0; member < size; member += 1) {
        peers.push(new SimulatedPeer(peers.length, `c${cluster}` as ClusterId, options.minPeers, this.surroundings))
      }
    }
    const first = layFoundation(peers, options, chance)
    this.network = new SimulatedNetwork(peers, this.surroundings)
    this.ledger = new Ledger(codec, first, {
      chosen: (key, chosen) => {
        trace.line(agenda.nowMs, () => `== ${key} is chosen: ${describeRecord(chosen.record)}`)
        this.inDoubt.delete(key)
        this.probe.one(key, chosen.record)
      },
      decided: (config) => {
        trace.line(agenda.nowMs, () => `== decided: ${describeConfig(config)}`)
        if (this.isLoaded) coverage.changesUnderLoad += 1
        this.copies.decided(config)
        this.probe.all()
        this.faults.decided(config)
      },
    })
    this.probe = new QuorumProbe(this.ledger, (id, key) => this.readSynced(id, key))
    this.clients = new Clients({ agenda, chance: chance.fork(), options, history, peers })
    this.operator = new Operator({ peers, chance, codec, ledger: this.ledger })
    const isAnyInDoubt = (): boolean => this.inDoubt.size > 0
    const start = (peer: SimulatedPeer): void => this.start(peer)
    const { network, ledger, operator } = this
    this.faults = new Faults({ agenda, chance, trace, options, peers, network, operator, ledger, coverage, isAnyInDoubt, start })
  }

  /** @throws Violation */
  run(): void {
    const { agenda, options, peers, chance } = this
    for (const peer of peers) agenda.at(peer.index === 0 ? 0 : chance.span(0, 300), () => this.start(peer))
    this.clients.begin()
    const foundingMs = options.isFounded ? FOUNDING_MS : 100
    agenda.at(chance.happens(0.5) ? foundingMs : chance.span(0, foundingMs), () => this.faults.begin())
    this.probeOnAndOn()
    agenda.runUntil(foundingMs + options.loadMs)
    this.heal()
    this.settle()
    this.rival()
    this.survive()
    this.settle()
    check(incomplete(peers, this.ledger) === undefined, 'L3', () => incomplete(peers, this.ledger) ?? '')
    checkHistory(this.history, this.ledger)
    this.operator.checkAnswered()
    if (options.waitsForPromises) this.forgetPromises()
  }

  finalCoverage(): Coverage {
    const { coverage, history } = this
    const answered = [...history.puts, ...history.gets].filter((operation) => operation.outcome !== undefined)
    return {
      ...coverage,
      operations: history.size,
      answered: answered.length,
      created: answered.filter((operation) => operation.outcome?.kind === 'created').length,
      contendedKeys: history.contendedCount,
      withdrawals: this.operator.withdrawals,
      requests: this.operator.requests,
      requestsDone: this.operator.done,
      probes: this.probe.probes,
      votes: this.votes.checkedCount,
      messages: this.network.sentCount,
      simulatedMs: this.agenda.nowMs,
    }
  }

  persisting(peer: SimulatedPeer, write: Persist): void {
    this.votes.persisting(peer, write)
    if (write.kind !== 'chosen' || isConfigKey(write.key)) return
    const chosen = this.ledger.chosen(write.key)
    check(chosen !== undefined, 'S10', () => `${peer.peerId} takes ${describeKey(write.key)} for chosen, which no quorum has accepted`)
  }

  hardened(_peer: SimulatedPeer, identity: Identity, write: Persist): void {
    // While the world is being built there is nothing to check yet.
    if (this.ledger === undefined) return
    if (write.kind === 'accepted' && !isConfigKey(write.key) && this.ledger.chosen(write.key) === undefined) this.inDoubt.add(write.key)
    this.copies.hardened(identity, write)
    this.ledger.hardened(identity, write)
  }

  sending(peer: SimulatedPeer, send: Send): void {
    this.votes.answering(peer, send)
  }

  left(peer: SimulatedPeer, send: Send): void {
    this.votes.left(peer, send)
    this.copies.left(peer, send)
  }

  answered(_peer: SimulatedPeer, client: ClientId, outcome: Outcome): void {
    if (client < 0) this.operator.answered(client, outcome)
    const operation = this.clients.operationOf(client)
    this.trace.mix(client)
    this.trace.mixText(outcome.kind)
    if (operation === undefined) return
    checkAnswer(this.ledger, operation.key, outcome)
    this.clients.answered(client, outcome)
  }

  noted(peer: SimulatedPeer, note: Note): void {
    const { trace, agenda } = this
    trace.line(agenda.nowMs, () => `${peer.peerId} notes ${note.kind}`)
    this.copies.noted(peer, note)
    check(note.kind !== 'divergence', 'S15', () => `${peer.peerId} was told two records: ${note.kind === 'divergence' ? note.key : ''}`)
  }

  threw(peer: SimulatedPeer, error: unknown): void {
    if (error instanceof Violation) throw error
    throw new Violation('threw', `${peer.peerId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  crashed(peer: SimulatedPeer, lost: number): void {
    this.coverage.crashes += 1
    this.coverage.lostWrites += lost
    this.clients.crashed(peer)
    this.probe.all()
    this.network.stopped(peer)
    if (!this.surroundings.isCalm) this.agenda.after(this.chance.span(0, 2 * this.options.downMs), () => this.start(peer))
  }

  private start(peer: SimulatedPeer): void {
    // Each opening raises the ceiling, for which there is no room.
    if (peer.isStarted || peer.isDiskFull) return
    this.trace.line(this.agenda.nowMs, () => `${peer.peerId} starts as ${peer.identity.incarnation.slice(0, 3)}`)
    this.copies.starting(peer)
    peer.start(() => this.network.started(peer))
  }

  private probeOnAndOn(): void {
    this.agenda.after(PROBE_MS, () => {
      this.probe.all()
      this.probeOnAndOn()
    })
  }

  private readSynced(id: IdentityId, key: RegisterKey): ReturnType<SimulatedPeer['disk']['readSynced']> | 'gone' {
    for (const peer of this.peers) if (peer.identity.id === id) return peer.disk.readSynced(key)
    return 'gone'
  }

  private heal(): void {
    this.trace.line(this.agenda.nowMs, () => '-- healed')
    this.isLoaded = false
    this.surroundings.isCalm = true
    this.clients.isStopped = true
    this.faults.heal()
  }

  /** Waits until nothing is left to be done. @throws Violation when that takes too long */
  private settle(): void {
    const { agenda, peers, ledger } = this
    const endMs = agenda.nowMs + SETTLED_WITHIN_MS
    for (let calm = 0; calm < 2;) {
      agenda.runUntil(agenda.nowMs + SETTLE_LOOK_MS)
      const lacking = unsettled(peers, ledger)
      calm = lacking === undefined ? calm + 1 : 0
      if (lacking !== undefined && agenda.nowMs > endMs) throw new Violation(lacking.rule, lacking.detail)
      const isAgreed = peers.every((peer) => peer.core?.config?.epoch === ledger.newest.epoch)
      if (isAgreed && lacking?.rule === 'L4') this.operator.replace(ledger.newest)
    }
  }

  /** N rivals for one key: all are answered, one created it (L2). */
  private rival(): void {
    const { agenda, clients, chance, peers } = this
    const key = dataKey('rivals')
    const outcomes: (Outcome | undefined)[] = []
    const rivals = chance.shuffled(peers).slice(0, 6)
    for (const peer of rivals) clients.put(peer, key, clients.newRecord(), false, RIVAL_DEADLINE_MS, (outcome) => outcomes.push(outcome))
    for (const endMs = agenda.nowMs + RIVAL_DEADLINE_MS; outcomes.length < rivals.length && agenda.nowMs < endMs;)
      agenda.runUntil(agenda.nowMs + 5)
    const kinds = outcomes.map((outcome) => outcome?.kind ?? 'none')
    const created = kinds.filter((kind) => kind === 'created').length
    const isSettled = created === 1 && kinds.filter((kind) => kind === 'conflict').length === rivals.length - 1
    check(isSettled, 'L2', () => `${rivals.length} rivals were answered ${kinds.join(' ')}`)
  }

  /**
   * The loss of one peer, or of one cluster of three, stops no puts (L5). It is the newest config that must bear it; while those who decided
   * it are the only ones who know it, the one before still holds, and that may need all of its clusters.
   */
  private survive(): void {
    const { agenda, chance, peers, ledger, clients } = this
    const cluster = chance.pick(peers).clusterId
    const victims = chance.happens(0.3) ? peers.filter((peer) => peer.clusterId === cluster) : [chance.pick(peers)]
    const left = peers.filter((peer) => !victims.includes(peer))
    const isKnown = left.some((peer) => peer.core?.config?.epoch === ledger.newest.epoch)
    if (!isKnown || !holdsData(ledger.newest, (id) => left.some((peer) => peer.identity.id === id))) return
    this.trace.line(agenda.nowMs, () => `-- ${victims.map((victim) => victim.peerId).join(' ')} left for good`)
    for (const victim of victims) victim.crash()
    const peer = chance.pick(left)
    const outcomes: (Outcome | undefined)[] = []
    clients.put(peer, dataKey('survivor'), clients.newRecord(), false, PUT_WITHIN_MS, (answer) => outcomes.push(answer))
    for (const endMs = agenda.nowMs + PUT_WITHIN_MS; outcomes.length === 0 && agenda.nowMs <= endMs;) agenda.runUntil(agenda.nowMs + 20)
    const [outcome] = outcomes
    const missing = victims.map((victim) => victim.peerId).join(' ')
    check(outcome?.kind === 'created', 'L5', () => `without ${missing} a put at ${peer.peerId} ended ${outcome?.kind ?? 'not at all'}`)
    for (const victim of victims) this.start(victim)
  }

  private forgetPromises(): void {
    const { agenda, peers } = this
    agenda.runUntil(agenda.nowMs + PROMISES_GONE_MS)
    const holder = peers.find((peer) => (peer.core?.load.promises ?? 0) > 0)
    check(holder === undefined, 'L6', () => `${holder?.peerId} still keeps ${holder?.core?.load.promises} promises`)
  }
}
