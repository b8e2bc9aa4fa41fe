/**
 * Bugs to be planted into the production files, one at a time, to prove that the checkers can fail:
 * those of section 12 of the protocol, those that the simulator found in the first build, and those
 * that the Go prototype had.
 */
import { bug } from './bug.ts'
import type { PlantedBug } from './bug.ts'
import { KEY_OUTCOMES, KEY_READS } from '../types/keys/planted.ts'
import { KEY_OFFERS } from '../types/keys/planted-offers.ts'
import { BUGS_OF_WAITS } from './bugs-of-waits.ts'
import { BUGS_OF_COPIES } from './bugs-of-copies.ts'

const RUN = 'protocols/agreement/run.ts'
const ACCEPTOR = 'protocols/agreement/acceptor.ts'
const PROMISES = 'protocols/agreement/promises.ts'
const AGREEMENT_FILE = 'protocols/agreement/agreement.ts'
const REPAIR = 'protocols/repair/repair.ts'
const PULL = 'protocols/repair/pull.ts'
const CHOSEN = 'protocols/keys/chosen.ts'
const GATE = 'src/runtime/send-gate.ts'

const REPLY = "this.context.outbox.send(to.peerId, { kind: 'reply', id, vote: { sender: this.context.self, body } }, slotOf(key))"

const AGREEMENT: readonly PlantedBug[] = [
  bug(
    'accepted-ignored',
    'accepted values ignored',
    RUN,
    'this.shown.set(sender.id, body.accepted)',
    'this.shown.set(sender.id, this.isOver ? body.accepted : undefined)',
  ),
  bug(
    'lowest-adopted',
    'lowest instead of highest ballot adopted',
    'protocols/agreement/offers.ts',
    'compareBallots(accepted.ballot, plain.ballot) > 0',
    'compareBallots(accepted.ballot, plain.ballot) < 0',
  ),
  {
    name: 'representative-votes',
    what: 'a representative votes for its cluster',
    patches: [
      {
        file: 'protocols/agreement/representative.ts',
        find: 'this.gathering.set(id, { asker,',
        replace: 'this.gathering.set(id, { targets, asker,',
      },
      {
        file: 'protocols/agreement/representative.ts',
        find: 'votes: relay.gathered }',
        replace: 'votes: relay.gathered.flatMap((vote) => relay.targets.map((sender) => ({ sender, body: vote.body }))) }',
      },
    ],
  },
  bug(
    'half-is-enough',
    'half counts as more than half',
    'protocols/base/quorum.ts',
    "if (yes * 2 > total) return 'won'",
    "if (yes * 2 >= total) return 'won'",
  ),
  bug(
    'refusal-dropped-by-acceptor',
    'a commit below the promise is taken (the prototype)',
    ACCEPTOR,
    'const accepted = state?.accepted\n    const higher = this.promises.above(key, ballot, accepted?.ballot)',
    'const accepted = state?.accepted\n    const higher = accepted === undefined ? undefined : this.promises.above(key, ballot, accepted.ballot)',
  ),
  {
    name: 'counted-twice',
    what: 'a voter is counted at each of its answers',
    patches: [
      {
        file: 'protocols/base/quorum.ts',
        find: 'if (blocks === undefined || this.counted.has(voter)) return',
        replace: 'if (blocks === undefined) return',
      },
      {
        file: 'protocols/agreement/polls.ts',
        find: "if (isFirst || vote.body.kind === 'chosen') poll.listener.voted(vote, poll)",
        replace: 'poll.listener.voted(vote, poll)',
      },
    ],
  },
  bug(
    'votes-of-anybody',
    'an answer is counted for whoever is asked (the prototype)',
    'protocols/agreement/polls.ts',
    'if (poll === undefined || !poll.quorum.has(vote.sender.id)) return',
    'if (poll === undefined) return\n    for (const voter of [...poll.unanswered.values()]) { poll.unanswered.delete(voter.id); poll.listener.voted({ sender: voter, body: vote.body }, poll) }',
  ),
]

