/**
 * Registers over six peers in two clusters, by hand: what changes is one thing wherever it is
 * asked.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { problemOf } from './client.ts'
import type { Client, Reply } from './client.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const INCREMENTS = 200
const TTL_SECONDS = 2
/** An answer that is not one of these must not be counted as one. */
const REFUSED = 412
const HOUR_MS = 3_600_000
/** `Date.now` of a peer is so far ahead. */
const AHEAD = `const now = Date.now.bind(Date); Date.now = () => now() + ${HOUR_MS}`

let network: Network
before(async () => {
  network = await Network.create()
  await network.grow('cluster-1', 3)
  await network.grow('cluster-2', 2)
  await network.grow('cluster-2', 1, { nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(AHEAD)}`] })
  await network.settled()
})
after(() => network.close())

function at(index: number): Client {
  const peer = network.peers[index % network.peers.length]
  assert.ok(peer !== undefined)
  return peer.client
}

function put(client: Client, key: string, body: string, headers: Record<string, string> = {}, query = ''): Promise<Reply> {
  return client.ask('PUT', `/kv/${key}`, { body, headers: { 'Content-Type': 'text/plain', ...headers }, query })
}

function get(client: Client, key: string, query = ''): Promise<Reply> {
  return client.ask('GET', `/kv/${key}`, { query })
}

function told(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.body.toString()) as Record<string, unknown>
}

/** Adds one to a number, by compare-and-set, until it is taken. */
async function increment(client: Client, key: string): Promise<void> {
  for (;;) {
    const read = await get(client, key)
    assert.equal(read.status, 200, read.body.toString())
    const next = String(Number(read.body.toString()) + 1)
    const written = await put(client, key, next, { 'If-Match': String(read.headers.etag) }, '?timeout=60000')
    if (written.status === 200) return
    assert.equal(written.status, REFUSED, written.body.toString())
  }
}

describe('a register over six peers', () => {
  it('is written at one peer, written over at another, and read at each', async () => {
    assert.equal((await put(at(0), 'a', 'one')).status, 201)
    const over = await put(at(4), 'a', 'two')
    assert.deepEqual([over.status, over.headers.etag], [200, '"2"'])
    for (const { client } of network.peers) {
      const read = await get(client, 'a')
      assert.deepEqual([read.status, read.body.toString(), read.headers.etag], [200, 'two', '"2"'])
    }
  })

  it('refuses a write for an old version, and tells the current one', async () => {
    const refused = await put(at(5), 'a', 'three', { 'If-Match': '"1"' })
    assert.deepEqual([refused.status, problemOf(refused), told(refused)['version']], [412, 'precondition-failed', 2])
    assert.equal((await put(at(5), 'a', 'three', { 'If-Match': '"2"' })).headers.etag, '"3"')
  })

  it('counts two hundred increments by compare-and-set, over all peers at once', async () => {
    assert.equal((await put(at(0), 'count', '0')).status, 201)
    const workers = network.peers.map(async ({ client }, index) => {
      for (let done = index; done < INCREMENTS; done += network.peers.length) await increment(client, 'count')
    })
    await Promise.all(workers)
    assert.equal((await get(at(3), 'count')).body.toString(), String(INCREMENTS))
  })

  it('is created only once where nothing may be there', async () => {
    const replies = await Promise.all(
      network.peers.map(({ client, name }) => put(client, 'mine', name, { 'If-None-Match': '*' }, '?timeout=60000')),
    )
    assert.deepEqual(
      replies.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 412, 412, 412, 412, 412],
    )
  })

  it('is deleted, is absent, and goes on with the next version', async () => {
    const deleted = await at(1).ask('DELETE', '/kv/a')
    assert.deepEqual([deleted.status, told(deleted)['version']], [200, 4])
    for (const { client } of network.peers) assert.equal((await get(client, 'a')).status, 404)
    assert.equal((await at(2).ask('DELETE', '/kv/a')).status, 404)
    const back = await put(at(3), 'a', 'back')
    assert.deepEqual([back.status, back.headers.etag], [201, '"5"'])
  })

  it('expires at every peer after its time, with the clock of one an hour ahead, and not before', async () => {
    for (const index of [0, 5]) {
      const key = `brief/${index}`
      const startedMs = performance.now()
      assert.equal((await put(at(index), key, 'x', {}, `?ttl=${TTL_SECONDS}`)).status, 201)
      const isGone = async ({ client }: PeerProcess): Promise<boolean> => (await get(client, key)).status === 404
      await until('it is gone', async () => isGone(network.peers[0] as PeerProcess))
      assert.ok(performance.now() - startedMs >= TTL_SECONDS * 1_000, 'it expired too early')
      await until('it is gone everywhere', async () => (await Promise.all(network.peers.map(isGone))).every(Boolean))
    }
  })

  it('applies a write once however often it is sent, and says so', async () => {
    const named = { 'Idempotency-Key': 'the-write' }
    assert.equal((await put(at(0), 'once', 'x', named)).status, 201)
    const again = await put(at(4), 'once', 'x', named)
    assert.deepEqual([again.status, again.headers['replicator-repeated'], again.headers.etag], [200, 'true', '"1"'])
    assert.equal((await put(at(2), 'once', 'other', named)).status, 422)
    assert.equal((await get(at(1), 'once')).headers.etag, '"1"')
  })
})

/** Reads events of a watch until its peer is gone, or it is told to stop. */
class Watching {
  readonly versions: Map<string, number[]> = new Map()
  cursor = ''
  isOver = false
  readonly #stopping = new AbortController()

  async follow(peer: PeerProcess, query: string): Promise<void> {
    this.isOver = false
    let text = ''
    try {
      const response = await fetch(`http://127.0.0.1:${peer.httpPort}/kv?watch&prefix=seen/${query}`, { signal: this.#stopping.signal })
      assert.equal(response.status, 200)
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString()
        for (let cut = text.indexOf('\n\n'); cut >= 0; cut = text.indexOf('\n\n')) {
          this.#told(text.slice(0, cut))
          text = text.slice(cut + 2)
        }
      }
    } catch {
      // The peer was killed, or the test is over.
    }
    this.isOver = true
  }

  stop(): void {
    this.#stopping.abort()
  }

  #told(event: string): void {
    this.cursor = /^id: (.*)$/m.exec(event)?.[1] ?? this.cursor
    const data = /^data: (.*)$/m.exec(event)?.[1]
    if (data === undefined) return
    const { key, version } = JSON.parse(data) as { key: string; version: number }
    this.versions.set(key, [...(this.versions.get(key) ?? []), version])
  }
}

