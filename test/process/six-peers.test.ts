/** Six peers in two clusters: one store, wherever it is asked. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const RIVALS = 60
const ROUNDS = 10

let network: Network
before(async () => {
  network = await Network.ofTwoClusters()
})
after(() => network.close())

/** Every pair of a peer that is put to and one that is read from. */
function pairs(): (readonly [PeerProcess, PeerProcess])[] {
  return network.peers.flatMap((writer) => network.peers.map((reader) => [writer, reader] as const))
}

describe('six peers in two clusters', () => {
  it('a put at any peer is read at every peer, byte for byte, with its content type', async () => {
    const values = network.peers.map((_, index) => randomBytes(index === 0 ? 0 : 10 ** index))
    await Promise.all(
      network.peers.map(async (writer, index) => {
        const reply = await writer.client.put(`from/${writer.name}`, values[index] ?? '', {
          headers: { 'Content-Type': `image/x-${index}` },
        })
        assert.equal(reply.status, 201, reply.body.toString())
      }),
    )
    for (const [writer, reader] of pairs()) {
      const index = network.peers.indexOf(writer)
      const reply = await reader.client.get(`from/${writer.name}`)
      assert.equal(reply.status, 200)
      assert.deepEqual(reply.body, values[index])
      assert.equal(reply.headers['content-type'], `image/x-${index}`)
    }
  })

  it('a second put of a key is refused at every peer of every cluster, and names what is stored', async () => {
    for (const [writer, rival] of pairs()) {
      const key = `taken/${writer.name}/${rival.name}`
      const first = await writer.client.put(key, 'first')
      const second = await rival.client.put(key, 'second')
      assert.deepEqual([first.status, second.status, problemOf(second)], [201, 409, 'key-exists'])
      assert.equal((JSON.parse(second.body.toString()) as { etag: string }).etag, first.headers.etag)
      assert.equal((await rival.client.get(key)).body.toString(), 'first')
    }
  })

  it('sixty puts of one key at once, over all peers, store exactly one of them, ten times over', async (context) => {
    let longestMs = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedMs = performance.now()
      const key = `contested/${round}`
      const replies = await Promise.all(
        Array.from({ length: RIVALS }, async (_, rival) => {
          const peer = network.peers[rival % network.peers.length]
          assert.ok(peer !== undefined)
          return { rival, reply: await peer.client.put(key, `rival ${rival}`, { query: '?timeout=60000' }) }
        }),
      )
      longestMs = Math.max(longestMs, performance.now() - startedMs)
      const winners = replies.filter(({ reply }) => reply.status === 201)
      const counts = Map.groupBy(replies, ({ reply }) => reply.status)
      assert.equal(winners.length, 1, `round ${round}: ${[...counts].map(([status, of]) => `${of.length} of ${status}`).join(', ')}`)
      assert.equal(counts.get(409)?.length, RIVALS - 1)
      for (const peer of network.peers) {
        assert.equal((await peer.client.get(key)).body.toString(), `rival ${winners[0]?.rival}`)
      }
    }
    context.diagnostic(`the longest of ${ROUNDS} rounds of ${RIVALS} rivals took ${Math.round(longestMs)} ms`)
  })

  it('every peer sees all six, in their clusters', async () => {
    const ids = (clusterId: string): string[] =>
      network
        .inCluster(clusterId)
        .map((peer) => peer.peerId)
        .toSorted()
    for (const peer of network.peers) {
      const clusters = await peer.client.clusters()
      assert.deepEqual(clusters['cluster-1']?.toSorted(), ids('cluster-1'))
      assert.deepEqual(clusters['cluster-2']?.toSorted(), ids('cluster-2'))
      await until(`${peer.name} sees all alive`, async () => {
        const states = (await peer.client.peers()).map(({ state }) => state).toSorted()
        return states.join() === 'alive,alive,alive,alive,alive,self'
      })
    }
  })
})
