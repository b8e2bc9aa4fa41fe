/**
 * Somebody who changes the configuration by hand, more freely than growth does: voters dropped, added, swapped for others, whole clusters
 * too, and changes withdrawn. It acts as any peer may, through the coordinator of one: it decides the joint config and leaves transfer
 * and the rest to the core.
 */
import type { ClusterId, Identity } from '../../protocols/base/identity.ts'
import { configKey } from '../../protocols/base/register.ts'
import { configRecord } from '../../protocols/config/chain.ts'
import type { Clusters, Config } from '../../protocols/config/config.ts'
import { writingClaim } from '../../protocols/register/coordinator.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Chance } from './chance.ts'
import type { SimulatedPeer } from './peer.ts'

/** One try to have a config decided. */
const DECIDE_MS = 5_000

export class Operator {
  private readonly peers: readonly SimulatedPeer[]
  private readonly chance: Chance
  private readonly codec: Codec
  changes = 0
  withdrawals = 0

  constructor(peers: readonly SimulatedPeer[], chance: Chance, codec: Codec) {
    this.peers = peers
    this.chance = chance
    this.codec = codec
  }

  /** Begins some change at some peer, if that peer is in a finished config. */
  change(): void {
    const peer = this.somePeer()
    const config = peer?.core?.config
    if (peer === undefined || config === undefined || config.next !== undefined || config.forming) return
    const next = this.drawNext(config.clusters)
    if (next === undefined) return
    this.changes += 1
    this.decide(peer, config, { clusters: config.clusters, next, forming: config.forming })
  }

  /** Withdraws the change that some peer is in, if any. */
  withdraw(): void {
    const peer = this.somePeer()
    const config = peer?.core?.config
    if (peer === undefined || config?.next === undefined) return
    this.withdrawals += 1
    this.decide(peer, config, { clusters: config.clusters, forming: config.forming })
  }

  /** Puts those that live in place of voters whose disk is gone. @returns false when there are none such */
  replace(config: Config): boolean {
    const living = new Map(this.peers.map((peer) => [peer.identity.id, peer]))
    const members = [...config.clusters.values()].flat()
    if (config.next !== undefined || members.every((voter) => living.has(voter.id))) return false
    const clusters = new Map<ClusterId, Identity[]>()
    for (const [clusterId, voters] of config.clusters) {
      const kept = voters.map((voter) => this.peers.find((peer) => peer.peerId === voter.peerId)?.identity ?? voter)
      clusters.set(clusterId, kept)
    }
    const peer = this.chance.pick(this.peers.filter((candidate) => candidate.core?.config?.epoch === config.epoch))
    this.decide(peer, config, { clusters: config.clusters, next: clusters, forming: config.forming })
    return true
  }

  private decide(peer: SimulatedPeer, config: Config, change: Pick<Config, 'clusters' | 'next' | 'forming'>): void {
    const { networkId, protocolMin } = config
    const successor: Config = { networkId, protocolMin, epoch: config.epoch + 1, ...change }
    peer.act((core) => {
      // Whoever decided the joint config completes it, without waiting for others to do so.
      const settle = (): void => void (core['change']['ownEpoch'] = successor.epoch)
      const claim = writingClaim(configRecord(this.codec, successor), peer.clockMs + DECIDE_MS, settle)
      core['coordinator'].claim(configKey(successor.epoch), claim, false)
    })
  }

  private drawNext(clusters: Clusters): Clusters | undefined {
    const { chance } = this
    const next = new Map([...clusters].map(([clusterId, voters]) => [clusterId, [...voters]]))
    for (let step = chance.between(1, 3); step > 0; step -= 1) {
      const peer = chance.pick(this.peers)
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
    const up = this.peers.filter((peer) => peer.isUp && !peer.isPaused)
    return up.length === 0 ? undefined : this.chance.pick(up)
  }
}
