/**
 * Looks, for the logs that are led here, at where their voters are and where they are wished to be.
 * What is absent is counted by this leader alone: another one counts anew.
 */
import type { Identity, IdentityId, PeerId } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import type { Births } from './births.ts'
import type { Hosted } from './hosted.ts'
import type { LogLimits } from './limits.ts'
import { allMembers, has, isJoint } from './membership.ts'
import type { MemberChange } from './membership.ts'
import { learnersToCome, placementChanges, readWish } from './placement.ts'
import type { Placeable } from './placement.ts'

export class Placements {
  private readonly context: TypeContext
  private readonly births: Births
  private readonly limits: LogLimits
  /** Since when members are not in touch, by log. */
  private readonly absent = new Map<string, Map<IdentityId, number>>()
  private lookedMs = Number.NEGATIVE_INFINITY

  constructor(context: TypeContext, births: Births, limits: LogLimits) {
    this.context = context
    this.births = births
    this.limits = limits
  }

  /** Another config is in force: it may have removed somebody. */
  lookSoon(): void {
    this.lookedMs = Number.NEGATIVE_INFINITY
  }

  /** Has each log that is led here changed, where its voters are not as wished. */
  tick(hosted: Iterable<Hosted>): void {
    const { nowMs } = this.context.moment
    if (nowMs - this.lookedMs < this.limits.placedEveryMs) return
    this.lookedMs = nowMs
    for (const each of hosted) {
      if (each.replica.state.role === 'leader' && each.halted === undefined) {
        const changes = this.changes(each)
        const isLost = ({ kind, peer }: MemberChange): boolean => kind === 'remove' && this.isLost(peer)
        if (changes.length > 0) each.carryOut(changes, changes.every(isLost))
      } else this.absent.delete(each.birth.logId)
    }
  }

  private changes(hosted: Hosted): readonly MemberChange[] {
    const { birth, place, replica } = hosted
    const { members } = replica.state
    const wish = readWish(place)
    if (wish === undefined || isJoint(members)) return []
    const known = allMembers(members)
    const others = this.births
      .around({ log: birth.name, store: birth.store, learns: false })
      .filter(({ peer }) => !has(known, peer.id) && !this.isRemoved(peer.peerId))
    const standings = known.map((peer) => this.member(birth.logId, peer))
    const changes = placementChanges(wish, members, [...standings, ...others])
    return changes.length > 0 ? changes : learnersToCome(members, others)
  }

  private member(logId: string, peer: Identity): Placeable {
    const { roster, self } = this.context
    const isSelf = peer.id === self.id
    const clusterId = isSelf ? roster.clusterId : roster.clusterOf(peer.peerId)
    const standing = (): Placeable['standing'] => {
      if (this.isLost(peer)) return 'lost'
      const absent = this.absentOf(logId)
      if (isSelf || roster.isConnectedAs(peer)) {
        absent.delete(peer.id)
        return 'able'
      }
      const { nowMs } = this.context.moment
      const sinceMs = absent.get(peer.id) ?? nowMs
      absent.set(peer.id, sinceMs)
      return nowMs - sinceMs >= this.limits.goneMs ? 'gone' : 'away'
    }
    return { peer, clusterId, standing: standing() }
  }

  private isLost(peer: Identity): boolean {
    return this.isRemoved(peer.peerId) || this.isReplaced(peer)
  }

  /** The peer is here with another disk. */
  private isReplaced({ id, peerId }: Identity): boolean {
    const { roster, self } = this.context
    if (peerId === self.peerId) return id !== self.id
    return roster.isConnected(peerId) && roster.get(peerId)?.identity.id !== id
  }

  /** Somebody removed it from the network, itself or with its cluster. */
  private isRemoved(peerId: PeerId): boolean {
    const { chain, roster, self } = this.context
    const barred = chain.current?.config.barred
    const clusterId = peerId === self.peerId ? roster.clusterId : roster.clusterOf(peerId)
    return barred !== undefined && (barred.peers.includes(peerId) || (clusterId !== undefined && barred.clusters.includes(clusterId)))
  }

  private absentOf(logId: string): Map<IdentityId, number> {
    let absent = this.absent.get(logId)
    if (absent === undefined) this.absent.set(logId, (absent = new Map()))
    return absent
  }
}
