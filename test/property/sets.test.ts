/**
 * Sets against a plain model: a million operations at five peers, over ten thousand elements, told
 * to one another late, twice and in any order, by clocks that are minutes apart. The model is one
 * map that hears each operation once.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { elementOfKey, keyOfElement } from '../../protocols/sets/element.ts'
import type { ElementKey } from '../../protocols/sets/element.ts'
import { NO_STAMPS, isMember, join } from '../../protocols/sets/join.ts'
import type { Stamps } from '../../protocols/sets/join.ts'
import { NO_STAMP } from '../../protocols/sets/requests.ts'
import { SetRows } from '../../protocols/sets/rows.ts'
import type { Row } from '../../protocols/sets/rows.ts'
import { leastStamp, stampFor } from '../../protocols/sets/stamps.ts'

const OPERATIONS = 1_000_000
const PEERS = 5
const ELEMENTS = 10_000
/** Operations that wait to be told to a peer before some are. */
const WAITING_MAX = 64
const CLOCKS_APART_MS = 120_000

/**
 * Numbers from 0 up to, not including, a bound: quick, and the same in every run (a linear
 * congruential generator).
 */
class Draws {
  private state = 20_261_128

  below(bound: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.state / 2 ** 32) * bound)
  }
}

interface Replica {
  readonly rows: SetRows
  readonly aheadMs: number
  readonly inbox: Row[]
}

/**
 * Takes one of what waits, which may be the oldest or the newest, and sometimes leaves it there to
 * come again.
 */
function hear({ rows, inbox }: Replica, draws: Draws): void {
  const place = draws.below(inbox.length)
  const row = inbox[place]
  const last = inbox.at(-1)
  if (row === undefined || last === undefined) return
  rows.take(row.key, row)
  if (draws.below(10) === 0) return
  inbox[place] = last
  inbox.pop()
}

suite('sets against a plain model', () => {
  test('a million operations at five peers over ten thousand elements come to the same', () => {
    const draws = new Draws()
    const keys = Array.from({ length: ELEMENTS }, (_, index) => keyOfElement(new TextEncoder().encode(`element ${index}`)))
    const replicas: Replica[] = Array.from({ length: PEERS }, (_, index) => ({
      rows: new SetRows('s'),
      aheadMs: (index * CLOCKS_APART_MS) / PEERS,
      inbox: [],
    }))
    const model = new Map<ElementKey, Stamps>()
    for (let operation = 0; operation < OPERATIONS; operation += 1) {
      const by = replicas[draws.below(PEERS)] as Replica
      const key = keys[draws.below(ELEMENTS)] as ElementKey
      const { rows } = by
      const stamp = stampFor(leastStamp(operation / 10 + by.aheadMs, rows.last, rows.cut.bar), rows.stampsOf(key))
      rows.last = Math.max(rows.last, stamp)
      const isInsert = draws.below(2) === 0
      const row = rows.take(key, isInsert ? { added: stamp, removed: NO_STAMP } : { added: NO_STAMP, removed: stamp })
      assert(row !== undefined && isMember(row) === isInsert, 'an operation takes effect at once where it is given')
      model.set(key, join(model.get(key) ?? NO_STAMPS, row))
      for (const other of replicas) {
        if (other === by) continue
        other.inbox.push(row)
        while (other.inbox.length > WAITING_MAX) hear(other, draws)
      }
    }
    for (const { rows, inbox } of replicas) {
      for (const row of inbox) rows.take(row.key, row)
      assert.equal(rows.entryCount, model.size)
      let members = 0
      for (const [key, stamps] of model) {
        const held = rows.stampsOf(key)
        assert(held.added === stamps.added && held.removed === stamps.removed, `${key} differs`)
        if (isMember(held)) members += 1
      }
      assert.equal(rows.memberCount, members)
    }
  })

  const someStamps = fc.record({ added: fc.integer({ min: -1, max: 9 }), removed: fc.integer({ min: -1, max: 9 }) })

  test('the join does not care for order, grouping or repetition', () => {
    fc.assert(
      fc.property(someStamps, someStamps, someStamps, (a, b, c) => {
        assert.deepEqual(join(a, b), join(b, a))
        assert.deepEqual(join(a, join(b, c)), join(join(a, b), c))
        assert.deepEqual(join(join(a, b), b), join(a, b))
      }),
    )
  })

  test('an element is its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), fc.uint8Array({ minLength: 1, maxLength: 20 }), (a, b) => {
        assert.deepEqual(elementOfKey(keyOfElement(a)), a)
        assert.equal(keyOfElement(a) === keyOfElement(b), Buffer.compare(a, b) === 0)
      }),
    )
  })
})
