/**
 * What scenarios of far links stand on: one part of a peer, with the time and what it sends, among
 * peers that are all equally far. Each scenario lets the part wait, and looks when it acts.
 */
import { Latencies } from '../../protocols/agreement/latency.ts'
import { Polls } from '../../protocols/agreement/polls.ts'
import type { Line } from '../../protocols/agreement/polls.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import { Doubts } from '../../protocols/agreement/doubts.ts'
import type { Rounds } from '../../protocols/agreement/rounds.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ballot } from '../../protocols/base/ballot.ts'
import type { Config } from '../../protocols/base/config.ts'
import { HASH_BYTES } from '../../protocols/base/hash-tree.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Identity, Incarnation, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import type { InForce } from '../../protocols/base/installed.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import { dataQuorum } from '../../protocols/base/quorum.ts'
import type { Quorum } from '../../protocols/base/quorum.ts'
import type { Reach } from '../../protocols/base/reach.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Effect } from '../../protocols/effects.ts'
import { Roster } from '../../protocols/membership/roster.ts'
import type { RosterPeer } from '../../protocols/membership/roster-peer.ts'
import { Outbox } from '../../protocols/outbox.ts'
import type { AcceptorRequest, Vote } from '../../protocols/wire/agreement-messages.ts'
import type { Health } from '../../protocols/wire/membership-messages.ts'
import { check } from './checkers/violation.ts'
import { SimulatedDisk } from './disk.ts'

export const KEY: RegisterKey = dataKey('k')
/** To a far peer and back. */
export const FAR_MS = 3_000
export const CLUSTER = 'c' as ClusterId
const GRAIN_MS = 10

export function voter(name: string): Identity {
  return identity(name as PeerId, '0'.repeat(32) as Incarnation)
}

/** Config 0, with these voters in one cluster. */
export function configOf(names: readonly string[]): Config {
  const clusters = new Map([[CLUSTER, names.map(voter)]])
  return { networkId: 'a'.repeat(32) as NetworkId, epoch: 0, clusters, forming: false, protocolMin: 1 }
}

export function quorumOf(names: readonly string[]): Quorum {
  return dataQuorum(configOf(names))
}

/** The chain of a peer without a vote in config 0. */
export function chainOf(quorum: Quorum): InForce {
  const config = configOf(quorum.voters.map(({ peerId }) => peerId))
  return {
    current: { config, quorum, configQuorum: quorum, units: [] },
    epoch: 0,
    networkId: config.networkId,
    isVoter: () => false,
    voterOf: () => undefined,
  }
}

/** All are connected, and far. */
export const FAR_REACH: Reach = {
  clusterId: CLUSTER,
  isConnected: () => true,
  isConnectedAs: () => true,
  speaks: () => true,
  representatives: () => [],
  roundTripMs: () => FAR_MS,
}

/** What all say of themselves: they hold nothing, and lack nothing. */
export const HEALTH: Health = {
  networkId: undefined,
  epoch: 0,
  ceiling: CEILING_NONE,
  caughtUp: true,
  keyCount: 0,
  root: new Uint8Array(HASH_BYTES),
  inDoubtCount: 0,
  tokens: undefined,
}

type Send = Extract<Effect, { kind: 'send' }>

/** A part of a peer, with the time and the messages that it sends. */
export class Waiting {
  readonly self: Identity = voter('A')
  readonly moment = { nowMs: 0 }
  readonly outbox: Outbox = new Outbox(new Overlay(new SimulatedDisk(() => undefined)))
  readonly lines: string[] = []
  private lastId = 0

  readonly nextId = (): number => (this.lastId += 1)

  /** Lets time pass until something is sent or told. @returns when, or the end */
  until(endMs: number, hasHappened: () => boolean): number {
    for (; this.moment.nowMs < endMs; this.moment.nowMs += GRAIN_MS) if (hasHappened()) break
    return this.moment.nowMs
  }

  /** What was sent since the last look. */
  sent(): Send[] {
    return this.outbox.take().filter((effect) => effect.kind === 'send')
  }

  /** Holds a time against what it may be. */
  see(what: string, atMs: number, leastMs: number): void {
    this.lines.push(`${what} after ${atMs} ms`)
    check(atMs >= leastMs, 'L5', () => `${what} after ${atMs} ms, and a round trip takes ${FAR_MS} ms`)
  }
}

interface Asked {
  readonly kind: string
}
interface Said {
  readonly sender: Identity
  readonly body: { readonly kind: string }
}

