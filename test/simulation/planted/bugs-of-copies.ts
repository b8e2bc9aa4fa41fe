/**
 * Bugs in the bookkeeping of what was copied: who has whose lists, which questions are open, where
 * a page ended. None of them does anything wrong by itself. It only counts as copied what was not,
 * and other ways of learning hide that nearly always.
 */
import { bug } from './bug.ts'
import type { PlantedBug } from './bug.ts'

const PULL = 'protocols/repair/pull.ts'
const COPYING = 'protocols/repair/copying.ts'
const REPAIR = 'protocols/repair/repair.ts'
const ANSWERS = 'protocols/repair/answers.ts'
const CHANGE = 'protocols/config/change.ts'

const WALKS: readonly PlantedBug[] = [
  bug('failed-is-done', 'a pull that failed counts as done', COPYING, 'if (pull.isDone) this.done(pull)', 'this.done(pull)'),
  bug(
    'finish-expired-is-done',
    'a key in doubt that could not be finished in time counts as finished',
    PULL,
    "if (!done) this.state = 'failed'",
    "if (!done && this.finishing < 0) this.state = 'failed'",
  ),
  bug(
    'finishing-not-awaited',
    'a transfer is done while keys in doubt are still being finished',
    PULL,
    'this.unfinished.length === 0 &&\n      this.finishing === 0',
    'this.unfinished.length === 0',
  ),
  bug(
    'doubts-of-one-page',
    'of the keys in doubt only the first page is walked',
    PULL,
    'if (message.more && last !== undefined)',
    'if (message.more && last === undefined)',
  ),
  bug(
    'leaves-behind-cut-dropped',
    'what a page of leaves had no room for is not asked for again',
    PULL,
    "this.todo.push({ kind: 'leaves-wanted', minEpoch: this.minEpoch, leaves: rest, after: message.after })",
    'void message.after',
  ),
  bug(
    'records-behind-cut-dropped',
    'records that an answer had no room for are not asked for again',
    PULL,
    'this.wantRecords(ask.keys.slice(message.keysDone))',
    'this.wantRecords([])',
  ),
  bug(
    'rest-asked-for-last',
    'records are taken before the rest of their list is asked for, and taking one can end the walk',
    PULL,
    'this.wantRecords(ask.keys.slice(message.keysDone))\n    this.copiedCount += this',
    'this.context.collection.take(message.records, this.source)\n    this.wantRecords(ask.keys.slice(message.keysDone))\n    this.copiedCount += this',
  ),
  bug(
    'withheld-is-copied',
    'a record that was listed and does not come counts as copied',
    PULL,
    'if (covered.some((key) => !came.has(key) && this.isLacking(key))) return this.fail()',
    '',
  ),
  bug(
    'overdue-never-asked',
    'a question of a pull that is overdue by more than 10 s is never asked again',
    PULL,
    "if (this.state !== 'running' || nowMs",
    "if (this.state !== 'running' || nowMs - outstanding.sentAtMs > 10_000 || nowMs",
  ),
]

const LISTS: readonly PlantedBug[] = [
  bug(
    'cut-carried-over',
    'the cut of one page of leaves is carried into the next leaf',
    ANSWERS,
    'leavesDone += 1\n      cut = undefined',
    'leavesDone += 1',
  ),
  bug(
    'full-page-is-whole',
    'a leaf that filled its page counts as listed to its end',
    ANSWERS,
    'entries, leavesDone, after: found.at(-1)?.key ?? cut }',
    'entries, leavesDone: leavesDone + 1, after: undefined }',
  ),
  bug(
    'listed-before-install',
    'a list for a transfer is given before the joint config is installed',
    ANSWERS,
    "if (question.kind !== 'records-wanted' && question.minEpoch > this.chain.epoch) return",
    "if (question.kind !== 'records-wanted' && question.minEpoch > this.chain.epoch + 1) return",
  ),
]

