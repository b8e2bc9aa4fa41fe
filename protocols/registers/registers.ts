/**
 * Registers: versioned keys on the voters of the network, as a type of data of a peer. Its rules:
 * README.md in this folder.
 */
import { Doubts } from '../agreement/doubts.ts'
import { Latencies } from '../agreement/latency.ts'
import { Polls } from '../agreement/polls.ts'
import { Representative } from '../agreement/representative.ts'
import type { Relays } from '../agreement/representative.ts'
import { RoundTrips } from '../agreement/round-trips.ts'
import type { Rounds } from '../agreement/rounds.ts'
import { compareBallots } from '../base/ballot.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { Sha256, Utf8 } from '../base/bytes.ts'
import type { Config } from '../base/config.ts'
import type { Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { Neighbours } from '../base/reach.ts'
import type { RegisterKey } from '../base/register.ts'
import type { After } from '../base/slot.ts'
import type { ClientId } from '../events.ts'
import { Answering } from './answering.ts'
import { Bars } from './bars.ts'
import { Cells, slotOfRegister } from './cells.ts'
import type { CellStore, Swept } from './cells.ts'
import { Changes } from './changes.ts'
import { Coordinator } from './coordinator.ts'
import { Expiry } from './expiry.ts'
import { Finisher } from './finisher.ts'
import { ForwardedWrites } from './forwarded.ts'
import { Forwards } from './forwards.ts'
import { live } from './judge.ts'
import { listed } from './lists.ts'
import { Marks } from './marks.ts'
import { RegisterCodec } from './messages.ts'
import type { RegisterMessage } from './messages.ts'
import type { Cast, Question } from './questions.ts'
import { Reads } from './reads.ts'
import { equalRegisterRecords, isStub, stub } from './record.ts'
import type { Entry, RegisterRecord } from './record.ts'
import { Remembered } from './remembered.ts'
import type { RegisterAnswer, RegisterRequest, WatchAnswer } from './requests.ts'
import { Spread } from './spread.ts'
import { Sweep } from './sweep.ts'
import { Voter } from './voter.ts'
import type { Learned } from './voter.ts'
import { Watches } from './watches.ts'
import { Writes } from './writes.ts'

/** What registers need of the peer that they live in. */
export interface RegistersContext {
  readonly self: Identity
  readonly moment: Moment
  readonly chain: InForce
  readonly neighbours: Neighbours & Relays
  readonly rounds: Rounds
  readonly floor: Ceiling
  readonly store: CellStore
  readonly utf8: Utf8
  readonly sha256: Sha256
  readonly random: () => number
  readonly nextId: NextId
  /** What this peer lacks to be ready for writes; undefined when it was ready once. */
  readonly missing: () => string | undefined
  /** This peer speaks no protocol that the config lets vote. */
  readonly isTooOld: () => boolean
  /** The configs from an epoch on. */
  readonly configsSince: (epoch: number) => readonly Config[]
  /** A peer is in a later epoch, and sent the configs that are lacking here, if any. */
  readonly onLaterEpoch: (peerId: PeerId, configs: readonly Config[]) => void
  readonly send: (to: PeerId, body: Uint8Array, after: After) => void
  /**
   * @param shown the register of which what is held here is shown: that must be on disk before the
   * client is told
   */
  readonly answer: (client: ClientId, answer: RegisterAnswer, shown?: RegisterKey) => void
  /** Tells a client that watches, once all that was written before is on disk. */
  readonly tell: (client: ClientId, answer: WatchAnswer) => void
  /** Between two sweeps. */
  readonly sweepEveryMs: number
  /** Pulls all that a connected peer holds. */
  readonly pull: (source: Identity, ended: (isDone: boolean) => void) => void
  /** Two records were told as chosen for one place. */
  readonly alarm: (key: RegisterKey, held: Entry, told: Entry) => void
}

/** Of several votes in one message. */
const RELAYED_BYTES_MAX = 4_194_304
/** Hexadecimal digits of the writeId of a write that nobody made. */
const FRESH_DIGITS = 32
/** Of what tells cursors of this run of the process from others. */
const RUN_DIGITS = 16

export class RegistersCore {
  readonly cells: Cells
  readonly voter: Voter
  readonly coordinator: Coordinator
  readonly doubts: Doubts
  readonly reads: Reads
  readonly writes: Writes
  readonly remembered: Remembered = new Remembered()
  readonly changes: Changes = new Changes()
  readonly expiry: Expiry
  readonly watches: Watches
  readonly sweep: Sweep
  readonly forwards: Forwards
  private readonly forwarded: ForwardedWrites
  private readonly answering: Answering
  private readonly bars: Bars
  private readonly context: RegistersContext
  private readonly codec: RegisterCodec
  private readonly polls: Polls<Question, Cast>
  private readonly representative: Representative<Question, Cast>
  private readonly spread: Spread
  readonly finisher: Finisher

  constructor(context: RegistersContext) {
    const { self, moment, chain, neighbours, rounds, floor, store, utf8, sha256, random, nextId, answer } = context
    this.context = context
    this.codec = new RegisterCodec(utf8)
    this.cells = new Cells(store, utf8)
    this.voter = new Voter(this.cells, rounds, floor)
    const latencies = new Latencies()
    const roundTrips = new RoundTrips(self, neighbours, latencies, () => chain.current?.quorum)
    const line = { send: (to: PeerId, message: RegisterMessage): void => this.send(to, message, 'nothing') }
    const { remembered } = this
    this.doubts = new Doubts(moment, random, roundTrips)
    this.polls = new Polls<Question, Cast>(self, moment, line, nextId, neighbours, latencies, roundTrips)
    this.representative = new Representative<Question, Cast>(self, moment, line, nextId, neighbours, roundTrips)
    const { polls, doubts } = this
    const freshWriteId = (): string => drawHex(random, FRESH_DIGITS)
    const forwards = new Forwards({
      self: self.id,
      moment,
      nextId,
      isConnectedAs: (identity) => neighbours.isConnectedAs(identity),
      send: (to, id, key, ballot, write) => this.send(to.peerId, { kind: 'forward', id, key, ballot, write }, 'nothing'),
    })
    this.forwards = forwards
    const current = (key: RegisterKey): number => this.cells.read(key).held?.record.version ?? this.cells.swept?.number ?? 0
    const run = {
      current,
      forwards,
      moment,
      rounds,
      chain,
      polls,
      latencies,
      roundTrips,
      rivals: doubts,
      random,
      remembered,
      isOvertaken: (key: RegisterKey, ballot: Ballot): boolean => this.voter.refuses(key, ballot),
      freshWriteId,
      chose: this.chose,
    }
    this.coordinator = new Coordinator(run)
    const { coordinator } = this
    this.forwarded = new ForwardedWrites({
      self,
      moment,
      coordinator,
      reply: (to, id, key, result) => this.send(to.peerId, { kind: 'forwarded', id, key, result }, 'nothing'),
    })
    const held = (key: RegisterKey): RegisterRecord | undefined => this.held(key)?.record
    this.reads = new Reads({
      moment,
      chain,
      polls,
      roundTrips,
      coordinator,
      held,
      isDiverged: (key) => this.isDiverged(key),
      chose: this.chose,
      answer,
    })
    const heldVersion = (key: RegisterKey): number => held(key)?.version ?? 0
    const marks = new Marks(sha256, utf8)
    this.writes = new Writes({ coordinator, marks, heldVersion, answer })
    this.expiry = new Expiry({ self: self.id, moment, roundTrips, coordinator, marks, held: (key) => this.held(key) })
    this.watches = new Watches({
      changes: this.changes,
      run: drawHex(random, RUN_DIGITS),
      held: (key) => this.held(key),
      live: (prefix, after) => this.live(prefix, after),
      tell: context.tell,
      end: (client, last) => answer(client, last),
    })
    this.finisher = new Finisher({ moment, doubts, roundTrips, coordinator, cells: this.cells })
    const { voter, finisher, cells } = this
    const { isTooOld, configsSince, onLaterEpoch } = context
    const reply = (to: Identity, id: number, vote: Cast, { key }: Question): void =>
      this.send(to.peerId, { kind: 'reply', id, vote }, slotOfRegister(key))
    this.answering = new Answering({ self, moment, chain, neighbours, isTooOld, configsSince, onLaterEpoch, cells, voter, doubts, reply })
    const mayVote = (): boolean => this.answering.mayVote()
    this.bars = new Bars({
      chain,
      rounds,
      voter,
      cells,
      doubts,
      finisher,
      mayVote,
      reply: (to, ballot) => this.send(to, { kind: 'barred', ballot }, 'everything'),
    })
    this.sweep = new Sweep({
      self,
      moment,
      chain,
      rounds,
      cells,
      everyMs: context.sweepEveryMs,
      isConnected: (peerId) => neighbours.isConnected(peerId),
      mayVote,
      ask: (to, ballot) => this.send(to, { kind: 'bar', ballot }, 'nothing'),
      pull: context.pull,
      tell: (ballot) => this.tellSomebody(ballot),
    })
    this.spread = new Spread({
      self,
      chain,
      neighbours,
      send: (to, message) => this.send(to, message, 'nothing'),
      held: (key) => this.held(key),
      recall: (key, ballot) => this.representative.recall(key, ballot),
      learn: (key, ballot, version, record) => this.learn(key, ballot, version, record),
    })
    for (const key of this.cells.inDoubt()) this.doubts.accepted(key)
    for (const key of this.cells.passing()) {
      const { held: passing } = this.cells.read(key)
      if (passing !== undefined) this.expiry.onHeld(key, passing)
    }
  }

  get isBusy(): boolean {
    const { polls, coordinator, reads, representative, watches } = this
    return polls.size > 0 || coordinator.size > 0 || reads.size > 0 || representative.isBusy || watches.isBusy
  }

  asked(client: ClientId, request: RegisterRequest, deadlineMs: number): void {
    switch (request.kind) {
      case 'read':
        return this.reads.begin(client, request, deadlineMs)
      case 'list':
        return this.context.answer(client, listed(this.live(request.prefix, request.after), request.limit))
      case 'watch':
        return this.watches.begin(client, request)
      case 'watched':
        return this.watches.taken(client, request.bytes)
      case 'write': {
        const detail = this.context.missing()
        if (detail !== undefined) return this.context.answer(client, { kind: 'not-ready', detail })
        return this.writes.begin(client, request, deadlineMs)
      }
    }
  }

  cancel(client: ClientId): void {
    this.watches.cancel(client)
    this.writes.cancel(client)
    this.reads.cancel(client)
  }

  /** @throws MalformedBytes */
  told(from: Identity, body: Uint8Array): void {
    const message = this.codec.decode(body)
    switch (message.kind) {
      case 'request':
        return this.answering.requested(from, message.id, message.target, message.body)
      case 'reply':
        return message.vote.sender.id === from.id ? this.voted(from, message.id, message.vote) : undefined
      case 'relay':
        return this.representative.asked(from, message.id, message.targets, message.body)
      case 'relayed':
        for (const vote of message.votes) this.voted(from, message.id, vote)
        return
      case 'forward':
        return this.context.neighbours.isPutBack(from.id)
          ? undefined
          : this.forwarded.asked(from, message.id, message.key, message.ballot, message.write)
      case 'forwarded':
        return this.forwards.onAnswer(from, message.id, message.key, message.result)
      case 'learn':
        return this.spread.onLearn(from.peerId, message)
      case 'want':
        return this.spread.wanted(from.peerId, message.key)
      case 'bar':
        return this.bars.asked(from.peerId, message.ballot)
      case 'barred':
        return this.sweep.onBarred(from, message.ballot)
      case 'swept':
        return this.sweep.onSwept(from, message.ballot)
    }
  }

  tick(): void {
    this.polls.tick()
    this.coordinator.tick()
    this.reads.tick()
    this.representative.tick()
    this.watches.tick()
  }

  upkeep(): void {
    this.voter.fold(this.context.moment.nowMs)
    this.finisher.upkeep()
    this.expiry.upkeep()
    this.bars.upkeep()
    this.sweep.upkeep()
  }

  restUntilMs(): number {
    return this.isBusy || this.doubts.size > 0 || this.bars.isBusy || this.sweep.isBusy
      ? this.context.moment.nowMs
      : Number.POSITIVE_INFINITY
  }

  configInstalled(): void {
    this.answering.configInstalled()
    this.bars.configInstalled()
    this.sweep.configInstalled()
    this.coordinator.configInstalled()
    this.reads.configInstalled()
  }

  lost(): void {
    this.polls.hurry()
  }

  /** What is known to be chosen here, and may be told. */
  held(key: RegisterKey): Entry | undefined {
    const { held, diverged } = this.cells.read(key)
    return diverged === undefined ? held : undefined
  }

  isDiverged(key: RegisterKey): boolean {
    return this.cells.read(key).diverged !== undefined
  }

  /** Something is told to be chosen. */
  learn(key: RegisterKey, ballot: Ballot, version: number, record: RegisterRecord | undefined): Learned {
    const before = this.cells.read(key).held
    const learned = this.voter.learn(key, ballot, version, record)
    const { held, accepted, diverged } = this.cells.read(key)
    if (learned === 'diverged' && held !== undefined && diverged !== undefined) this.context.alarm(key, held, diverged)
    if (learned !== 'learned' || held === undefined) return learned
    if (accepted === undefined) this.doubts.settled(key)
    this.onHeld(key, before, held)
    return learned
  }

  /**
   * All that a store holds which has swept so far is held here as well: what it lacks of that is
   * gone. Its number stays, its content goes.
   *
   * @param lacking what is held here and not there
   */
  forgetAt(swept: Swept, lacking: readonly RegisterKey[]): void {
    if (!this.sweep.isClear(swept.ballot)) return
    // What is gone is gone on disk before the store says that it has forgotten so far.
    for (const key of lacking) {
      const { held } = this.cells.read(key)
      if (held === undefined || compareBallots(held.ballot, swept.ballot) > 0 || this.isDiverged(key)) continue
      const gone = { ballot: swept.ballot, record: stub(Math.max(held.record.version, swept.number)) }
      this.voter.forget(key, gone)
      if (this.cells.read(key).accepted === undefined) this.doubts.settled(key)
      this.onHeld(key, held, gone)
    }
    this.sweep.takeOver(swept)
  }

  /** What is held has changed, or its ballot alone. */
  private onHeld(key: RegisterKey, before: Entry | undefined, held: Entry): void {
    const { record } = held
    if (before !== undefined && equalRegisterRecords(before.record, record)) return
    this.expiry.onHeld(key, held)
    this.changes.held(key, before?.record, record)
    this.reads.learned(key)
  }

  /** Live registers that are held here, by keys that begin with a prefix, behind a key. */
  private *live(prefix: string, after: string): Iterable<readonly [RegisterKey, Entry]> {
    for (const [key, entry] of this.cells.held(prefix, after)) {
      if (live(entry.record) !== undefined && !this.isDiverged(key)) yield [key, entry]
    }
  }

  private readonly chose = (key: RegisterKey, entry: Entry, isAtQuorum: boolean): void => {
    if (isStub(entry.record)) return
    this.learn(key, entry.ballot, entry.record.version, entry.record)
    if (isAtQuorum) this.spread.tellAll(key, entry)
  }

  private tellSomebody(ballot: Ballot): void {
    const { neighbours, random } = this.context
    const connected = [...neighbours.clusterIds()].flatMap((cluster) => [...neighbours.connectedOf(cluster)])
    const other = connected[Math.floor(random() * connected.length)]
    if (other !== undefined) this.send(other, { kind: 'swept', ballot }, 'nothing')
  }

  private voted(from: Identity, id: number, vote: Cast): void {
    const { neighbours, onLaterEpoch, rounds } = this.context
    if (neighbours.isPutBack(vote.sender.id)) return
    if (vote.body.kind === 'stale') onLaterEpoch(from.peerId, vote.body.configs)
    if (vote.body.kind === 'rejected') rounds.observe(vote.body.higher.round)
    if (!this.representative.vote(id, vote)) this.polls.vote(id, vote)
  }

  private send(to: PeerId, message: RegisterMessage, after: After): void {
    const body = this.codec.encode(message)
    if (message.kind !== 'relayed' || message.votes.length === 1 || body.length <= RELAYED_BYTES_MAX)
      return this.context.send(to, body, after)
    // Each vote by itself says the same.
    for (const vote of message.votes) this.send(to, { ...message, votes: [vote] }, after)
  }
}

function drawHex(random: () => number, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
}
