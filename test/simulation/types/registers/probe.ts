/**
 * V8: at any moment any quorum of the newest config that was decided must show what is chosen of a register, from what is on disk alone. What
 * only histories find in hours it finds in seconds.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { Config } from '../../../../protocols/base/config.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Cell } from '../../../../protocols/registers/cells.ts'
import { compareEntries, equalRegisterRecords } from '../../../../protocols/registers/record.ts'
import type { Entry } from '../../../../protocols/registers/record.ts'
import { holdsData, votersOf } from '../../checkers/quorums.ts'
import { check } from '../../checkers/violation.ts'

/** @param cellOf what is on the disk of a voter; undefined when its store is gone */
export function probe(config: Config, key: RegisterKey, tip: Entry, cellOf: (id: IdentityId) => Cell | undefined): void {
  const below = new Set<IdentityId>()
  for (const id of votersOf(config)) {
    const cell = cellOf(id)
    if (cell === undefined) continue
    const best = cell.accepted ?? cell.held
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

function isBelow(entry: Entry, tip: Entry): boolean {
  return compareEntries(entry, tip) < 0 && !equalRegisterRecords(entry.record, tip.record)
}

function isMadeFrom({ record }: Entry, tip: Entry): boolean {
  const { version, mark } = tip.record
  return equalRegisterRecords(record, tip.record) || record.recent.some((write) => write.version === version && write.mark === mark)
}
