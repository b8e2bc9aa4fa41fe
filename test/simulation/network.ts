/**
 * The simulated network. Every pair of peers keeps dialling; a connection greets both ways and
 * carries messages in order, unless the seed says otherwise: then messages are lost, doubled,
 * overtaken, and a few outlive the connection they were sent on. Directions can be cut one by one;
 * what is sent into a cut is lost without a word, and only silence tells.
 */
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { ByteReader } from '../../protocols/wire/reader.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import type { Agenda } from './agenda.ts'
import { Chance } from './chance.ts'
import { describeMessage } from './describe.ts'
import type { SimulatedPeer } from './peer.ts'
import type { PeerSurroundings } from './surroundings.ts'

/** Between tries to dial somebody, at most. */
const REDIAL_MS = 300
/** How much later than usual a message that others overtake arrives, at most. */
const OVERTAKEN_MS = 400
/** Of the messages that others overtake, so many outlive their connection. */
const STRAY_RATE = 0.2
/** Without `encodesAll`, one message in so many goes through the codec. */
const ENCODED_ONE_IN = 16
/**
 * What is copied and held up comes so much later: than a change whose new voters are away takes to
 * be withdrawn, and more.
 */
const HELD_LEAST_MS = 3_000
const HELD_MOST_MS = 9_000
/** Above any seed and what is drawn of it elsewhere. */
const COPYING = 2 ** 42
/** A slow link is slower by this factor. */
const SLOW_LINK_FACTOR = 10

interface Side {
  /** Who is at the other end, as it greeted; undefined while this side has no connection. */
  remote: Identity | undefined
  /** This side has lost its connection and does not know it yet. */
  isUnaware: boolean
  /** Cut: nothing sent from this side arrives. */
  isCut: boolean
  /** No earlier than the message before. */
  lastArrivalMs: number
  readonly delayMs: number
}

/** One direction's state; `link(a, b)` is that of a, towards b. */
interface Link {
  readonly sides: readonly [Side, Side]
  /** Counts connections, so that what was sent on an old one is known. */
  connection: number
  isDialling: boolean
}

export class SimulatedNetwork {
  private readonly peers: readonly SimulatedPeer[]
  private readonly byPeerId = new Map<PeerId, SimulatedPeer>()
  private readonly surroundings: PeerSurroundings
  private readonly links = new Map<number, Link>()
  /**
   * Apart from all other chance, so that seeds without these faults mean what they meant before.
   */
  private readonly copying: Chance
  sentCount = 0

  constructor(peers: readonly SimulatedPeer[], surroundings: PeerSurroundings) {
    this.peers = peers
    this.surroundings = surroundings
    this.copying = new Chance(surroundings.options.seed + COPYING)
    for (const peer of peers) this.byPeerId.set(peer.peerId, peer)
    for (const a of peers) for (const b of peers) if (a.index < b.index) this.links.set(this.place(a, b), this.newLink(a, b))
  }

  /** A peer came up: all others dial it, and it dials them. */
  started(peer: SimulatedPeer): void {
    for (const other of this.peers) if (other !== peer) this.dial(peer, other)
  }

  /** A peer is gone: those at the other ends find out, sooner or later. */
  stopped(peer: SimulatedPeer): void {
    for (const other of this.peers) if (other !== peer) this.close(peer, other, 'the other end is gone')
  }

