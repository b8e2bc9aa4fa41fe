/**
 * Scenarios written by hand, for what chance hardly ever meets: each builds a situation, does one
 * thing and says what came of it, in lines that `test/trace/` keeps for review. A scenario throws
 * when the protocol's rule does not hold.
 */
import { CEILING_STRIDE_ROUNDS } from '../../protocols/base/ballot.ts'
import { Outbox } from '../../protocols/outbox.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { PROMISE_KEPT_MS } from '../../protocols/agreement/promises.ts'
import { ChosenKeys } from '../../protocols/keys/chosen.ts'
import { writingClaim } from '../../protocols/agreement/coordinator.ts'
import { outcomeOf } from '../../protocols/keys/puts.ts'
import type { PutEvent } from '../../protocols/keys/puts.ts'
import type { Collection } from '../../protocols/repair/collection.ts'
import { Pull } from '../../protocols/repair/pull.ts'
import { speechOfKeys } from '../../protocols/repair/speech.ts'
import { HASH_BYTES, LEAVES_PER_GROUP, leafOf } from '../../protocols/base/hash-tree.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { check } from './checkers/violation.ts'
import { describeAccepted } from './describe.ts'
import { LATE_SCENARIOS } from './directed-late.ts'
import { OFFER_SCENARIOS } from './directed-offers.ts'
import { AcceptorBench, ballot, expectReply, voter } from './acceptor-bench.ts'
import { SimulatedDisk } from './disk.ts'
import { KeyStage, text } from './types/keys/stage.ts'
import type { Scenario } from './stage.ts'

const KEY = dataKey('k')
/** Questions asked before a restart: more than a process asks until the one that matters. */
const LATE_ANSWERS = 60
/**
 * Of disks that hold up a transfer. What else is decided before their syncs end depends on it, so
 * each of them is tried.
 */
const SLOWNESSES = [600, 800, 1_000, 1_200, 1_400]
/** In the order of their ids, which decides between ballots of one round. */
const P = voter('P')
const Q = voter('Q')

export const SCENARIOS: readonly Scenario[] = [
  { name: 'acceptor', play: acceptor },
  { name: 'T3-floor-covers-its-round', play: floorCoversItsRound },
  { name: 'folded-promises', play: foldedPromises },
  { name: 'outcomes-of-a-put', play: outcomesOfPut },
  { name: 'T8-neither-list-misses-it', play: neitherListMissesIt },
  { name: 'listed-and-lost', play: listedAndLost },
  { name: 'finished-with-more-to-come', play: finishedWithMoreToCome },
  { name: 'T8-accepted-under-sync', play: acceptedUnderSync },
  { name: 'finish-brings-the-record', play: finishBringsTheRecord },
  { name: 'learn-never-overwrites', play: learnNeverOverwrites },
  { name: 'late-answers', play: lateAnswers },
  { name: 'T2-accepted-is-no-copy', play: acceptedIsNoCopy },
  { name: 'lists-of-an-empty-store', play: listsOfEmptyStore },
  { name: 'T6-finish-that-ends-on-chosen', play: finishThatEndsOnChosen },
  { name: 'T7-power-lost-after-transfer', play: () => atEachSlowness(powerLostAfterTransfer) },
  { name: 'T7-power-lost-at-the-driver', play: () => atEachSlowness(powerLostAtDriver) },
  { name: 'T1-lower-ballot-after-change', play: lowerBallotAfterChange },
  ...LATE_SCENARIOS,
  ...OFFER_SCENARIOS,
]

function acceptor(): string[] {
  const bench = new AcceptorBench(P, { epoch: 0, round: 5 })
  const record = text('x')
  expectReply(bench.ask({ kind: 'read', key: KEY, epoch: 0 }), 'seen')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 6, P) }), 'promised')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 6, P) }), 'promised')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 7, Q) }), 'promised')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 6, P), record }), 'rejected')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 7, Q), record }), 'committed')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 7, Q), record }), 'committed')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 7, P) }), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, CEILING_STRIDE_ROUNDS + 6, P) }), 'promised')
  bench.restart()
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 8, Q) }), 'rejected')
  const high = bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(1, 1, Q) })
  expectReply(high, 'promised')
  const isTold = high.kind === 'promised' && high.accepted !== undefined
  check(isTold, 'S8', () => `nothing is said of ${describeAccepted(undefined)}`)
  return bench.lines
}

