/**
 * A log at three real peers, each with a Redis of its own: texts of Lua ordered by the command line,
 * through the end of a peer and of a Redis, with a counter that is exact in every one of them.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import { runToEnd } from './command.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const PATH = '/logs/orders'
const SETTLED_MS = 60_000
/** In one go, while something is down. */
const ADDED = 10

let network: Network
let peers: PeerProcess[]
let servers: RedisServer[]
let directory: string
/** Additions that were acknowledged. */
let added = 0

/** What the command prints. */
async function replicator(peer: PeerProcess, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(directory, [...words, '-url', `http://127.0.0.1:${peer.httpPort}`])
  assert.equal(code, 0, stderr)
  return stdout.trimEnd()
}

/** Adds one under a name, again and again at any peer until it is acknowledged. */
async function add(name: string): Promise<void> {
  const headers = { 'Idempotency-Key': name, 'Content-Type': 'text/plain' }
  const body = `return redis.call('incr', 'n')`
  let place = 0
  await until(
    `${name} is added`,
    async () => {
      place += 1
      const peer = peers[place % peers.length] as PeerProcess
      if (!peer.isRunning) return false
      const reply = await peer.client.ask('POST', PATH, { headers, body }).catch(() => undefined)
      return reply?.status === 200
    },
    SETTLED_MS,
  )
  added += 1
}

async function addSome(name: string): Promise<void> {
  for (let count = 0; count < ADDED; count += 1) await add(`${name}-${count}`)
}

/** Each Redis has every addition. */
async function whole(): Promise<void> {
  const seen = (): string[] => servers.map((server) => server.ask('get', 'n'))
  await until('every Redis holds every addition', async () => seen().every((count) => count === String(added)), SETTLED_MS)
}

async function states(): Promise<string[]> {
  const reply = await (peers[0] as PeerProcess).client.ask('GET', `${PATH}/status`)
  if (reply.status !== 200) return []
  const { replicas } = JSON.parse(reply.body.toString()) as { readonly replicas: readonly { readonly state: string }[] }
  return replicas.map(({ state }) => state)
}

describe('a log at three peers with a Redis each', { skip: whyNoRedis() }, () => {
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-log-redis-'))
    servers = await Promise.all([RedisServer.start(), RedisServer.start(), RedisServer.start()])
    network = await Network.create()
    peers = []
    for (const server of servers)
      peers.push(...(await network.grow('cluster-1', 1, { flags: ['-log', `orders=${server.url}/0`, '-min-peers', '3'] })))
    await network.settled()
  })
  after(async () => {
    await network.close()
    for (const server of servers) await server[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  it('is born by itself, and what one peer takes each Redis holds', async () => {
    await until('all replicas are ready', async () => (await states()).join() === 'ready,ready,ready', SETTLED_MS)
    const [first, second] = peers as [PeerProcess, PeerProcess]
    assert.equal(await replicator(first, 'log', 'submit', 'orders', `redis.call('set', 'hello', 'world')`), 'null')
    assert.equal(await replicator(second, 'log', 'query', 'orders', `redis.call('get', 'hello')`), '"world"')
    await until('each Redis holds it', async () => servers.every((server) => server.ask('get', 'hello') === 'world'), SETTLED_MS)
    const partial = await first.client.ask('POST', PATH, { body: `redis.call('set', 'half', '1') redis.call('lpush', 'half', 'x')` })
    const { class: named, partial: isPartial } = JSON.parse(partial.body.toString()) as {
      readonly class: string
      readonly partial: boolean
    }
    assert.deepEqual([partial.status, named, isPartial], [422, 'type', true])
    const expiring = await first.client.ask('POST', PATH, { body: `redis.call('set', 'k', 'v', 'EX', '10')` })
    assert.match(expiring.body.toString(), /not-allowed:set EX/)
  })

  it('goes on through the end of a peer and of a Redis, and adds each thing once', async () => {
    await addSome('before')
    const [, peer] = peers as [PeerProcess, PeerProcess]
    await peer.kill()
    await addSome('without-a-peer')
    await peer.start()
    await whole()
    const [server] = servers as [RedisServer]
    await server.kill()
    await addSome('without-a-redis')
    await until('its replica says so', async () => (await states()).includes('stalled'), SETTLED_MS)
    await server.start()
    await whole()
    // Known by their names: nothing is added again.
    await addSome('before')
    added -= ADDED
    await whole()
    await until('all replicas are ready', async () => (await states()).join() === 'ready,ready,ready', SETTLED_MS)
  })

  it('fills a Redis anew that was emptied', async () => {
    const [, , server] = servers as [RedisServer, RedisServer, RedisServer]
    server.ask('flushall')
    await addSome('emptied')
    await whole()
    assert.equal(server.ask('get', 'hello'), 'world')
  })
})