  close(a: SimulatedPeer, b: SimulatedPeer, reason: string): void {
    const link = this.link(a, b)
    link.connection += 1
    for (const [peer, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const side = this.side(peer, other)
      if (side.remote === undefined) continue
      const { remote } = side
      const isAtOnce = peer === a || !this.side(other, peer).isCut
      const noticeMs = isAtOnce ? this.chance.span(0, 5) : this.chance.span(5, 500)
      side.remote = undefined
      side.isUnaware = true
      const { boots } = peer
      this.when(peer, this.agenda.nowMs + noticeMs, () => {
        side.isUnaware = false
        if (peer.boots === boots) peer.dispatch({ kind: 'disconnected', peerId: remote.peerId, reason })
      })
    }
    this.dial(a, b)
  }

  closeByPeerId(a: SimulatedPeer, to: PeerId): void {
    const b = this.byPeerId.get(to)
    if (b !== undefined) this.close(a, b, 'closed')
  }

  cut(from: SimulatedPeer, to: SimulatedPeer): void {
    this.side(from, to).isCut = true
  }

  /** Both directions carry again. */
  mend(a: SimulatedPeer, b: SimulatedPeer): void {
    this.side(a, b).isCut = false
    this.side(b, a).isCut = false
  }

  /**
   * What a rule allows: so long, and where links are far, so many of the longest round trips
   * between two peers.
   */
  allowedMs(leastMs: number, farthestRoundTrips: number): number {
    return Math.max(leastMs, farthestRoundTrips * this.farthestRoundTripMs)
  }

  private get farthestRoundTripMs(): number {
    const roundTrips = [...this.links.values()].map(({ sides: [there, back] }) => there.delayMs + back.delayMs)
    return Math.max(0, ...roundTrips) * (1 + this.options.jitter)
  }

  transmit(from: SimulatedPeer, send: Send): void {
    const to = this.byPeerId.get(send.to)
    const core = from.core
    if (to === undefined || core === undefined) return
    const side = this.side(from, to)
    this.sentCount += 1
    if (side.remote === undefined || this.isLost(send.message)) return
    const message = this.encoded(send.message)
    const { round } = core
    const copies = this.isRough && this.chance.happens(this.options.duplicateRate) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) this.deliverLater(from, to, side, round, message)
  }

  private deliverLater(from: SimulatedPeer, to: SimulatedPeer, side: Side, round: number, message: Message): void {
    const { agenda, chance, options } = this
    const isOvertaken = this.isRough && chance.happens(options.reorderRate)
    const heldMs = this.heldUpMs(message)
    const delayMs = heldMs + side.delayMs * (1 + chance.number() * options.jitter) + (isOvertaken ? chance.span(0, OVERTAKEN_MS) : 0)
    const isAlone = isOvertaken || heldMs > 0
    const atMs = isAlone ? agenda.nowMs + delayMs : Math.max(agenda.nowMs + delayMs, side.lastArrivalMs)
    if (!isAlone) side.lastArrivalMs = atMs
    const { connection } = this.link(from, to)
    const isStray = isOvertaken && chance.happens(STRAY_RATE)
    const sender = from.identity
    this.when(to, atMs, () => {
      if (!isStray && this.link(from, to).connection !== connection) return
      this.deliver(from, to, sender, round, message)
    })
  }

  private deliver(from: SimulatedPeer, to: SimulatedPeer, sender: Identity, round: number, message: Message): void {
    // Whose messages these are was settled by the greeting; before it, nothing is heard.
    if (this.side(from, to).isCut || this.side(to, from).remote?.id !== sender.id) return
    const { trace } = this.surroundings
    trace.mix(this.agenda.nowMs)
    trace.mix(from.index * 64 + to.index)
    trace.mixText(message.kind)
    trace.mix(round)
    if (message.kind !== 'heartbeat') {
      trace.line(this.agenda.nowMs, () => `${from.peerId} > ${to.peerId} ${describeMessage(message)}`)
    }
    to.dispatch({ kind: 'message', from: sender, round, message })
  }

  /** Lets something happen to a peer, later if it is paused then. */
  private when(peer: SimulatedPeer, atMs: number, run: () => void): void {
    this.agenda.at(atMs, () => {
      if (peer.isPaused) this.when(peer, peer.pausedUntilMs, run)
      else run()
    })
  }

  private dial(a: SimulatedPeer, b: SimulatedPeer): void {
    const link = this.link(a, b)
    if (link.isDialling) return
    link.isDialling = true
    const side = this.side(a, b)
    this.agenda.after(2 * side.delayMs + this.chance.span(0, REDIAL_MS), () => {
      link.isDialling = false
      this.connect(a, b)
    })
  }

