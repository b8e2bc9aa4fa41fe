/**
 * Agreement on registers, whatever they hold: this peer as a voter and as a coordinator. What it
 * finds to be chosen waits in a queue until the answer that showed it was counted, and comes home
 * from there.
 */
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { Config } from '../base/config.ts'
import type { Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment, NextId } from '../base/moment.ts'
import { droppedWrite } from '../base/persist.ts'
import type { ValueRecord } from '../base/record.ts'
import { slotOf } from '../base/register.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import type { Roster } from '../membership/roster.ts'
import type { Outbox } from '../outbox.ts'
import type { Handlers, Service } from '../service.ts'
import type { AcceptorReply, AcceptorRequest, Vote } from '../wire/agreement-messages.ts'
import { Acceptor } from './acceptor.ts'
import { Coordinator } from './coordinator.ts'
import { Doubts } from './doubts.ts'
import { Finisher } from './finisher.ts'
import { Latencies } from './latency.ts'
import { Offering } from './offering.ts'
import { Polls } from './polls.ts'
import { Representative } from './representative.ts'
import { RoundTrips } from './round-trips.ts'
import { ROUND_MAX, Rounds } from './rounds.ts'
import type { SpaceOf } from './space.ts'

export interface AgreementContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly registers: Registers
  readonly nextId: NextId
  readonly random: () => number
  readonly chain: InForce
  readonly roster: Roster
  readonly ceiling: Ceiling
  readonly floor: Ceiling
  /** Registers that are accepted and not chosen in the store. */
  readonly inDoubt: Iterable<RegisterKey>
  readonly spaceOf: SpaceOf
  /** This peer speaks no protocol that the config lets vote. */
  readonly isTooOld: () => boolean
  /** The configs from an epoch on. */
  readonly configsSince: (epoch: number) => readonly Config[]
  /** A peer is in a later epoch, and sent the configs that are lacking here, if any. */
  readonly onLaterEpoch: (peerId: PeerId, configs: readonly Config[]) => void
  /** Puts of this peer may begin with an offer. */
  readonly areOffersMade: boolean
  /** A quorum is known to hold a record at a ballot: everyone may be told. */
  readonly onHeldByQuorum: (key: RegisterKey, record: ValueRecord, ballot: Ballot) => void
}

/**
 * A record that an answer showed to be chosen: with its ballot when a quorum is known to hold it at
 * that ballot.
 */
interface Found {
  readonly key: RegisterKey
  readonly record: ValueRecord
  readonly ballot: Ballot | undefined
}

export class Agreement implements Service {
  readonly handles: Handlers<'request' | 'reply' | 'relay' | 'relayed'>
  readonly rounds: Rounds
  readonly acceptor: Acceptor
  readonly roundTrips: RoundTrips
  private readonly latencies: Latencies = new Latencies()
  readonly polls: Polls
  readonly representative: Representative
  readonly coordinator: Coordinator
  readonly doubts: Doubts
  readonly finisher: Finisher
  private readonly context: AgreementContext
  private readonly found: Found[] = []

  constructor(context: AgreementContext) {
    const { self, moment, outbox, registers, nextId, random, chain, roster, ceiling, floor, spaceOf } = context
    this.context = context
    this.rounds = new Rounds(self, outbox, ceiling, floor)
    this.acceptor = new Acceptor(registers, this.rounds, outbox, floor, (key) => spaceOf(key).settlement)
    const { rounds, latencies } = this
    const roundTrips = new RoundTrips(self, roster, latencies, (key) =>
      chain.current === undefined ? undefined : spaceOf(key).quorum(chain.current),
    )
    this.roundTrips = roundTrips
    this.doubts = new Doubts(moment, random, roundTrips)
    for (const key of context.inDoubt) this.doubts.accepted(key)
    this.polls = new Polls(self, moment, outbox, nextId, roster, latencies, roundTrips)
    this.representative = new Representative(self, moment, outbox, nextId, roster, roundTrips)
    const offering = new Offering({
      self,
      moment,
      chain,
      roundTrips,
      isHeard: (voter) => voter.id === self.id || roster.isHeard(voter),
      isOn: context.areOffersMade,
    })
    this.coordinator = new Coordinator(registers, {
      offering,
      isUntouched: (key) => registers.read(key) === undefined && !this.acceptor.hasPromised(key),
      moment,
      rounds,
      chain,
      polls: this.polls,
      latencies,
      roundTrips,
      rivals: this.doubts,
      random,
      spaceOf,
      chose: this.chose,
    })
    this.finisher = new Finisher(moment, outbox, this.doubts, this.coordinator, roundTrips)
    this.handles = {
      request: (from, { id, target, body }) => this.requested(from, id, target, body),
      reply: (from, { id, vote }) => (vote.sender.id === from.id ? this.voted(from, id, vote) : undefined),
      relay: (from, { id, targets, body, gatherMs }) => this.representative.asked(from, id, targets, body, gatherMs),
      relayed: (from, { id, votes }) => {
        for (const vote of votes) this.voted(from, id, vote)
      },
    }
  }

