/**
 * The rules of logs that have no state, or little: majorities, members, the tail, the clock,
 * numbers.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import type { Rows } from '../../protocols/base/rows.ts'
import { nextAtMs } from '../../protocols/log/clock.ts'
import { committedIndex, isMajority } from '../../protocols/log/commit.ts'
import { ORIGIN } from '../../protocols/log/entry.ts'
import type { Entry, EntryBody } from '../../protocols/log/entry.ts'
import { NUMBERS_KEPT_MAX } from '../../protocols/log/limits.ts'
import { allMembers, entered, firstMembers, isDone, left, sparesVoters, withLearners } from '../../protocols/log/membership.ts'
import { Numbers } from '../../protocols/log/numbers.ts'
import { LogRows } from '../../protocols/log/rows.ts'
import { Tail } from '../../protocols/log/tail.ts'
import type { LogWrite } from '../../protocols/log/events.ts'
import { utf8 } from '../../src/bytes.ts'
import { Chance } from '../simulation/chance.ts'

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(peer) as [Identity, Identity, Identity, Identity]
const abc = firstMembers([a, b, c])

function peer(name: string): Identity {
  return identity(name as PeerId, name.charCodeAt(0).toString(16).padStart(32, '0') as Incarnation)
}

function entry(term: number, index: number, body: EntryBody = { kind: 'began' }): Entry {
  return { term, index, atMs: index, body }
}

suite('majorities of logs', () => {
  test('the highest index that a majority of each set holds is what counting says, on many random sets', () => {
    const chance = new Chance(1)
    for (let round = 0; round < 20_000; round += 1) {
      const some = (least: number): Identity[] =>
        chance.shuffled(['a', 'b', 'c', 'd', 'e', 'f', 'g']).slice(0, chance.between(least, 7)).map(peer)
      const members = { ...firstMembers(some(1)), outgoing: some(0) }
      const held = new Map(allMembers(members).map(({ id }) => [id, chance.below(6)]))
      const index = committedIndex(members, (id) => held.get(id) ?? 0)
      const isHeld = (at: number): boolean => isMajority(members, (id) => (held.get(id) ?? 0) >= at)
      assert(isHeld(index) && !isHeld(index + 1))
    }
  })
})

suite('members of a log', () => {
  test('a voter that becomes a learner keeps its old vote until the change has ended', () => {
    const joint = entered(abc, [{ kind: 'learner', peer: a }])
    assert.deepEqual(joint, { voters: [b, c], outgoing: [a, b, c], learners: [], learnersNext: [a], place: '' })
    assert.deepEqual(left(joint), firstMembers([b, c], [a]))
  })

  test('learners come and go in one step, voters never do', () => {
    assert.deepEqual(withLearners(abc, [{ kind: 'learner', peer: d }]), firstMembers([a, b, c], [d]))
    assert.throws(() => withLearners(abc, [{ kind: 'voter', peer: d }]), /without its joint step/)
    assert(sparesVoters(abc, [{ kind: 'remove', peer: d }]))
    assert(!sparesVoters(abc, [{ kind: 'remove', peer: a }]))
  })

  test('a change upon another, and one that leaves nobody, are asserted against', () => {
    assert.throws(() => entered(entered(abc, [{ kind: 'voter', peer: d }]), []), /under way/)
    assert.throws(() => entered(firstMembers([a]), [{ kind: 'remove', peer: a }]), /no voter/)
  })

  test('what is so already is done', () => {
    assert(
      isDone(abc, [
        { kind: 'voter', peer: a },
        { kind: 'remove', peer: d },
      ]),
    )
    assert(!isDone(abc, [{ kind: 'learner', peer: a }]))
  })
})

suite('the tail of a log', () => {
  const named = { kind: 'members', members: firstMembers([a, b]) } as const
  const tail = (): Tail =>
    new Tail({ base: ORIGIN, membersAtBase: abc, entries: [entry(1, 1), entry(1, 2, named), entry(3, 3), entry(3, 4)] })

  test('members are in force when appended, and undone when cut off', () => {
    const held = tail()
    assert.deepEqual(held.members, firstMembers([a, b]))
    held.cutFrom(2)
    assert.deepEqual(held.members, abc)
  })

  test('what is compacted leaves its term and its members', () => {
    const held = tail()
    held.compact(3)
    assert.deepEqual([held.base, held.members, held.membersIndex], [{ term: 3, index: 3 }, firstMembers([a, b]), 3])
    assert.deepEqual([held.termAt(2), held.termAt(3), held.termAt(4)], [undefined, 3, 3])
    assert.throws(() => held.cutFrom(3), /was compacted/)
  })

  test('the last place that can agree passes over a whole term', () => {
    assert.deepEqual(tail().lastNotAbove(4, 2), { term: 1, index: 2 })
    assert.deepEqual(tail().lastNotAbove(9, 3), { term: 3, index: 4 })
  })

  test('an append has as many entries as fit, and one at least', () => {
    assert.equal(tail().fitting(1, 1).length, 1)
    assert.equal(tail().fitting(2, 1_000_000).length, 3)
    assert.equal(tail().fitting(5, 1_000_000).length, 0)
  })

  test('entries follow upon one another, and terms never fall', () => {
    assert.throws(() => tail().append([entry(3, 6)]), /after 3.4/)
    assert.throws(() => tail().append([entry(2, 5)]), /after 3.4/)
  })
})

suite('a log on disk', () => {
  const logId = '0123456789abcdef0123456789abcdef'
  const held = new Map<string, Uint8Array>()
  const rows: Rows = {
    get: (name) => held.get(name),
    *range(prefix, after = '') {
      for (const name of [...held.keys()].filter((each) => each.startsWith(prefix) && each > after).toSorted())
        yield { name, bytes: held.get(name) as Uint8Array }
    },
  }
  const log = new LogRows(logId, rows, utf8)
  const write = (each: LogWrite): void => {
    for (const { name, bytes } of log.of(each)) {
      if (bytes === undefined) held.delete(name)
      else held.set(name, bytes)
    }
  }
  const shown = (): unknown[] => {
    const { term, vote, base, entries } = log.stored(abc)
    return [term, vote?.peerId, base.index, entries.map((each) => `${each.term}.${each.index}`).join(' ')]
  }

  test('it is found as it was written: entries from one on are replaced, compacted ones are gone, and a reset drops all', () => {
    held.clear()
    assert.deepEqual(shown(), [0, undefined, 0, ''])
    write({ kind: 'hard-state', term: 3, vote: b })
    write({ kind: 'entries', from: 1, entries: [1, 2, 3, 4].map((index) => entry(1, index)) })
    write({ kind: 'entries', from: 3, entries: [entry(2, 3)] })
    assert.deepEqual(shown(), [3, 'b', 0, '1.1 1.2 2.3'])
    write({ kind: 'compacted', base: { term: 1, index: 2 }, members: firstMembers([a]) })
    assert.deepEqual(shown(), [3, 'b', 2, '2.3'])
    assert.deepEqual(log.stored(abc).membersAtBase, firstMembers([a]))
    write({ kind: 'reset', base: { term: 5, index: 16 ** 3 }, members: abc })
    write({ kind: 'entries', from: 4_097, entries: [entry(5, 4_097)] })
    assert.deepEqual(shown(), [3, 'b', 4_096, '5.4097'])
  })

  test('an append looks for nothing on the disk', () => {
    held.clear()
    let looked = 0
    const counted = new LogRows(
      logId,
      {
        get: (name) => rows.get(name),
        range: (prefix, after) => {
          looked += 1
          return rows.range(prefix, after)
        },
      },
      utf8,
    )
    counted.stored(abc)
    const atStart = looked
    for (let index = 1; index <= 3; index += 1) counted.of({ kind: 'entries', from: index, entries: [entry(1, index)] })
    assert.equal(looked, atStart)
    const replaced = counted.of({ kind: 'entries', from: 2, entries: [entry(2, 2)] })
    assert.deepEqual(
      replaced.map(({ name, bytes }) => [name.slice(-1), bytes === undefined]),
      [
        ['2', false],
        ['3', true],
      ],
    )
  })

  test('its rows have the names and bytes that the specification describes', () => {
    held.clear()
    write({ kind: 'hard-state', term: 300, vote: a })
    write({ kind: 'reset', base: { term: 7, index: 16 }, members: firstMembers([a]) })
    write({ kind: 'entries', from: 17, entries: [entry(7, 17)] })
    const self = `0161${'61'.padStart(32, '0')}`
    assert.deepEqual(
      [...held].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
      [
        [`${logId}s`, `ac0201${self}`],
        [`${logId}b`, `071001${self}00000000`],
        [`${logId}e00000000000011`, '0711000000'],
      ],
    )
  })
})

suite("the log's clock", () => {
  test("it is the leader's, never behind the entry before", () => {
    assert.equal(nextAtMs(5_000, [5_000, 4_900, 5_100], 3, 4_000), 5_000)
    assert.equal(nextAtMs(5_000, [5_000, 4_900, 5_100], 3, 6_000), 6_000)
  })

  test('one clock that is a year ahead brings it 10 s ahead of most at most', () => {
    assert.equal(nextAtMs(31_536_000_000, [31_536_000_000, 1_000, 1_100], 3, 0), 11_100)
    assert.equal(nextAtMs(31_536_000_000, [31_536_000_000, 1_000], 3, 0), 11_000)
  })

  test('it stands still until most voters have told theirs', () => assert.equal(nextAtMs(31_536_000_000, [31_536_000_000], 3, 7), 7))
})

test('a number is dealt with once, and far older ones not at all', () => {
  const numbers = new Numbers()
  assert(numbers.take(2) && numbers.take(1) && !numbers.take(2))
  for (let number = 3; number <= NUMBERS_KEPT_MAX + 1; number += 1) assert(numbers.take(number))
  assert(!numbers.take(1) && !numbers.take(NUMBERS_KEPT_MAX + 1) && numbers.take(NUMBERS_KEPT_MAX + 2))
})
