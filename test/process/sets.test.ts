/**
 * Sets at real peers: the lines of the system that they take in, clients that are not ours, kills,
 * refusals, and a real Redis.
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import type { Reply } from './client.ts'
import { runToEnd } from './command.ts'
import { freePort, Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const TRANSIT = { 'Content-Type': 'application/transit+json' }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const SPREAD_MS = 60_000
const MINUTE_MS = 60_000
const TRANSIT_CLIENT = join(import.meta.dirname, '..', 'others', 'transit-client.mjs')
const whyNoCurl = spawnSync('curl', ['--version']).error === undefined ? false : 'curl is not installed'

let network: Network
let peers: PeerProcess[]
let ports: number[]

/** Adds a peer that serves the set main at a port of its own. */
async function add(clusterId: string, ...flags: readonly string[]): Promise<PeerProcess> {
  const port = await freePort()
  ports.push(port)
  const [first] = network.peers
  const through = first === undefined ? [] : ['-peer', first.address]
  return network.add({ clusterId, flags: [...through, '-lww', String(port), ...flags] })
}

function told({ body }: Reply): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>
}

async function members(peer: PeerProcess, set = 'main'): Promise<string> {
  const reply = await peer.client.ask('GET', `/sets/${set}/`, { headers: { Accept: 'application/json' } })
  return reply.status === 200 ? reply.body.toString() : String(reply.status)
}

async function change(peer: PeerProcess, kind: 'insert' | 'delete' | 'update', body: string, query = ''): Promise<Reply> {
  return peer.client.ask('POST', `/sets/main/${kind}`, { headers: JSON_TYPE, body, query })
}

async function allEqual(): Promise<boolean> {
  const views = await Promise.all(peers.map((peer) => members(peer)))
  const sorted = views.map((view) => JSON.stringify((JSON.parse(view) as unknown[]).map((element) => JSON.stringify(element)).toSorted()))
  return sorted.every((view) => view === sorted[0])
}

