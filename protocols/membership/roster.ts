/**
 * The roster: what this peer knows now of who is there, where, and in which cluster. Soft: it
 * chooses whom to ask and what to show, and is never used for counting votes.
 */
import { compareCeilings, higherCeiling } from '../base/ballot.ts'
import type { ClusterId, Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Neighbours } from '../base/reach.ts'
import type { Outbox } from '../outbox.ts'
import type { PeerState } from '../effects.ts'
import type { Greeting } from '../wire/greeting.ts'
import type { Health } from '../wire/membership-messages.ts'
import { Liveness } from './liveness.ts'
import { Nearness } from './nearness.ts'
import { greetedPeer, onRoundTrip, patienceMs } from './roster-peer.ts'
import type { RosterPeer } from './roster-peer.ts'

/** A peer counts as gone this long after its connection was lost. */
const GONE_AFTER_MS = 30_000
/** What a peer said of itself in a heartbeat counts for this time. */
const FRESH_MS = 3_000
/** A peer that does not vote is forgotten this long after its connection was lost. */
const FORGOTTEN_AFTER_MS = 3_600_000
/**
 * Up to this number of peers everybody is connected to everybody, which is quickest. Far beyond it
 * the greetings and heartbeats would cost more than the connections bring. Peers of the own
 * cluster, and voters, are connected whatever their number.
 */
export const CONNECTED_PEERS_MAX = 64

export class Roster implements Neighbours {
  readonly clusterId: ClusterId
  private readonly self: PeerId
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly startedAtMs: number
  private readonly peers = new Map<PeerId, RosterPeer>()
  /**
   * Stores that came back older than they were: somebody put a copy back. Their votes could break
   * promises.
   */
  private readonly putBack = new Set<IdentityId>()
  private readonly clusters = new Set<ClusterId>()
  private readonly nearness: Nearness
  private readonly liveness: Liveness

  constructor(self: PeerId, clusterId: ClusterId, moment: Moment, outbox: Outbox) {
    this.self = self
    this.clusterId = clusterId
    this.moment = moment
    this.outbox = outbox
    this.startedAtMs = moment.nowMs
    this.nearness = new Nearness(this.peers)
    this.liveness = new Liveness(self, clusterId, moment, this.peers, this.nearness)
  }

  get(peerId: PeerId): RosterPeer | undefined {
    return this.peers.get(peerId)
  }

  all(): Iterable<RosterPeer> {
    return this.peers.values()
  }

  connected(): RosterPeer[] {
    return [...this.peers.values()].filter((peer) => peer.isConnected)
  }

  isConnected(peerId: PeerId): boolean {
    return this.peers.get(peerId)?.isConnected ?? false
  }

  isConnectedAs({ id, peerId }: Identity): boolean {
    const peer = this.peers.get(peerId)
    return peer?.isConnected === true && peer.identity.id === id
  }

  /** Connected, with the store that is meant, and not known to be silent. */
  isHeard(identity: Identity): boolean {
    return this.isConnectedAs(identity) && this.peers.get(identity.peerId)?.state === 'alive'
  }

  speaks(peerId: PeerId, version: number): boolean {
    return (this.peers.get(peerId)?.protocolMax ?? 0) >= version
  }

  clusterIds(): Iterable<ClusterId> {
    if (this.clusters.size === 0) for (const peer of this.peers.values()) this.clusters.add(peer.clusterId)
    return this.clusters
  }

  connectedOf(cluster: ClusterId): Iterable<PeerId> {
    return this.representatives(cluster)
  }

  representatives(cluster: ClusterId): readonly PeerId[] {
    return this.nearness.representatives(cluster)
  }

  roundTripMs(peerId: PeerId): number | undefined {
    return this.peers.get(peerId)?.usualRoundTripMs
  }

  /** A peer that could have more connections has one to everybody it has heard of. */
  get isFew(): boolean {
    return this.connected().length < CONNECTED_PEERS_MAX
  }

  clusterOf(peerId: PeerId): ClusterId | undefined {
    return this.peers.get(peerId)?.clusterId
  }

  nearest(peerIds: Iterable<PeerId>): PeerId | undefined {
    return this.nearness.nearest(peerIds)
  }

  /** @returns the peer, as it is known from now on */
  greeted(remote: Greeting): RosterPeer {
    const { peerId } = remote.identity
    const before = this.peers.get(peerId)
    const { nowMs } = this.moment
    const peer = greetedPeer(this.self, remote, before, nowMs)
    this.peers.set(peerId, peer)
    this.nearness.onChange()
    this.clusters.clear()
    if (before?.state !== 'alive') this.outbox.note({ kind: 'peer-state', peerId, state: 'alive', reason: 'connected' })
    return peer
  }

  /**
   * True for a voter whose store is an old copy, as far as this peer remembers: its votes do not
   * count here.
   */
  isPutBack(id: IdentityId): boolean {
    return this.putBack.size > 0 && this.putBack.has(id)
  }