const DURABILITY: readonly PlantedBug[] = [
  bug(
    'commit-unsynced',
    'commit not synced',
    AGREEMENT_FILE,
    REPLY,
    REPLY.replace(', slotOf(key))', ", body.kind === 'committed' ? 'nothing' : slotOf(key))"),
  ),
  {
    name: 'repeat-unsynced',
    what: 'a repeated commit answered before the sync',
    patches: [
      {
        file: ACCEPTOR,
        find: "if (accepted.home === undefined) return { kind: 'committed', ballot }",
        replace: "if (accepted.home === undefined) return { kind: 'committed', ballot, isRepeated: true }",
      },
      { file: AGREEMENT_FILE, find: REPLY, replace: REPLY.replace(', slotOf(key))', ", body.isRepeated ? 'nothing' : slotOf(key))") },
    ],
  },
  bug(
    'promise-unsynced',
    'a promise does not wait for the accepted record it reports',
    AGREEMENT_FILE,
    REPLY,
    REPLY.replace(', slotOf(key))', ", body.kind === 'promised' ? 'nothing' : slotOf(key))"),
  ),
  {
    name: 'accepted-left-out',
    what: 'an accepted record under sync left out of a promise',
    patches: [
      {
        file: ACCEPTOR,
        find: 'this.outbox.persist(acceptedWrite(key, { ballot, record }))',
        replace: 'this.outbox.persist(acceptedWrite(key, { ballot, record }))\n    this.fresh = key',
      },
      {
        file: ACCEPTOR,
        find: "return { kind: 'promised', ballot, accepted: state?.accepted }",
        replace: "return { kind: 'promised', ballot, accepted: this.fresh === key ? undefined : state?.accepted }",
      },
    ],
  },
  bug(
    'no-ceiling',
    'no ceiling',
    'protocols/agreement/rounds.ts',
    'if (isCovered(ballot, this.ceilingNow)) return',
    'if (ballot.round >= 0) return',
  ),
  bug('no-floor', 'no floor', PROMISES, 'if (!isCovered(ballot, this.floor)) return undefined', 'if (ballot.round >= 0) return undefined'),
  bug(
    'floor-is-lowest',
    'floor compared as the lowest ballot of its round',
    PROMISES,
    'if (!isCovered(ballot, this.floor)) return undefined',
    'if (!isCovered({ ...ballot, round: ballot.round + 1 }, this.floor)) return undefined',
  ),
  bug('ceiling-unsynced', 'ballots issued above an unsynced ceiling', GATE, 'if (isBarrier)', "if (isBarrier && slot.type !== 'facts')"),
  bug(
    'config-unsynced',
    'replies in an epoch whose config is not on disk',
    GATE,
    'if (isBarrier)',
    "if (isBarrier && slot.type !== 'configs')",
  ),
  bug(
    'folded-to-nothing',
    'promises dropped without folding',
    PROMISES,
    'this.floor = higherCeiling(this.floor, promise.ballot)',
    'void higherCeiling',
  ),
  bug(
    'accepted-deleted-early',
    'accepted deleted before the chosen mark is on disk',
    CHOSEN,
    'this.outbox.persist(chosenWrite(key, record, digest))',
    "this.outbox.persist({ ...chosenWrite(key, record, digest), kind: 'accepted-dropped', isLazy: false })\n      this.outbox.persist(chosenWrite(key, record, digest))",
  ),
  bug(
    'numbers-reused',
    'questions are numbered from 1 in each run of the process',
    'protocols/services.ts',
    'let lastId = Math.floor(random() * FIRST_ID_MAX)',
    'let lastId = 0 * random() * FIRST_ID_MAX',
  ),
]

const EPOCHS: readonly PlantedBug[] = [
  bug(
    'learn-of-another-ballot',
    'learn without record taken from another ballot',
    'protocols/keys/spread.ts',
    'if (accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0) return accepted.record',
    'if (accepted !== undefined && compareBallots(accepted.ballot, ballot) < 9e9) return accepted.record',
  ),
  bug('no-fence', 'no epoch fence', AGREEMENT_FILE, 'if (epoch < chain.epoch) return', 'if (epoch < 0) return'),
  {
    name: 'commit-in-newer-epoch',
    what: 'a commit sent under a newer epoch than its ballot was promised in',
    patches: [
      {
        file: RUN,
        find: "if (this.phase !== 'committing' && this.phase !== 'over') this.reserve()",
        replace: "if (this.phase !== 'committing' && this.phase !== 'over' && this.phase !== 'reserving') this.reserve()",
      },
      {
        file: RUN,
        find: "this.ask({ kind: 'commit', key: this.key, ballot, record }, reserved.quorum)",
        replace:
          "this.ballot = { ...ballot, epoch: this.context.chain.epoch }\n    this.ask({ kind: 'commit', key: this.key, ballot: this.ballot, record }, reserved.quorum)",
      },
    ],
  },
  bug(
    'epochs-mixed',
    'replies of two epochs in one count',
    RUN,
    "this.tally = new Tally(quorum)\n    this.ask({ kind: 'reserve'",
    "this.tally ??= new Tally(quorum)\n    this.ask({ kind: 'reserve'",
  ),
  bug(
    'no-joint-step',
    'config swapped without the joint step',
    'protocols/config/change.ts',
    'this.decide(jointAfter(config, next, barredIn(config), protocolMin))',
    'this.decide(finishedAfter(config, next))',
  ),
  {
    name: 'joint-asks-one-set',
    what: 'while joint, only the new set is asked',
    patches: [{ file: 'protocols/base/quorum.ts', find: '[config.clusters, config.next])', replace: '[config.next])' }],
  },
  bug(
    'wiped-votes',
    'wiped peer votes under its old incarnation',
    AGREEMENT_FILE,
    'if (target.id !== self.id || installed === undefined || space.isUnserved(body.key)) return',
    "if (installed === undefined) return\n    if (target.id !== self.id) return this.context.outbox.send(from.peerId, { kind: 'reply', id, vote: { sender: target, body: this.acceptor.answer(body, moment.nowMs) } }, slotOf(body.key))",
  ),
]

