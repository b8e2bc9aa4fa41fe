/** Bounds of a running peer: gets waiting, bytes that make no sense, the largest values. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import type { Reply } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'
import { Stranger } from './stranger.ts'

const WAITS_MAX = 1_024
/** "At once", on a machine that does other things. */
const AT_ONCE_MS = 10_000
const MIB = 1_048_576
const LARGEST = 16 * MIB

let network: Network
/** Of cluster-1, takes values of the default size; of cluster-2, takes the largest there are. */
let small: PeerProcess
let large: PeerProcess
before(async () => {
  network = await Network.create()
  const [first] = await network.grow('cluster-1', 1, { flags: ['-min-peers', '1', '-http-proxy', '127.0.0.1'] })
  const [second] = await network.grow('cluster-2', 1, { flags: ['-min-peers', '1', '-value-max', String(LARGEST)] })
  assert.ok(first !== undefined && second !== undefined)
  small = first
  large = second
  await network.settled()
})
after(() => network.close())

async function assertAlive(peer: PeerProcess, key: string): Promise<void> {
  assert.equal((await peer.client.put(key, key)).status, 201)
  assert.equal((await peer.client.get(key)).body.toString(), key)
}

describe('waiting gets', () => {
  it(`of one client beyond a quarter of ${WAITS_MAX}, and of all beyond that, are refused at once; other requests are not`, async () => {
    const hangUp = new AbortController()
    const of = (client: number): Record<string, string> => ({ 'X-Forwarded-For': `192.0.2.${client}` })
    const refused: number[] = []
    const wait = async (client: number, index: number): Promise<Reply | undefined> => {
      const asking = { query: '?wait=60000&timeout=60000', headers: of(client), signal: hangUp.signal }
      const reply = await small.client.ask('GET', `/store/awaited/${index}`, asking).catch(() => undefined)
      if (reply !== undefined && problemOf(reply) === 'overloaded') refused.push(client)
      return reply
    }
    const waiting: Promise<Reply | undefined>[] = []
    for (let client = 0; client < 4; client += 1) {
      for (let index = 0; index < WAITS_MAX / 4; index += 1) waiting.push(wait(client, index))
    }
    await until('the queue is full', async () => inFlight(await small.client.ask('GET', '/metrics')) === WAITS_MAX, 60_000)
    assert.deepEqual(refused, [])
    const startedMs = performance.now()
    for (const client of [0, 4]) {
      const reply = await small.client.ask('GET', '/store/one/more', { query: '?wait=60000', headers: of(client) })
      assert.deepEqual([reply.status, problemOf(reply)], [503, 'overloaded'])
    }
    assert.ok(performance.now() - startedMs < AT_ONCE_MS)
    await assertAlive(small, 'beside/waits')
    assert.equal((await large.client.put('awaited/0', 'here')).status, 201)
    assert.equal((await waiting[0])?.body.toString(), 'here')
    hangUp.abort()
    await Promise.all(waiting)
    await until('there is room again', async () => (await small.client.get('one/more', '?wait=1')).status === 404)
  })
})

/** Gets that wait. */
function inFlight(metrics: Reply): number {
  return Number(/replicator_http_load\{kind="waits"\} (\d+)/.exec(metrics.body.toString())?.[1])
}

describe('bytes that make no sense on the libp2p protocol cost their connection and nothing else', () => {
  const header = (length: number, type: number): Uint8Array => {
    const bytes = new Uint8Array(5)
    new DataView(bytes.buffer).setUint32(0, length)
    bytes[4] = type
    return bytes
  }
  const cases: { readonly fact: string; readonly bytes: () => Uint8Array }[] = [
    { fact: 'a frame that is too large', bytes: () => header(0xffff_ffff, 2) },
    { fact: 'an empty frame', bytes: () => new Uint8Array(4) },
    { fact: 'a greeting of random bytes', bytes: () => Buffer.concat([header(301, 0), randomBytes(300)]) },
    { fact: 'messages before the greeting', bytes: () => Buffer.concat([header(301, 2), randomBytes(300)]) },
  ]
  for (const { fact, bytes } of cases) {
    it(`${fact}: the connection is cut, the peer lives`, async () => {
      const stranger = await Stranger.at(small.address)
      try {
        stranger.stream.send(bytes())
        await until('the connection is cut', () => stranger.isCut)
      } finally {
        await stranger.close()
      }
      await assertAlive(small, `after/${encodeURIComponent(fact)}`)
    })
  }

  it('a frame that breaks off, and random bytes many times over', async () => {
    for (let trial = 0; trial < 6; trial += 1) {
      const stranger = await Stranger.at(small.address)
      stranger.stream.send(trial === 0 ? header(1_000, 0) : randomBytes(trial * 100))
      await stranger.close()
    }
    await assertAlive(small, 'after/random')
    assert.deepEqual(
      (await small.client.peers()).map(({ id }) => id),
      [small.peerId, large.peerId],
    )
  })
})

describe('a value', () => {
  it('of the largest size of each peer goes through both clusters, byte for byte; one byte more is refused', async (context) => {
    for (const [peer, size] of [
      [small, MIB],
      [large, LARGEST],
    ] as const) {
      const key = `large/${size}`
      const value = randomBytes(size)
      const startedMs = performance.now()
      const stored = await peer.client.put(key, value, { query: '?timeout=60000' })
      assert.equal(stored.status, 201, stored.body.toString())
      context.diagnostic(`${size / MIB} MiB stored in two clusters in ${Math.round(performance.now() - startedMs)} ms`)
      for (const reader of network.peers) assert.ok((await reader.client.get(key)).body.equals(value))
      assert.equal(problemOf(await peer.client.put(`${key}/more`, randomBytes(size + 1))), 'too-large')
    }
  })

  it('of no bytes is a value like another', async () => {
    assert.equal((await small.client.put('empty', '')).status, 201)
    const reply = await large.client.get('empty')
    assert.deepEqual([reply.status, reply.body.length, reply.headers['content-type']], [200, 0, 'application/octet-stream'])
  })
})