  lost(peerId: PeerId, reason: string): void {
    const peer = this.peers.get(peerId)
    if (peer === undefined) return
    peer.isConnected = false
    peer.watchedFromMs = undefined
    peer.lostAtMs = this.moment.nowMs
    this.nearness.onChange()
    this.change(peer, 'suspect', reason)
  }

  onMessage(peerId: PeerId): RosterPeer | undefined {
    const peer = this.peers.get(peerId)
    if (peer === undefined) return undefined
    peer.lastHeardMs = this.moment.nowMs
    if (peer.isConnected && peer.state !== 'alive') this.change(peer, 'alive', 'answers again')
    return peer
  }

  /**
   * Takes what a heartbeat tells. The ceiling is raised at every opening; one that is lower than
   * before tells of an older copy of the store, put back.
   */
  onHeartbeat(peer: RosterPeer, health: Health): void {
    peer.health = health
    peer.beatAtMs = this.moment.nowMs
    if (!peer.hasBeaten && compareCeilings(health.ceiling, peer.ceiling) < 0 && !this.putBack.has(peer.identity.id)) {
      this.putBack.add(peer.identity.id)
      this.outbox.note({ kind: 'refused', peerId: peer.peerId, reason: 'an older copy of its store was put back; its votes do not count' })
    }
    peer.hasBeaten = true
    peer.ceiling = higherCeiling(peer.ceiling, health.ceiling)
  }

  /**
   * The heartbeat that was just taken is an answer. @param echoMs the time at which it was asked,
   * moved on by as long as the question lay there
   */
  answered(peer: RosterPeer, echoMs: number): void {
    const rttMs = this.moment.nowMs - echoMs
    // The number is our own, come back; one that never was is passed over.
    if (!(rttMs >= 0 && rttMs < GONE_AFTER_MS)) return
    onRoundTrip(peer, rttMs)
    peer.lastAnsweredMs = this.moment.nowMs
    if (echoMs >= this.startedAtMs) peer.answeredHealth = peer.health
  }

  /**
   * Whether it answered within a time, or what more a far one needs, itself or, when it is one of
   * those that are looked after by their neighbours, one of them: they would tell if it were
   * silent.
   */
  hasAnswered(peer: RosterPeer, withinMs: number): boolean {
    const { nowMs } = this.moment
    if (!peer.isConnected) return false
    const isLately = (other: RosterPeer): boolean => nowMs - other.lastAnsweredMs <= withinMs + patienceMs(other)
    if (isLately(peer)) return true
    if (peer.watchedFromMs !== undefined || peer.state !== 'alive') return false
    return this.representatives(peer.clusterId).some((peerId) => {
      const near = this.peers.get(peerId)
      return near !== undefined && isLately(near)
    })
  }

  /** What it said of itself, if that was not long ago. */
  freshHealth(peer: RosterPeer): Health | undefined {
    return peer.isConnected && this.moment.nowMs - peer.beatAtMs <= FRESH_MS + patienceMs(peer) ? peer.health : undefined
  }

  /**
   * Peers of the own cluster that are silent to this one: whoever relies on it to watch them is
   * told.
   */
  doubted(): PeerId[] {
    return this.liveness.doubted()
  }

  /** Another peer says that these are silent. */
  onDoubted(peerIds: readonly PeerId[]): void {
    this.liveness.onDoubted(peerIds)
  }

  onStoodStill(): void {
    this.liveness.onStoodStill()
  }

  restUntilMs(): number {
    return this.liveness.restUntilMs()
  }

  /**
   * @param isVoter voters are remembered for good
   * @param isRemoved who was removed from the network is forgotten as soon as it is gone
   */
  tick(isVoter: (peerId: PeerId) => boolean, isRemoved: (peerId: PeerId) => boolean = () => false): void {
    const { nowMs } = this.moment
    this.nearness.onChange()
    this.clusters.clear()
    this.liveness.watch(isVoter)
    for (const peer of this.peers.values()) {
      if (peer.isConnected) this.judge(peer)
      else {
        const lostMs = nowMs - peer.lostAtMs
        if (lostMs > GONE_AFTER_MS) this.change(peer, 'gone', peer.reason)
        const isForgotten = lostMs > FORGOTTEN_AFTER_MS || (peer.state === 'gone' && isRemoved(peer.peerId))
        if (isForgotten && !isVoter(peer.peerId)) this.peers.delete(peer.peerId)
      }
    }
  }

  private judge(peer: RosterPeer): void {
    const { isSuspect, isGivenUp } = this.liveness.judge(peer)
    if (isSuspect) this.change(peer, 'suspect', 'silent')
    if (isGivenUp) this.outbox.disconnect(peer.peerId, 'silent')
  }

  private change(peer: RosterPeer, state: PeerState, reason: string): void {
    if (peer.state === state) return
    peer.state = state
    peer.reason = reason
    this.nearness.onChange()
    this.outbox.note({ kind: 'peer-state', peerId: peer.peerId, state, reason })
  }
}
