/**
 * How a chosen version becomes known to everyone: voters that accepted it are told its ballot and
 * version alone; learners are given the record; a remote cluster is told once, through a
 * representative that passes it on. All of it may be lost: voters finish what they hold in doubt,
 * and repair brings the rest.
 */
import type { Ballot } from '../base/ballot.ts'
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Neighbours } from '../base/reach.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Learn, Reaching, RegisterMessage } from './messages.ts'
import type { Entry, RegisterRecord } from './record.ts'
import type { Learned } from './voter.ts'

/** Registers whose record is awaited before they are passed on; more are left to repair. */
const AWAITED_MAX = 4_096

export interface SpreadContext {
  readonly self: Identity
  readonly chain: InForce
  readonly neighbours: Neighbours
  readonly send: (to: PeerId, message: RegisterMessage) => void
  /** What is known to be chosen here, and may be told. */
  readonly held: (key: RegisterKey) => Entry | undefined
  /** A record that passed through here in a commit at this ballot. */
  readonly recall: (key: RegisterKey, ballot: Ballot) => RegisterRecord | undefined
  readonly learn: (key: RegisterKey, ballot: Ballot, version: number, record: RegisterRecord | undefined) => Learned
}

/** What was asked of this peer, and by whom, before it had the record. */
interface Awaited {
  readonly reaching: Reaching
  readonly from: PeerId
}

export class Spread {
  private readonly context: SpreadContext
  private readonly awaited = new Map<RegisterKey, Awaited>()

  constructor(context: SpreadContext) {
    this.context = context
  }

  /**
   * Tells everyone what a quorum accepted: in a large network through a voter, for voters are
   * connected to all.
   */
  tellAll(key: RegisterKey, entry: Entry): void {
    const deputy = this.deputy()
    this.tellCluster(key, entry)
    if (deputy === undefined) this.tellOtherClusters(key, entry, this.context.neighbours.clusterId)
    else this.send(deputy, key, entry, false, 'network')
  }

  /** Somebody says that a version is chosen. */
  onLearn(from: PeerId, { key, ballot, version, record, reaching }: Learn): void {
    const { learn, recall, send } = this.context
    const recalled = record === undefined ? recall(key, ballot) : undefined
    const learned = learn(key, ballot, version, record ?? (recalled?.version === version ? recalled : undefined))
    if (learned === 'wanted') {
      if (reaching !== 'receiver') this.await(key, { reaching, from })
      send(from, { kind: 'want', key })
    } else if (reaching !== 'receiver') this.passOn(key, { reaching, from })
    else if (learned === 'learned') this.passOn(key, this.awaited.get(key) ?? { reaching, from })
  }

  /** Answers a peer that lacks a record. */
  wanted(from: PeerId, key: RegisterKey): void {
    const held = this.context.held(key)
    if (held !== undefined) this.send(from, key, held, true, 'receiver')
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

  private passOn(key: RegisterKey, { reaching, from }: Awaited): void {
    this.awaited.delete(key)
    const { neighbours, held } = this.context
    const entry = held(key)
    if (reaching === 'receiver' || entry === undefined) return
    const told = neighbours.clusterOf(from)
    if (reaching === 'cluster' || told !== neighbours.clusterId) this.tellCluster(key, entry)
    if (reaching === 'network') this.tellOtherClusters(key, entry, told)
  }

  private await(key: RegisterKey, awaited: Awaited): void {
    const [oldest] = this.awaited.keys()
    if (this.awaited.size >= AWAITED_MAX && oldest !== undefined) this.awaited.delete(oldest)
    this.awaited.set(key, awaited)
  }

  private tellCluster(key: RegisterKey, entry: Entry): void {
    const { neighbours, chain } = this.context
    const voters = chain.current?.quorum.votersByCluster.get(neighbours.clusterId) ?? []
    for (const peerId of neighbours.connectedOf(neighbours.clusterId)) {
      this.send(peerId, key, entry, !voters.some((voter) => voter.peerId === peerId), 'receiver')
    }
  }

  /** @param told a cluster that knows already */
  private tellOtherClusters(key: RegisterKey, entry: Entry, told: ClusterId | undefined): void {
    const { neighbours, chain } = this.context
    const votingClusters = chain.current?.quorum.votersByCluster
    for (const cluster of neighbours.clusterIds()) {
      if (cluster === neighbours.clusterId || cluster === told) continue
      const [representative] = neighbours.representatives(cluster)
      // A cluster whose voters accepted it has the value already; it crosses once.
      if (representative !== undefined) this.send(representative, key, entry, votingClusters?.has(cluster) !== true, 'cluster')
    }
  }

  private send(to: PeerId, key: RegisterKey, { ballot, record }: Entry, isCarried: boolean, reaching: Reaching): void {
    const { version } = record
    this.context.send(to, { kind: 'learn', key, ballot, version, record: isCarried ? record : undefined, reaching })
  }
}