const COVERAGE: readonly PlantedBug[] = [
  bug(
    'own-list-not-walked',
    'a voter of both sets counts its own list as held, and walks nothing',
    COPYING,
    'for (const source of members(config.clusters)) {\n',
    'for (const source of members(config.clusters)) {\n      if (source.id === self.id) this.covered.set(self.id, self)\n',
  ),
  bug(
    'covered-for-good',
    'lists held for an earlier change count for the next one',
    COPYING,
    'this.covered = new Map()\n    for (const pull',
    'for (const pull',
  ),
  bug(
    'repair-is-transfer',
    'a pull for repair counts as one for a transfer',
    COPYING,
    'if (pull.minEpoch > 0 && pull.minEpoch === this.context.chain.epoch)',
    'if (pull.minEpoch <= this.context.chain.epoch)',
  ),
  bug(
    'coverage-of-any-epoch',
    'what new voters said of an earlier change counts for the next one',
    CHANGE,
    'configInstalled(): void {\n    this.coverage = new Map()',
    'configInstalled(): void {',
  ),
]

const WORDS: readonly PlantedBug[] = [
  bug(
    'coverage-of-any-holder',
    'new voters that each hold another list count as if each held all of them',
    'protocols/config/transfer.ts',
    'return holdsMajority(next, (holder) => holdsMajority(old, (source) => coverage.get(holder.id)?.has(source.id) === true))',
    'return holdsMajority(next, (holder) => coverage.has(holder.id) && holdsMajority(old, (source) => [...coverage.values()].some((held) => held.has(source.id))))',
  ),
  bug(
    'covered-in-another-epoch',
    'whoever is asked about another epoch tells whose lists it holds in its own',
    REPAIR,
    "if (epoch !== chain.epoch) return\n    outbox.send(from, { kind: 'covered'",
    "outbox.send(from, { kind: 'covered'",
  ),
  bug(
    'told-of-another-epoch',
    'what a new voter says of another epoch is counted',
    CHANGE,
    'if (epoch !== chain.epoch || roster.isPutBack(sender.id)) return',
    'if (epoch > chain.epoch || roster.isPutBack(sender.id)) return',
  ),
  bug(
    'learner-is-enough',
    'a pull from a learner makes complete',
    COPYING,
    'if (this.context.chain.isVoter(pull.source.id) && pull',
    'if (pull',
  ),
  bug(
    'root-of-a-learner',
    'the root of a learner makes complete',
    COPYING,
    'if (isAlone || voters.some(isEqual)) this.complete()',
    'if (isAlone || voters.some(isEqual) || [...roster.all()].some((peer) => this.hasSameRoot(peer))) this.complete()',
  ),
  bug(
    'first-cut-record-skipped',
    'the record that an answer has no room for counts as answered',
    ANSWERS,
    'keysDone += 1\n    }\n    return',
    'keysDone += 1\n    }\n    if (keysDone < keys.length) keysDone += 1\n    return',
  ),
]

const BARS: readonly PlantedBug[] = [
  bug(
    'bars-dropped-by-growth',
    'growth drops all bars, so that removed peers come back',
    CHANGE,
    'jointAfter(config, next, barredIn(config), protocolMin)',
    'jointAfter(config, next, { peers: barredIn(config).peers.slice(0, 0), clusters: [] }, protocolMin)',
  ),
]

const EDGES: readonly PlantedBug[] = [
  bug(
    'drain-in-send-lost',
    'a drain that is told during a send which then says "full" is lost',
    'src/network/byte-queue.ts',
    'this.#full = true\n        if (this.#stream.send(piece)) this.#full = false',
    'this.#full = !this.#stream.send(piece)',
  ),
  bug(
    'learns-on-bulk',
    'learns travel on the bulk stream, behind megabytes of repair',
    'protocols/wire/keys-messages.ts',
    "way: 'votes',\n    write: writeLearn,",
    "way: 'bulk',\n    write: writeLearn,",
  ),
]

const OPENINGS: readonly PlantedBug[] = [
  bug(
    'opened-unsynced',
    'a peer is opened before its raised ceiling is on disk',
    'protocols/opening.ts',
    'const synced = (): void => opened({ floor, ceiling })',
    'const synced = (): void => undefined\n  opened({ floor, ceiling })',
  ),
  bug(
    'opening-not-awaited',
    'the write of the raised ceiling is not awaited',
    'src/peer/founding.ts',
    'storage.write(writes).then(synced, reject)',
    'storage.write(writes).catch(reject)\n        synced()',
  ),
]

export const BUGS_OF_COPIES: readonly PlantedBug[] = [...WALKS, ...LISTS, ...COVERAGE, ...WORDS, ...BARS, ...OPENINGS, ...EDGES]
