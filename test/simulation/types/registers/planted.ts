/** Bugs of registers, to be planted one at a time. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const REGISTERS = 'protocols/registers'
const ANSWERING = `${REGISTERS}/answering.ts`
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
    'const { recent, last } = all.without(dropped)',
    'const { recent } = all.without(all.count - 1), { last } = all.without(dropped)',
  ),
  bug(
    'not-applied-after-commit',
    'not applied is said after a commit',
    `${REGISTERS}/writes.ts`,
    '!commitSent && !writeIdGiven',
    '!writeIdGiven',
  ),
  bug(
    'tries-taken-for-one',
    'of two tries of one write, either is taken for the one that was chosen',
    `${REGISTERS}/writes.ts`,
    'commitSent && writtenAtMs === write.writtenAtMs',
    'commitSent',
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
    'repeated-unproved',
    'that a write was applied before is said of a record that is not known to be chosen',
    RUN,
    'if (needsCommit || !view.isKnown ||',
    "if (needsCommit || (!view.isKnown && !judged.some(({ kind }) => kind === 'repeated')) ||",
  ),
  bug(
    'version-not-above-after',
    'a version is not above what was current at the first try of its write',
    JUDGE,
    'version: Math.max(number, after ?? 0) + 1,\n    value',
    'version: number + 1,\n    value',
  ),
  bug(
    'judged-on-one-copy',
    'a write is judged on one copy',
    SHOWING,
    'return highest(this.shown.flatMap(',
    'return highest(this.shown.slice(0, 1).flatMap(',
  ),
  bug(
    'number-restarts',
    'versions begin anew after a deletion',
    JUDGE,
    'version: Math.max(number, after ?? 0) + 1,\n    value',
    'version: (base?.isDeleted === true ? 0 : Math.max(number, after ?? 0)) + 1,\n    value',
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
  bug(
    'held-is-proof',
    'a voter that holds a record at the ballot of a commit says that it is chosen at that ballot',
    VOTER,
    'if (held !== undefined && isAsNew(held, record))',
    'if (held !== undefined && (isAsNew(held, record) || compareBallots(held.ballot, ballot) === 0))',
  ),
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
  bug(
    'promises-not-folded',
    'what is promised is dropped and not folded into the floor',
    'protocols/agreement/promises.ts',
    'this.floor = higherCeiling(this.floor, promise.ballot)\n      this.kept',
    'this.kept',
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
    REGISTERS_CORE,
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
    'read-unsynced',
    'a read shows what is not on disk',
    REGISTERS_CORE,
    "this.send(to.peerId, { kind: 'reply', id, vote }, slotOfRegister(key))",
    "this.send(to.peerId, { kind: 'reply', id, vote }, vote.body.kind === 'seen' ? 'nothing' : slotOfRegister(key))",
  ),
  bug(
    'older-epoch-is-chosen',
    'what a quorum accepted in an older epoch counts as chosen by the quorum of this one',
    READS,
    'best.ballot.epoch === chain.epoch && showing',
    'showing',
  ),
  bug(
    'older-config-counted',
    'what was told under an older config is counted under the next',
    READS,
    'this.showing = new Showing(',
    'this.showing ??= new Showing(',
  ),
  bug(
    'half-accepted-shown',
    'what some voters accepted is shown',
    SHOWING,
    "return tally.verdict() === 'won'",
    "return tally.verdict() !== 'lost'",
  ),
]

/**
 * What goes wrong where deletions are forgotten. That a new voter says that it is covered before
 * that is on disk is planted with the bugs of keys: `own-coverage-unsynced`.
 */
