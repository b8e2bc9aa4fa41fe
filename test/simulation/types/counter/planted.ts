/** Bugs of counters, to be planted one at a time. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const FILE = 'test/simulation/types/counter/counter.ts'

export const COUNTER_BUGS: readonly PlantedBug[] = [
  bug(
    'count-unsynced',
    'a count is answered before it is on disk',
    FILE,
    'total }, slotOf(name))\n  }\n\n  told',
    "total }, 'nothing')\n  }\n\n  told",
  ),
  bug('count-overwritten', 'a total that is told replaces a higher one', FILE, 'if (total > (this.totals', 'if (total !== (this.totals'),
  bug(
    'count-told-once',
    'a total that was lost on the way is not told again',
    FILE,
    'this.retellAtMs = nowMs + RETELL_MS\n',
    'this.retellAtMs = Infinity\n',
  ),
]
