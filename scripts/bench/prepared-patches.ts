/** Where the prototype of docs/one-round-trip.md goes into the production files. `installLoader` complains when a place is no longer there. */
import type { Patch, PlantedBug } from '../../test/simulation/planted/bug.ts'

const PEER = 'protocols/peer.ts'
const RUN = 'protocols/agreement/run.ts'
const ACCEPTOR = 'protocols/agreement/acceptor.ts'
const CHOSEN = 'protocols/keys/chosen.ts'
const RANGES = 'scripts/bench/prepared-ranges.ts'

function after(file: string, find: string, added: string): Patch {
  return { file, find, replace: find + added }
}

function before(file: string, find: string, added: string): Patch {
  return { file, find, replace: added + find }
}

const PATCHES: readonly Patch[] = [
  // The acceptor: a promise of a range binds every key of it.
  before(ACCEPTOR, "import type { Rounds } from './rounds.ts'", "import { isRangeKey, rangeOf } from './prepared-ranges.ts'\n"),
  before(ACCEPTOR, '  private floor: Ceiling\n', '  private readonly ranges = new Map()\n'),
  after(
    ACCEPTOR,
    '    this.rounds.raiseAbove(ballot)\n',
    "    if (isRangeKey(key)) {\n      this.ranges.set(rangeOf(key), ballot)\n      return { kind: 'promised', ballot, accepted: undefined }\n    }\n",
  ),
  before(
    ACCEPTOR,
    '    const promised = this.promises.get(key)?.ballot\n',
    '    const ranged = this.ranges.get(rangeOf(key))\n    if (ranged !== undefined && compareBallots(ballot, ranged) < 0) return ranged\n',
  ),
  // The peer: what a voter holds of the range goes with its promise.
  before(
    PEER,
    "import type { Ballot, Ceiling } from './base/ballot.ts'",
    "import { PreparedRanges, isRangeKey, promiseOf } from '../scripts/bench/prepared-ranges.ts'\n",
  ),
  {
    file: PEER,
    find: 'const reply = this.acceptor.answer(body, this.moment.nowMs)',
    replace:
      'const answer = this.acceptor.answer(body, this.moment.nowMs)\n' +
      "    const isRange = isRangeKey(body.key) && answer.kind === 'promised'\n" +
      '    const reply = isRange ? { ...answer, ...promiseOf(body.key, [...this.doubts.keys(), ...this.chosen.heldKeys]) } : answer',
  },
  {
    file: PEER,
    find: 'this.coordinator = new Coordinator(registers, { moment, rounds, chain, polls, latencies, random, chose })',
    replace:
      'const prepared = new PreparedRanges({ self: identity.peerId, moment, rounds, chain, polls, registers })\n    this.prepared = prepared\n' +
      '    this.coordinator = new Coordinator(registers, { moment, rounds, chain, polls, latencies, random, chose, prepared })',
  },
  after(PEER, '    this.coordinator.tick()\n', '    this.prepared.tick()\n'),
  after(CHOSEN, '  private totalBytes = 0\n', '  readonly heldKeys = new Set()\n'),
  after(CHOSEN, 'this.tree.add(entry.key, entry.digest)', '\n      this.heldKeys.add(entry.key)'),
  after(CHOSEN, 'this.tree.add(key, digest)', '\n      this.heldKeys.add(key)'),
  // The coordinator: a new key of a prepared range goes straight to commit; a rejection costs it the range.
  {
    file: RUN,
    find: 'if (readFirst) this.read()\n    else this.reserve()',
    replace: 'if (readFirst) this.read()\n    else if (!this.commitPrepared()) this.reserve()',
  },
  before(
    RUN,
    '  begin(readFirst: boolean): void {',
    `  private commitPrepared() {
    const claim = this.claims.find((candidate) => candidate.record !== undefined)
    const installed = this.context.chain.current
    const ballot = claim === undefined || installed === undefined ? undefined : this.context.prepared.take(this.key)
    if (ballot === undefined) return false
    claim.commitSent = true
    this.ballot = ballot
    this.preparedAt = ballot
    this.commit(ballot, claim.record, { quorum: installed.quorum })
    return true
  }

`,
  ),
  after(RUN, '    this.wasRejected = true\n', '    if (this.ballot === this.preparedAt) this.context.prepared.lost(this.ballot)\n'),
  // The checkers: a range's ballot is issued for the range first, and then for its keys.
  {
    file: 'test/simulation/checkers/votes.ts',
    find: 'before.key === key && before.boot',
    replace: "(before.key === key || before.key.startsWith('\\u0001range/')) && before.boot",
  },
]

export const PROTOTYPE: PlantedBug = { name: 'prepared-ranges', what: 'the prototype, as designed', patches: PATCHES }

/** The prototype with one of its rules left out: the checkers must notice each. */
export const BROKEN: readonly PlantedBug[] = [
  broken('held-ignored', 'what a quorum holds is not left to two phases', 'prepared.held.has(key)', 'false'),
  broken('used-again', 'a ballot is used again for another record of a key', '|| prepared.used.has(key)', ''),
  broken('range-of-an-old-epoch', 'a range outlives its config', 'prepared.ballot.epoch === this.context.chain.epoch', 'true'),
  {
    name: 'range-not-promised',
    what: 'an acceptor forgets its promise of a range',
    patches: [...PATCHES, { file: ACCEPTOR, find: 'this.ranges.set(rangeOf(key), ballot)', replace: 'this.ranges.clear()' }],
  },
]

function broken(name: string, what: string, find: string, replace: string): PlantedBug {
  return { name, what, patches: [...PATCHES, { file: RANGES, find, replace }] }
}
