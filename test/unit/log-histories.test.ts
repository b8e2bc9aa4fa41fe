/** The checkers of lists in logs: what could be is taken, and each kind of fault is noticed. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ListOperation, LogAnswer, ReadCall } from '../chaos/logs/history.ts'
import { checkLinearList } from '../chaos/logs/linear.ts'
import { checkList } from '../chaos/logs/rules.ts'

let clockMs = 0

/** @param item also its name. @param answer of a peer that took 10 ms over it */
function append(item: string, answer: LogAnswer, beganMs: number = (clockMs += 20)): ListOperation {
  const call = { kind: 'append', submitId: item, item } as const
  return { key: 'log list', peer: 'p1', call, beganMs, endedMs: beganMs + 10, answer, told: '' }
}

function read(items: string, consistency: ReadCall['consistency'] = 'linearizable', beganMs: number = (clockMs += 20)): ListOperation {
  const answer = { kind: 'found', index: 1, items: items.split('') } as const
  return { key: 'log list', peer: 'p2', call: { kind: 'read', consistency }, beganMs, endedMs: beganMs + 10, answer, told: '' }
}

function done(index: number): LogAnswer {
  return { kind: 'done', index }
}

const IN_DOUBT = { kind: 'in-doubt' } as const
const NOT_ORDERED = { kind: 'not-ordered' } as const

suite('histories of lists', () => {
  test('what one list could have gone through is taken', () => {
    const histories = [
      [append('a', done(1)), read('a'), append('b', done(2)), read('ab')],
      // In doubt, and shown later; in doubt, and never shown.
      [append('a', IN_DOUBT), append('b', done(2)), append('c', IN_DOUBT), read('ba'), read('ba')],
      // A try that was lost, and one that was not ordered, of one command.
      [append('a', NOT_ORDERED), append('a', done(1)), append('a', done(1)), read('a')],
      // Twice in the log, and once in the list.
      [append('a', IN_DOUBT), append('b', done(2)), append('a', done(3)), read('ab')],
      // A copy may be old.
      [append('a', done(1)), append('b', done(2)), read('a', 'local'), read('ab')],
      [append('a', done(1)), append('b', done(2)), read('a', 1), read('ab')],
    ]
    for (const history of histories) {
      assert.deepEqual(checkList(history), [])
      assert.equal(checkLinearList(history), 'linearizable')
    }
  })

  test('what breaks a rule is named', () => {
    const histories: readonly (readonly [ListOperation[], RegExp])[] = [
      [[append('a', done(1)), read('aa')], /twice/],
      [[append('a', done(1)), append('b', done(2)), read('b')], /a was acknowledged and is lost/],
      [[append('a', NOT_ORDERED), read('a')], /refused each time and is there/],
      [[append('a', done(1)), read('ax')], /nobody appended x/],
      [[append('a', done(2)), append('b', done(1)), read('ab')], /behind one at 2/],
      [[append('a', done(1)), append('b', done(2)), read('b', 'local'), read('ab')], /another order/],
      [[append('a', done(1)), append('b', done(2)), read('a', 2), read('ab')], /asked for index 2 and lacks b/],
      [[append('a', { kind: 'reused' }), append('a', done(1)), read('a')], /named one command alone/],
    ]
    for (const [history, wrong] of histories) assert.match(checkList(history).join('; '), wrong)
  })

  test('a stale read, and an order that nobody could see, are not linearizable', () => {
    const stale = [append('a', done(1)), append('b', done(2)), read('a'), read('ab')]
    const early = [read('a'), append('a', done(1)), read('a')]
    const backwards = [append('a', done(1)), append('b', IN_DOUBT), read('ab'), read('a')]
    for (const history of [stale, early, backwards]) assert.equal(checkLinearList(history), 'not linearizable')
  })
})
