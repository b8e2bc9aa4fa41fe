/**
 * How a chosen record becomes known to everyone: voters that accepted it are told its ballot alone;
 * learners are given the record; a remote cluster is told once, through a representative that
 * passes it on. All of it may be lost: voters finish what they hold in doubt, and repair brings the
 * rest.
 */
import { compareBallots } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Neighbours } from '../base/reach.ts'
import type { Outbox } from '../outbox.ts'
import type { ValueRecord } from '../base/record.ts'
import { isConfigKey, slotOf } from '../base/register.ts'
import type { RegisterKey, Registers } from '../base/register.ts'
import type { ChosenKeys } from './chosen.ts'
import type { Message } from '../wire/messages.ts'
import type { Representative } from '../agreement/representative.ts'

type Learn = Extract<Message, { kind: 'learn' }>

/** Registers whose record is awaited before they are passed on; more are left to repair. */
const AWAITED_MAX = 4_096

export interface SpreadContext {
  readonly self: Identity
  readonly registers: Registers
  readonly outbox: Outbox
  readonly chosen: ChosenKeys
  readonly chain: InForce
  readonly neighbours: Neighbours
  readonly representative: Representative
  readonly learn: (key: RegisterKey, record: ValueRecord) => void
}

/** What was asked of this peer, and by whom, before it had the record. */
interface Awaited {
  readonly ballot: Ballot
  readonly spread: Learn['spread']
  readonly from: PeerId
}

export class Spread {
  private readonly context: SpreadContext
  private readonly awaited = new Map<RegisterKey, Awaited>()

  constructor(context: SpreadContext) {
    this.context = context
  }

  /**
   * Tells everyone what a quorum is known to hold at a ballot: in a large network through a voter,
   * for voters are connected to all.
   */
  tellAll(key: RegisterKey, record: ValueRecord, ballot: Ballot): void {
    const { neighbours } = this.context
    const voter = this.deputy()
    this.tellCluster(key, record, ballot)
    if (voter === undefined) this.tellOtherClusters(key, record, ballot, neighbours.clusterId)
    else this.send(voter, { kind: 'learn', key, ballot, record: undefined, spread: 'network' })
  }

  /** Somebody says that a register is chosen. */
  onLearn(from: PeerId, message: Learn): void {
    const { key, ballot } = message
    const { registers, outbox, representative } = this.context
    const state = registers.read(key)
    if (state?.chosen === undefined || message.record !== undefined) {
      const record = message.record ?? (ballot === undefined ? undefined : this.heldAt(key, ballot))
      if (record === undefined) {
        if (message.spread !== false && ballot !== undefined) this.await(key, { ballot, spread: message.spread, from })
        return outbox.send(from, { kind: 'want', key }, 'nothing')
      }
      this.context.learn(key, record)
    }
    const chosen = registers.read(key)?.chosen
    if (chosen !== undefined && ballot !== undefined) this.passOn(key, chosen, { ballot, spread: message.spread, from })
    representative.forget(key)
  }

  /** A register was learned: those who were promised it are told. */
  learned(key: RegisterKey, record: ValueRecord): void {
    const awaited = this.awaited.get(key)
    if (awaited === undefined) return
    this.awaited.delete(key)
    this.passOn(key, record, awaited)
  }

  /** Answers a peer that lacks a record. */
  wanted(from: PeerId, key: RegisterKey): void {
    const record = this.context.chosen.get(key)
    if (record !== undefined) this.send(from, { kind: 'learn', key, ballot: undefined, record, spread: false })
  }

  /**
   * The voter that tells all in place of this peer; undefined where this one reaches everybody
   * itself.
   */
  private deputy(): PeerId | undefined {
    const { neighbours, chain, self } = this.context
    if (chain.current === undefined || chain.isVoter(self.id) || neighbours.isFew) return undefined
    return neighbours.nearest(chain.current.quorum.voters.map((voter) => voter.peerId))
  }

  private passOn(key: RegisterKey, record: ValueRecord, { ballot, spread, from }: Awaited): void {
    if (spread === false) return
    const { neighbours } = this.context
    const told = neighbours.clusterOf(from)
    if (spread === 'cluster' || told !== neighbours.clusterId) this.tellCluster(key, record, ballot)
    if (spread === 'network') this.tellOtherClusters(key, record, ballot, told)
  }

  private await(key: RegisterKey, awaited: Awaited): void {
    const [oldest] = this.awaited.keys()
    if (this.awaited.size >= AWAITED_MAX && oldest !== undefined) this.awaited.delete(oldest)
    this.awaited.set(key, awaited)
  }

  private heldAt(key: RegisterKey, ballot: Ballot): ValueRecord | undefined {
    const accepted = this.context.registers.read(key)?.accepted
    if (accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0) return accepted.record
    return this.context.representative.recall(key, ballot)
  }

  private tellCluster(key: RegisterKey, record: ValueRecord, ballot: Ballot): void {
    const { neighbours, chain } = this.context
    const voters = chain.current?.quorum.votersByCluster.get(neighbours.clusterId) ?? []
    for (const peerId of neighbours.connectedOf(neighbours.clusterId)) {
      const isVoter = voters.some((voter) => voter.peerId === peerId)
      this.send(peerId, { kind: 'learn', key, ballot, record: isVoter ? undefined : record, spread: false })
    }
  }

  /** @param told a cluster that knows already */
  private tellOtherClusters(key: RegisterKey, record: ValueRecord, ballot: Ballot, told: ClusterId | undefined): void {
    const { neighbours, chain } = this.context
    const votingClusters = chain.current?.quorum.votersByCluster
    for (const cluster of neighbours.clusterIds()) {
      if (cluster === neighbours.clusterId || cluster === told) continue
      const [representative] = neighbours.representatives(cluster)
      if (representative === undefined) continue
      // A cluster whose voters accepted it has the value already; it crosses once.
      const carried = votingClusters?.has(cluster) === true ? undefined : record
      this.send(representative, { kind: 'learn', key, ballot, record: carried, spread: 'cluster' })
    }
  }

  private send(to: PeerId, message: Learn): void {
    // A config carries a promise of its own: nobody acts on it before it is synced here.
    this.context.outbox.send(to, message, isConfigKey(message.key) ? slotOf(message.key) : 'nothing')
  }
}
