/**
 * How long a leader may answer reads without asking a majority again, as in section 6.4.1 of
 * Ongaro's thesis. A voter that answered a heartbeat votes for nobody else within an election time
 * of hearing it, so nobody leads before that time after the heartbeat was *sent*. It rests on every
 * voter keeping to that: so a log is born with leases, and no peer turns them on alone.
 *
 * The clock that it counts by may stand still while a machine sleeps, and the time of day does not:
 * where the two have parted, the lease is void.
 */
import { isJoint } from './membership.ts'
import type { Membership } from './membership.ts'

/** Of an election time: clocks may run apart by the rest of it. */
const PART_OF_ELECTION = 0.9
/** How far the two clocks may part within one lease, in milliseconds. */
const PARTED_MAX_MS = 100

interface Sent {
  readonly round: number
  readonly atMs: number
  /** The time of day, less the time that it was sent at. */
  readonly wallAheadMs: number
}

export class Lease {
  private readonly electionMs: number
  /** The round that was sent last, while it is not known to be answered by a majority: there is one at a time. */
  private sent: Sent | undefined
  private held: Sent | undefined
  private isVoid = false

  constructor(electionMs: number) {
    this.electionMs = electionMs
  }

  /** A round of heartbeats goes out. Only its first sending counts. */
  begun(round: number, nowMs: number, wallMs: number): void {
    if (this.sent?.round === round || this.held?.round === round) return
    this.sent = { round, atMs: nowMs, wallAheadMs: wallMs - nowMs }
  }

  /** A majority has answered that round. */
  answered(round: number): void {
    if (this.sent?.round !== round) return
    this.held = this.sent
    this.sent = undefined
  }

  /** Somebody else may be asked to campaign at once: a word of that may arrive late, so it never holds again. */
  end(): void {
    this.isVoid = true
  }

  holds(members: Membership, nowMs: number, wallMs: number): boolean {
    const { held } = this
    if (held === undefined || this.isVoid || isJoint(members)) return false
    const isFresh = nowMs - held.atMs < PART_OF_ELECTION * this.electionMs
    return isFresh && Math.abs(wallMs - nowMs - held.wallAheadMs) < PARTED_MAX_MS
  }
}