/** T3: the floor stands for the highest ballot of its round, whoever's that would be. */
function floorCoversItsRound(): string[] {
  const bench = new AcceptorBench(voter('A'), { epoch: 0, round: 5 })
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 5, P) }), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 5, Q) }), 'rejected')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 5, P), record: text('x') }), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 6, P) }), 'promised')
  return bench.lines
}

/** A promise that memory lets go of still holds, as part of the floor, for every key. */
function foldedPromises(): string[] {
  const bench = new AcceptorBench(voter('A'), { epoch: 0, round: 1 })
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 9, Q) }), 'promised')
  bench.pass(PROMISE_KEPT_MS + 1)
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 8, Q) }), 'rejected')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 9, P), record: text('x') }), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: dataKey('other'), ballot: ballot(0, 8, Q) }), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 10, P) }), 'promised')
  return bench.lines
}

/** Section 5, steps 6 and 8: what a put is told, for every way that it can end. */
function outcomesOfPut(): string[] {
  const lines: string[] = []
  const mine = text('x')
  const expect = (about: string, kind: string, isGiven: boolean, commitSent: boolean, shown: ValueRecord | undefined): void => {
    const event: PutEvent = { kind: 'put', client: 1, key: KEY, ...mine, writeIdGiven: isGiven, deadlineMs: 1 }
    const claim = { ...writingClaim(mine, 1, () => undefined), commitSent }
    const outcome = outcomeOf(event, claim, shown === undefined ? { kind: 'expired' } : { kind: 'chosen', record: shown })
    lines.push(`${about}: ${outcome.kind}`)
    check(outcome.kind === kind, 'S4', () => `${about}: ${outcome.kind}, where the rule wants ${kind}`)
  }
  expect('the deadline, nothing sent, the writeId made here', 'not-stored', false, false, undefined)
  expect('the deadline, a commit sent', 'in-doubt', false, true, undefined)
  expect('the deadline, nothing sent, the writeId given', 'in-doubt', true, false, undefined)
  expect('chosen, sent by this put', 'created', false, true, mine)
  expect('chosen, sent by an earlier put of the same writeId', 'stored-before', true, false, mine)
  expect('chosen with another value under the same writeId', 'reused', true, true, { ...text('y'), writeId: mine.writeId })
  expect('chosen, of another writeId with an equal value', 'conflict', false, true, { ...mine, writeId: 'another' })
  return lines
}

/** What a pull knows of the keys here; nothing is taken or settled. */
function collectionOf(chosen: ChosenKeys, overlay: Overlay): Collection {
  return {
    tree: chosen.tree,
    leaf: (leaf, after, limit) => overlay.leaf(leaf, after, limit),
    lacks: (key, digest) => chosen.lacks(key, digest),
    held: (key) => chosen.get(key),
    isWithheld: (key) => chosen.isDiverged(key),
    take: () => 0,
    page: () => ({ keys: [], more: false }),
    settle: () => undefined,
  }
}

/**
 * T8: keys in doubt are listed before those chosen, and a leaf lists all that its hash shows: what
 * moves meanwhile is in neither's blind spot.
 */
function neitherListMissesIt(): string[] {
  const lines: string[] = []
  const disk = new SimulatedDisk(() => undefined)
  const overlay = new Overlay(disk)
  const outbox = new Outbox(overlay)
  let lastId = 0
  const nextId = (): number => (lastId += 1)
  const chosen = new ChosenKeys(overlay, new Codec(utf8), sha256, outbox, { learned: () => undefined })
  const collection = collectionOf(chosen, overlay)
  const pull = new Pull(P, 1, { moment: { nowMs: 0 }, nextId, roundTripMs: () => undefined, collection, speech: speechOfKeys(outbox) })
  pull.begin()
  const asked = outbox.take().flatMap((effect) => (effect.kind === 'send' ? [effect.message.kind] : []))
  lines.push(`a transfer begins with ${asked.join(' and ')}`)
  check(asked.join() === 'doubts-wanted', 'S12', () => `a transfer begins with ${asked.join(' and ')}`)
  chosen.learn(KEY, text('x'))
  const listed = overlay.leaf(leafOf(KEY), undefined, 10).map((entry) => entry.key)
  lines.push(`${chosen.tree.keyCount} key in the tree, ${listed.join(' ')} in its leaf, ${disk.unsyncedCount} writes handed to the disk`)
  check(listed.join() === KEY, 'S12', () => `the tree has ${chosen.tree.keyCount} keys, and the leaf lists ${listed.join(' ')}`)
  return lines
}

