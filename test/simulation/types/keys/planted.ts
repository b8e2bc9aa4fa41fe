/**
 * Bugs of write-once keys, to be planted one at a time: in what gets show, and in what is said of
 * puts.
 */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const RUN = 'protocols/agreement/run.ts'
const READ_COUNT = 'protocols/agreement/read-count.ts'
const CHOSEN = 'protocols/keys/chosen.ts'
const PUTS = 'protocols/keys/puts.ts'

export const KEY_READS: readonly PlantedBug[] = [
  bug(
    'empty-for-latecomers',
    'a get that joins a run is told empty by a reserve sent before it came',
    RUN,
    'claim.record === undefined && claim.asked)',
    'claim.record === undefined)',
  ),
  bug(
    'miss-is-absent',
    'a local miss sold as absent',
    'protocols/keys/reads.ts',
    "if (this.event.consistency === 'local') this.absent()",
    'if (this.event.client > 0) this.absent()',
  ),
  bug(
    'accepted-shown',
    'an accepted-only value returned',
    READ_COUNT,
    "if (isOfThisEpoch && group.tally.verdict() === 'won' && this.isHomeAgreed(group))",
    'if (isOfThisEpoch)',
  ),
  bug(
    'older-epoch-counted',
    'a read that counts (b, record) of an older epoch',
    READ_COUNT,
    'const isOfThisEpoch = body.accepted.ballot.epoch === this.epoch',
    'const isOfThisEpoch = true',
  ),
]

export const KEY_OUTCOMES: readonly PlantedBug[] = [
  bug(
    'not-stored-after-commit',
    '*not stored* after a commit was sent',
    PUTS,
    '!claim.commitSent && !event.writeIdGiven',
    '!event.writeIdGiven',
  ),
  bug('not-stored-for-retry', '*not stored* for a retried writeId', PUTS, '!claim.commitSent && !event.writeIdGiven', '!claim.commitSent'),
  bug(
    'created-for-another-value',
    'created for another value under the same writeId',
    PUTS,
    'if (claim.record === undefined || !equalContents(record, claim.record))',
    'if (claim.record === undefined || (!equalContents(record, claim.record) && claim.deadlineMs < 0))',
  ),
  bug(
    'created-for-another-writer',
    'a conflict is called created (the prototype)',
    PUTS,
    "if (record.writeId !== event.writeId) return { kind: 'conflict', record }",
    "if (record.writeId !== event.writeId) return { kind: 'created', record }",
  ),
  bug(
    'learn-overwrites',
    'learn overwrites',
    CHOSEN,
    'else if (!equalRecords(held, record)) this.alarm(key, held, record)',
    'else if (!equalRecords(held, record)) this.mark(key, record)',
  ),
]
