/**
 * How long a round trip is to those whose answers are needed. A wait that races an answer is some
 * of these long, and never shorter than it is on near links. Heartbeats measure it, so that lost
 * and repeated questions do not lengthen it. It tunes patience and decides nothing else.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import { preferenceOf } from '../base/preference.ts'
import { Tally } from '../base/quorum.ts'
import type { Quorum } from '../base/quorum.ts'
import type { Reach } from '../base/reach.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Latencies } from './latency.ts'

/**
 * A shorter round trip counts as none: no wait is so short that it would race it, and nothing is
 * different on near links.
 */
const FAR_LEAST_MS = 50
/** Slow disks and lost messages hardly make a quorum take longer: beyond it there was none. */
const LATELY_MOST_MS = 2_000
/**
 * A voter that is reached through a neighbour is farther by this factor than the farthest that is
 * reached directly.
 */
const AROUND_FACTOR = 2

/** How long it takes until a quorum has answered: that of the nearest voters that make one. */
export function nearestQuorumMs(quorum: Quorum, distanceMs: (voter: Identity) => number): number {
  const distances = quorum.voters.map((voter) => ({ voter, ms: distanceMs(voter) })).toSorted((a, b) => a.ms - b.ms)
  const tally = new Tally(quorum)
  for (const { voter, ms } of distances) {
    tally.yes(voter.id)
    if (tally.verdict() === 'won') return ms
  }
  return 0
}

export class RoundTrips {
  private readonly self: Identity
  private readonly reach: Reach
  private readonly latencies: Latencies
  private readonly quorumOf: (key: RegisterKey) => Quorum | undefined

  /** @param quorumOf who decides a register now; undefined before the first config */
  constructor(self: Identity, reach: Reach, latencies: Latencies, quorumOf: (key: RegisterKey) => Quorum | undefined) {
    this.self = self
    this.reach = reach
    this.latencies = latencies
    this.quorumOf = quorumOf
  }

  /** Until a quorum has answered, of those that are connected first. */
  toQuorumMs(quorum: Quorum): number {
    const farthestMs = this.toFarthestMs(quorum.voters)
    if (farthestMs === 0) return 0
    return nearestQuorumMs(quorum, (voter) => this.toVoterMs(voter) ?? AROUND_FACTOR * farthestMs)
  }

  /** Until the quorum has answered that decides a register now. */
  toDecideMs(key: RegisterKey): number {
    const quorum = this.quorumOf(key)
    return quorum === undefined ? 0 : this.toQuorumMs(quorum)
  }

  /**
   * The same, and never less than quorums have lately taken, with slow disks and lost messages. What
   * waited for a quorum to come back says nothing of how long one takes.
   */
  latelyToDecideMs(key: RegisterKey): number {
    return Math.max(Math.min(LATELY_MOST_MS, this.latencies.roundTripMs), this.toDecideMs(key))
  }

  /** Until all of these that are connected have answered. */
  toFarthestMs(voters: readonly Identity[]): number {
    let mostMs = 0
    for (const voter of voters) mostMs = Math.max(mostMs, this.toVoterMs(voter) ?? 0)
    return mostMs
  }

  /**
   * Until a peer has answered, as heartbeats measured it last; 0 for a near one, and until it is
   * measured.
   */
  toPeerMs(peerId: PeerId): number {
    const roundTripMs = this.reach.roundTripMs(peerId) ?? 0
    return roundTripMs < FAR_LEAST_MS ? 0 : roundTripMs
  }

  /**
   * Until all of these have answered: one whose connection was lost is as far as it was, and needs
   * longer still to come back.
   */
  toFarthestKnownMs(voters: readonly Identity[]): number {
    return voters.reduce((mostMs, voter) => Math.max(mostMs, voter.id === this.self.id ? 0 : this.toPeerMs(voter.peerId)), 0)
  }

  /**
   * This peer's place among the voters of a register that are connected, in an order that is
   * another one for each register.
   */
  turnOf(key: RegisterKey): number {
    const voters = this.quorumOf(key)?.voters ?? []
    const own = preferenceOf(key, this.self.id)
    return voters.filter((voter) => this.toVoterMs(voter) !== undefined && preferenceOf(key, voter.id) < own).length
  }

  /**
   * Undefined for a voter without a connection, or whose peer came back with another store; 0 for a
   * near one, and until it is measured.
   */
  private toVoterMs(voter: Identity): number | undefined {
    if (voter.id === this.self.id) return 0
    if (!this.reach.isConnectedAs(voter)) return undefined
    return this.toPeerMs(voter.peerId)
  }
}