describe('a watch', () => {
  it('goes on at another peer when its own is killed: each register in order, and its last version not missed', async () => {
    const victim = network.peers[1] as PeerProcess
    const watching = new Watching()
    void watching.follow(victim, '&from=start')
    await until('it watches', () => watching.cursor !== '')
    for (let round = 0; round < 5; round += 1) for (const key of ['seen/a', 'seen/b']) await put(at(0), key, String(round))
    await until('the changes are told', () => watching.versions.get('seen/b')?.at(-1) === 5)
    await victim.kill()
    await until('the watch is over', () => watching.isOver)
    await put(at(0), 'seen/a', 'while away')
    // A cursor is of one run of one peer: elsewhere it is refused, and the client begins with what
    // is there.
    const foreign = await at(3).ask('GET', `/kv`, { query: `?watch&cursor=${watching.cursor}` })
    assert.deepEqual([foreign.status, problemOf(foreign)], [410, 'cursor-gone'])
    void watching.follow(network.peers[3] as PeerProcess, '&from=start')
    await until('what was missed is told', () => watching.versions.get('seen/a')?.at(-1) === 6)
    await put(at(2), 'seen/b', 'after')
    await until('and what comes after', () => watching.versions.get('seen/b')?.at(-1) === 6)
    watching.stop()
    for (const [key, versions] of watching.versions) {
      const isRising = versions.every((version, index) => index === 0 || version >= (versions[index - 1] ?? 0))
      assert.ok(isRising, `${key}: ${versions.join(' ')}`)
    }
  })
})