const TRANSFER: readonly PlantedBug[] = [
  bug(
    'no-transfer',
    'joint without transfer',
    'protocols/config/transfer.ts',
    'return holdsMajority(next, (holder) => holdsMajority(old,',
    'return true || holdsMajority(next, (holder) => holdsMajority(old,',
  ),
  bug(
    'equal-accepted-is-copy',
    'transfer satisfied with equal accepted records',
    PULL,
    'private finish(key: Key): void {',
    "private finish(key: Key): void {\n    if (this.context.collection['context']?.registers.read(key)?.accepted !== undefined) return",
  ),
  bug(
    'marks-in-memory',
    'transfer satisfied with marks still in memory',
    REPAIR,
    "this.coveredSources() }, 'everything')",
    "this.coveredSources() }, 'nothing')",
  ),
  bug(
    'finish-not-copied',
    'with a finish that ended on `chosen`, nothing is copied',
    RUN,
    "if (body.kind === 'chosen') this.context.chose(this.key, body.record, undefined)",
    "if (body.kind === 'chosen' && this.claims.every((claim) => claim.record === undefined)) this.end({ kind: 'chosen', record: body.record })\n    else if (body.kind === 'chosen') this.context.chose(this.key, body.record, undefined)",
  ),
  {
    name: 'lists-reversed',
    what: 'lists in the wrong order: chosen keys before those in doubt',
    patches: [
      {
        file: PULL,
        find: "this.todo.push({ kind: 'doubts-wanted', minEpoch: this.minEpoch, after: undefined })\n    else this.walk()",
        replace:
          "{ this.todo.push({ kind: 'doubts-wanted', minEpoch: this.minEpoch, after: undefined }); this.walk() }\n    else this.walk()",
      },
      { file: PULL, find: '    else this.walk()\n    this.unfinished', replace: '    this.unfinished' },
    ],
  },
  bug(
    'pull-from-anybody',
    'a transfer counts the lists of another incarnation',
    'protocols/repair/copying.ts',
    'pull.source.id === from.id && pull.reply(answer, mark)',
    'pull.reply(answer, mark)',
  ),
  bug(
    'own-coverage-unsynced',
    'a driver counts its own copy before its sync',
    REPAIR,
    "this.coveredSources() }, 'everything')",
    "this.coveredSources() }, from === self.peerId ? 'nothing' : 'everything')",
  ),
  bug(
    'leaf-behind-tree',
    'a leaf does not list what its hash shows already',
    'protocols/base/overlay.ts',
    'if (this.digests.size === 0) return below',
    'if (this.digests.size >= 0) return below',
  ),
]

const REQUESTS = 'protocols/config/requests.ts'

const CHANGES: readonly PlantedBug[] = [
  bug(
    'barred-ignored',
    'growth gives a vote to a peer that was removed',
    'protocols/config/growth.ts',
    '!isBarred(barred, identity.peerId, clusterId)',
    'identity !== undefined || !isBarred(barred, identity.peerId, clusterId)',
  ),
  bug(
    'bar-kept',
    'a change that is withdrawn bars all the same',
    'protocols/config/successors.ts',
    'joint.forming, joint.barred)',
    'joint.forming, joint.nextBarred)',
  ),
  bug(
    'done-before-installed',
    'a change is told done before its new voters have it on disk',
    REQUESTS,
    '(this.installed.get(id) ?? -1) >= epoch',
    '(this.installed.get(id) ?? -1) >= epoch - 9',
  ),
  bug(
    'unchanged-unasked',
    'told that all is as asked for without asking for anything newer',
    REQUESTS,
    'return this.confirm(asked, config)',
    "return this.answer(asked, { kind: 'unchanged', epoch: config.epoch })",
  ),
]

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...AGREEMENT,
  ...KEY_READS,
  ...DURABILITY,
  ...EPOCHS,
  ...TRANSFER,
  ...BUGS_OF_COPIES,
  ...BUGS_OF_WAITS,
  ...CHANGES,
  ...KEY_OUTCOMES,
  ...KEY_OFFERS,
]
