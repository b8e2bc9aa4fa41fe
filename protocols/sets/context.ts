/** What sets need of the peer that they live in, and how they are set. */
import type { Sha256, Utf8 } from '../base/bytes.ts'
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import type { InForce } from '../base/installed.ts'
import type { Moment, NextId } from '../base/moment.ts'
import type { After } from '../base/slot.ts'
import type { Roster } from '../membership/roster.ts'
import type { IsElement, SetsMessage } from './messages.ts'

export interface SetsSettings {
  /** How far a client's stamp may be ahead of this peer's clock, in milliseconds. */
  readonly aheadMs: number
  /** For how long a removal is remembered; undefined: for good. */
  readonly historyMs: number | undefined
  /** Sets whose removals are remembered for good, whatever is said above. */
  readonly wholeHistory: ReadonlySet<string>
  /** Between two looks whether there is enough to forget. */
  readonly sweepEveryMs: number
  /** Removals of that age that are worth a sweep. */
  readonly sweepLeast: number
  /**
   * Tells the one spelling of an element from other bytes: what peers tell in another is refused.
   */
  readonly isElement: IsElement
  /** No cut is agreed to that lies nearer to the present than this. */
  readonly leastAgeMs: number
}

/** Of a peer that is not told otherwise. */
export const SETS_SETTINGS: SetsSettings = {
  aheadMs: 60_000,
  historyMs: 30 * 86_400_000,
  wholeHistory: new Set(),
  sweepEveryMs: 3_600_000,
  sweepLeast: 1_000,
  isElement: () => true,
  leastAgeMs: 86_400_000,
}

/** What each part of this type is given. */
export interface SetsContext {
  readonly self: Identity
  readonly moment: Moment
  readonly chain: InForce
  readonly roster: Roster
  readonly random: () => number
  readonly nextId: NextId
  readonly utf8: Utf8
  readonly sha256: Sha256
  readonly settings: SetsSettings
  /** The time of day in milliseconds, as this peer's clock shows it: it may jump. */
  readonly wallMs: () => number
  /** @param after the slot of a set, or all that was written before */
  readonly send: (to: PeerId, message: SetsMessage, after: After) => void
}

/** True for a peer that somebody removed from the network, by itself or with its cluster. */
export function isRemoved({ chain }: SetsContext, peerId: PeerId, clusterId: ClusterId): boolean {
  const barredPeers = chain.current?.config.barred
  return barredPeers !== undefined && (barredPeers.peers.includes(peerId) || barredPeers.clusters.includes(clusterId))
}

/** To the farthest of these and back, as heartbeats measured it; 0 until they have. */
export function toFarthestMs({ roster }: Pick<SetsContext, 'roster'>, peers: readonly Identity[]): number {
  return peers.reduce((mostMs, { peerId }) => Math.max(mostMs, roster.roundTripMs(peerId) ?? 0), 0)
}
