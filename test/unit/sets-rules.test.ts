/**
 * The rules of sets that have no state: the join, stamps, clocks, cuts, cursors, and who must have
 * an operation.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Config } from '../../protocols/base/config.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, IdentityId, Incarnation, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { Clocks } from '../../protocols/sets/clocks.ts'
import { cursorText, numberOfCursor } from '../../protocols/sets/cursor.ts'
import { elementOfKey, keyOfElement } from '../../protocols/sets/element.ts'
import { barRefusal, barred, cutTaken, isForgettable, isTaken } from '../../protocols/sets/forgetting.ts'
import { isMember, join } from '../../protocols/sets/join.ts'
import { isKept } from '../../protocols/sets/keeping.ts'
import { RecentChanges } from '../../protocols/sets/recent.ts'
import { ELEMENT_BYTES_MAX, NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Entry } from '../../protocols/sets/requests.ts'
import { SetRows } from '../../protocols/sets/rows.ts'
import { badStamp, leastStamp, shiftOf, shifted, stampFor } from '../../protocols/sets/stamps.ts'

const ELEMENT = new Uint8Array([1])

function entry(added: number, removed: number = NO_STAMP): Entry {
  return { element: ELEMENT, added, removed }
}

suite('the state of an element', () => {
  test('it is a member when it was added after it was removed; equal stamps mean removed', () => {
    assert(isMember({ added: 0, removed: NO_STAMP }))
    assert(!isMember({ added: 5, removed: 5 }))
    assert(!isMember({ added: NO_STAMP, removed: 0 }))
    assert(isMember({ added: 6, removed: 5 }))
  })

  test('two states become the higher of each stamp', () => {
    assert.deepEqual(join({ added: 3, removed: 9 }, { added: 4, removed: NO_STAMP }), { added: 4, removed: 9 })
  })

  test('bytes come back from a key as they were, up to the longest element', () => {
    const longest = Uint8Array.from({ length: ELEMENT_BYTES_MAX }, (_, index) => index % 256)
    assert.deepEqual(elementOfKey(keyOfElement(longest)), longest)
    assert.throws(() => keyOfElement(new Uint8Array(ELEMENT_BYTES_MAX + 1)), /4097 bytes/)
    assert.throws(() => keyOfElement(new Uint8Array(0)), /0 bytes/)
  })
})

suite('stamps that are given here', () => {
  test('they follow the clock, and stand still where it is set back', () => {
    assert.equal(leastStamp(1_000.7, NO_STAMP, NO_STAMP), 1_000)
    assert.equal(leastStamp(400, 1_000, NO_STAMP), 1_000)
  })

  test('they lie above the bar', () => assert.equal(leastStamp(400, NO_STAMP, 900), 901))

  test('they lie above both stamps of the element, whatever the clocks say', () => {
    assert.equal(stampFor(1_000, { added: 5_000, removed: 7_000 }), 7_001)
    assert.equal(stampFor(1_000, { added: 5, removed: NO_STAMP }), 1_000)
  })

  test('requests of one millisecond share a stamp', () => {
    const first = leastStamp(1_000, NO_STAMP, NO_STAMP)
    assert.equal(leastStamp(1_000, first, NO_STAMP), first)
  })
})

suite('stamps of clients', () => {
  const allowed = { bar: 100, most: 61_000, shiftMs: 0 }

  test('one that is not allowed refuses all', () => {
    assert.equal(badStamp([entry(200), entry(101)], allowed), undefined)
    assert.deepEqual(badStamp([entry(200), entry(61_001)], allowed), {
      kind: 'bad-stamp',
      entry: entry(61_001),
      stamp: 61_001,
      why: 'ahead',
      least: 101,
      most: 61_000,
    })
    assert.equal(badStamp([entry(200, 100)], allowed)?.why, 'barred')
    assert.equal(badStamp([entry(2 ** 53)], allowed)?.why, 'no-stamp')
    assert.equal(badStamp([entry(0.5)], allowed)?.why, 'no-stamp')
  })

  test('0 is a stamp like any other where nothing is barred', () => {
    assert.equal(badStamp([entry(0, 0)], { bar: NO_STAMP, most: 61_000, shiftMs: 0 }), undefined)
  })

  test('a wrong clock is no danger: stamps are moved, then checked, and what was allowed is told by that clock', () => {
    const shiftMs = shiftOf({ kind: 'shows', nowMs: 500_000 }, 1_000)
    assert.equal(shiftMs, -499_000)
    const moved = { ...allowed, shiftMs }
    assert.equal(badStamp([entry(500_000)], moved), undefined)
    assert.deepEqual(shifted(entry(500_000), shiftMs), entry(1_000))
    assert.equal(badStamp([entry(700_000)], moved)?.most, 560_000)
    assert.equal(badStamp([entry(5)], moved)?.why, 'barred')
  })

  test('a retry is shifted as it was before, not by the time that has passed', () => {
    assert.equal(shiftOf({ kind: 'shifted', byMs: -499_000 }, 99_000), -499_000)
  })
})

suite('clocks', () => {
  const a = 'a' as PeerId
  const b = 'b' as PeerId

  test('a neighbour that is off by more than a second is warned of, half the round trip counted', () => {
    const clocks = new Clocks()
    clocks.heard(a, 10_900, 50, 500)
    clocks.heard(b, 11_000, 50, 500)
    assert.deepEqual(clocks.warnings(10_000, 500), [{ peerId: b, offByMs: 1_050 }])
  })

  test('a clock that jumps is seen at once', () => {
    const clocks = new Clocks()
    clocks.heard(a, 10_000, 0, 500)
    clocks.heard(b, 10_000, 0, 500)
    assert.equal(clocks.offByMs(10_100, 600), undefined)
    assert.equal(clocks.offByMs(90_100, 600), 80_000)
    assert.equal(clocks.offByMs(-69_900, 600), -80_000)
  })

  test('two clocks tell nothing, and one wrong clock among three stops nobody else', () => {
    const clocks = new Clocks()
    clocks.heard(a, 10_000, 0, 0)
    assert.equal(clocks.offByMs(900_000, 0), undefined)
    clocks.heard(b, 900_000, 0, 0)
    assert.equal(clocks.offByMs(10_000, 0), undefined)
  })
})

suite('cuts', () => {
  const cut = { number: 2, stamp: 1_000, bar: 1_500 }

  test('a member agrees to the next cut alone, and to none near its present', () => {
    assert.equal(barRefusal(cut, 3, 5_000, 5_000), undefined)
    assert.equal(barRefusal(cut, 3, 5_001, 5_000), 'clock')
    assert.equal(barRefusal(cut, 2, 5_000, 9_000), 'cut')
    assert.equal(barRefusal(cut, 4, 5_000, 9_000), 'cut')
  })

  test('a bar only rises', () => {
    assert.equal(barred(cut, 1_400), cut)
    assert.equal(barred(cut, 1_600).bar, 1_600)
    assert.deepEqual(cutTaken(cut, 3, 1_400, 1_450), { number: 3, stamp: 1_400, bar: 1_500 })
  })

  test('what is settled and not here is not taken from a frame or from a lower cut', () => {
    assert(!isTaken({ added: 900, removed: NO_STAMP }, undefined, 1_000, false))
    assert(isTaken({ added: 900, removed: NO_STAMP }, undefined, 1_000, true))
    assert(isTaken({ added: 900, removed: 1_001 }, undefined, 1_000, false))
    assert(isTaken({ added: 900, removed: NO_STAMP }, { added: 5, removed: 800 }, 1_000, false))
  })

  test('only removals are forgotten, and only settled ones', () => {
    assert(isForgettable(1_000, { added: 900, removed: 1_000 }))
    assert(!isForgettable(1_000, { added: 900, removed: 899 }))
    assert(!isForgettable(1_000, { added: 900, removed: 1_001 }))
  })
})

suite('changes', () => {
  const store = 'ab'.repeat(16) as Incarnation

  test('a cursor counts only in the store that gave it', () => {
    assert.equal(numberOfCursor(cursorText(store, 17), store), 17)
    assert.equal(numberOfCursor(cursorText('cd'.repeat(16) as Incarnation, 17), store), undefined)
    assert.equal(numberOfCursor('17', store), undefined)
    assert.equal(numberOfCursor(`${store}.9999999999999999`, store), undefined)
  })

  test('each change has the next number, and what changes nothing has none', () => {
    const rows = new SetRows('s')
    const key = keyOfElement(ELEMENT)
    assert.equal(rows.take(key, { added: 5, removed: NO_STAMP })?.number, 1)
    assert.equal(rows.take(key, { added: 4, removed: NO_STAMP }), undefined)
    assert.equal(rows.take(key, { added: 4, removed: 6 })?.number, 2)
    assert.deepEqual([rows.memberCount, rows.entryCount, rows.number], [0, 1, 2])
  })

  test('the last ones are known by number until they are too many, and none below a gap', () => {
    const recent = new RecentChanges(7)
    const key = keyOfElement(ELEMENT)
    assert.deepEqual(recent.since(7), [])
    assert.equal(recent.since(6), undefined)
    recent.changed(key, 8)
    recent.changed(key, 9)
    assert.equal(recent.since(8)?.length, 1)
    recent.changed(key, 11)
    assert.equal(recent.since(9), undefined)
    assert.equal(recent.since(10)?.length, 1)
    for (let number = 12; number < 50_000; number += 1) recent.changed(key, number)
    assert.equal(recent.since(10), undefined)
    assert.equal(recent.since(49_990)?.length, 9)
  })
})

suite('who must have an operation', () => {
  const voter = (name: string): ReturnType<typeof identity> => identity(name as PeerId, '00'.repeat(16) as Incarnation)
  const clusters = new Map(
    [
      ['a', ['a1', 'a2', 'a3']],
      ['b', ['b1']],
      ['c', ['c1']],
    ].map(([cluster, names]) => [cluster as ClusterId, (names as string[]).map(voter)]),
  )
  const config = { networkId: '' as NetworkId, epoch: 1, clusters } as unknown as Config
  const kept = (wait: 'here' | 'cluster' | 'network', ...names: string[]): boolean =>
    isKept(config, 'a' as ClusterId, wait, (id: IdentityId) => names.some((name) => voter(name).id === id))

  test('a majority of the own voters, or one voter in each of a majority of clusters', () => {
    assert(kept('here'))
    assert(!kept('cluster', 'a1', 'b1', 'c1'))
    assert(kept('cluster', 'a1', 'a3'))
    assert(!kept('network', 'a1', 'a2', 'a3'))
    assert(kept('network', 'a1', 'c1'))
  })

  test('a cluster without voters keeps nothing', () => {
    assert(!isKept(config, 'd' as ClusterId, 'cluster', () => true))
  })

  test('while a config is joint, both of its sets must have it', () => {
    const joint = { ...config, next: new Map([['a' as ClusterId, [voter('a9')]]]) } as Config
    const has = (id: IdentityId): boolean => id !== voter('a9').id
    assert(!isKept(joint, 'a' as ClusterId, 'cluster', has))
    assert(isKept(joint, 'a' as ClusterId, 'cluster', () => true))
  })
})
