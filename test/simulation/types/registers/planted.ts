/** Bugs of registers, to be planted one at a time. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const REGISTERS = 'protocols/registers'
const COLLECTION = `${REGISTERS}/collection.ts`
const JUDGE = `${REGISTERS}/judge.ts`
const READS = `${REGISTERS}/reads.ts`
const RECORD = `${REGISTERS}/record.ts`
const RUN = `${REGISTERS}/run.ts`
const REGISTERS_CORE = `${REGISTERS}/registers.ts`
const SWEEP = `${REGISTERS}/sweep.ts`
const SHOWING = `${REGISTERS}/showing.ts`
const VOTER = `${REGISTERS}/voter.ts`

/** What coordinators decide wrongly. */
const JUDGING: readonly PlantedBug[] = [
  bug(
    'retry-refused-uncommitted',
    'a refusal of a retry is shown without a commit',
    `${REGISTERS}/plan.ts`,
    'needsCommit: record === undefined && isAnyRetryRefused',
    'needsCommit: record !== undefined && isAnyRetryRefused',
  ),
  bug(
    'refused-unproved',
    'a refusal on a record that is not known to be chosen',
    RUN,
    'if (needsCommit || !view.isKnown ||',
    'if (needsCommit ||',
  ),
  bug(
    'refused-on-remembered',
    'a refusal on the remembered record alone',
    RUN,
    'if (!this.commitWrites(last.ballot, view, installed.quorum)) this.reserve()',
    'for (const claim of this.claims) claim.asked = true\n    this.reserved(last.ballot, view, installed.quorum)',
  ),
  bug(
    'retry-applied-twice',
    'a retry is applied twice',
    JUDGE,
    'const earlier = base === undefined ? undefined : earlierOf(write.mark, base)',
    'const earlier = base?.version === -1 ? earlierOf(write.mark, base) : undefined',
  ),
  bug(
    'batch-forgotten',
    'the writes of a batch are not remembered',
    RECORD,
    'recent: recent.slice(dropped), since',
    'recent: recent.slice(-1), since',
  ),
  bug(
    'not-applied-after-commit',
    'not applied is said after a commit',
    `${REGISTERS}/writes.ts`,
    '!commitSent && !writeIdGiven',
    '!writeIdGiven',
  ),
  bug('not-applied-for-retry', 'not applied is said of a retry', `${REGISTERS}/writes.ts`, '!commitSent && !writeIdGiven', '!commitSent'),
  bug(
    'accepted-is-chosen',
    'what is accepted counts as chosen',
    SHOWING,
    'const isKnown = this.shown.some(',
    'const isKnown = number > 0 || this.shown.some(',
  ),
  bug(
    'accepted-ignored',
    'what is accepted is ignored',
    SHOWING,
    '=> [held, accepted])',
    '=> [held, held ?? accepted === held ? held : undefined])',
  ),
  bug(
    'lowest-adopted',
    'the lowest entry is adopted',
    SHOWING,
    'compareEntries(entry, best) > 0)) best',
    'compareEntries(entry, best) < 0)) best',
  ),
  bug(
    'version-before-ballot',
    'entries are ordered by version before ballot',
    RECORD,
    'compareBallots(a.ballot, b.ballot) || a.record.version - b.record.version',
    'a.record.version - b.record.version || compareBallots(a.ballot, b.ballot)',
  ),
  bug(
    'remembered-twice',
    'a remembered ballot serves twice',
    `${REGISTERS}/remembered.ts`,
    'this.entries.delete(key)\n    this.bytes',
    'this.bytes',
  ),
  bug(
    'condition-ignored',
    'a condition on the version is not looked at',
    JUDGE,
    'condition.versions.includes(current.version)',
    'condition.versions.length > 0',
  ),
]

