/**
 * Who reaches whom, as peers tell in their heartbeats. Peers of one cluster, and voters, must all
 * reach one another. When two of them do not, each of them sees a peer too few and cannot say why;
 * whoever both can talk to knows. Nothing is decided by it: it gives the warning that names the
 * pair.
 */
import type { PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../outbox.ts'
import { REACHED_MAX } from '../base/limits.ts'
import type { Roster } from './roster.ts'
import type { RosterPeer } from './roster-peer.ts'

/**
 * Two that do not reach each other for so long are told of: some dials, the longest wait between
 * them, and a heartbeat's time.
 */
const APART_AFTER_MS = 15_000
/** Between looks. */
const LOOK_MS = 1_000
/** How many peers are compared with one another, and how many pairs are told of. */
const COMPARED_MAX = 64
const PAIRS_MAX = 16

/** In the order of their ids. */
export type Pair = readonly [PeerId, PeerId]

interface Reached {
  readonly peers: ReadonlySet<PeerId>
  /** False: it reaches more than it could name, so that one it does not name may be among them. */
  readonly isWhole: boolean
}

export class Reachability {
  private readonly self: PeerId
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly roster: Roster
  private readonly isVoter: (peerId: PeerId) => boolean
  private readonly reachedBy = new Map<PeerId, Reached>()
  /** Pairs that do not reach each other, and since when. */
  private seen = new Map<string, { readonly pair: Pair; readonly sinceMs: number }>()
  private pairs: readonly Pair[] = []
  private lookAtMs = Number.NEGATIVE_INFINITY
  /** Whom this peer reaches of those that it must; the same array until it changes. */
  own: readonly PeerId[] = []

  constructor(self: PeerId, moment: Moment, outbox: Outbox, roster: Roster, isVoter: (peerId: PeerId) => boolean) {
    this.self = self
    this.moment = moment
    this.outbox = outbox
    this.roster = roster
    this.isVoter = isVoter
  }

  /** What a heartbeat of a peer says; undefined: what the last one said. */
  onHeartbeat(peerId: PeerId, reached: readonly PeerId[] | undefined): void {
    if (reached !== undefined) this.reachedBy.set(peerId, { peers: new Set(reached), isWhole: reached.length < REACHED_MAX })
  }

  lost(peerId: PeerId): void {
    this.reachedBy.delete(peerId)
  }

  /** Pairs that have not reached each other for a while, to be told of. */
  apart(): readonly Pair[] {
    return this.pairs
  }

  tick(): void {
    const { nowMs } = this.moment
    if (nowMs < this.lookAtMs) return
    this.lookAtMs = nowMs + LOOK_MS
    const alive = this.roster.connected().filter((peer) => peer.state === 'alive')
    const near = alive.filter(({ peerId, clusterId }) => clusterId === this.roster.clusterId || this.isVoter(peerId))
    const own = near.map(({ peerId }) => peerId).toSorted()
    if (own.join(' ') !== this.own.join(' ')) this.own = own.slice(0, REACHED_MAX)
    const reached = new Set([this.self, ...alive.map(({ peerId }) => peerId)])
    this.keepLasting([...this.ownPairs(near, reached), ...this.pairsOf(near)])
  }

  /** Keeps those that last, and tells of the new ones among them. */
  private keepLasting(found: readonly Pair[]): void {
    const { nowMs } = this.moment
    const seen: typeof this.seen = new Map()
    for (const pair of found) {
      const name = pair.join(' ')
      seen.set(name, { pair, sinceMs: this.seen.get(name)?.sinceMs ?? nowMs })
    }
    this.seen = seen
    const lasting = [...seen.values()].filter(({ sinceMs }) => nowMs - sinceMs >= APART_AFTER_MS)
    const before = new Set(this.pairs.map((pair) => pair.join(' ')))
    this.pairs = lasting.slice(0, PAIRS_MAX).map(({ pair }) => pair)
    for (const pair of this.pairs) if (!before.has(pair.join(' '))) this.outbox.note({ kind: 'apart', pair })
  }

  /** Others reach a peer that this one must reach too, and does not. */
  private ownPairs(near: readonly RosterPeer[], reached: ReadonlySet<PeerId>): Pair[] {
    const missing = new Set<PeerId>()
    for (const { peerId, clusterId } of near) {
      const isOfOwnCluster = clusterId === this.roster.clusterId
      for (const other of this.reachedBy.get(peerId)?.peers ?? []) {
        const isNeeded = this.isVoter(this.self) || this.isVoter(other) || this.isOfOwnCluster(other, isOfOwnCluster)
        if (isNeeded && !reached.has(other)) missing.add(other)
      }
    }
    return [...missing].map((other) => pairOf(this.self, other))
  }

  /** Two that this peer reaches and that do not reach each other, as both say. */
  private pairsOf(near: readonly RosterPeer[]): Pair[] {
    const pairs: Pair[] = []
    const compared = near.filter(({ peerId }) => this.reachedBy.get(peerId)?.isWhole === true).slice(0, COMPARED_MAX)
    for (const [index, a] of compared.entries()) {
      for (const b of compared.slice(index + 1)) {
        const isNeeded = a.clusterId === b.clusterId || this.isVoter(a.peerId) || this.isVoter(b.peerId)
        if (isNeeded && !this.reaches(a.peerId, b.peerId) && !this.reaches(b.peerId, a.peerId)) pairs.push(pairOf(a.peerId, b.peerId))
      }
    }
    return pairs
  }

  private reaches(peerId: PeerId, other: PeerId): boolean {
    return this.reachedBy.get(peerId)?.peers.has(other) ?? true
  }

  /** @param otherwise of a peer that this one has never met */
  private isOfOwnCluster(peerId: PeerId, otherwise: boolean): boolean {
    const clusterId = this.roster.clusterOf(peerId)
    return clusterId === undefined ? otherwise : clusterId === this.roster.clusterId
  }
}

function pairOf(a: PeerId, b: PeerId): Pair {
  return a < b ? [a, b] : [b, a]
}

/** For people. */
export function describePair([a, b]: Pair): string {
  return `${a} and ${b} cannot reach one another`
}