/**
 * A transfer's questions are answered, up to one leaf with these keys. The next question is number
 * 5.
 */
function walkToLeaf(pull: Pull<RegisterKey, ValueRecord>, doubts: readonly RegisterKey[], keys: readonly RegisterKey[]): void {
  const digest = new Uint8Array(HASH_BYTES).fill(1)
  const group = Math.floor(leafOf(KEY) / LEAVES_PER_GROUP)
  const hashes = (place: number): Uint8Array => {
    const sums = new Uint8Array(LEAVES_PER_GROUP * HASH_BYTES)
    sums.set(digest, place * HASH_BYTES)
    return sums
  }
  const entries = keys.map((key) => ({ key, digest }))
  pull.begin()
  pull.reply({ kind: 'doubts', id: 1, keys: doubts, more: false })
  pull.reply({ kind: 'hashes', id: 2, group: undefined, hashes: hashes(group) })
  pull.reply({ kind: 'hashes', id: 3, group, hashes: hashes(leafOf(KEY) % LEAVES_PER_GROUP) })
  pull.reply({ kind: 'leaves', id: 4, entries, leavesDone: 1, after: undefined })
}

/**
 * A source lists a record that it knows in memory alone, loses power, and is back within a moment,
 * at the other end of what looks like the same connection. Its list in doubt was given before that:
 * a transfer that goes on would have the record from neither.
 */
function listedAndLost(): string[] {
  const overlay = new Overlay(new SimulatedDisk(() => undefined))
  const outbox = new Outbox(overlay)
  let lastId = 0
  const nextId = (): number => (lastId += 1)
  const chosen = new ChosenKeys(overlay, new Codec(utf8), sha256, outbox, { learned: () => undefined })
  const pull = new Pull(P, 1, {
    moment: { nowMs: 0 },
    nextId,
    roundTripMs: () => undefined,
    speech: speechOfKeys(outbox),
    collection: collectionOf(chosen, overlay),
  })
  walkToLeaf(pull, [], [KEY])
  pull.reply({ kind: 'records', id: 5, records: [], keysDone: 1 })
  check(!pull.isDone && !pull.isRunning, 'S12', () => 'a transfer is done though a record on its list never came')
  return ['a record that was listed does not come: the transfer fails, and begins anew']
}

/**
 * A record that comes ends the finish of its key, which was the last thing that the walk waited
 * for; and the answer that brought it had no room for the next one.
 */
function finishedWithMoreToCome(): string[] {
  const overlay = new Overlay(new SimulatedDisk(() => undefined))
  const outbox = new Outbox(overlay)
  let lastId = 0
  const chosen = new ChosenKeys(overlay, new Codec(utf8), sha256, outbox, { learned: () => undefined })
  let settled: (done: boolean) => void = () => undefined
  const pull = new Pull(P, 1, {
    moment: { nowMs: 0 },
    nextId: () => (lastId += 1),
    roundTripMs: () => undefined,
    speech: speechOfKeys(outbox),
    collection: {
      ...collectionOf(chosen, overlay),
      settle: (_key, ended) => (settled = ended),
      take: () => {
        settled(true)
        return 1
      },
    },
  })
  walkToLeaf(pull, [KEY], [KEY, dataKey('next')])
  pull.reply({ kind: 'records', id: 5, records: [{ key: KEY, record: text('x') }], keysDone: 1 })
  check(!pull.isDone, 'S12', () => 'a transfer is done though the rest of an answer is still to be asked for')
  return ['the last key in doubt is finished by a record with more behind it: the transfer goes on']
}

/**
 * T8 once more: two of three voters have a record of epoch 0 under way to their disks while epoch 1
 * is installed and the lists are given.
 */