/** What voters do wrongly. */
const VOTING: readonly PlantedBug[] = [
  {
    name: 'held-below-accepted',
    what: 'what is held stays below the ballot that its record was accepted at',
    patches: [
      {
        file: VOTER,
        find: 'accepted.ballot, entry.ballot) > 0 ? accepted : entry',
        replace: 'accepted.ballot, entry.ballot) > 9 ? accepted : entry',
      },
      { file: VOTER, find: 'const isAbove = accepted !== undefined', replace: 'const isAbove = !isSame && accepted !== undefined' },
    ],
  },
  bug(
    'accepted-dropped-by-ballot',
    'what is accepted is dropped by its ballot alone',
    VOTER,
    'accepted !== undefined && compareEntries(accepted, held) > 0',
    'accepted !== undefined && compareBallots(accepted.ballot, held.ballot) > 0',
  ),
  bug(
    'learn-of-another-version',
    'a learn takes another version',
    VOTER,
    'accepted.record.version === version && compareBallots',
    'compareBallots',
  ),
  bug(
    'promise-dropped-on-learn',
    'a promise is dropped when a record is learned',
    VOTER,
    'const isAbove =',
    'this.promises.forget(key)\n    const isAbove =',
  ),
  bug('no-floor', 'what memory lost is promised again', VOTER, 'new Promises(floor)', 'new Promises({ epoch: floor.epoch, round: 0 })'),
  bug(
    'no-ceiling',
    'ballots go above the ceiling',
    'protocols/agreement/rounds.ts',
    'if (isCovered(ballot, this.ceilingNow)) return',
    'if (ballot.round >= 0) return',
  ),
  bug(
    'acknowledged-unsynced',
    'an answer does not wait for what it rests on',
    `${REGISTERS}/registers.ts`,
    "{ kind: 'reply', id, vote }, slotOfRegister(key))",
    "{ kind: 'reply', id, vote }, key.length > 0 ? 'nothing' : slotOfRegister(key))",
  ),
  bug(
    'base-not-taken-again',
    'a voter that holds the base does not take it at a higher ballot',
    VOTER,
    'if (isStub(held.record) || held.record.version < record.version) return false',
    'if (isStub(held.record) || held.record.version < record.version) return false\n  if (held.record.version > 0) return true',
  ),
]

/** What readers are shown. */
const READING: readonly PlantedBug[] = [
  bug(
    'no-write-back',
    'a read shows what it does not write back',
    READS,
    'if (this.doubted !== undefined) return this.settle()',
    'if (this.doubted !== undefined) return this.show(best.record, best.record.version)',
  ),
  bug(
    'own-copy-shown',
    'the own copy is shown as linearizable',
    READS,
    "if (this.request.consistency === 'local') {",
    'if (this.client > 0) {',
  ),
  bug(
    'half-accepted-shown',
    'what some voters accepted is shown',
    SHOWING,
    "return tally.verdict() === 'won'",
    "return tally.verdict() !== 'lost'",
  ),
]

/** What is noticed on their own. */
export const REGISTER_BUGS: readonly PlantedBug[] = [...JUDGING, ...VOTING, ...READING]

/** What is noticed in whole networks: over changes of the config, and by repair. */
export const REGISTER_WORLD_BUGS: readonly PlantedBug[] = [
  bug('forgotten-at-once', 'a deletion is let go before it is swept', SWEEP, ' || !cells.isSwept(held.ballot)) continue', ') continue'),
  bug(
    'gone-kept',
    'what is gone at a store that has swept is kept',
    REGISTERS_CORE,
    'held === undefined || compareBallots(held.ballot, swept.ballot) > 0',
    'held === undefined || swept.number >= 0',
  ),
  bug(
    'number-forgotten',
    'a register that was forgotten begins at a number that it had',
    SHOWING,
    'number = Math.max(number, what.number, ',
    'number = Math.max(number, ',
  ),
  bug(
    'expiry-early',
    'a register expires before its time',
    `${REGISTERS}/expiry.ts`,
    'moment.nowMs + record.ttlMs + turn * turnMs',
    'moment.nowMs + turn * turnMs',
  ),
  bug(
    'cursor-of-any-run',
    'a cursor of an earlier run of the process is taken',
    `${REGISTERS}/watches.ts`,
    'return cursor.startsWith(`${run}-`) && ',
    'return ',
  ),
  bug(
    'registers-no-transfer',
    'new voters begin without what the old ones hold',
    COLLECTION,
    'isCarriedOver: true',
    'isCarriedOver: false',
  ),
  bug(
    'registers-not-settled',
    'a transfer does not settle what is accepted',
    COLLECTION,
    'settle: (name, settled) => core.finisher.finish(dataKey(name), settled)',
    'settle: (_, settled) => settled(true)',
  ),
  bug(
    'registers-no-fence',
    'a voter answers in an epoch before its own',
    `${REGISTERS}/registers.ts`,
    'if (epoch < chain.epoch)',
    'if (epoch < chain.epoch - 9)',
  ),
  bug(
    'registers-not-repaired',
    'what another peer holds is not taken',
    COLLECTION,
    'return entry !== undefined && core.learn(',
    'return entry !== undefined && entry.record.version < 1 && core.learn(',
  ),
]

/**
 * The seed from which on it is worth looking for a bug: where it falls late, a little before that.
 */
export const WORTH_FROM: Readonly<Record<string, number>> = {
  'refused-on-remembered': 519,
  'held-below-accepted': 1250,
  'accepted-dropped-by-ballot': 796,
  'learn-of-another-version': 75,
  'no-ceiling': 353,
  'no-write-back': 446,
  'gone-kept': 108,
  'number-forgotten': 36,
  'registers-no-transfer': 137,
  'registers-not-settled': 154,
}
