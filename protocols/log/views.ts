/** A log as one peer knows it: by its birth, and by its replica where it has one. */
import type { Identity } from '../base/identity.ts'
import type { Birth } from './birth.ts'
import type { Births } from './births.ts'
import type { Hosted } from './hosted.ts'
import { allMembers, firstMembers, isJoint } from './membership.ts'
import type { LogView } from './requests.ts'

export function viewOf(birth: Birth, hosted: Hosted | undefined): LogView {
  const { name, logId, store, isLeased } = birth
  const place = hosted?.place ?? birth.place
  const members = hosted?.replica.state.members ?? firstMembers(birth.voters)
  const { voters, learners } = members
  return { name, logId, store, place, voters, learners, isLeased, isChanging: isJoint(members), own: hosted?.view }
}

export function membersOf(birth: Birth, hosted: Hosted | undefined): readonly Identity[] {
  return hosted === undefined ? birth.voters : allMembers(hosted.replica.state.members)
}

/**
 * Who may answer: the members known here, the first ones, and all who offer a store. A peer that
 * was told of no change finds the members so, though none of the first is left.
 */
export function candidatesOf(birth: Birth, hosted: Hosted | undefined, births: Births): readonly Identity[] {
  const all = [...membersOf(birth, hosted), ...birth.voters, ...births.offering(birth.name)]
  return [...new Map(all.map((peer) => [peer.id, peer])).values()]
}
