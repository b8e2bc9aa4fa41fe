/** Bugs of counters, and of what they stand on, to be planted one at a time. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const FILE = 'test/simulation/types/counter/counter.ts'
const ROWS = 'protocols/repair/indexed-rows.ts'

export const COUNTER_BUGS: readonly PlantedBug[] = [
  bug(
    'count-unsynced',
    'a count is answered before it is on disk',
    FILE,
    'this.context.answer(client, { total: this.total(name) }, { type: COUNTER.name, name })',
    "this.context.answer(client, { total: this.total(name) }, 'nothing')",
  ),
  bug(
    'watch-unsynced',
    'a watch is told what is not on disk',
    FILE,
    'this.context.tell(client, { total }, after)',
    "this.context.tell(client, { total }, 'nothing')",
  ),
  bug(
    'count-overwritten',
    'a total that is told replaces a higher one',
    FILE,
    'if (total <= this.total(name)) return false',
    'if (total === this.total(name)) return false',
  ),
  bug('row-left', 'the row of an earlier decade stays', FILE, '...before.flatMap((each) => this.rows.remove(each.name)), ', ''),
  bug(
    'digest-left',
    'the digest of before stays in the tree when a row changes',
    ROWS,
    'else this.tree.replace(name, before, digest)',
    'else this.tree.add(name, digest)',
  ),
  bug('rows-not-repaired', 'rows that differ are not pulled', 'protocols/repair/copying.ts', '    this.startPulls()\n', ''),
]
