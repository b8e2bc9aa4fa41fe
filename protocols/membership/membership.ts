/** Who is there: heartbeats and introductions, kept in the roster. */
import type { IdentityId, Identity, NetworkId, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment } from '../base/moment.ts'
import type { Quorum } from '../base/quorum.ts'
import type { Outbox } from '../outbox.ts'
import type { Handlers, MessageOf, Service } from '../service.ts'
import type { Greeting } from '../wire/greeting.ts'
import type { Health } from '../wire/membership-messages.ts'
import { Heartbeats } from './heartbeats.ts'
import { Introductions } from './introductions.ts'
import { Reachability } from './reachability.ts'
import type { Pair } from './reachability.ts'
import type { Roster } from './roster.ts'
import type { RosterPeer } from './roster-peer.ts'

export interface MembershipContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly roster: Roster
  readonly chain: InForce
  /** What this peer says of itself to another, or to itself. */
  readonly health: (to: PeerId) => Health
  readonly isCaughtUp: () => boolean
  /** What tells its token file from others. */
  readonly tokens: () => string | undefined
  /** A peer, perhaps this one, says which epoch it has on disk. */
  readonly onInstalled: (sender: IdentityId, epoch: number) => void
  /** A peer answered a heartbeat, and so has heard what this one told of itself. */
  readonly onHeard: () => void
  /** A peer of this network, or of none yet, says which epoch it is in. */
  readonly onEpoch: (peerId: PeerId, networkId: NetworkId | undefined, epoch: number) => void
}

export class Membership implements Service {
  readonly handles: Handlers<'heartbeat' | 'roster'>
  private readonly context: MembershipContext
  private readonly reachability: Reachability
  private readonly heartbeats: Heartbeats
  private readonly introductions: Introductions

  constructor(context: MembershipContext) {
    const { self, moment, outbox, roster, health, chain } = context
    this.context = context
    this.reachability = new Reachability(self.peerId, moment, outbox, roster, (peerId) => chain.voterOf(peerId) !== undefined)
    this.heartbeats = new Heartbeats(moment, outbox, roster, this.reachability, health)
    this.introductions = new Introductions(outbox, roster, () => chain.current?.quorum)
    this.handles = {
      heartbeat: (from, message) => this.onHeartbeat(from, message),
      roster: (_, { entries }) => {
        for (const { peerId, clusterId, addresses } of entries) if (peerId !== self.peerId) outbox.meet(peerId, clusterId, addresses)
      },
    }
  }

  /** A connection was made. @returns the peer, as it is known from now on */
  greeted(remote: Greeting): RosterPeer {
    const peer = this.context.roster.greeted(remote)
    this.heartbeats.met(peer)
    this.introductions.welcome(peer)
    return peer
  }

  /** Tells others of a peer that was met. @param before the same peer as it was known until then */
  announce(peer: RosterPeer, before: RosterPeer | undefined): void {
    this.introductions.announce(peer, before)
  }

  lost(peerId: PeerId, reason: string): void {
    this.context.roster.lost(peerId, reason)
    this.heartbeats.lost(peerId)
  }

  upkeep(): void {
    const { roster, chain, isCaughtUp, tokens } = this.context
    roster.tick(
      (peerId) => chain.voterOf(peerId) !== undefined,
      (peerId) => this.isRemoved(peerId),
    )
    this.introductions.tick()
    this.reachability.tick()
    this.heartbeats.caughtUp(isCaughtUp())
    this.heartbeats.tokens(tokens())
    this.heartbeats.tick()
  }

  configInstalled(before: Quorum | undefined): void {
    const { self, chain } = this.context
    this.introductions.configInstalled(before, chain.isVoter(self.id))
  }

  /** Tells of a new epoch. What is sent to oneself arrives once the config is on disk. */
  tellEpoch(): void {
    this.heartbeats.tellAll()
    this.heartbeats.tell(this.context.self.peerId)
  }

  restUntilMs(): number {
    return Math.min(this.context.roster.restUntilMs(), this.heartbeats.dueAtMs())
  }

  /** Pairs of peers that must reach one another and do not. */
  get apart(): readonly Pair[] {
    return this.reachability.apart()
  }

  /**
   * True for a peer that somebody removed, itself or with its cluster, as far as it is known here.
   */
  isRemoved(peerId: PeerId): boolean {
    const barred = this.context.chain.current?.config.barred
    const clusterId = this.context.roster.get(peerId)?.clusterId
    return barred !== undefined && (barred.peers.includes(peerId) || (clusterId !== undefined && barred.clusters.includes(clusterId)))
  }

  /**
   * True for a heartbeat that says what was known: by it, what is waited for only becomes due
   * later.
   */
  isNoNews(from: PeerId, { health, doubted }: MessageOf<'heartbeat'>): boolean {
    if (doubted.length > 0) return false
    const peer = this.context.roster.get(from)
    if (peer === undefined || !peer.hasBeaten || !peer.isConnected || peer.state !== 'alive') return false
    return health.caughtUp === peer.health?.caughtUp && health.epoch === this.context.chain.epoch
  }

  private onHeartbeat(from: Identity, message: MessageOf<'heartbeat'>): void {
    const { roster, outbox, chain, onInstalled, onHeard, onEpoch } = this.context
    const { health } = message
    onInstalled(from.id, health.epoch)
    const peer = roster.get(from.peerId)
    if (peer === undefined) return
    if (this.heartbeats.onHeartbeat(peer, message)) onHeard()
    const own = chain.networkId
    if (health.networkId !== undefined && own !== undefined && health.networkId !== own) {
      outbox.note({ kind: 'refused', peerId: from.peerId, reason: 'other network' })
      return outbox.disconnect(from.peerId, 'other network')
    }
    onEpoch(from.peerId, health.networkId, health.epoch)
  }
}
