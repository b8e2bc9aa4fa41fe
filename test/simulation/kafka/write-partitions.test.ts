/** What falls when a log has two partitions to write to, each producer keeping to its own. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readRecord } from '../../../protocols/log/kafka/record.ts'
import type { KafkaRecord } from '../../../protocols/log/kafka/record.ts'
import { utf8 } from '../../../src/bytes.ts'
import { Chance } from '../chance.ts'
import { Stage } from './directed.ts'
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

suite('schedules of two partitions, drawn, at replicas as they are', () => {
  const SEEDS = 40
  const REPLICAS = 3
  const SEATS = 4
  const CLAIMS = 6

  interface Claim {
    readonly id: string
    readonly seat: string
  }

  function claimsOf(producer: string, chance: Chance): Claim[] {
    return Array.from({ length: CLAIMS }, (_, place) => ({ id: `${producer}-${place}`, seat: `seat-${chance.below(SEATS)}` }))
  }

  /** As one replica reads them: of each partition in its order, of both as they come. */
  function merged(partitions: readonly (readonly Claim[])[], chance: Chance): Claim[] {
    const left = partitions.map((claims) => [...claims])
    const read: Claim[] = []
    while (left.some(({ length }) => length > 0)) {
      read.push(...chance.pick(left.filter(({ length }) => length > 0)).splice(0, 1))
    }
    return read
  }

  /** What a replica has applied when its broker has told it all. */
  function kept(read: readonly Claim[]): readonly string[] {
    const stage = new Stage()
    const replica = stage.replica('replica')
    for (const { id, seat } of read) stage.order(id, { command: `${seat} ${id}` })
    stage.settle()
    assert.equal(replica.halted, undefined)
    return replica.store.items
  }

  /** Who has each seat: the first who claimed it. */
  function owners(items: readonly string[]): string {
    const first = new Map(items.toReversed().map((item) => item.split(' ') as [string, string]))
    return JSON.stringify([...first].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  const drawn = Array.from({ length: SEEDS }, (_, seed) => {
    const chance = new Chance(seed)
    const partitions = ['ada', 'grace'].map((producer) => claimsOf(producer, chance))
    const read = merged(partitions, chance)
    const one = Array.from({ length: REPLICAS }, () => kept(read))
    const two = Array.from({ length: REPLICAS }, () => kept(merged(partitions, chance)))
    return { partitions, one, two }
  })

  test('one order leaves all replicas with the same owners, and two orders leave them apart in most schedules', () => {
    const apart = (stores: readonly (readonly string[])[]): boolean => new Set(stores.map(owners)).size > 1
    assert.equal(drawn.filter(({ one }) => apart(one)).length, 0)
    assert.ok(drawn.filter(({ two }) => apart(two)).length > SEEDS / 2)
  })

  test("what stands is the order of each producer's own commands, and that each is there once", () => {
    for (const { partitions, two } of drawn)
      for (const items of two)
        for (const claims of partitions) {
          const own = new Set(claims.map(({ seat, id }) => `${seat} ${id}`))
          assert.deepEqual(
            items.filter((item) => own.has(item)),
            [...own],
          )
        }
  })
})