  get isBusy(): boolean {
    return this.polls.size > 0 || this.coordinator.size > 0
  }

  tick(): void {
    this.polls.tick()
    this.coordinator.tick()
  }

  upkeep(): void {
    this.dropIfVoteless()
    this.acceptor.fold(this.context.moment.nowMs)
  }

  configInstalled(): void {
    this.coordinator.configInstalled()
  }

  lost(): void {
    this.polls.hurry()
  }

  /** A register was found to be chosen, by an answer that is still being counted. */
  readonly chose = (key: RegisterKey, record: ValueRecord, ballot: Ballot | undefined): void => {
    this.found.push({ key, record, ballot })
  }

  /** The register is learned: whoever works on it, or remembers a promise of it, is done. */
  settled(key: RegisterKey, record: ValueRecord): void {
    this.acceptor.learned(key)
    this.doubts.settled(key)
    this.coordinator.learned(key, record)
  }

  /** The epoch fence and the voter check; what passes is the acceptor's. */
  private requested(from: Identity, id: number, target: Identity, body: AcceptorRequest): void {
    const { self, chain, roster, moment, spaceOf } = this.context
    const installed = chain.current
    const space = spaceOf(body.key)
    if (target.id !== self.id || installed === undefined || space.isUnserved(body.key)) return
    if (body.kind !== 'read' && body.ballot.round > ROUND_MAX) return
    // A store put back has forgotten what it voted for; with its own vote beside this one it could
    // choose against a quorum.
    if (roster.isPutBack(from.id) || (body.kind !== 'read' && roster.isPutBack(body.ballot.by.id))) return
    const epoch = body.kind === 'read' ? body.epoch : body.ballot.epoch
    if (epoch > chain.epoch) return this.context.onLaterEpoch(from.peerId, [])
    if (epoch < chain.epoch) return this.reply(from, id, { kind: 'stale', configs: this.context.configsSince(epoch + 1) }, body.key)
    // A voter that was set back to an older release does not know what it would be voting on.
    if (!space.quorum(installed).has(self.id) || !space.isOpen(body.key, installed) || this.context.isTooOld()) return
    const reply = this.acceptor.answer(body, moment.nowMs)
    if (reply.kind === 'committed' || reply.kind === 'taken') this.doubts.accepted(body.key)
    if (body.kind !== 'read' && reply.kind !== 'rejected' && body.ballot.by.id !== self.id) this.doubts.onRival(body.key)
    this.reply(from, id, reply, body.key)
  }

  private reply(to: Identity, id: number, body: AcceptorReply, key: RegisterKey): void {
    this.context.outbox.send(to.peerId, { kind: 'reply', id, vote: { sender: this.context.self, body } }, slotOf(key))
  }

  private voted(from: Identity, id: number, vote: Vote): void {
    if (this.context.roster.isPutBack(vote.sender.id)) return
    if (vote.body.kind === 'stale') this.context.onLaterEpoch(from.peerId, vote.body.configs)
    if (vote.body.kind === 'rejected') this.rounds.observe(vote.body.higher.round)
    if (!this.representative.vote(id, vote)) this.polls.vote(id, vote)
    this.bringHome()
  }

  /** Learns what was found, when nothing is being counted any more. */
  private bringHome(): void {
    for (let found = this.found.shift(); found !== undefined; found = this.found.shift()) {
      const { key, record, ballot } = found
      this.context.spaceOf(key).learn(key, record)
      if (ballot !== undefined) this.context.onHeldByQuorum(key, record, ballot)
    }
  }

  /**
   * A finished config without this peer's vote: what it accepted counts for nothing any more. It is
   * dropped at each such config, also at one that is passed at once. What is kept over one could be
   * shown in a later config as if it had never been overtaken.
   */
  dropIfVoteless(): void {
    const { chain, self, outbox, spaceOf } = this.context
    const config = chain.current?.config
    if (this.doubts.size === 0 || config === undefined || config.next !== undefined || chain.isVoter(self.id)) return
    for (const key of this.doubts.keys()) {
      if (spaceOf(key).isKeptWithoutVote) continue
      outbox.persist(droppedWrite(key))
      this.doubts.settled(key)
    }
  }
}