/** A question as it left: its number, and what it asks. */
interface Question {
  readonly id: number
  readonly kind: string
}

/** The same with what asks voters: B, C and D, of whom two are enough. */
export class Asking<Body extends Asked = AcceptorRequest, Cast extends Said = Vote> extends Waiting {
  readonly quorum: Quorum = quorumOf(['B', 'C', 'D'])
  readonly latencies: Latencies = new Latencies()
  readonly roundTrips: RoundTrips = new RoundTrips(this.self, FAR_REACH, this.latencies, () => this.quorum)
  readonly polls: Polls<Body, Cast>
  private question: Question | undefined

  constructor() {
    super()
    const send: Line<Body>['send'] = (_, { kind, id, body }) => {
      if (kind === 'request') this.question = { id, kind: body.kind }
    }
    this.polls = new Polls(this.self, this.moment, { send }, this.nextId, FAR_REACH, this.latencies, this.roundTrips)
  }

  /** The last question that was asked since the last look; undefined when there is none. */
  asked(): Question | undefined {
    const { question } = this
    this.question = undefined
    return question
  }
}

/** A run on one register that asks them, and what they answer. */
export abstract class RunBench<Body extends Asked = AcceptorRequest, Cast extends Said = Vote> extends Asking<Body, Cast> {
  abstract readonly run: { tick(): void }
  readonly doubts: Doubts = new Doubts(this.moment, () => 0, { toDecideMs: () => FAR_MS, turnOf: () => 0 })
  protected readonly rounds: Rounds
  /** The question that was asked last. */
  protected askedId = 0
  private readonly ballots: Ballot[] = []

  constructor() {
    super()
    const { ballots, self: by } = this
    const next = (epoch: number): Ballot => {
      const ballot = { epoch, round: ballots.length + 1, by }
      ballots.push(ballot)
      return ballot
    }
    const rounds: Pick<Rounds, 'next' | 'observe'> = { next, observe: () => undefined }
    this.rounds = rounds as Rounds
  }

  /**
   * Lets time pass until the run asks another question. @returns what it asks, and how long that
   * took
   */
  next(endMs: number): { readonly kind: string; readonly afterMs: number } {
    const fromMs = this.moment.nowMs
    let kind = 'nothing'
    this.until(endMs, () => {
      this.run.tick()
      this.polls.tick()
      const question = this.asked()
      if (question === undefined || question.id === this.askedId) return false
      this.askedId = question.id
      kind = question.kind
      return true
    })
    return { kind, afterMs: this.moment.nowMs - fromMs }
  }

  /** These voters answer what was asked last. */
  protected answer(names: string, body: Cast['body']): void {
    this.askedId = this.asked()?.id ?? this.askedId
    for (const name of names) this.polls.vote(this.askedId, { sender: voter(name), body } as Cast)
  }

  protected get ballot(): Ballot {
    return this.ballots.at(-1) ?? { epoch: 0, round: 0, by: this.self }
  }

  /** What a voter that promised somebody else more says. */
  protected get refusal(): { readonly kind: 'rejected'; readonly ballot: Ballot; readonly higher: Ballot } {
    return { kind: 'rejected', ballot: this.ballot, higher: { epoch: 0, round: 99, by: voter('Z') } }
  }
}

/** The same with whom A, of cluster c, knows. */
export class Watching extends Waiting {
  readonly roster: Roster = new Roster(this.self.peerId, CLUSTER, this.moment, this.outbox)

  /** @param roundTripMs undefined for one that was never measured */
  meet(name: string, roundTripMs: number | undefined, clusterId: ClusterId = CLUSTER): RosterPeer {
    const told = { protocolMin: 1, protocolMax: 1, networkId: undefined, epoch: 0, minPeers: 1, ceiling: CEILING_NONE, addresses: [] }
    const peer = this.roster.greeted({ ...told, identity: voter(name), clusterId })
    if (roundTripMs !== undefined) this.roster.answered(peer, this.moment.nowMs - roundTripMs)
    return peer
  }

  /** Lets time pass, with a look each time, until something holds. @returns when */
  look(hasHappened: () => boolean, heard: readonly string[] = []): number {
    return this.until(60_000, () => {
      for (const name of heard) this.roster.onMessage(name as PeerId)
      this.roster.tick(() => false)
      return hasHappened()
    })
  }

  isGivenUp(name: string): boolean {
    return this.outbox.take().some((effect) => effect.kind === 'disconnect' && effect.peerId === name)
  }
}
