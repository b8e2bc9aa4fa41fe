/**
 * How a register settles. Once: what is chosen is its record for ever, so that it answers every
 * question and ends every claim. At each ballot: what is chosen is one more version, made from the
 * one before, and promises go on holding.
 */
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { Claim } from './run.ts'

/** What a coordinator commits when a quorum promised. */
export interface Choice {
  readonly record: ValueRecord
  /** Whose record it is; undefined for what others began. */
  readonly claim: Claim | undefined
}

export interface Settlement {
  /**
   * True when a chosen record is the last one: it answers whatever is asked, and nothing is left
   * for a promise to guard.
   */
  readonly isFinal: boolean
  /**
   * @param highest of what the promises of a quorum showed
   * @returns undefined when there is nothing to commit
   */
  choose(highest: Accepted | undefined, claims: readonly Claim[]): Choice | undefined
  /** True for a claim that has its result when the record is chosen. */
  ends(claim: Claim, chosen: ValueRecord): boolean
}

/**
 * What may already be chosen must be finished; only when there is no such thing is the choice free.
 */
export const ONCE: Settlement = {
  isFinal: true,
  choose: (highest, claims) => finishing(highest) ?? writing(claims),
  ends: () => true,
}

/** What a quorum showed is what the next version is made from. */
export const AT_EACH_BALLOT: Settlement = {
  isFinal: false,
  choose: (highest, claims) => writing(claims) ?? finishing(highest),
  ends: ({ record }, chosen) => record === undefined || record.writeId === chosen.writeId,
}

function finishing(highest: Accepted | undefined): Choice | undefined {
  return highest === undefined ? undefined : { record: highest.record, claim: undefined }
}

function writing(claims: readonly Claim[]): Choice | undefined {
  const claim = claims.find(({ record }) => record !== undefined)
  return claim?.record === undefined ? undefined : { record: claim.record, claim }
}
