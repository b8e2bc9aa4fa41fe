/**
 * A cluster behind a link of one second each way, as by satellite: it keeps the contract, and slows
 * nobody else down.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import { placedAt } from './far-apart.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const ROUND_TRIP_MS = 2_000
const NEAR = '127.0.1.1'
const FAR = '127.0.2.1'
const RIVALS = 15
/** A put of a busy machine may take long; those that wait for the far cluster all do. */
const TRIES = 3
/** Requests at the far peer: two round trips, and some that rivals cost. */
const PATIENCE = '?timeout=60000'

let network: Network
let far: PeerProcess
before(async () => {
  network = await Network.create()
  const flags = ['-min-peers', '1']
  const near = { ...placedAt(NEAR, { [FAR]: ROUND_TRIP_MS }), flags }
  await network.grow('cluster-1', 3, near)
  await network.grow('cluster-2', 1, near)
  const [grown] = await network.grow('cluster-3', 1, { ...placedAt(FAR, { [NEAR]: ROUND_TRIP_MS }), flags })
  assert.ok(grown !== undefined)
  far = grown
  await network.settled()
  // Most voters are far from it: it hears a quorum of them some moments later than it knows them.
  await until('it hears a quorum', async () => (await far.client.status()).ready)
})
after(() => network.close())

describe('a cluster a second away', () => {
  it('takes puts that are read everywhere, and refuses a key that exists', async () => {
    const put = await far.client.put('from/afar', 'x', { query: PATIENCE })
    assert.equal(put.status, 201, put.body.toString())
    const answers = await Promise.all(
      network.peers.map(async ({ client }) => {
        const got = await client.get('from/afar')
        const again = await client.put('from/afar', 'y', { query: PATIENCE })
        return [got.status, got.body.toString(), again.status, problemOf(again)]
      }),
    )
    assert.deepEqual(
      answers,
      network.peers.map(() => [200, 'x', 409, 'key-exists']),
    )
  })

  it('reads what was put elsewhere, and knows what nobody has', async () => {
    const near = network.peers[0]
    assert.equal((await near?.client.put('from/near', 'near'))?.status, 201)
    const [there, nowhere] = [await far.client.get('from/near', PATIENCE), await far.client.get('nowhere', PATIENCE)]
    assert.deepEqual([there.status, there.body.toString(), nowhere.status], [200, 'near', 404])
  })

  it('does not slow down those who are a majority without it', async () => {
    for (const { client, name } of network.peers.filter((peer) => peer !== far)) {
      let shortestMs = Number.POSITIVE_INFINITY
      for (let number = 0; number < TRIES; number += 1) {
        const startedMs = performance.now()
        assert.equal((await client.put(`quick/${name}/${number}`, name)).status, 201)
        shortestMs = Math.min(shortestMs, performance.now() - startedMs)
      }
      assert.ok(shortestMs < ROUND_TRIP_MS, 'each put waited for the far cluster')
    }
  })

  it('takes part when many want one key: one is told that it was stored, and all others that it exists', async () => {
    const rivals = Array.from({ length: RIVALS / network.peers.length }, () => network.peers).flat()
    const replies = await Promise.all(rivals.map(({ client }, rival) => client.put('contended', `rival ${rival}`, { query: PATIENCE })))
    const counts = [201, 409].map((wanted) => replies.filter(({ status }) => status === wanted).length)
    assert.deepEqual(counts, [1, RIVALS - 1])
  })

  it('goes on when a peer of another cluster is killed', async () => {
    await network.peers[1]?.kill()
    assert.equal((await far.client.put('after/a/kill', 'x', { query: PATIENCE })).status, 201)
  })
})
