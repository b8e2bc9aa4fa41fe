/**
 * A log at three real peers: born by itself, ordered and read at each of them, through the end of
 * its leader and of all of them, with nothing lost and nothing done twice.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Reply } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const BORN_MS = 30_000
/** Far above what it takes, for a machine with much else to do. */
const GAP_MAX_MS = 10_000
const PATH = '/logs/orders'

interface Ordered {
  readonly position: { readonly term: number; readonly index: number }
  readonly outcome: string
  readonly result: unknown
}

interface LogStatus {
  readonly leader: string | null
  readonly replicas: readonly { readonly peer: string; readonly role: string; readonly state: string; readonly lag: number }[]
}

let network: Network
let peers: PeerProcess[]
/** Additions that were acknowledged. */
let added = 0

function told({ body }: Reply): unknown {
  return JSON.parse(body.toString())
}

function submit(peer: PeerProcess, command: object, name?: string): Promise<Reply> {
  const headers = name === undefined ? {} : { 'Idempotency-Key': name }
  return peer.client.ask('POST', PATH, { headers, body: JSON.stringify(command) })
}

/** Adds one, again and again under one name until it is acknowledged, at any of the peers. */
async function add(name: string): Promise<void> {
  for (let place = 0; ; place += 1) {
    const peer = peers[place % peers.length] as PeerProcess
    if (!peer.isRunning) continue
    const reply = await submit(peer, { add: { n: 1 } }, name).catch(() => undefined)
    if (reply?.status === 200) break
  }
  added += 1
}

async function read(peer: PeerProcess, key: string, query = ''): Promise<string | null> {
  const reply = await peer.client.ask('GET', PATH, { query: `?q=${encodeURIComponent(JSON.stringify({ get: [key] }))}${query}` })
  assert.equal(reply.status, 200, reply.body.toString())
  return (told(reply) as { readonly result: Record<string, string | null> }).result[key] ?? null
}

async function status(peer: PeerProcess): Promise<LogStatus | undefined> {
  const reply = await peer.client.ask('GET', `${PATH}/status`)
  return reply.status === 200 ? (told(reply) as LogStatus) : undefined
}

/** All three replicas are ready, one leads, and nobody is behind. */
async function whole(): Promise<void> {
  await until(
    'all replicas are ready and equal',
    async () => {
      const view = await status(peers[0] as PeerProcess)
      const isReady = view?.replicas.every(({ state, lag }) => state === 'ready' && lag === 0)
      return isReady === true && view?.replicas.length === 3 && view.leader !== null
    },
    BORN_MS,
  )
}

describe('a log at three peers', () => {
  before(async () => {
    network = await Network.create()
    peers = await network.grow('cluster-1', 3, { flags: ['-log', 'orders=kv:'] })
    await network.settled()
  })
  after(() => network.close())

  it('is born by itself, and each peer takes commands and shows those of the others', async () => {
    await whole()
    for (const [place, peer] of peers.entries()) {
      const reply = await submit(peer, { set: { [`k${place}`]: 'v' } })
      const { position, outcome, result } = told(reply) as Ordered
      assert.deepEqual([reply.status, outcome, result], [200, 'done', null], reply.body.toString())
      assert.match(String(reply.headers['replicator-since']), /^[1-9][0-9]*$/)
      for (const other of peers) {
        assert.equal(await read(other, `k${place}`), 'v')
        assert.equal(await read(other, `k${place}`, `&after=${position.term}.${position.index}`), 'v')
      }
    }
  })

  it('answers what cannot be done as its problem', async () => {
    const [peer] = peers as [PeerProcess]
    const typeOf = (reply: Reply): unknown => (told(reply) as { readonly type: string }).type
    const rejected = await submit(peer, { cas: { k0: ['other', 'x'] } })
    assert.deepEqual([rejected.status, typeOf(rejected)], [422, 'urn:replicator:rejected'])
    const unknown = await peer.client.ask('POST', '/logs/nowhere', { body: '{}' })
    assert.deepEqual([unknown.status, typeOf(unknown)], [404, 'urn:replicator:unknown-log'])
    const bad = await peer.client.ask('GET', PATH, { query: '?q=1' })
    assert.deepEqual([bad.status, typeOf(bad)], [400, 'urn:replicator:not-a-query'])
    const large = await peer.client.ask('POST', PATH, { body: Buffer.alloc(1_048_577) })
    assert.deepEqual([large.status, typeOf(large)], [413, 'urn:replicator:too-large'])
    assert.equal((await submit(peer, { add: { m: 1 } }, 'once')).status, 200)
    const reused = await submit(peers[1] as PeerProcess, { add: { m: 2 } }, 'once')
    assert.deepEqual([reused.status, typeOf(reused)], [422, 'urn:replicator:idempotency-key-reused'])
  })

  it('goes on within moments when its leader is killed, and adds each thing once', async (context) => {
    const leaderId = (await status(peers[0] as PeerProcess))?.leader
    const leader = peers.find(({ peerId }) => peerId === leaderId) as PeerProcess
    await add('before')
    await leader.kill()
    const startedMs = performance.now()
    await add('after')
    const gapMs = performance.now() - startedMs
    context.diagnostic(`${Math.round(gapMs)} ms without a write`)
    assert(gapMs < GAP_MAX_MS)
    await add('before')
    added -= 1
    await leader.start()
    await whole()
    for (const peer of peers) assert.equal(await read(peer, 'n'), String(added))
  })

  it('keeps all of it when every peer is killed at once and starts again', async () => {
    await add('last')
    await Promise.all(peers.map((peer) => peer.kill()))
    await Promise.all(peers.map((peer) => peer.start()))
    await whole()
    await add('again')
    for (const peer of peers) assert.equal(await read(peer, 'n'), String(added))
    assert.equal(await read(peers[0] as PeerProcess, 'k2'), 'v')
  })
})
