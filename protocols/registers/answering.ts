/**
 * What this peer says when somebody asks its voter: the epoch fence and the voter check stand
 * before the voter. A peer without a vote says nothing, and what it accepted while it had one
 * counts for nothing any more.
 */
import type { Doubts } from '../agreement/doubts.ts'
import { ROUND_MAX } from '../agreement/rounds.ts'
import type { Config } from '../base/config.ts'
import type { Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import type { Neighbours } from '../base/reach.ts'
import type { Relays } from '../agreement/representative.ts'
import type { Cells } from './cells.ts'
import type { Cast, Question } from './questions.ts'
import type { Voter } from './voter.ts'

export interface AnsweringContext {
  readonly self: Identity
  readonly moment: Moment
  readonly chain: InForce
  readonly neighbours: Neighbours & Relays
  readonly isTooOld: () => boolean
  readonly configsSince: (epoch: number) => readonly Config[]
  readonly onLaterEpoch: (peerId: PeerId, configs: readonly Config[]) => void
  readonly cells: Cells
  readonly voter: Voter
  readonly doubts: Doubts
  /** Tells an asker, once what the vote rests on is on disk. */
  readonly reply: (to: Identity, id: number, vote: Cast, question: Question) => void
}

export class Answering {
  private readonly context: AnsweringContext
  /** The newest epoch for which it was seen to whether this peer votes. */
  private votedEpoch: number

  constructor(context: AnsweringContext) {
    this.context = context
    this.votedEpoch = context.chain.epoch
  }

  /** This peer has a vote on registers, in a config that lets anybody vote on them. */
  mayVote(): boolean {
    const { self, chain, isTooOld } = this.context
    return chain.current?.quorum.has(self.id) === true && !chain.current.config.forming && !isTooOld()
  }

  /** The epoch fence and the voter check; what passes is the voter's. */
  requested(from: Identity, id: number, target: Identity, body: Question): void {
    const { self, chain, cells, neighbours, configsSince, onLaterEpoch, voter, moment, reply } = this.context
    if (target.id !== self.id || chain.current === undefined || cells.read(body.key).diverged !== undefined) return
    if (body.kind !== 'read' && body.ballot.round > ROUND_MAX) return
    // A store put back has forgotten what it voted for; with its own vote beside this one it could
    // choose against a quorum.
    if (neighbours.isPutBack(from.id) || (body.kind !== 'read' && neighbours.isPutBack(body.ballot.by.id))) return
    const epoch = body.kind === 'read' ? body.epoch : body.ballot.epoch
    if (epoch > chain.epoch) return onLaterEpoch(from.peerId, [])
    if (epoch < chain.epoch) return reply(from, id, { sender: self, body: { kind: 'stale', configs: configsSince(epoch + 1) } }, body)
    if (!this.mayVote()) return
    const answer = voter.answer(body, moment.nowMs)
    if (answer === undefined) return
    this.noteRival(body, answer.kind)
    reply(from, id, { sender: self, body: answer }, body)
  }

  /** Sees to the vote of every finished config that was passed. */
  configInstalled(): void {
    if (this.hasLostVote()) this.dropAccepted()
  }

  /** What is accepted is finished after a while, and not while somebody else is at work on it. */
  private noteRival(body: Question, answered: Cast['body']['kind']): void {
    const { self, doubts, cells } = this.context
    if (answered === 'committed') {
      if (cells.read(body.key).accepted === undefined) doubts.settled(body.key)
      else doubts.accepted(body.key)
    }
    if (body.kind !== 'read' && answered !== 'rejected' && body.ballot.by.id !== self.id) doubts.onRival(body.key)
  }

  private hasLostVote(): boolean {
    const { configsSince, chain, self } = this.context
    let isLost = false
    while (this.votedEpoch < chain.epoch) {
      const configs = configsSince(this.votedEpoch + 1)
      isLost ||= configs.some((config) => config.next === undefined && !votesIn(config, self))
      this.votedEpoch = configs.at(-1)?.epoch ?? chain.epoch
    }
    return isLost
  }

  private dropAccepted(): void {
    const { doubts, voter } = this.context
    for (const key of doubts.keys()) {
      voter.dropAccepted(key)
      doubts.settled(key)
    }
  }
}

function votesIn(config: Config, self: Identity): boolean {
  return [...config.clusters.values()].some((voters) => voters.some((voter) => voter.id === self.id))
}
