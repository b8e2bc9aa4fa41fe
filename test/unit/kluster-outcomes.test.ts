/** What a program is told, out of what replicas say. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { cluster } from '../../src/kluster/cluster.ts'
import { answerIn, outcomeIn } from '../../src/kluster/outcomes.ts'

const say = (fields: object): string => JSON.stringify({ replicator: 1, ...fields })

suite('outcomes of commands', () => {
  test('each word of a replica is one outcome', () => {
    const position = { offset: 7 }
    const result = { columns: [], rows: [], rowsAffected: 1, lastInsertId: 1 }
    assert.deepEqual(outcomeIn(say({ outcome: 'done', position, result }), 'i'), { kind: 'done', position: 7, result })
    assert.deepEqual(outcomeIn(say({ outcome: 'done', position, result: 'truncated' }), 'i'), {
      kind: 'done',
      position: 7,
      result: undefined,
    })
    const rejected = { class: 'constraint', code: '23505 it is there' }
    assert.deepEqual(outcomeIn(say({ outcome: 'rejected', position, ...rejected }), 'i'), { kind: 'rejected', position: 7, ...rejected })
    assert.deepEqual(outcomeIn(say({ outcome: 'idempotency-key-reused' }), 'i'), { kind: 'reused' })
    assert.deepEqual(outcomeIn(say({ outcome: 'outcome-forgotten' }), 'i'), { kind: 'forgotten' })
    assert.deepEqual(outcomeIn(say({ outcome: 'not-ordered' }), 'i'), { kind: 'not-ordered' })
  })

  test('what is not understood is in doubt, never a guess', () => {
    for (const value of [say({ outcome: 'in-doubt' }), say({ outcome: 'something new' }), 'Successfully executed query, rowsAffected=1 '])
      assert.deepEqual(outcomeIn(value, 'i'), { kind: 'in-doubt', id: 'i' })
  })
})

suite('answers to queries', () => {
  test('rows are told with their position, and whether some were cut', () => {
    const result = { columns: [{ name: 'n', type: 'integer' }], rows: [[1]], rowsAffected: 0, lastInsertId: null }
    const told = { outcome: 'answered', position: { offset: 3 }, result }
    assert.deepEqual(answerIn(say(told)), { kind: 'answered', position: 3, result, isCut: false })
    assert.deepEqual(answerIn(say({ ...told, more: true })), { kind: 'answered', position: 3, result, isCut: true })
    assert.deepEqual(answerIn(say({ outcome: 'not-a-query', detail: 'it writes' })), { kind: 'not-a-query', detail: 'it writes' })
    assert.deepEqual(answerIn(say({ outcome: 'unavailable' })), { kind: 'unavailable' })
  })
})

suite('a client without brokers', () => {
  test('says what it lacks', () => {
    const { KAFKA_BOOTSTRAP_SERVERS: brokers } = process.env
    delete process.env['KAFKA_BOOTSTRAP_SERVERS']
    try {
      assert.throws(() => cluster(), /no brokers are named/)
      assert.throws(() => cluster({ order: 'kafka://a:1?one=' }), /needs a topic of requests/)
    } finally {
      if (brokers !== undefined) process.env['KAFKA_BOOTSTRAP_SERVERS'] = brokers
    }
  })
})
