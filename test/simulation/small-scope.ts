/**
 * The small scope: three voters, two of them coordinators, one key, and short schedules drawn step
 * by step: which message arrives next, which is lost or doubled, who crashes, when time passes.
 * What big random runs seldom meet, such as a promise forgotten over a restart at the very moment
 * it matters, is met here all the time.
 */
import type { ClusterId, Identity, NetworkId } from '../../protocols/base/identity.ts'
import { dataKey, isConfigKey } from '../../protocols/base/register.ts'
import type { Config } from '../../protocols/base/config.ts'
import { protocolOf } from '../../protocols/types.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { utf8 } from '../../src/bytes.ts'
import { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { Ledger } from './checkers/ledger.ts'
import { Violation, check } from './checkers/violation.ts'
import { Votes } from './checkers/votes.ts'
import { describeMessage } from './describe.ts'
import type { Observer } from './observer.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './surroundings.ts'
import { Trace } from './trace.ts'
import { Clients } from './types/keys/clients.ts'
import { History } from './types/keys/history.ts'
import { KeyLedger } from './types/keys/ledger.ts'
import { checkAnswer, checkHistory } from './types/keys/outcomes.ts'
import { QuorumProbe } from './types/keys/probe.ts'

const VOTERS = 3
const KEY = dataKey('k')
/** Steps of a schedule; the end is then played without faults. */
const STEPS = 60
const FINAL_STEPS = 400
const DEADLINE_MS = 3_000
/**
 * How far time moves at a time: within a message's way, a sync, a repetition, a backoff; and past
 * the keeping of promises.
 */
const LEAPS_MS = [0.5, 3, 30, 300, 2_500]
const FOLDING_LEAP_MS = 61_000
/** Time is no finer than this: what matters here is order. */
const TICK_LATE_MS = 60
/**
 * In so many schedules the first peer's put waits for promises that are held back, while the second
 * peer's put is stored and a get joins the one that waits.
 */
const HOLDING_RATE = 0.3
/** What is held back comes with this chance at each step after that. */
const LET_GO_RATE = 0.05
/** In so many steps at most, in which nothing else goes wrong. */
const HOLDING_STEPS = 120
const HOLDING_LEAPS_MS = [0.5, 3, 30]
/** Above any seed, and no seed itself. */
const HOLDING = 2 ** 40
/** What the schedule is about; the rest of what peers say is left out. */
const ABOUT: ReadonlySet<Message['kind']> = new Set(['request', 'reply', 'learn', 'want'] as const)

interface Pending {
  readonly from: SimulatedPeer
  readonly sender: Identity
  readonly to: SimulatedPeer
  readonly round: number
  readonly message: Message
}

export interface Schedule {
  readonly violation: Violation | undefined
  readonly hash: string
  readonly lines: readonly string[]
}

/** Plays one schedule. */
export function playSchedule(seed: number, keepsLines: boolean): Schedule {
  const scope = new SmallScope(seed, keepsLines)
  let violation: Violation | undefined
  try {
    scope.play()
  } catch (error) {
    violation =
      error instanceof Violation ? error : new Violation('broken', error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return { violation, hash: scope.trace.hash, lines: scope.trace.lines }
}

class SmallScope {
  readonly trace: Trace
  private readonly chance: Chance
  private readonly agenda: Agenda = new Agenda()
  private readonly history: History = new History()
  private readonly votes: Votes = new Votes()
  private readonly peers: readonly SimulatedPeer[]
  private readonly configs: Ledger
  private readonly ledger: KeyLedger
  private readonly probe: QuorumProbe
  private readonly clients: Clients
  private pending: Pending[] = []
  /** Apart from all other chance, so that schedules without it mean what they meant before. */
  private readonly holding: Chance
  private isHolding: boolean
  private held: Pending[] = []
  private isStored = false
  private hasJoined = false

  constructor(seed: number, keepsLines: boolean) {
    const { agenda, history } = this
    const chance = new Chance(seed)
    const codec = new Codec(utf8)
    const trace = new Trace(keepsLines)
    this.chance = chance
    this.holding = new Chance(seed + HOLDING)
    this.isHolding = this.holding.happens(HOLDING_RATE)
    this.trace = trace
    const options: Options = {
      ...drawOptions(seed, chance),
      failedSyncRate: 0,
      tickLateMs: TICK_LATE_MS,
      syncMs: 1,
      slowSyncRate: 0.1,
      slowOpeningRate: 0,
      deadlineMs: DEADLINE_MS,
    }
    const transmit: PeerSurroundings['transmit'] = (from, { to, message }) => {
      const target = this.peers.find((peer) => peer.peerId === to)
      if (target === undefined || !ABOUT.has(message.kind)) return
      const isHeld = this.isHolding && this.isHeldBack(from, target, message)
      const place = isHeld ? this.held : this.pending
      place.push({ from, sender: from.identity, to: target, round: from.core?.round ?? 0, message })
    }
    const surroundings = {
      agenda,
      chance,
      trace,
      options,
      codec,
      observer: this.observer(),
      transmit,
      disconnect: (): void => undefined,
      isCalm: false,
    }
    this.peers = Array.from({ length: VOTERS }, (_, index) => new SimulatedPeer(index, 'c' as ClusterId, 1, surroundings))
    const clusters = new Map([['c' as ClusterId, this.peers.map((peer) => peer.identity)]])
    const config: Config = { networkId: chance.hex(32) as NetworkId, epoch: 0, clusters, forming: false, protocolMin: protocolOf([]) }
    for (const peer of this.peers) peer.found([config])
    this.configs = new Ledger(codec, [config], () => undefined)
    this.ledger = new KeyLedger(this.configs, (key, { record }) => this.probe.one(key, record))
    this.probe = new QuorumProbe(this.ledger, (id, key) => this.peers.find((peer) => peer.identity.id === id)?.disk.readSynced(key))
    let lastClient = 0
    this.clients = new Clients({ agenda, chance, options, history, peers: this.peers, nextClient: () => (lastClient += 1) })
  }

  /** @throws Violation */
  play(): void {
    for (const peer of this.peers) this.start(peer)
    for (const peer of this.peers.slice(0, 2)) this.put(peer)
    for (let step = 0; step < HOLDING_STEPS && this.isHolding; step += 1) this.hold()
    this.letGo()
    for (let step = 0; step < STEPS; step += 1) this.stepOnce()
    for (const peer of this.peers) this.start(peer)
    for (let step = 0; step < FINAL_STEPS && (this.pending.length > 0 || this.clients.waitingCount > 0); step += 1) {
      if (this.pending.length > 0) this.deliver(0)
      else this.agenda.runUntil(this.agenda.nowMs + 10)
    }
    this.probe.all()
    checkHistory(this.history, this.ledger)
  }

  private stepOnce(): void {
    const { chance, pending } = this
    const draw = chance.number()
    if (draw < 0.6 && pending.length > 0) return this.deliver(chance.below(pending.length))
    if (draw < 0.65 && pending.length > 0) return void pending.splice(chance.below(pending.length), 1)
    if (draw < 0.69 && pending.length > 0) return void pending.push(chance.pick(pending))
    if (draw < 0.74) return this.crash(chance.pick(this.peers))
    if (draw < 0.78) return this.put(chance.pick(this.peers))
    if (draw < 0.82) return this.get(chance.pick(this.peers))
    if (draw < 0.825) return chance.pick(this.peers).jump(FOLDING_LEAP_MS)
    this.agenda.runUntil(this.agenda.nowMs + chance.pick(LEAPS_MS))
  }

  /**
   * Once the rival's put is stored a get joins the put whose promises are held back; some time
   * after that they come.
   */
  private hold(): void {
    const { holding, pending, peers, agenda } = this
    const [first] = peers
    if (first !== undefined && this.isStored && !this.hasJoined) {
      this.hasJoined = true
      this.get(first)
    }
    if (this.hasJoined && holding.happens(LET_GO_RATE)) this.letGo()
    if (pending.length > 0 && holding.happens(0.8)) this.deliver(holding.below(pending.length))
    else agenda.runUntil(agenda.nowMs + holding.pick(HOLDING_LEAPS_MS))
  }

  /**
   * The first peer hears no answer to its reserve and nothing of its rival; nor does the third hear
   * that the rival's record is chosen.
   */
  private isHeldBack(from: SimulatedPeer, to: SimulatedPeer, message: Message): boolean {
    if (from.index === 1) return to.index === 0 || message.kind === 'learn'
    return to.index === 0 && answersReserve(message)
  }

  /** What the first peer waits for comes before what its rival said. */
  private letGo(): void {
    const { held } = this
    this.isHolding = false
    this.held = []
    for (const message of held) if (message.from.index === 2) this.deliver(this.pending.push(message) - 1)
    this.pending.push(...held.filter((message) => message.from.index !== 2))
  }

  private deliver(place: number): void {
    const [message] = this.pending.splice(place, 1)
    if (message === undefined || !message.to.isUp) return
    this.trace.mix(this.agenda.nowMs)
    this.trace.mixText(message.message.kind)
    this.trace.line(this.agenda.nowMs, () => `${message.from.peerId} > ${message.to.peerId} ${describeMessage(message.message)}`)
    message.to.dispatch({ kind: 'message', from: message.sender, round: message.round, message: message.message })
  }

  private crash(peer: SimulatedPeer): void {
    if (!peer.isUp) return
    this.trace.line(this.agenda.nowMs, () => `${peer.peerId} crashes`)
    peer.crash()
    this.probe.all()
    if (this.chance.happens(0.5)) this.start(peer)
    else this.agenda.after(this.chance.span(0, 50), () => this.start(peer))
  }

  private start(peer: SimulatedPeer): void {
    if (peer.isUp) return
    peer.start()
    for (const other of this.peers) if (other !== peer) this.introduce(peer, other)
    // Readiness is about comfort; here nobody waits for heartbeats.
    if (peer.core !== undefined) peer.core['parts'].readiness['wasReady'] = true
  }

  private introduce(a: SimulatedPeer, b: SimulatedPeer): void {
    const greetings = [a.greeting(), b.greeting()] as const
    if (greetings[0] !== undefined) b.dispatch({ kind: 'connected', remote: greetings[0] })
    if (greetings[1] !== undefined) a.dispatch({ kind: 'connected', remote: greetings[1] })
  }

  private put(peer: SimulatedPeer): void {
    if (!peer.isUp) return
    this.clients.put(peer, KEY, this.clients.newRecord(), false, DEADLINE_MS, () => undefined)
  }

  private get(peer: SimulatedPeer): void {
    if (peer.isUp) this.clients.get(peer, KEY, 'linearizable', 0, DEADLINE_MS, () => undefined)
  }

  private observer(): Observer {
    return {
      persisting: (peer, write) => {
        this.votes.persisting(peer, write)
        const isNews = write.kind === 'chosen' && !isConfigKey(write.key)
        check(
          !isNews || this.ledger.chosen(write.key) !== undefined,
          'S10',
          () => `${peer.peerId} takes for chosen what no quorum has accepted`,
        )
      },
      hardened: (_peer, identity, write) => {
        if (this.ledger === undefined) return
        this.configs.hardened(identity, write)
        this.ledger.hardened(identity, write)
      },
      sending: (peer, send) => this.votes.answering(peer, send),
      left: (peer, send) => this.votes.left(peer, send),
      answered: (_peer, client, outcome) => {
        const operation = this.clients.operationOf(client)
        this.trace.mixText(outcome.kind)
        if (outcome.kind === 'created') this.isStored = true
        if (operation === undefined) return
        checkAnswer(this.ledger, operation.key, outcome)
        this.clients.answered(client, outcome)
      },
      noted: (peer, note) => check(note.kind !== 'divergence', 'S15', () => `${peer.peerId} was told two records`),
      threw: (peer, error) => {
        if (error instanceof Violation) throw error
        throw new Violation('threw', `${peer.peerId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      },
      crashed: (peer) => this.clients.crashed(peer),
    }
  }
}

function answersReserve(message: Message): boolean {
  return message.kind === 'reply' && (message.vote.body.kind === 'promised' || message.vote.body.kind === 'rejected')
}
