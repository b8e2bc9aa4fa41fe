/**
 * One question to all voters of a config, asked until it is closed: directly in the own cluster,
 * through one representative of every other. What is not answered in the usual time is asked again:
 * through a second representative, then directly. Answers are handed on voter by voter; nobody's is
 * counted here.
 */
import { OFFERS_SINCE } from '../base/config.ts'
import type { ClusterId, Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { Quorum } from '../base/quorum.ts'
import type { Reach } from '../base/reach.ts'
import type { AcceptorRequest, Vote } from '../wire/agreement-messages.ts'
import type { Latencies } from './latency.ts'
import type { RoundTrips } from './round-trips.ts'

/**
 * Between repetitions of a question the wait doubles up to this, or to the usual time where that is
 * longer.
 */
const RESEND_MOST_MS = 1_000
/** An answer is late only after so many round trips to a quorum: the delay of a link varies. */
const LATE_ROUND_TRIPS = 1.5
/** A representative gathers the answers to an offer for so long at least, in milliseconds. */
const GATHER_LEAST_MS = 10

/**
 * What is asked and answered: that of write-once registers, or of another type that is agreed on in
 * the same way.
 */
interface Question {
  readonly kind: string
}
interface Answer {
  readonly sender: Identity
  readonly body: { readonly kind: string }
}

interface RelayOf<Body> {
  readonly kind: 'relay'
  readonly id: number
  readonly targets: readonly Identity[]
  readonly body: Body
  /** Of an offer: how long to gather answers, in milliseconds. */
  readonly gatherMs?: number
}

/** Takes questions to one voter, or to a representative of several. */
export interface Line<Body> {
  send(
    to: PeerId,
    message: { readonly kind: 'request'; readonly id: number; readonly target: Identity; readonly body: Body } | RelayOf<Body>,
    after: 'nothing',
  ): void
}

export interface PollListener<Body extends Question = AcceptorRequest, Cast extends Answer = Vote> {
  /** An answer of one voter of the poll's config; the first of each voter, and every `chosen`. */
  voted(vote: Cast, poll: Poll<Body, Cast>): void
}

export interface Poll<Body extends Question = AcceptorRequest, Cast extends Answer = Vote> {
  readonly id: number
  readonly body: Body
  readonly quorum: Quorum
  readonly listener: PollListener<Body, Cast>
  readonly openedAtMs: number
  /** How long such a question usually takes: when it is asked again. */
  readonly usualMs: number
  readonly unanswered: Map<IdentityId, Identity>
  attempts: number
  resendAtMs: number
}

export class Polls<Body extends Question = AcceptorRequest, Cast extends Answer = Vote> {
  private readonly self: Identity
  private readonly moment: Moment
  private readonly line: Line<Body>
  private readonly nextId: NextId
  private readonly reach: Reach
  private readonly latencies: Latencies
  private readonly roundTrips: Pick<RoundTrips, 'toQuorumMs'>
  private readonly open = new Map<number, Poll<Body, Cast>>()

  constructor(
    self: Identity,
    moment: Moment,
    line: Line<Body>,
    nextId: NextId,
    reach: Reach,
    latencies: Latencies,
    roundTrips: Pick<RoundTrips, 'toQuorumMs'>,
  ) {
    this.self = self
    this.moment = moment
    this.line = line
    this.nextId = nextId
    this.reach = reach
    this.latencies = latencies
    this.roundTrips = roundTrips
  }

  get size(): number {
    return this.open.size
  }

  /** Asks all voters of the quorum; the listener hears until `close`. */
  ask(body: Body, quorum: Quorum, listener: PollListener<Body, Cast>): Poll<Body, Cast> {
    const unanswered = new Map<IdentityId, Identity>()
    for (const voter of quorum.voters) unanswered.set(voter.id, voter)
    let usualMs = LATE_ROUND_TRIPS * this.roundTrips.toQuorumMs(quorum)
    for (const cluster of quorum.votersByCluster.keys()) usualMs = Math.max(usualMs, this.latencies.usualMs(cluster, body.kind))
    const openedAtMs = this.moment.nowMs
    const resendAtMs = openedAtMs + usualMs
    const poll: Poll<Body, Cast> = { id: this.nextId(), body, quorum, listener, openedAtMs, usualMs, unanswered, attempts: 0, resendAtMs }
    this.open.set(poll.id, poll)
    this.send(poll)
    return poll
  }

  close(poll: Poll<Body, Cast> | undefined): void {
    if (poll !== undefined) this.open.delete(poll.id)
  }

  /**
   * Takes an answer to a poll; answers to closed polls and of peers without a vote in it are
   * dropped.
   */
  vote(id: number, vote: Cast): void {
    const poll = this.open.get(id)
    if (poll === undefined || !poll.quorum.has(vote.sender.id)) return
    const isFirst = poll.unanswered.delete(vote.sender.id)
    if (isFirst) this.measure(poll, vote.sender)
    if (isFirst || vote.body.kind === 'chosen') poll.listener.voted(vote, poll)
  }

  /**
   * Somebody was lost, perhaps a representative with questions on their way: whatever is unanswered
   * is asked again now.
   */
  hurry(): void {
    for (const poll of this.open.values()) poll.resendAtMs = this.moment.nowMs
  }

  /** Asks again where the usual time has passed. */
  tick(): void {
    for (const poll of this.open.values()) {
      if (poll.resendAtMs > this.moment.nowMs || poll.unanswered.size === 0) continue
      poll.resendAtMs = this.moment.nowMs + Math.min(Math.max(RESEND_MOST_MS, poll.usualMs), poll.usualMs * 2 ** poll.attempts)
      this.send(poll)
    }
  }

  private send(poll: Poll<Body, Cast>): void {
    const attempt = poll.attempts
    poll.attempts += 1
    for (const [cluster, voters] of poll.quorum.votersByCluster) {
      const targets = poll.unanswered.size === poll.quorum.voters.length ? voters : voters.filter((voter) => poll.unanswered.has(voter.id))
      if (targets.length === 0) continue
      if (cluster !== this.reach.clusterId) this.sendAcross(poll, cluster, targets, attempt)
      else {
        this.sendDirectly(poll, targets)
        if (attempt > 0) this.sendAround(poll, cluster, targets, attempt)
      }
    }
  }

  private sendDirectly(poll: Poll<Body, Cast>, targets: readonly Identity[]): void {
    for (const target of targets) {
      if (target.id !== this.self.id && !this.reach.isConnected(target.peerId)) continue
      this.line.send(target.peerId, { kind: 'request', id: poll.id, target, body: poll.body }, 'nothing')
    }
  }

  /**
   * Voters that only this peer is cut off from are reached through a neighbour of theirs, each time
   * another.
   */
  private sendAround(poll: Poll<Body, Cast>, cluster: ClusterId, targets: readonly Identity[], attempt: number): void {
    const cutOff = targets.filter((target) => target.id !== this.self.id && !this.reach.isConnected(target.peerId))
    if (cutOff.length > 0) this.sendThrough(poll, cluster, cutOff, attempt)
  }

  private sendAcross(poll: Poll<Body, Cast>, cluster: ClusterId, targets: readonly Identity[], attempt: number): void {
    if (attempt < 2) return this.sendThrough(poll, cluster, targets, attempt)
    this.sendDirectly(poll, targets)
    this.sendAround(poll, cluster, targets, attempt)
  }

  private sendThrough(poll: Poll<Body, Cast>, cluster: ClusterId, targets: readonly Identity[], attempt: number): void {
    const representatives = this.representatives(poll.body, cluster)
    const representative = representatives[attempt % Math.max(1, representatives.length)]
    if (representative === undefined) return
    const [only] = targets
    if (targets.length === 1 && only?.peerId === representative) this.sendDirectly(poll, targets)
    else this.line.send(representative, this.relayOf(poll, targets), 'nothing')
  }

  /** An older peer without a vote would take an offer for a breach of the protocol. */
  private representatives({ kind }: Body, cluster: ClusterId): readonly PeerId[] {
    const all = this.reach.representatives(cluster)
    return kind === 'offer' ? all.filter((peerId) => this.reach.speaks(peerId, OFFERS_SINCE)) : all
  }

  /**
   * An offer counts by whole units: its answers are gathered until all are there. Half of what is
   * left of the usual time beside the way is given for that, so that what one silent voter makes
   * late never becomes the usual time.
   */
  private relayOf(poll: Poll<Body, Cast>, targets: readonly Identity[]): RelayOf<Body> {
    const relay = { kind: 'relay', id: poll.id, targets, body: poll.body } as const
    if (poll.body.kind !== 'offer') return relay
    const beyondWayMs = poll.usualMs - this.roundTrips.toQuorumMs(poll.quorum)
    return { ...relay, gatherMs: Math.max(GATHER_LEAST_MS, Math.ceil(beyondWayMs / 2)) }
  }

  /**
   * From the first sending on: what was lost and sent again makes it look slower than it was, and
   * is soon forgotten.
   */
  private measure(poll: Poll<Body, Cast>, sender: Identity): void {
    const elapsedMs = this.moment.nowMs - poll.openedAtMs
    for (const [cluster, voters] of poll.quorum.votersByCluster) {
      if (voters.some((voter) => voter.id === sender.id)) return this.latencies.observe(cluster, poll.body.kind, elapsedMs)
    }
  }
}