const FORGETTING: readonly PlantedBug[] = [
  bug(
    'swept-alone',
    'a peer forgets without asking anybody',
    SWEEP,
    'this.sweeping = { ballot,',
    'return this.takeOver({ ballot, number: 0 })\n    this.sweeping = { ballot,',
  ),
  {
    name: 'swept-by-a-quorum',
    what: 'it is enough that a quorum has barred and was pulled',
    patches: [
      { file: SWEEP, find: 'if (sweeping.unbarred.size === 0 &&', replace: 'if (sweeping.unbarred.size < 2 &&' },
      {
        file: SWEEP,
        find: 'sweeping.unpulled.delete(self.id)',
        replace: 'for (const id of [self.id, ...sweeping.unbarred.keys()]) sweeping.unpulled.delete(id)',
      },
    ],
  },
  bug(
    'bar-unsettled',
    'a bar is answered before what is accepted is settled',
    `${REGISTERS}/bars.ts`,
    'open: new Set(doubts.keys())',
    'open: new Set([...doubts.keys()].slice(0, 0))',
  ),
  bug(
    'bar-below-accepted',
    'a bar settles only what is accepted at or below it',
    `${REGISTERS}/bars.ts`,
    'open: new Set(doubts.keys())',
    'open: new Set([...doubts.keys()].filter((key) => compareBallots(this.context.cells.read(key).accepted?.ballot ?? ballot, ballot) <= 0))',
  ),
  bug('floor-not-raised', 'a bar does not raise the floor', `${REGISTERS}/bars.ts`, 'voter.raiseFloor(ballot)\n', '\n'),
  bug(
    'bar-unsynced',
    'a bar is answered before all is on disk',
    REGISTERS_CORE,
    "{ kind: 'barred', ballot }, 'everything')",
    "{ kind: 'barred', ballot }, 'nothing')",
  ),
  bug('swept-early', 'what is swept is on disk before what was pulled', `${REGISTERS}/cells.ts`, "writes, 'barrier')", "writes, 'usual')"),
  bug(
    'gone-taken-for-live',
    'what is gone is taken for live',
    SHOWING,
    'return this.shown.some(({ what }) => what.sweptTo',
    'return this.shown.length < 0 && this.shown.some(({ what }) => what.sweptTo',
  ),
  bug(
    'gone-revived',
    'what is gone is learned again',
    VOTER,
    "if (held === undefined && this.cells.isSwept(ballot)) return 'gone'\n",
    '\n',
  ),
  bug(
    'number-of-gone-ignored',
    'the number of what is gone is ignored',
    SHOWING,
    'number = Math.max(number, what.number, what.held?.record.version ?? 0,',
    'number = Math.max(number, what.number, what.held === undefined || isStub(what.held.record) ? 0 : what.held.record.version,',
  ),
  bug(
    'number-told-first',
    'of a store that forgets while it is read the number that was told first counts',
    COLLECTION,
    'this.number = Math.max(this.number, mark.swept?.number ?? 0)',
    'this.number = this.first.swept?.number ?? 0',
  ),
  bug(
    'older-beats-deletion',
    'an older value takes the place of a deletion',
    VOTER,
    'if (held !== undefined && compareEntries(told, held) <= 0)',
    'if (held !== undefined && !(held.record.isDeleted && !found.isDeleted) && compareEntries(told, held) <= 0)',
  ),
  bug(
    'last-learned-wins',
    'what is learned last wins',
    VOTER,
    "if (held !== undefined && compareEntries(told, held) <= 0) return 'known'",
    "if (held !== undefined && compareEntries(told, held) === 0) return 'known'",
  ),
  bug(
    'accepted-kept-voteless',
    'what a voter accepted counts again once it has its vote back',
    ANSWERING,
    'if (this.hasLostVote()) this.dropAccepted()',
    'this.hasLostVote()',
  ),
]

