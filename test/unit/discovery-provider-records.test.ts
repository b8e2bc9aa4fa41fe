import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { PROVIDERS_TOLD_MAX, ProviderRecords, RECORDS_MAX, RECORDS_PER_PEER_MAX } from '../../src/discovery/provider-records.ts'
import { dhtCounters } from '../../src/discovery/refusals.ts'

type Key = Parameters<ProviderRecords['put']>[0]

const VALUE = Uint8Array.of(1)
let here: Set<string>
let counters: ReturnType<typeof dhtCounters>
let records: ProviderRecords
beforeEach(() => {
  here = new Set()
  counters = dhtCounters()
  records = new ProviderRecords({ counters, here: () => here })
})

function keyOf(cid: string, peerId: string): Key {
  return { toString: () => `/dht/provider/${cid}/${peerId}` } as Key
}

async function providersOf(cid: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of records.query({ prefix: `/dht/provider/${cid}` })) found.push(key.toString().split('/').at(-1) ?? '')
  return found
}

describe('records that the DHT keeps', () => {
  it('are few of one peer: a new one takes the place of its oldest', async () => {
    for (let number = 0; number < 10; number += 1) await records.put(keyOf(`cid-${number}`, 'p'), VALUE)
    assert.equal(counters.providersHeld, RECORDS_PER_PEER_MAX)
    assert.deepEqual(await providersOf('cid-9'), ['p'])
    assert.deepEqual(await providersOf('cid-0'), [])
  })

  it('are few in all, and those of peers that are here go last', async () => {
    here.add('here')
    await records.put(keyOf('cid', 'here'), VALUE)
    for (let number = 0; number < RECORDS_MAX + 100; number += 1) await records.put(keyOf('other', `p${number}`), VALUE)
    assert.equal(counters.providersHeld, RECORDS_MAX)
    assert.equal(counters.refused.records, 101)
    assert.deepEqual(await providersOf('cid'), ['here'])
  })

  it('are told of a hundred at a time, the newest', async () => {
    for (let number = 0; number < 300; number += 1) await records.put(keyOf('cid', `p${number}`), VALUE)
    const told = await providersOf('cid')
    assert.equal(told.length, PROVIDERS_TOLD_MAX)
    assert.ok(told.includes('p299'))
    const all: unknown[] = []
    for await (const pair of records.query({ prefix: '/dht/provider' })) all.push(pair)
    assert.equal(all.length, 300)
  })

  it('are of providers alone', async () => {
    await assert.rejects(records.put({ toString: () => '/dht/record/abc' } as Key, VALUE), /provider records alone/)
    await assert.rejects(records.get(keyOf('cid', 'p')), { name: 'NotFoundError' })
    assert.equal(counters.refused.value, 1)
  })

  it('go when they are deleted', async () => {
    await records.put(keyOf('cid', 'p'), VALUE)
    assert.equal(await records.has(keyOf('cid', 'p')), true)
    await records.delete(keyOf('cid', 'p'))
    assert.equal(counters.providersHeld, 0)
    assert.deepEqual(await providersOf('cid'), [])
  })
})
