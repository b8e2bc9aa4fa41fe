/** Which logs there are, by the keys that say so, in whatever order they come. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { birthKey, endKey, generationKey, readLogKey, writeBirth } from '../../protocols/log/birth.ts'
import type { Birth } from '../../protocols/log/birth.ts'
import { Lives } from '../../protocols/log/lives.ts'
import { utf8 } from '../../src/bytes.ts'
import { peerA, peerB } from './wire-examples.ts'

const NOTHING = new Uint8Array()

function birth(life: number, generation: number): Birth {
  const logId = String(life).repeat(32)
  const voters = generation === 0 ? [peerA, peerB] : [peerB]
  return { name: 'orders', life, logId, generation, store: 'kv', place: 'cluster:c1', electionMs: 1_000, voters, isLeased: false }
}

function bytes(life: number, generation: number): Uint8Array {
  return writeBirth(birth(life, generation), utf8)
}

suite('which logs there are', () => {
  test('the keys of births, generations and ends are told from one another, and from all else', () => {
    assert.deepEqual(readLogKey(birthKey('a.b', 2)), { kind: 'birth', name: 'a.b', life: 2, generation: 0 })
    assert.deepEqual(readLogKey(endKey('a', 1)), { kind: 'end', name: 'a', life: 1, generation: 0 })
    assert.deepEqual(readLogKey(generationKey('a', 1, 3)), { kind: 'generation', name: 'a', life: 1, generation: 3 })
    for (const key of ['birth/a', 'birth/a/0', 'birth/../1', 'birth/a/1/1', 'generation/a/1', 'generation/a/1/0', 'end/a/1/1', 'other/a/1'])
      assert.equal(readLogKey(key), undefined, key)
  })

  test('a log is as its newest generation has it', () => {
    const lives = new Lives(utf8)
    assert.deepEqual(lives.take(generationKey('orders', 1, 2), bytes(1, 2)), { kind: 'changed', name: 'orders' })
    assert.deepEqual(lives.take(birthKey('orders', 1), bytes(1, 0)), { kind: 'changed', name: 'orders' })
    assert.equal(lives.take(birthKey('orders', 1), bytes(1, 0)).kind, 'nothing')
    assert.deepEqual(lives.get('orders'), birth(1, 2))
    assert.equal(lives.all.length, 1)
  })

  test('a log that ended is none, and its next life is another log', () => {
    const lives = new Lives(utf8)
    lives.take(birthKey('orders', 1), bytes(1, 0))
    lives.take(endKey('orders', 1), NOTHING)
    assert.equal(lives.get('orders'), undefined)
    assert.equal(lives.isEnded('orders'), true)
    assert.equal(lives.lifeOf('orders'), 1)
    assert.equal(lives.isPast(birth(1, 0).logId), true)
    lives.take(birthKey('orders', 2), bytes(2, 0))
    assert.deepEqual(lives.get('orders'), birth(2, 0))
    assert.deepEqual(lives.past('orders'), [birth(1, 0)])
    assert.equal(lives.isEnded('orders'), false)
  })

  test('an end that is known before its birth ends it', () => {
    const lives = new Lives(utf8)
    lives.take(endKey('orders', 1), NOTHING)
    lives.take(birthKey('orders', 1), bytes(1, 0))
    assert.equal(lives.get('orders'), undefined)
    assert.equal(lives.isPast(birth(1, 0).logId), true)
  })

  test('what a later build wrote is told, and not taken', () => {
    const lives = new Lives(utf8)
    assert.equal(lives.take(birthKey('orders', 1), Uint8Array.of(9)).kind, 'unreadable')
    assert.equal(lives.get('orders'), undefined)
  })
})
