/** The messages of a log that Kafka orders are what their page says, to the letter. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { noOutcome, outcomeResponse, queryResponse } from '../../protocols/log/kafka/answers.ts'
import { hashOfRecord, readRecord } from '../../protocols/log/kafka/record.ts'
import type { Asker, KafkaRecord } from '../../protocols/log/kafka/record.ts'
import { readRequest } from '../../protocols/log/kafka/request.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { sha256, utf8 } from '../../src/bytes.ts'

const TOOLS = { utf8, sha256 }
const PAGE = readFileSync(join(import.meta.dirname, '../../protocols/log/kafka/README.md'), 'utf8')
const BEFORE = { index: 41, atMs: 9_000 }
const ATMS = 1_700_000_000_000

/** The value of the line of the page that begins so. */
function line(topic: string, key: string): string {
  const begin = `${topic} ${key} `
  const found = PAGE.split('\n').find((each) => each.startsWith(begin))
  assert(found !== undefined, `the page has no line ${begin}`)
  return found.slice(begin.length)
}

function record(key: string | undefined, value: string | undefined, offset = 44, atMs = ATMS): KafkaRecord {
  return {
    offset,
    leaderEpoch: 2,
    atMs,
    key: key === undefined ? undefined : utf8.encode(key),
    value: value === undefined ? undefined : utf8.encode(value),
  }
}

function read(key: string | undefined, value: string | undefined): { readonly body: unknown; readonly asker: Asker } {
  const { entry, asker } = readRecord(record(key, value), BEFORE, TOOLS)
  const { body } = entry
  return { body: body.kind === 'command' ? { ...body, command: utf8.decode(body.command) } : body, asker }
}

function asks(key: string, value: string): object {
  const { kind, ...rest } = readRequest(record(key, value), TOOLS).asks
  return { kind, ...rest }
}

function askerOf(key: string, partition?: number, text?: string): Asker {
  return { key: utf8.encode(key), partition, text }
}

function told(by: Asker, offset: number, outcome: StoreOutcome): string {
  return outcomeResponse(by, { position: { term: 0, index: offset + 1 }, outcome }, utf8).value
}

suite('messages that order a log', () => {
  test('a command is known by its key, and what else is in its message does not name it', () => {
    const { body, asker: by } = read('c1', line('all', 'c1'))
    assert.deepEqual(body, { kind: 'command', submitId: 'c1', since: 0, command: '{"command":"insert into t values (?)","params":[1]}' })
    assert.deepEqual(by, askerOf('c1', 3))
  })

  test('several statements are one command, and the offset of a first try is a position', () => {
    const { body } = read('c2', line('all', 'c2'))
    const { statements } = JSON.parse(line('all', 'c2')) as { readonly statements: unknown }
    assert.deepEqual(body, { kind: 'command', submitId: 'c2', since: 42, command: JSON.stringify({ statements }) })
  })

  test('a text is a command of its own, and is answered by a text', () => {
    const sql = line('all', '1509190472045')
    assert.deepEqual(read('1509190472045', sql), {
      body: { kind: 'command', submitId: '1509190472045', since: 0, command: sql },
      asker: askerOf('1509190472045', undefined, sql),
    })
  })

  test('a verdict judges what comes before it, and nothing else', () => {
    assert.deepEqual(read('v1', line('all', 'v1')).body, { kind: 'verdict', index: 43, code: 'by-operator' })
    assert.deepEqual(read('v1', '{"replicator":1,"verdict":{"offset":44}}').body, { kind: 'began' })
    assert.deepEqual(read('v1', '{"replicator":1,"verdict":7}').body, { kind: 'began' })
  })

  test('what a replica says of a stretch has no effect', () => {
    const { entry, said } = readRecord(record('d1', line('all', 'd1')), BEFORE, TOOLS)
    assert.deepEqual([entry.body, said], [{ kind: 'began' }, { by: 'replica-7', stretch: 3, digest: '00112233445566778899aabbccddeeff' }])
  })

  test('a record without a value does nothing, one of a later version is unknown, and one without a key is named by its place', () => {
    assert.deepEqual(read('c', undefined).body, { kind: 'began' })
    const later = '{"replicator":2}'
    assert.deepEqual(read('c', later).body, { kind: 'unknown', code: 0, version: 2, bytes: utf8.encode(later) })
    assert.equal((read(undefined, 'select 1').body as { readonly submitId: string }).submitId, 'offset:44')
    assert.match((read('x'.repeat(256), 'select 1').body as { readonly submitId: string }).submitId, /^key:[0-9a-f]{64}$/)
  })

  test('JSON that is broken or not ours is a text: the store says what is wrong with it', () => {
    for (const text of ['{"command":"select 1"}', '{"replicator":1', '{}', '[1]'])
      assert.deepEqual(read('c', text).body, { kind: 'command', submitId: 'c', since: 0, command: text })
  })

  test('an entry follows upon the one before it, and its clock never falls', () => {
    const { entry } = readRecord(record('c', 'x', 44, 5), BEFORE, TOOLS)
    assert.deepEqual([entry.index, entry.term, entry.atMs, entry.link?.previousIndex], [45, 2, 9_000, 41])
  })

  test('the hash of a record is that of the page, and differs by place, time, key and value', () => {
    const hex = (one: KafkaRecord): string => Buffer.from(hashOfRecord(one, TOOLS)).toString('hex')
    const [, offset, atMs, key, value, hash] = /^record (\d+) (\d+) (\w+) (\w+) ([0-9a-f]+)$/m.exec(PAGE) ?? []
    const first = record(key, value, Number(offset), Number(atMs))
    assert.equal(hex(first), hash)
    const others = [
      { offset: 42 },
      { atMs: 1 },
      { key: undefined },
      { value: utf8.encode('y') },
      { key: undefined, value: utf8.encode('c1x') },
    ]
    assert.equal(new Set([hex(first), ...others.map((other) => hex({ ...first, ...other }))]).size, 1 + others.length)
  })
})