  private connect(a: SimulatedPeer, b: SimulatedPeer): void {
    const ends = [this.side(a, b), this.side(b, a)] as const
    if (ends.some((end) => end.remote !== undefined) || !a.isUp || !b.isUp) return
    if (ends.some((end) => end.isCut || end.isUnaware) || a.isPaused || b.isPaused) return this.dial(a, b)
    const link = this.link(a, b)
    link.connection += 1
    this.greet(a, b, link)
    this.greet(b, a, link)
  }

  /** The greeting of `from` reaches `to`, which counts as connected from then on. */
  private greet(from: SimulatedPeer, to: SimulatedPeer, link: Link): void {
    const greeting = from.greeting()
    const { connection } = link
    const { boots } = to
    if (greeting === undefined) return
    const remote = this.options.encodesAll
      ? this.surroundings.codec.decodeGreeting(this.surroundings.codec.encodeGreeting(greeting))
      : greeting
    // Until it is told, what arrives on the new connection is not for the core yet.
    this.when(to, this.agenda.nowMs + this.side(from, to).delayMs, () => {
      if (link.connection !== connection || to.boots !== boots || !to.isUp) return
      this.side(to, from).remote = from.identity
      this.surroundings.trace.line(this.agenda.nowMs, () => `${to.peerId} is connected to ${from.peerId} in epoch ${remote.epoch}`)
      to.dispatch({ kind: 'connected', remote })
    })
  }

  private isLost(message: Message): boolean {
    if (!this.isRough) return false
    if (message.kind === 'relayed' && this.chance.happens(this.options.relayDropRate)) return true
    if (this.chance.happens(this.options.lossRate)) return true
    const { learnLossRate, answerLossRate } = this.options
    if (message.kind === 'learn') return this.copying.happens(learnLossRate)
    return isOfCopying(message) && this.copying.happens(answerLossRate)
  }

  private heldUpMs(message: Message): number {
    const { answerHeldRate } = this.options
    if (!this.isRough || answerHeldRate === 0 || !isOfCopying(message)) return 0
    return this.copying.happens(answerHeldRate) ? this.copying.span(HELD_LEAST_MS, HELD_MOST_MS) : 0
  }

  private encoded(message: Message): Message {
    const { codec } = this.surroundings
    if (!this.options.encodesAll && this.sentCount % ENCODED_ONE_IN !== 0) return message
    const reader = new ByteReader(codec.encodeMessage(message), codec.utf8)
    const decoded = codec.readMessage(reader)
    reader.end()
    return decoded
  }

  private newLink(a: SimulatedPeer, b: SimulatedPeer): Link {
    const newSide = (): Side => {
      const usualMs = a.clusterId === b.clusterId ? this.options.nearMs : this.options.farMs
      const delayMs = usualMs * this.chance.span(0.5, 1.5) * (this.chance.happens(this.options.slowLinkRate) ? SLOW_LINK_FACTOR : 1)
      return { remote: undefined, isUnaware: false, isCut: false, lastArrivalMs: 0, delayMs: Math.min(delayMs, this.options.slowestMs) }
    }
    return { sides: [newSide(), newSide()], connection: 0, isDialling: false }
  }

  private side(from: SimulatedPeer, to: SimulatedPeer): Side {
    return this.link(from, to).sides[from.index < to.index ? 0 : 1]
  }

  private link(a: SimulatedPeer, b: SimulatedPeer): Link {
    return this.links.get(this.place(a, b)) as Link
  }

  private place(a: SimulatedPeer, b: SimulatedPeer): number {
    return a.index < b.index ? a.index * this.peers.length + b.index : b.index * this.peers.length + a.index
  }

  private get isRough(): boolean {
    return !this.surroundings.isCalm
  }

  private get agenda(): Agenda {
    return this.surroundings.agenda
  }

  private get chance(): Chance {
    return this.surroundings.chance
  }

  private get options(): PeerSurroundings['options'] {
    return this.surroundings.options
  }
}

/** An answer to a pull, or to whoever drives a change. */
function isOfCopying({ kind }: Message): boolean {
  return kind === 'covered' || kind === 'rows-told' || kind === 'doubts' || kind === 'hashes' || kind === 'leaves' || kind === 'records'
}