/** What goes wrong with writes that are handed to the owner of a ballot. */
export const FORWARDING_BUGS: readonly PlantedBug[] = [
  bug(
    'forward-is-a-hint',
    'a write that was forwarded is taken for one that was never sent',
    `${REGISTERS}/claims.ts`,
    'claim.commitSent = true\n  claim.afterSent ??=',
    'claim.afterSent ??=',
  ),
  {
    name: 'forward-at-any-ballot',
    what: 'the owner commits a forwarded write at another ballot than the one that it was sent to',
    patches: [
      {
        file: RUN,
        find: 'const dropped = this.claims.filter((claim) => claim.kind',
        replace: 'const dropped = this.claims.filter((claim) => claim.deadlineMs < 0 && claim.kind',
      },
    ],
  },
  bug(
    'late-answer-counts',
    'what the owner of a ballot says counts after its write went on alone',
    `${REGISTERS}/handed-over.ts`,
    'for (const id of this.claims.keys()) this.context.forwards.drop(id)\n',
    '\n',
  ),
  {
    name: 'forwarded-on',
    what: 'what was forwarded here is forwarded on',
    patches: [
      { file: `${REGISTERS}/coordinator.ts`, find: 'if (isAt) this.claim', replace: 'this.claim' },
      { file: `${REGISTERS}/coordinator.ts`, find: 'return isAt\n', replace: 'return true\n' },
      {
        file: `${REGISTERS}/handed-over.ts`,
        find: "claim.kind === 'settle' || claim.onlyAt !== undefined",
        replace: "claim.kind === 'settle'",
      },
    ],
  },
]

/** What is noticed on their own. */
export const REGISTER_BUGS: readonly PlantedBug[] = [...JUDGING, ...VOTING, ...READING]

/** What is noticed on their own where deletions are forgotten meanwhile. */
export const SWEEPING_BUGS: readonly PlantedBug[] = FORGETTING

/** What is noticed in whole networks: over changes of the config, and by repair. */
export const REGISTER_WORLD_BUGS: readonly PlantedBug[] = [
  bug(
    'forgotten-at-once',
    'a deletion is let go before it is swept',
    `${REGISTERS}/dropping.ts`,
    ' || !cells.isSwept(held.ballot)) continue',
    ') continue',
  ),
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
    ANSWERING,
    'if (epoch < chain.epoch)',
    'if (epoch < chain.epoch - 9)',
  ),
  bug(
    'expiry-by-wall-clock',
    'a register expires by the clock of whoever wrote it',
    `${REGISTERS}/expiry.ts`,
    'moment.nowMs + record.ttlMs + turn * turnMs',
    'record.writtenAtMs + record.ttlMs + turn * turnMs',
  ),
  bug(
    'registers-no-joint-step',
    'voters are exchanged without a joint step',
    'protocols/config/change.ts',
    'this.decide(jointAfter(config, next, barredIn(config), protocolMin))',
    'this.decide(finishedAfter(config, next))',
  ),
  {
    name: 'registers-wiped-votes',
    what: 'a voter that lost its disk votes as the one that it was',
    patches: [
      { file: ANSWERING, find: 'if (target.id !== self.id || chain.current', replace: 'if (chain.current' },
      { file: ANSWERING, find: 'if (!this.mayVote()) return', replace: 'if (target.id === self.id && !this.mayVote()) return' },
      { file: ANSWERING, find: '{ sender: self, body: answer }', replace: '{ sender: target, body: answer }' },
      { file: REGISTERS_CORE, find: 'message.vote.sender.id === from.id ?', replace: 'message.vote.sender.peerId === from.peerId ?' },
    ],
  },
  bug(
    'held-in-doubt',
    'what is held and taken again at a higher ballot is finished at a higher one still, before a far writer is done',
    VOTER,
    'isHeld ? { ...CELL_EMPTY, held: entry } : { ...cell, accepted: entry }',
    '{ ...cell, accepted: entry }',
  ),
  bug(
    'registers-not-repaired',
    'what another peer holds is not taken',
    COLLECTION,
    'if (entry === undefined) continue',
    'if (entry === undefined || entry.record.version > 0) continue',
  ),
]

/**
 * The seed from which on it is worth looking for a bug: where it falls late, a little before that.
 */
export const WORTH_FROM: Readonly<Record<string, number>> = {
  'read-unsynced': 38,
  'promises-not-folded': 3_440,
  'repeated-unproved': 9,
  'refused-on-remembered': 519,
  'held-below-accepted': 1250,
  'accepted-dropped-by-ballot': 796,
  'learn-of-another-version': 75,
  'no-ceiling': 353,
  'no-write-back': 446,
  'gone-kept': 108,
  'number-forgotten': 36,
  'held-in-doubt': 31_000_604,
  'registers-no-transfer': 490,
  'registers-not-settled': 610,
}
