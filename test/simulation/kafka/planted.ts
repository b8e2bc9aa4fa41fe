/**
 * Bugs of a replica of a log that Kafka orders, to be planted one at a time. That of the simulated
 * store is planted there.
 */
import { bug } from '../planted/bug.ts'
import type { PlantedBug } from '../planted/bug.ts'

const CORE = 'protocols/log/kafka'

export const KAFKA_BUGS: readonly PlantedBug[] = [
  bug(
    'second-transaction',
    'the position is written in a second transaction',
    'test/simulation/kafka/replica.ts',
    'if (underWay !== undefined && this.chance.happens(0.5)) underWay()',
    'const { at } = this.store\n    if (underWay !== undefined && this.chance.happens(0.5)) underWay()\n    this.store.at = at',
  ),
  bug(
    'other-record',
    'a replica goes on though another record is where its last one was',
    `${CORE}/reading.ts`,
    "    if (!isSame) return this.halt('record-replaced')\n",
    '    if (isSame && this.halted !== undefined) return\n',
  ),
  bug(
    'leader-trusted',
    'the last record is not compared',
    `${CORE}/reading.ts`,
    '    if (this.at.index === 0) return this.placeIsSure()\n',
    '    if (this.at.index >= 0) return this.placeIsSure()\n',
  ),
  bug(
    'name-trusted',
    'a topic made again under the same name is taken for the same',
    `${CORE}/place.ts`,
    "  if (topic.topicId !== topicId) return 'topic-recreated'\n",
    '',
  ),
  bug('no-gaps', 'offsets are taken to have no gaps', `${CORE}/record.ts`, 'previousIndex: before.index', 'previousIndex: offset'),
  bug(
    'deposed-believed',
    'a leader that was deposed is believed about the end of the topic',
    `${CORE}/reading.ts`,
    'topic.leaderEpoch < this.epochMin',
    'topic.leaderEpoch < 0',
  ),
  bug(
    'queue-kept',
    'what was read of the leader before is applied upon the log of the next',
    `${CORE}/reading.ts`,
    "    this.at = undefined\n    this.isPlaceSure = false\n    this.outlet.put({ kind: 'reopen' })",
    '    this.lookAgain()',
  ),
  bug(
    'no-look-ahead',
    'a replica that is behind applies before it knows the verdicts',
    `${CORE}/reading.ts`,
    'this.scanEnd = this.endOffset',
    'this.scanEnd = 0',
  ),
  bug(
    'full-is-deaf',
    'a replica that is stalled and full reads no verdict',
    `${CORE}/reading.ts`,
    'if (isScout && this.scoutOffset >= this.scanEnd && this.stalledIndex === undefined) return',
    'if (isScout && this.scoutOffset >= this.scanEnd) return',
  ),
  bug(
    'verdict-kept',
    'the store is not told of a verdict',
    `${CORE}/reading.ts`,
    "      this.outlet.put({ kind: 'verdict', index: body.index, code: body.code })\n",
    '',
  ),
  bug(
    'verdict-over-done',
    'a store that has applied what was judged goes on',
    `${CORE}/reading.ts`,
    "    if (outcome?.kind === 'done') return this.halt('applied-before-verdict')\n",
    '',
  ),
  bug(
    'verdict-over-past',
    'a store that applied in an earlier life what was judged goes on',
    `${CORE}/reading.ts`,
    "    if (recalled.applied.outcome.kind === 'done') this.halt('applied-before-verdict')\n",
    '',
  ),
  bug(
    'later-version',
    'a message of a later version is passed over',
    `${CORE}/verdicts.ts`,
    "if (entry.body.kind !== 'unknown') return entry",
    'if (entry.index >= 0) return entry',
  ),
  bug(
    'answer-first',
    'a command is answered before the store has applied it',
    `${CORE}/answering.ts`,
    'this.reading.doneOffset < step.doneOffset',
    'this.reading.doneOffset < 0',
  ),
  bug(
    'commit-first',
    'the offset of the group passes requests that are not answered',
    `${CORE}/answering.ts`,
    "      if (request.step.kind !== 'answered') break\n",
    '',
  ),
  bug(
    'end-unasked',
    'a linearizable query is asked without the end of the topic',
    `${CORE}/answering.ts`,
    "if (asks.kind === 'query' && !asks.isLinearizable)",
    "if (asks.kind === 'query')",
  ),
  bug(
    'outcome-of-another',
    'the outcome at an offset is told to whoever names it',
    `${CORE}/answering.ts`,
    'if (known.submitId !== asks.submitId)',
    'if (known.index < 0)',
  ),
  bug(
    'difference-unseen',
    'a replica that rejects what most take goes on',
    `${CORE}/reading.ts`,
    "    if (difference === 'outvoted') this.halt('outcomes-differ')\n",
    '',
  ),
  bug(
    'settled-forgotten',
    'a store that rejected by a verdict is asked about it when the verdict is read long after it',
    `${CORE}/reading.ts`,
    '    if (this.settled.has(body.index)) return\n',
    '',
  ),
  bug(
    'judged-compared',
    'a stretch with an entry that was judged is compared',
    `${CORE}/reading.ts`,
    '      this.comparing.judged()\n',
    '',
  ),
  bug(
    'cut-off-ready',
    'a replica that no broker answers calls itself ready',
    `${CORE}/reading.ts`,
    "    if (this.cutOffSince !== undefined) return 'cut-off'\n",
    '',
  ),
  bug(
    'late-owner',
    'a replica that is behind goes on answering',
    `${CORE}/answering.ts`,
    'nowMs - this.behind.sinceMs > this.limits.behindMs',
    'nowMs < this.behind.sinceMs',
  ),
]