describe('sets at three peers', () => {
  before(async () => {
    network = await Network.create()
    ports = []
    peers = []
    for (let count = 0; count < 3; count += 1) {
      const peer = await add('cluster-1')
      peers.push(peer)
      await peer.start()
    }
    await network.settled()
  })
  after(() => network.close())

  it('serve the lines of the system that they take in, to the letter', { skip: whyNoCurl }, async () => {
    const curl = (line: string, port: number | undefined): string => {
      const { stdout } = spawnSync('sh', ['-c', line.replace('http://localhost:3001', `http://localhost:${port}`)], { encoding: 'utf8' })
      return stdout
    }
    const [one, two, three] = ports
    const insert = `curl -H "Content-Type: application/transit+json" -X POST -d '[11, "foo"]' http://localhost:3001/insert`
    const remove = insert.replace('/insert', '/delete')
    const read = 'curl -X GET http://localhost:3001/'
    const update = String.raw`curl -H "Content-Type: application/transit+json" -X POST -d "[\"^ \",\"~:add-set\",[\"^ \",\"~i11\",0],\"~:del-set\",[\"^ \"]]" http://localhost:3001/update`
    assert.equal(curl(read, one), '["~#set",[]]')
    assert.equal(curl(insert, one), 'ok')
    await until('it is read at another', () => curl(read, two) === '["~#set",[11,"foo"]]', SPREAD_MS)
    assert.match(
      curl('curl -X GET http://localhost:3001/updates?since=0', two),
      /^\["\^ ","~:add-set",\["\^ ","~i11",\d{13},"foo",\d{13}\],"~:del-set",\["\^ "\]\]$/,
    )
    assert.equal(curl(update, three), 'ok')
    assert.equal(curl(remove, two), 'ok')
    await until('it is deleted at another', () => curl(read, three) === '["~#set",[]]', SPREAD_MS)
    assert.match(curl('curl -X GET http://localhost:3001/updates?since=0', three), /,"~:del-set",\["\^ ","~i11",\d{13},"foo",\d{13}\]\]$/)
    assert.equal(curl(update, three), 'ok')
    assert.equal(curl(read, three), '["~#set",[]]')
    assert.equal(curl(insert, three), 'ok')
    await until('it is there again', () => curl(read, one) === '["~#set",[11,"foo"]]', SPREAD_MS)
    assert.equal(curl(remove, one), 'ok')
    await until('it is gone again', () => curl(read, two) === '["~#set",[]]', SPREAD_MS)
  })

  it('serve a transit client that is not ours', async () => {
    const urls = ports.map((port) => `http://127.0.0.1:${port}`)
    const { stdout } = await promisify(execFile)(process.execPath, [TRANSIT_CLIENT, ...urls])
    assert.equal(stdout, 'all of it held\n')
    await until('all are equal', allEqual, SPREAD_MS)
  })

  it('refuse what is no request with one clear answer, and the set is unchanged', async () => {
    const [peer] = peers as [PeerProcess]
    assert.equal((await change(peer, 'insert', '["kept"]')).status, 200)
    const now = Date.now()
    const { status } = await change(peer, 'update', `{"add-set":[["ahead",${now + MINUTE_MS - 5_000}]]}`)
    assert.equal(status, 200)
    const cases: readonly (readonly [string, 'insert' | 'delete' | 'update', Record<string, string>, string])[] = [
      ['400 bad-body', 'delete', TRANSIT, '["kept"'],
      ['400 bad-body', 'delete', TRANSIT, '["kept", "~Xbad"]'],
      ['400 bad-body', 'delete', JSON_TYPE, '{"kept":'],
      ['422 bad-stamp', 'update', JSON_TYPE, '{"del-set":[["kept",-1]]}'],
      ['422 bad-stamp', 'update', JSON_TYPE, `{"del-set":[["kept",${2 ** 53}]]}`],
      ['422 bad-stamp', 'update', JSON_TYPE, `{"del-set":[["kept",${now}],["other",${now + 2 * MINUTE_MS}]]}`],
      ['422 bad-stamp', 'update', JSON_TYPE, `{"del-set":[["kept",${now + 60 * MINUTE_MS}]]}`],
      ['413 too-large', 'delete', JSON_TYPE, JSON.stringify(['kept', ...Array.from({ length: 10_000 }, (_, index) => index)])],
      ['413 too-large', 'delete', JSON_TYPE, JSON.stringify(['kept', 'x'.repeat(5_120)])],
      ['415 unsupported-media-type', 'delete', { 'Content-Type': 'application/x-www-form-urlencoded' }, '["kept"]'],
    ]
    for (const [expected, kind, headers, body] of cases) {
      const reply = await peer.client.ask('POST', `/sets/main/${kind}`, { headers, body })
      assert.equal(`${reply.status} ${String(told(reply)['type']).replace('urn:replicator:', '')}`, expected, body.slice(0, 60))
    }
    const gone = await peer.client.ask('GET', '/sets/main/updates', { query: `?after=${'f'.repeat(32)}.1` })
    assert.equal(gone.status, 410)
    assert.equal((await change(peer, 'update', '{"add-set":[["zero",0]]}')).status, 200)
    assert.deepEqual(new Set(JSON.parse(await members(peer)) as unknown[]), new Set(['kept', 'ahead', 'zero']))
  })

  it('keep what they answered through -9, and are equal again when they are back', async () => {
    const [one, two, three] = peers as [PeerProcess, PeerProcess, PeerProcess]
    await two.kill()
    assert.equal((await change(one, 'insert', '["while two was away"]')).status, 200)
    assert.equal((await change(three, 'insert', '["just before the end"]')).status, 200)
    await three.kill()
    // Nobody is asked: a peer alone goes on.
    assert.equal((await change(one, 'delete', '["zero"]')).status, 200)
    const alone = await change(one, 'insert', '["alone"]', '?wait=cluster&timeout=500')
    assert.deepEqual([alone.status, told(alone)['type']], [504, 'urn:replicator:in-doubt'])
    await Promise.all([two.start(), three.start()])
    await until('all are equal', async () => (await allEqual()) && (await members(two)).includes('just before the end'), SPREAD_MS)
    const held = JSON.parse(await members(two)) as unknown[]
    for (const element of ['while two was away', 'just before the end', 'alone']) assert.ok(held.includes(element), element)
    assert.ok(!held.includes('zero'))
    await until('a majority answers', async () => (await change(one, 'insert', '["all"]', '?wait=network')).status === 200, SPREAD_MS)
    await until(
      'the peers say that they are equal',
      async () => JSON.stringify(told(await two.client.ask('GET', '/sets'))).includes('"peers":"equal"'),
      SPREAD_MS,
    )
  })

  it('are read and changed by commands, and watched on from a cursor through a restart', async () => {
    const [one, two] = peers as [PeerProcess, PeerProcess]
    const set = (...argv: readonly string[]) => runToEnd(network.directory, ['set', ...argv, '-url', `http://127.0.0.1:${one.httpPort}`])
    assert.deepEqual(await set('insert', 'carts', '1', '1.0', 'text', '~:keyword', '-wait', 'cluster'), { code: 0, stdout: '', stderr: '' })
    assert.deepEqual((await set('ls', 'carts')).stdout.trimEnd().split('\n').toSorted(), ['"text"', '"~:keyword"', '1', '1.0'])
    assert.match((await set('ls')).stdout, /^carts {2}4 members, 0 deletions remembered, (equal|different)$/m)
    const cursor = String((await one.client.ask('GET', '/sets/carts/updates', { query: '?after=' })).headers['replicator-cursor'])
    await set('delete', 'carts', '1')
    await one.kill()
    await one.start()
    await until(
      'what another says arrives',
      async () => (await two.client.ask('POST', '/sets/carts/insert', { headers: JSON_TYPE, body: '[2]' })).status === 200,
    )
    await until('it is here', async () => (await members(one, 'carts')).includes('2'), SPREAD_MS)
    const abort = new AbortController()
    const response = await fetch(`http://127.0.0.1:${one.httpPort}/sets/carts/watch?after=${cursor}`, { signal: abort.signal })
    let events = ''
    const decoder = new TextDecoder()
    for await (const piece of response.body ?? []) {
      events += decoder.decode(piece, { stream: true })
      if ([...events.matchAll(/^data: /gm)].length >= 2) break
    }
    abort.abort()
    assert.deepEqual(
      [...events.matchAll(/event: (\w+)\ndata: \{"element":([^,]*)/g)].map(([, event, element]) => `${event} ${element}`),
      ['delete 1', 'insert 2'],
    )
    assert.match((await set('insert', '..', '1')).stderr, /^NAME "\.\."/)
    assert.match((await set('ls', 'nothing')).stderr, /replicator set ls: .* answered 404: There is no set nothing here/)
  })

  it('are played with by monkeys while a peer is killed, and are equal with nothing missing', async () => {
    const urls = ports.flatMap((port) => ['-url', `http://127.0.0.1:${port}`])
    const play = (kind: string, ...flags: readonly string[]) =>
      runToEnd(network.directory, ['monkeys', kind, ...urls, '-seconds', '8', '-pause', '0.2', ...flags])
    const playing = Promise.all([play('normal', '-processes', '2', '-workers', '3'), play('offline-online'), play('viewer')])
    const victim = peers[2] as PeerProcess
    await until('they play', async () => (await members(peers[0] as PeerProcess)).length > 100, SPREAD_MS)
    await victim.kill()
    await victim.start()
    for (const { code, stdout, stderr } of await playing) {
      assert.equal(code, 0, stdout + stderr)
      assert.match(stdout, /all 3 nodes are equal: \d+ elements, and nothing answered is missing/)
    }
  })
})