function acceptedUnderSync(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D', 'E', 'F'] }, { c: ['A', 'B', 'C'] })
  stage.startWithout(['D', 'E', 'F'])
  for (const holder of ['A', 'B', 'C']) stage.slow(holder, 100)
  const client = stage.beginPut('A', KEY, text('x'), 10_000)
  stage.pass(2.5)
  stage.change({ c: ['D', 'E', 'F'] }, ['D', 'E', 'F'])
  const outcome = stage.outcome(client)
  stage.lines.push(`put at A: ${outcome}`)
  stage.losePower()
  stage.probe()
  const shown = stage.getEverywhere(KEY)
  check(shown.length === 1, 'S1', () => `after the change, gets of ${KEY} show ${shown.join(' and ')}`)
  check(outcome !== 'created' || shown[0] === 'x', 'S12', () => `x was created, and after the change gets of ${KEY} show ${shown[0]}`)
  return stage.lines
}

/**
 * What T6 rests on: a finish that learns of a chosen record from one voter has a copy of it from
 * then on.
 */
function finishBringsTheRecord(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'] })
  stage.start()
  // Else two that know nothing may be asked first.
  stage.isolate('C')
  stage.tell('C', 'B', { kind: 'learn', key: KEY, ballot: undefined, record: text('x'), spread: false })
  // Without C, for a quorum that would show A nothing is one that a chosen record does not leave.
  stage.isolate('C')
  stage.finish('A', KEY)
  check(stage.heldChosen('A', KEY) === 'x', 'S12', () => 'A finished k at the chosen mark of B, and has no copy of it')
  return stage.lines
}

/**
 * S15: being told another record for a chosen key is an alarm; the record stays, and is served no
 * more.
 */
function learnNeverOverwrites(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'] })
  stage.chosen('A', KEY, text('x'))
  stage.start()
  stage.tell('B', 'A', { kind: 'learn', key: KEY, ballot: undefined, record: text('y'), spread: false })
  stage.sync()
  check(stage.heldChosen('A', KEY) === 'x', 'S15', () => `A holds ${stage.heldChosen('A', KEY)} where x was chosen`)
  check(stage.notes('A').includes('divergence'), 'S15', () => 'A said nothing of two chosen records')
  const outcome = stage.get('A', KEY, 200)
  check(outcome === 'unavailable', 'S15', () => `a get of a key with two records ended ${outcome}`)
  return stage.lines
}

/**
 * S6: what was asked in an earlier life of the process may be answered after its restart; it
 * answers nothing that is asked now.
 */
function lateAnswers(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'] })
  stage.start()
  stage.isolate('A')
  check(stage.put('B', KEY, text('x')) === 'created', 'L5', () => 'two of three voters take no put')
  const others = Array.from({ length: LATE_ANSWERS }, (_, index) => dataKey(`j${index}`))
  for (const key of others) stage.beginGet('A', key, 1_000)
  stage.restart('A')
  const client = stage.beginGet('A', KEY, 1_000)
  stage.answerLate('A', others)
  stage.lines.push(`after late answers about other keys, a get of k ends ${stage.outcome(client)}`)
  check(stage.outcome(client) !== 'absent', 'S6', () => 'k was created, and answers about other keys made it absent')
  return stage.lines
}

/**
 * T2: a new voter's accepted record is no copy of the chosen one, even when equal: another ballot
 * may hide it.
 */
function acceptedIsNoCopy(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D', 'G'] })
  const x = text('x')
  for (const holder of ['A', 'D', 'G']) stage.accepted(holder, KEY, 3, 'A', x)
  stage.accepted('B', KEY, 1, 'A', x)
  stage.accepted('C', KEY, 2, 'G', text('z'))
  return changed(stage, { c: ['B', 'C', 'D'] })
}

/**
 * S14 for transfers: a voter that lost its store has no lists to give, whatever is answered in its
 * place.
 */
function listsOfEmptyStore(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D'] }, { c: ['A', 'B', 'C'] })
  for (const holder of ['A', 'B', 'C']) stage.chosen(holder, KEY, text('x'))
  stage.startWithout(['D'])
  stage.beginChange({ c: ['D'] }, ['D'])
  stage.killWhenAsked('D', 'A')
  stage.answerFromEmptyStore('A', 'D')
  stage.answerFromEmptyStore('A', 'D')
  const isCovered = stage.coveredBy('D').includes('A')
  stage.lines.push(`D ${isCovered ? 'counts' : 'does not count'} the lists of A`)
  check(!isCovered, 'S14', () => 'D counts the lists of A, which an empty store has given')
  return stage.lines
}

