/**
 * Linearizable reads without an entry in the log, as in section 6.4 of Ongaro's thesis: the leader
 * takes its commit index, and a majority that answers a round of heartbeats begun after the query
 * shows that nobody else led meanwhile.
 */
import type { Identity, IdentityId } from '../base/identity.ts'
import { isMajority } from './commit.ts'
import type { Membership } from './membership.ts'

/** Whoever wants to know what a query must see. */
export interface Asking {
  readonly from: Identity
  readonly number: number
}

interface Round {
  readonly number: number
  readonly index: number
  readonly asking: readonly Asking[]
}

/** At the leader. All queries that wait share one round, and one round is under way at a time. */
export class ReadRounds {
  private waiting: Asking[] = []
  private current: Round | undefined
  /** The number that heartbeats carry. */
  number = 0

  ask(asking: Asking): void {
    this.waiting.push(asking)
  }

  /**
   * @returns true when a round begins now, and heartbeats must carry it. @param commit undefined
   * before this leader's first entry is committed. @param isWanted though no query waits, for a lease
   */
  begin(commit: number | undefined, isWanted: boolean = false): boolean {
    if (commit === undefined || this.current !== undefined || (this.waiting.length === 0 && !isWanted)) return false
    this.number += 1
    this.current = { number: this.number, index: commit, asking: this.waiting }
    this.waiting = []
    return true
  }

  /** The round, when a majority has answered it. @param round the newest that a voter answered */
  ended(members: Membership, round: (voter: IdentityId) => number): Round | undefined {
    const { current } = this
    if (current === undefined || !isMajority(members, (id) => round(id) >= current.number)) return undefined
    this.current = undefined
    return current
  }
}