describe('doors of a port of its own', () => {
  it('hold as at the main port', async () => {
    network = await Network.create()
    ports = []
    try {
      const tokens = join(network.directory, 'tokens')
      const secrets: Record<string, string> = {}
      for (const [name, scopes, prefix] of [
        ['reader', 'read', '/sets/main/'],
        ['writer', 'write', '/sets/main'],
        ['elsewhere', 'read,write', '/sets/other/'],
      ] as const) {
        const { stdout } = await runToEnd(network.directory, ['token', name, '-scopes', scopes, '-prefix', prefix, '-out', tokens])
        secrets[name] = stdout.trim()
      }
      const peer = await add('a', '-min-peers', '1', '-tokens', tokens)
      await peer.start()
      const url = `http://127.0.0.1:${ports[0]}`
      const ask = async (name: string | undefined, path: string, body?: string, headers: Record<string, string> = {}): Promise<number> => {
        const authorization = name === undefined ? undefined : { Authorization: `Bearer ${secrets[name]}` }
        const init = body === undefined ? {} : { method: 'POST', body }
        return (await fetch(url + path, { ...init, headers: { ...TRANSIT, ...authorization, ...headers } })).status
      }
      assert.deepEqual(
        [await ask(undefined, '/'), await ask('elsewhere', '/'), await ask('writer', '/'), await ask('reader', '/')],
        [401, 403, 403, 200],
      )
      await until('it takes operations', async () => (await ask('writer', '/insert', '[1]')) === 200, SPREAD_MS)
      assert.deepEqual([await ask('reader', '/insert', '[1]'), await ask('elsewhere', '/insert', '[1]')], [403, 403])
      assert.equal(await ask('writer', '/insert', '[1]', { Origin: 'http://evil.example' }), 403)
      assert.equal(await ask('reader', '/status'), 404)
      const misdirected = await new Promise<string>((resolve) => {
        execFile('curl', ['-s', '-H', 'Host: evil.example', `${url}/`], (_error, stdout) => resolve(stdout))
      })
      assert.match(misdirected, /urn:replicator:misdirected/)
    } finally {
      await network.close()
    }
  })
})