/**
 * T6: the mark is at B, the list comes from A and C, the finish ends on B's `chosen`: what it
 * returns must be copied.
 */
function finishThatEndsOnChosen(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C'], d: ['D'], e: ['E'] }, { c: ['A', 'B', 'C'] })
  stage.accepted('A', KEY, 1, 'A', text('x'))
  stage.chosen('B', KEY, text('x'))
  // B gives nobody a list, and nobody repairs from it.
  stage.fate = (_, to, message) => (to === 'B' && message.kind.endsWith('-wanted') ? 'is lost' : 'arrives')
  return changed(stage, { d: ['D'], e: ['E'] }, ['D', 'E'])
}

/**
 * T7: power is lost everywhere the moment the change is decided: what was counted as copied must be
 * on disk.
 */
function powerLostAfterTransfer(slowness: number): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D', 'E', 'F'] }, { c: ['A', 'B', 'C'] })
  for (const holder of ['A', 'B', 'C']) stage.chosen(holder, KEY, text('x'))
  for (const holder of ['D', 'E', 'F']) stage.slow(holder, slowness)
  return changed(stage, { c: ['D', 'E', 'F'] }, ['D', 'E', 'F'])
}

/**
 * T7 once more: the new voter drives the change itself, and counts its own copy no sooner than that
 * of others.
 */
function powerLostAtDriver(slowness: number): string[] {
  const stage = new KeyStage({ c: ['A', 'D', 'E', 'F'] }, { c: ['D', 'E', 'F'] })
  for (const holder of ['D', 'E', 'F']) stage.chosen(holder, KEY, text('x'))
  // Finishing this one raises the ceiling first, so that nothing that follows waits for the mark of
  // k by chance.
  stage.accepted('F', dataKey('doubt'), 1, 'F', text('y'))
  stage.slow('A', slowness)
  return changed(stage, { c: ['A'] }, ['A'], 'A')
}

/**
 * T1: records of two ballots lie about; a lower one must not come back to life through the change.
 */
function lowerBallotAfterChange(): string[] {
  const old = { one: ['D1', 'D2', 'G'], two: ['A', 'B', 'B2'], three: ['E1', 'E2', 'E3'] }
  const stage = new KeyStage({ ...old, one: ['D1', 'D2', 'G', 'F'] }, old)
  for (const holder of ['D1', 'D2']) stage.accepted(holder, KEY, 1, 'D1', text('x'))
  stage.accepted('A', KEY, 2, 'E1', text('y'))
  return changed(stage, { ...old, one: ['D1', 'D2', 'F'] })
}

/** Plays a scenario with disks of each slowness. */
function atEachSlowness(play: (slowness: number) => string[]): string[] {
  return SLOWNESSES.flatMap((slowness) => [`-- syncs of the new voters take ${slowness} times as long`, ...play(slowness)])
}

/**
 * Carries a change out, loses power at the moment it is decided, and reads the key everywhere: all
 * must see one and the same.
 */
function changed(
  stage: KeyStage,
  next: Readonly<Record<string, readonly string[]>>,
  latecomers: readonly string[] = [],
  driver?: string,
): string[] {
  stage.startWithout(latecomers)
  const before = stage.chosenByQuorum(KEY)
  stage.change(next, latecomers, driver)
  const keeping = stage.keepingChosen(Object.values(next).flat(), KEY)
  if (before !== undefined) stage.lines.push(`-- of the new voters these have ${KEY} on disk as chosen: ${keeping.join(' ')}`)
  stage.losePower()
  stage.probe()
  const shown = stage.getEverywhere(KEY)
  check(shown.length === 1, 'S1', () => `after the change, gets of ${KEY} show ${shown.join(' and ')}`)
  check(before === undefined || shown[0] === before, 'S12', () => `${before} was chosen, ${shown[0]} is read after the change`)
  stage.lines.push(`every get shows ${shown.join(' and ')}`)
  return stage.lines
}
