/**
 * What somebody at this peer wants of a register, from the asking to the end. All claims on one
 * register share one run.
 */
import type { Ballot } from '../base/ballot.ts'
import type { ForwardedWrite, Write } from './judge.ts'
import { BATCH_MAX } from './plan.ts'
import type { Judged } from './plan.ts'
import type { RegisterRecord } from './record.ts'
import type { View } from './showing.ts'

/** Of a batch: what may be retries does not take all of it. */
const RETRIES_MAX = 48

interface Pending {
  readonly deadlineMs: number
  /**
   * A reserve was sent after the claim was made: what its promises show is not older than the
   * claim.
   */
  asked: boolean
  isOver: boolean
}

export interface WriteClaim extends Pending {
  readonly kind: 'write'
  readonly write: Omit<Write, 'isMaybeRetry'>
  readonly writeIdGiven: boolean
  /** The version that was current when it came, as far as is known here. */
  readonly cameAfter: number
  /**
   * Somebody forwarded it to this ballot of this peer: it is committed at this one or not from here.
   */
  readonly onlyAt: Ballot | undefined
  /** A commit with it was handed to the network. */
  commitSent: boolean
  /** What was current when that happened first. */
  afterSent: number | undefined
  readonly settle: (result: Judged | { readonly kind: 'expired' }) => void
}

/** Wants to know what is chosen, whoever wrote it. */
export interface SettleClaim extends Pending {
  readonly kind: 'settle'
  /**
   * True where what a quorum shows is not enough, so that something must be committed: what is
   * there, else a deletion.
   */
  readonly needsCommit: (view: View) => boolean
  readonly settle: (result: Settled | { readonly kind: 'expired' }) => void
}

export interface Settled {
  readonly kind: 'settled'
  /** What is chosen; undefined for nothing, or what is gone. */
  readonly record: RegisterRecord | undefined
  readonly number: number
}

export type Claim = WriteClaim | SettleClaim

/**
 * The writes that are judged next. Those that may be retries come first: a busy register remembers
 * so many writes, and behind a long queue of others their first tries would be forgotten.
 */
export function batchOf(claims: readonly Claim[]): WriteClaim[] {
  const writes = claims.filter((claim) => claim.kind === 'write')
  if (writes.length <= BATCH_MAX) return writes
  const mayBeRetry = ({ writeIdGiven, commitSent }: WriteClaim): boolean => writeIdGiven || commitSent
  const first = new Set(writes.filter(mayBeRetry).slice(0, RETRIES_MAX))
  return [...first, ...writes.filter((claim) => !first.has(claim))].slice(0, BATCH_MAX)
}

/** The write as it is judged now. */
export function writeOf({ write, writeIdGiven, commitSent, afterSent }: WriteClaim): Write {
  return { ...write, isMaybeRetry: writeIdGiven || commitSent, after: write.after ?? afterSent }
}

export function writeClaim(
  write: WriteClaim['write'],
  origin: Pick<WriteClaim, 'writeIdGiven' | 'cameAfter'> & { readonly onlyAt?: Ballot },
  deadlineMs: number,
  settle: WriteClaim['settle'],
): WriteClaim {
  const { writeIdGiven, cameAfter, onlyAt } = origin
  const nothingSent = { commitSent: false, afterSent: undefined }
  return { kind: 'write', write, writeIdGiven, cameAfter, onlyAt, deadlineMs, asked: false, isOver: false, ...nothingSent, settle }
}

/**
 * The write as it is handed to the owner of a ballot, which counts as a commit that was sent.
 * @param current the version that is current now, as far as is known here
 */
export function forwardOf(claim: WriteClaim, current: number): ForwardedWrite {
  claim.commitSent = true
  claim.afterSent ??= Math.max(claim.cameAfter, current)
  return { ...claim.write, after: claim.write.after ?? claim.afterSent }
}

export function settleClaim(needsCommit: SettleClaim['needsCommit'], deadlineMs: number, settle: SettleClaim['settle']): SettleClaim {
  return { kind: 'settle', needsCommit, deadlineMs, asked: false, isOver: false, settle }
}

/** Ends a claim, once. */
export function expire(claim: Claim): void {
  claim.isOver = true
  claim.settle({ kind: 'expired' })
}
