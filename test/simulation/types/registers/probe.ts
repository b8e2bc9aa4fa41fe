/**
 * V8: at any moment any quorum of the newest config that was decided must show what is chosen of a
 * register, from what is on disk alone. What only histories find in hours it finds in seconds.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { Config } from '../../../../protocols/base/config.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { compareBallots } from '../../../../protocols/base/ballot.ts'
import type { Cell, Swept } from '../../../../protocols/registers/cells.ts'
import { compareEntries, equalRegisterRecords, isStub } from '../../../../protocols/registers/record.ts'
import type { Entry } from '../../../../protocols/registers/record.ts'
import { holdsData, votersOf } from '../../checkers/quorums.ts'
import { check } from '../../checkers/violation.ts'

/** What is on the disk of a voter. */
export interface ProbedVoter extends Cell {
  readonly swept: Swept | undefined
}

/** @param voterOf undefined when its store is gone */
export function probe(config: Config, key: RegisterKey, tip: Entry, voterOf: (id: IdentityId) => ProbedVoter | undefined): void {
  const below = new Set<IdentityId>()
  for (const id of votersOf(config)) {
    const voter = voterOf(id)
    if (voter === undefined || hasForgotten(voter, tip)) continue
    const best = voter.accepted ?? voter.held
    if (best === undefined || isBelow(best, tip)) below.add(id)
    else
      check(
        isMadeFrom(best, tip),
        'V8',
        () => `${id} shows version ${best.record.version} of ${key}, made without version ${tip.record.version}`,
      )
  }
  check(!holdsData(config, (id) => below.has(id)), 'V8', () => `a quorum does not show version ${tip.record.version} of ${key}`)
}

/** It shows that the register is deleted, and keeps its number. */
function hasForgotten({ held, accepted, swept }: ProbedVoter, tip: Entry): boolean {
  if (!tip.record.isDeleted || held !== undefined || accepted !== undefined || swept === undefined) return false
  return compareBallots(tip.ballot, swept.ballot) <= 0 && swept.number >= tip.record.version
}

function isBelow(entry: Entry, tip: Entry): boolean {
  return compareEntries(entry, tip) < 0 && !equalRegisterRecords(entry.record, tip.record)
}

function isMadeFrom({ record }: Entry, tip: Entry): boolean {
  const { version, mark } = tip.record
  if (isStub(record)) return tip.record.isDeleted
  if (equalRegisterRecords(record, tip.record)) return true
  // Begun anew after forgetting, perhaps with several writes at once.
  if (tip.record.isDeleted && record.since >= version && [...record.recent].every((write) => write.version > record.since)) return true
  return [...record.recent].some((write) => write.version === version && write.mark === mark)
}