suite('messages that ask who answers', () => {
  test('a command is asked for by its place and its name', () => {
    assert.deepEqual(asks('c1', line('one', 'c1')), { kind: 'outcome', index: 42, submitId: 'c1' })
    assert.deepEqual(asks('1509190472045', line('one', '1509190472045')), {
      kind: 'by-name',
      submitId: '1509190472045',
      query: 'SELECT 2+2 as Count',
    })
  })

  test('a query says how old an answer may be', () => {
    const query = '{"command":"select * from t where n > ?","params":[0]}'
    assert.deepEqual(asks('q1', line('one', 'q1')), { kind: 'query', query, isLinearizable: false, afterIndex: 44 })
    assert.deepEqual(asks('q2', line('one', 'q2')), { kind: 'query', query: 'select 1', isLinearizable: true, afterIndex: 0 })
  })

  test('what asks for nothing is answered that it cannot be', () => {
    for (const text of ['{"replicator":2,"query":"select 1"}', '{"replicator":1}', ''])
      assert.deepEqual(asks('x', text), { kind: 'nothing' })
  })
})

suite('answers', () => {
  const result = utf8.encode('{"columns":[],"rows":[],"rowsAffected":1,"lastInsertId":1}')
  const rejected: StoreOutcome = { kind: 'rejected', class: 'constraint', code: 'rows-differ', isPartial: false }

  test('an outcome is told with its position', () => {
    assert.equal(told(askerOf('c1', 3), 41, { kind: 'done', result }), line('response', 'c1'))
    assert.equal(told(askerOf('c2'), 43, rejected), line('response', 'c2'))
    assert.equal(
      told(askerOf('c3'), 43, { kind: 'reused' }),
      '{"replicator":1,"position":{"offset":43},"outcome":"idempotency-key-reused"}',
    )
    assert.equal(noOutcome(askerOf('c4'), 'not-ordered').value, '{"replicator":1,"outcome":"not-ordered"}')
  })

  test("a text is answered by the text of the seed's adapters, the space at its end included", () => {
    const one = utf8.encode('{"columns":[{"name":"Count","type":"integer"}],"rows":[[4]],"rowsAffected":0,"lastInsertId":null}')
    assert.equal(told(askerOf('1', undefined, 'SELECT 2+2 as Count'), 1, { kind: 'done', result: one }), line('response', '1509190472045'))
    const wrong: StoreOutcome = { kind: 'rejected', class: 'syntax', code: 'near "SELEC": syntax error', isPartial: false }
    assert.equal(told(askerOf('1', undefined, 'SELEC'), 1, wrong), line('response', '1509190472046'))
  })

  test('rows that are too many for one message are cut, and the answer says so', () => {
    const answer = JSON.parse(line('response', 'q2')) as { readonly result: object }
    const said = queryResponse(askerOf('q2'), { kind: 'answered', index: 44, result: JSON.stringify(answer.result) })
    assert.equal(said.value, line('response', 'q2'))
    const rows = Array.from({ length: 3_000 }, (_, row) => [row, 'x'.repeat(1_000)])
    const long = queryResponse(askerOf('q3'), { kind: 'answered', index: 1, result: JSON.stringify({ columns: [], rows }) })
    const { result: cut, more } = JSON.parse(long.value) as {
      readonly result: { readonly rows: readonly unknown[] }
      readonly more: boolean
    }
    assert(more && cut.rows.length > 900 && long.value.length < 1_100_000)
    assert.deepEqual(cut.rows[5], rows[5])
  })
})
