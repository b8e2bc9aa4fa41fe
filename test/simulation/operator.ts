/**
 * Somebody who changes the configuration by hand. As operators do, by asking some peer: add,
 * remove, replace, remove a cluster, withdraw; every answer is held to what is decided and on disk.
 * And more freely than any request allows, acting as a peer may through the coordinator of one: it
 * decides a joint config and leaves transfer and the rest to the core.
 */
import type { ClusterId, Identity, PeerId } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { barredIn, lifting } from '../../protocols/config/barred.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Clusters, Config } from '../../protocols/base/config.ts'
import type { ChangeRequest } from '../../protocols/base/change-request.ts'
import { jointAfter, withdrawnAfter } from '../../protocols/config/successors.ts'
import type { Outcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import { writingClaim } from '../../protocols/agreement/coordinator.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Chance } from './chance.ts'
import { checkChanged, checkUnchanged } from './checkers/changes.ts'
import type { Ledger } from './checkers/ledger.ts'
import { check } from './checkers/violation.ts'
import type { SimulatedPeer } from './peer.ts'

/** One try to have a config decided. */
const DECIDE_MS = 5_000
/** A request is given so long, at least and at most. */
const TIMEOUT_MS_MIN = 300
const TIMEOUT_MS_MAX = 15_000
const FORCE_RATE = 0.1
/**
 * An answer comes so much later than its deadline at most: a pause of 3 s holds up the tick that
 * was planned in it, also when it is healed.
 */
const LATE_MS = 4_000

export interface OperatorInit {
  readonly peers: readonly SimulatedPeer[]
  readonly chance: Chance
  readonly codec: Codec
  readonly ledger: Ledger
}

interface Asked {
  readonly peer: SimulatedPeer
  readonly boot: number
  readonly request: ChangeRequest
  readonly deadlineMs: number
  /** The newest epoch that was decided when it was asked for. */
  readonly epoch: number
}

const NOTHING: ChangeRequest = { add: [], remove: [], removeCluster: undefined, force: false, withdraw: false }

export class Operator {
  private readonly init: OperatorInit
  private readonly asked = new Map<ClientId, Asked>()
  private lastClient = 0
  changes = 0
  withdrawals = 0
  requests = 0
  /** Requests that were answered: done. */
  done = 0

  constructor(init: OperatorInit) {
    this.init = init
  }

  /** Asks this many peers for something at the same moment. @returns who was asked */
  ask(count: number): readonly SimulatedPeer[] {
    const { peers, chance } = this.init
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    const asked = chance.shuffled(up).slice(0, count)
    for (const peer of asked) this.request(peer, this.drawRequest())
    return asked
  }

  /** Asks some peer of another cluster to remove this one. */
  askToRemove(removeCluster: ClusterId): void {
    const { peers, chance } = this.init
    const others = peers.filter((peer) => peer.isUp && !peer.isPaused && peer.clusterId !== removeCluster)
    if (others.length > 0) this.request(chance.pick(others), { ...NOTHING, removeCluster })
  }

  /** @throws Violation when the answer is not true */
  answered(client: ClientId, outcome: Outcome): void {
    const asked = this.asked.get(client)
    if (asked === undefined) return
    this.asked.delete(client)
    const { ledger, peers } = this.init
    if (outcome.kind === 'changed') {
      this.done += 1
      checkChanged(asked.request, outcome.epoch, ledger, peers)
    } else if (outcome.kind === 'unchanged') checkUnchanged(asked.request, outcome.epoch, asked.epoch, ledger)
    else if ('detail' in outcome) check(outcome.detail !== '', 'change', () => `${outcome.kind} for no reason`)
  }

  /**
   * Every request has its answer by its deadline, unless the peer that was asked is gone. @throws
   * Violation
   */
  checkAnswered(): void {
    for (const { peer, boot, deadlineMs, request } of this.asked.values()) {
      const isLate = peer.boots === boot && peer.isUp && peer.clockMs > deadlineMs + LATE_MS
      check(!isLate, 'L4', () => `${peer.peerId} does not answer ${JSON.stringify(request)}`)
    }
  }

  /** Begins some change at some peer, if that peer is in a finished config. */
  change(): void {
    const peer = this.somePeer()
    const config = peer?.core?.config
    if (peer === undefined || config === undefined || config.next !== undefined || config.forming) return
    const next = this.drawNext(config.clusters)
    if (next === undefined) return
    this.changes += 1
    this.decide(peer, jointFreely(config, next))
  }

  /** Withdraws the change that some peer is in, if any: by asking, or by itself. */
  withdraw(): void {
    const peer = this.somePeer()
    const config = peer?.core?.config
    if (peer === undefined || config?.next === undefined) return
    this.withdrawals += 1
    if (this.init.chance.happens(0.5)) this.request(peer, { ...NOTHING, withdraw: true })
    else this.decide(peer, withdrawnAfter(config))
  }

  /**
   * Puts those that live in place of voters whose disk is gone. @returns false when there are none
   * such
   */
  replace(config: Config): boolean {
    const { peers, chance } = this.init
    const living = new Map(peers.map((peer) => [peer.identity.id, peer]))
    const members = [...config.clusters.values()].flat()
    if (config.next !== undefined || members.every((voter) => living.has(voter.id))) return false
    const clusters = new Map<ClusterId, Identity[]>()
    for (const [clusterId, voters] of config.clusters) {
      const kept = voters.map((voter) => peers.find((peer) => peer.peerId === voter.peerId)?.identity ?? voter)
      clusters.set(clusterId, kept)
    }
    const peer = chance.pick(peers.filter((candidate) => candidate.core?.config?.epoch === config.epoch))
    this.decide(peer, jointFreely(config, clusters))
    return true
  }

  private request(peer: SimulatedPeer, request: ChangeRequest): void {
    const { chance, ledger } = this.init
    this.requests += 1
    this.lastClient -= 1
    const client = this.lastClient
    const deadlineMs = peer.clockMs + chance.span(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)
    this.asked.set(client, { peer, boot: peer.boots, request, deadlineMs, epoch: ledger.newest.epoch })
    peer.dispatch({ kind: 'change', client, request, deadlineMs })
  }

  /** Sensible ones for the most part: of random ones nearly all would be refused. */
  private drawRequest(): ChangeRequest {
    const { chance, peers, ledger } = this.init
    const { clusters } = ledger.newest
    const voters = new Set([...clusters.values()].flat().map((voter) => voter.peerId))
    const voter = chance.pick([...voters])
    const learners = peers.filter((peer) => !voters.has(peer.peerId)).map((peer) => peer.peerId)
    const learner = learners.length === 0 ? undefined : chance.pick(learners)
    const draw = { ...NOTHING, force: chance.happens(FORCE_RATE) }
    const kind = chance.number()
    if (kind < 0.3) return { ...draw, add: [learner ?? voter] }
    if (kind < 0.5) return { ...draw, remove: [voter] }
    if (kind < 0.55) return { ...draw, remove: [chance.pick(peers).peerId] }
    if (kind < 0.75) return { ...draw, add: [learner ?? chance.pick(peers).peerId], remove: [voter] }
    if (kind < 0.85) return { ...draw, removeCluster: chance.pick([...clusters.keys()]) }
    if (kind < 0.95) return { ...draw, add: peers.filter(() => chance.happens(0.5)).map((peer): PeerId => peer.peerId) }
    return { ...NOTHING, withdraw: true }
  }

  private decide(peer: SimulatedPeer, successor: Config): void {
    peer.act((core) => {
      // Whoever decided the joint config completes it, without waiting for others to do so.
      const settle = (): void => void (core['parts'].configs.change['ownEpoch'] = successor.epoch)
      const claim = writingClaim(configRecord(this.init.codec, successor), peer.clockMs + DECIDE_MS, settle)
      core['parts'].agreement.coordinator.claim(configKey(successor.epoch), claim, false)
    })
  }

  private drawNext(clusters: Clusters): Clusters | undefined {
    const { chance, peers } = this.init
    const next = new Map([...clusters].map(([clusterId, voters]) => [clusterId, [...voters]]))
    for (let step = chance.between(1, 3); step > 0; step -= 1) {
      const peer = chance.pick(peers)
      const voters = next.get(peer.clusterId) ?? []
      const isVoter = voters.some((voter) => voter.peerId === peer.peerId)
      const others = voters.filter((voter) => voter.peerId !== peer.peerId)
      if (isVoter && chance.happens(0.5)) next.set(peer.clusterId, others)
      else if (others.length < 5) next.set(peer.clusterId, [...others, peer.identity])
      if (chance.happens(0.5) && others.length > 1) next.get(peer.clusterId)?.shift()
    }
    for (const [clusterId, voters] of next) if (voters.length === 0) next.delete(clusterId)
    return next.size === 0 ? undefined : next
  }

  private somePeer(): SimulatedPeer | undefined {
    const { peers, chance } = this.init
    const up = peers.filter((peer) => peer.isUp && !peer.isPaused)
    return up.length === 0 ? undefined : chance.pick(up)
  }
}

/** A joint config that leads anywhere; whoever votes in the end is barred no more. */
function jointFreely(config: Config, next: Clusters): Config {
  const peerIds = [...next.values()].flat().map((voter) => voter.peerId)
  return jointAfter(config, next, lifting(barredIn(config), peerIds, [...next.keys()]), config.protocolMin)
}