describe('sets of two clusters in a Redis', { skip: whyNoRedis() }, () => {
  it('are offloaded by each, read with plain redis-cli, and merged back by a fresh peer', async () => {
    network = await Network.create()
    ports = []
    const server = await RedisServer.start()
    try {
      const redis = ['-set-redis', server.url, '-set-redis-every', '1']
      const first = await add('cluster-1', '-min-peers', '1', ...redis)
      await first.start()
      const second = await add('cluster-2', '-min-peers', '1', ...redis)
      await second.start()
      await network.settled()
      const base = `replicator:${first.networkId}:main`
      assert.equal((await change(first, 'insert', '[11, "foo"]')).status, 200)
      await until('the second takes operations', async () => (await change(second, 'delete', '["foo"]')).status === 200, SPREAD_MS)
      await until(
        'it is offloaded',
        () => server.ask('ZCARD', `${base}:added`) === '2' && server.ask('ZCARD', `${base}:removed`) === '1',
        SPREAD_MS,
      )
      assert.deepEqual(server.ask('ZRANGE', `${base}:added`, '0', '-1').split('\n').toSorted(), ['"foo"', '11'])
      for (const peer of [first, second]) {
        assert.equal(server.ask('GET', `replicator:${first.networkId}:writer:${peer.clusterId}`), peer.peerId)
      }
      await server.kill()
      await until(
        'the peers warn',
        async () => (await first.client.status()).warnings.some((warning) => warning.includes('-set-redis cannot be used')),
        SPREAD_MS,
      )
      assert.equal((await change(first, 'insert', '["meanwhile"]')).status, 200)
      await server.start()
      await until('it is offloaded again', () => server.ask('ZSCORE', `${base}:added`, '"meanwhile"') !== '', SPREAD_MS)
      // As somebody left it who offloaded it, and was lost before others heard of it.
      const script = "redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2]) return redis.call('HINCRBY', KEYS[2], 'added', 1)"
      server.ask('EVAL', script, '2', `${base}:added`, `${base}:kept`, String(Date.now()), '"only there"')
      const fresh = await add('cluster-1', '-min-peers', '1', ...redis)
      await fresh.start()
      await until('a fresh peer brings it back', async () => (await members(second)).includes('only there'), SPREAD_MS)
      assert.match(readFileSync(`${fresh.directory}.log`, 'utf8'), /a set was merged from Redis/)
    } finally {
      await server[Symbol.asyncDispose]()
      await network.close()
    }
  })
})
