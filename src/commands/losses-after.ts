/**
 * What one more loss would do after a change, as far as the peer that was asked knows who answers.
 */
import { lossesThatHurt, standingAfter } from '../losses.ts'
import type { Exchange, Member } from '../losses.ts'
import type { ConfigView, MemberView } from '../ports/replicator.ts'

/** No change: as it is now. */
export const NOTHING: Exchange = { add: [], remove: [], removeCluster: undefined }

/** @returns a sentence for each cluster that could lose no more, and for the network */
export function lossesAfter({ clusters }: ConfigView, exchange: Exchange): string[] {
  const of = (members: readonly MemberView[]): Member[] =>
    members.map(({ id, state }) => ({ id, isUp: state === 'self' || state === 'alive' }))
  const told = Object.entries(clusters).map(([id, { voters, learners }]) => [id, { voters: of(voters), learners: of(learners) }] as const)
  return lossesThatHurt(standingAfter(Object.fromEntries(told), exchange))
}
