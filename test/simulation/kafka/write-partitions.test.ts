/** What falls when a log has two partitions to write to, each producer keeping to its own. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readRecord } from '../../../protocols/log/kafka/record.ts'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'
import { utf8 } from '../../../src/bytes.ts'
import { TOOLS } from './replica.ts'

/** A record of one partition. */
function claim(seat: string, by: string, offset: number): KafkaRecord {
  const value = JSON.stringify({ replicator: 1, command: `${seat} ${by}` })
  return { offset, leaderEpoch: 0, atMs: 0, key: utf8.encode(by), value: utf8.encode(value) }
}

/** A table with one row a seat: the first claim is done, a later one is rejected. */
function applied(records: readonly KafkaRecord[]): { readonly seats: object; readonly answers: ReadonlyMap<string, string> } {
  const seats: Record<string, string> = {}
  const answers = new Map<string, string>()
  for (const record of records) {
    const { body } = readRecord(record, { index: record.offset, atMs: 0 }, TOOLS).entry
    assert(body.kind === 'command')
    const [seat = '', by = ''] = (JSON.parse(utf8.decode(body.command)) as { readonly command: string }).command.split(' ')
    answers.set(by, seat in seats ? 'rejected' : 'done')
    seats[seat] ??= by
  }
  return { seats, answers }
}

suite('two partitions of one log', () => {
  const first = [claim('seat-1', 'ada', 0)]
  const second = [claim('seat-1', 'grace', 0)]

  test('one order gives one owner, whoever is asked', () => {
    const one = applied([...first, ...second])
    assert.deepEqual([one.seats, ...one.answers.values()], [{ 'seat-1': 'ada' }, 'done', 'rejected'])
    assert.deepEqual(applied([...first, ...second]), one)
  })

  test('two orders give two owners: both are told that they have the seat, and the databases differ', () => {
    const [here, there] = [applied([...first, ...second]), applied([...second, ...first])]
    assert.equal(here.answers.get('ada'), 'done')
    assert.equal(there.answers.get('grace'), 'done')
    assert.notDeepEqual(here.seats, there.seats)
  })

  test('producers that share no row are told the same in either order', () => {
    const other = [claim('seat-2', 'grace', 0)]
    const [here, there] = [applied([...first, ...other]), applied([...other, ...first])]
    assert.deepEqual([here.seats, here.answers], [there.seats, there.answers])
  })
})
