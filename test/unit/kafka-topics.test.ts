/** How topics are named, made and looked at, and which of their records count. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { RecordsBatch } from '@platformatic/kafka'
import { makeTopics } from '../../src/orderers/kafka/administration.ts'
import { committedRecords } from '../../src/orderers/kafka/batches.ts'
import type { KafkaClients } from '../../src/orderers/kafka/connection.ts'
import { faultsOf, warningsOf, wishedTopics } from '../../src/orderers/kafka/settings.ts'
import { orderOf, parseOrder } from '../../src/settings/order-url.ts'
import { UsageError } from '../../src/settings/usage-error.ts'

const OPEN = { tls: undefined, sasl: undefined, secretMode: 'private' }
const NAMES = { all: 'orders-all', one: 'orders-one', response: 'orders-response', replication: 3 }

suite('the URL of brokers', () => {
  test('topics go by the name of the log, unless they are named', () => {
    assert.deepEqual(parseOrder('kafka://a:9092,b:9093', 'orders'), {
      brokers: { addresses: ['a:9092', 'b:9093'], access: OPEN },
      ...NAMES,
    })
    assert.deepEqual(parseOrder('kafka://a:1?all=x&one=&response=z&replication=1', 'orders'), {
      brokers: { addresses: ['a:1'], access: OPEN },
      all: 'x',
      one: undefined,
      response: 'z',
      replication: 1,
    })
  })

  test('what is no such URL is refused', () => {
    for (const text of ['kafka://', 'kafka://a', 'http://a:1', 'kafka://a:1?acks=0', 'kafka://a:1?replication=0', 'kafka://a:1?all=a/b'])
      assert.throws(() => parseOrder(text, 'orders'), UsageError, text)
  })

  test("the seed's variables name its topics; without one of requests there is none", () => {
    const seed = { KAFKA_BOOTSTRAP_SERVERS: 'localhost:9092', KAFKA_MUTATION_TOPIC: 'm', KAFKA_RESPONSE_TOPIC: 'r' }
    const order = orderOf(seed, 'kluster')
    const brokers = { addresses: ['localhost:9092'], access: OPEN }
    assert.deepEqual(order, { brokers, all: 'm', one: undefined, response: 'r', replication: undefined })
    assert.equal(orderOf({ ...seed, KAFKA_ONE_TOPIC: 'o' }, 'kluster')?.one, 'o')
    assert.equal(orderOf({}, 'kluster'), undefined)
    assert.equal(orderOf({ KAFKA_BOOTSTRAP_SERVERS: 'localhost:9092' }, 'kluster')?.one, 'kluster-one')
  })
})

suite('topics', () => {
  const [all] = wishedTopics(NAMES)
  assert(all !== undefined)

  test('as they are made they have no fault', () => {
    assert.deepEqual(faultsOf(all, 3), [])
    assert.deepEqual(
      wishedTopics({ ...NAMES, one: undefined }).map(({ topic }) => topic),
      ['orders-all', 'orders-response'],
    )
    assert.deepEqual(wishedTopics({ ...NAMES, replication: undefined }), wishedTopics(NAMES))
  })

  test('are not made for a user who lacks a right: it is told what it needs', async () => {
    const kafka = {
      driver: { findErrorBy: (error: Error, _: string, code: number) => (code === 29 ? error : null) },
      admin: () => ({ createTopics: () => Promise.reject(new Error('Creating topics failed.')), close: async () => {} }),
    }
    await assert.rejects(makeTopics(kafka as unknown as KafkaClients, NAMES), /lacks a right .* it needs Read, .*Create/)
  })

  test('each setting that loses records, or their order, is a fault', () => {
    const settings = {
      'cleanup.policy': 'compact',
      'retention.ms': '604800000',
      'retention.bytes': '1000',
      'message.timestamp.type': 'CreateTime',
      'unclean.leader.election.enable': 'true',
      'min.insync.replicas': '1',
    }
    for (const [name, value] of Object.entries(settings)) {
      const [fault, ...others] = faultsOf({ ...all, configs: { ...all.configs, [name]: value } }, 3)
      assert.match(fault ?? '', new RegExp(`^${name} is ${value} and has to be `))
      assert.deepEqual(others, [])
    }
    assert.match(faultsOf({ ...all, partitions: 2 }, 3).join(), /2 partitions/)
  })

  test('one broker, and acknowledgements from memory, are warned of', () => {
    assert.deepEqual(warningsOf({ ...all, configs: { 'flush.messages': '1' } }, 3), [])
    assert.equal(warningsOf(all, 1).length, 2)
  })
})

suite('records of batches', () => {
  const TRANSACTIONAL = 16
  const CONTROL = 48

  function batch(first: number, attributes: number, producerId: number, keys: readonly (Buffer | string)[]): RecordsBatch {
    const records = keys.map((key, offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: BigInt(offsetDelta),
      offsetDelta,
      key: Buffer.from(key),
      value: null,
      headers: [],
    }))
    const rest = { length: 0, partitionLeaderEpoch: 7, magic: 2, crc: 0, producerEpoch: 0, firstSequence: 0 }
    const times = { firstTimestamp: 100n, maxTimestamp: 900n }
    return {
      ...rest,
      ...times,
      firstOffset: BigInt(first),
      attributes,
      lastOffsetDelta: keys.length - 1,
      producerId: BigInt(producerId),
      records,
    }
  }

  const marker = (isCommit: boolean): Buffer => Buffer.from([0, 0, 0, isCommit ? 1 : 0])
  const keysOf = (
    batches: readonly RecordsBatch[],
    aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] = [],
  ): string[] => committedRecords(batches, aborted).map(({ offset, key }) => `${offset} ${Buffer.from(key ?? '').toString()}`)

  test('a record has its offset, the epoch of its leader, and the time of the broker where that counts', () => {
    const [first, second] = committedRecords([batch(5, 0, -1, ['a', 'b'])], [])
    assert.deepEqual([first?.offset, first?.leaderEpoch, first?.atMs, second?.atMs], [5, 7, 100, 101])
    assert.equal(committedRecords([batch(5, 8, -1, ['a'])], [])[0]?.atMs, 900)
  })

  test('what a transaction aborted is left out, what another one or a later one wrote is not', () => {
    const batches = [
      batch(0, TRANSACTIONAL, 1, ['aborted']),
      batch(1, TRANSACTIONAL, 2, ['kept']),
      batch(2, 0, -1, ['plain']),
      batch(3, CONTROL, 1, [marker(false)]),
      batch(4, TRANSACTIONAL, 1, ['later']),
      batch(5, CONTROL, 2, [marker(true)]),
      batch(6, CONTROL, 1, [marker(true)]),
    ]
    assert.deepEqual(keysOf(batches, [{ producerId: 1n, firstOffset: 0n }]), ['1 kept', '2 plain', '4 later'])
  })
})
