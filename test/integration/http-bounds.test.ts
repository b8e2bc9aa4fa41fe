/**
 * What one client can take of a server: connections, time for a body or an answer, bytes of
 * answers; and heads with two meanings.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { allRoutes } from '../../src/http/routes.ts'
import { ask, eventually, RawClient, requestHead, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

/** Ten of these decide, so what moves too slowly is cut after a third of a second. */
const LOOK_MS = 30
const MIB = 1_048_576
/** More than the system takes from a peer whose client does not read. */
const LARGE = 8 * MIB

function typeOf(answer: RawAnswer): string {
  return (JSON.parse(answer.body.toString()) as { type: string }).type.slice('urn:replicator:'.length)
}

function holdValue(fixture: Fixture, key: string, size: number): void {
  fixture.replicator.records.set(key, {
    writeId: 'w',
    value: new Uint8Array(size).fill(7),
    contentType: 'text/plain',
    writtenAtMs: WRITTEN_AT_MS,
  })
}

function every(periodMs: number, act: () => void): Disposable {
  const timer = setInterval(act, periodMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

async function counter(fixture: Fixture, what: string): Promise<number> {
  const metrics = (await ask(fixture, 'GET', '/metrics')).body.toString()
  return Number(
    metrics
      .split('\n')
      .find((line) => line.startsWith(`${what} `))
      ?.split(' ')[1],
  )
}

describe('a body', () => {
  it('that comes too slowly is cut as one that is late, and one that comes fast enough is not', async () => {
    await using fixture = await startHttp({ flowLookMs: LOOK_MS })
    await using slow = new RawClient(fixture.port)
    slow.write(`${requestHead('PUT', '/store/slow', { 'Content-Length': '100000' })}${'v'.repeat(9_999)}`)
    await using fast = new RawClient(fixture.port)
    fast.write(requestHead('PUT', '/store/fast', { 'Content-Length': '1000000' }))
    using _sending = every(LOOK_MS, () => fast.write('v'.repeat(20_000)))
    const [refused, stored] = await Promise.all([slow.answer(), fast.answer()])
    assert.deepEqual([refused.status, typeOf(refused), refused.headers['connection']], [408, 'body-timeout', 'close'])
    assert.equal(stored.status, 201)
    assert.equal(await counter(fixture, 'replicator_http_cut_total{what="body"}'), 1)
  })

  it('that is refused is not read on for as long as it trickles', async () => {
    await using fixture = await startHttp({ flowLookMs: LOOK_MS })
    await using client = new RawClient(fixture.port)
    client.write(requestHead('PUT', '/store/..', { 'Content-Length': '1000000' }))
    using _sending = every(LOOK_MS, () => client.write('v'))
    assert.equal(typeOf(await client.answer()), 'bad-key')
    await client.end()
  })
})

describe('an answer', () => {
  it('that nobody reads is cut, and its bytes are counted until then', async () => {
    await using fixture = await startHttp({ flowLookMs: LOOK_MS })
    const { load } = fixture.server.app.context
    holdValue(fixture, 'large', LARGE)
    await using client = new RawClient(fixture.port)
    client.socket.pause()
    client.write(requestHead('GET', '/store/large'))
    await eventually(() => load.used('answerBytes') === LARGE, 'the answer is under way')
    await eventually(() => load.used('answerBytes') === 0, 'it is cut')
    assert.equal(await counter(fixture, 'replicator_http_cut_total{what="answer"}'), 1)
    client.socket.resume()
    assert.ok((await client.end()).length < LARGE)
  })

  it('that is read, however slowly as long as it is fast enough, comes whole, and so do those behind it', async () => {
    await using fixture = await startHttp({ flowLookMs: LOOK_MS })
    holdValue(fixture, 'large', LARGE)
    holdValue(fixture, 'small', 100_000)
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/store/large') + requestHead('GET', '/store/small'))
    using _pausing = every(LOOK_MS, () => (client.socket.isPaused() ? client.socket.resume() : client.socket.pause()))
    assert.deepEqual([(await client.answer()).body.length, (await client.answer()).body.length], [LARGE, 100_000])
  })

  it('behind a get that waits is not taken for one that nobody reads', async () => {
    await using fixture = await startHttp({ flowLookMs: LOOK_MS })
    holdValue(fixture, 'large', MIB)
    const { promise, resolve } = Promise.withResolvers<{ kind: 'absent'; consistency: 'local' }>()
    fixture.replicator.onGet = ({ key }) => (key === 'awaited' ? promise : undefined)
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/store/awaited?wait=60000') + requestHead('GET', '/store/large'))
    await eventually(() => fixture.replicator.gets.length === 2, 'both are begun')
    await new Promise((enough) => setTimeout(enough, 15 * LOOK_MS))
    resolve({ kind: 'absent', consistency: 'local' })
    assert.deepEqual([(await client.answer()).status, (await client.answer()).body.length], [404, MIB])
  })

  it('beyond the bytes that may be under way is refused, and others are not', async () => {
    await using fixture = await startHttp({ load: { bounds: { answerBytes: 2 * LARGE }, clientPart: 1 } })
    holdValue(fixture, 'large', LARGE)
    holdValue(fixture, 'small', 100)
    const readers = [1, 2].map(() => new RawClient(fixture.port))
    for (const { socket } of readers) socket.pause()
    for (const reader of readers) reader.write(requestHead('GET', '/store/large'))
    const { load } = fixture.server.app.context
    await eventually(() => load.used('answerBytes') === 2 * LARGE, 'two answers are under way')
    const refused = await ask(fixture, 'GET', '/store/large')
    assert.deepEqual([refused.status, typeOf(refused), refused.headers['retry-after']], [503, 'overloaded', '1'])
    assert.equal((await ask(fixture, 'HEAD', '/store/large')).status, 200)
    assert.equal((await ask(fixture, 'GET', '/store/small')).status, 200)
    await Promise.all(readers.map((reader) => reader.close()))
    await eventually(() => load.used('answerBytes') === 0, 'they are gone')
    assert.equal((await ask(fixture, 'GET', '/store/large')).body.length, LARGE)
  })
})

describe('connections', () => {
  it('of one client make room by the one of its own that is idle the longest, never by one that is busy', async () => {
    await using fixture = await startHttp({ load: { bounds: { connections: 12 } } })
    const { load } = fixture.server.app.context
    fixture.replicator.onGet = () => new Promise(() => undefined)
    await using busy = new RawClient(fixture.port)
    busy.write(requestHead('GET', '/store/k'))
    await eventually(() => load.requests === 1, 'the get')
    await using used = new RawClient(fixture.port)
    used.write(requestHead('GET', '/peers'))
    await used.answer()
    await using silent = new RawClient(fixture.port)
    await eventually(() => load.used('connections') === 3, 'three connections')
    used.write(requestHead('GET', '/peers'))
    await used.answer()
    await using another = new RawClient(fixture.port)
    another.write(requestHead('GET', '/peers'))
    assert.equal((await another.answer()).status, 200)
    await silent.end()
    await using last = new RawClient(fixture.port)
    last.write(requestHead('GET', '/peers'))
    assert.equal((await last.answer()).status, 200)
    await used.end()
    assert.deepEqual([load.used('connections'), load.requests], [3, 1])
  })

  it('are refused when all are busy, and taken again afterwards', async () => {
    let fullCount = 0
    const load = { bounds: { connections: 2 }, clientPart: 1 }
    await using fixture = await startHttp({ load, connectionsFull: () => (fullCount += 1) })
    const { promise, resolve } = Promise.withResolvers<{ kind: 'absent'; consistency: 'local' }>()
    fixture.replicator.onGet = () => promise
    await using first = new RawClient(fixture.port)
    await using second = new RawClient(fixture.port)
    for (const client of [first, second]) client.write(requestHead('GET', '/store/k'))
    await eventually(() => fixture.replicator.gets.length === 2, 'two busy ones')
    await using third = new RawClient(fixture.port)
    const refused = await third.answer()
    assert.deepEqual([refused.status, typeOf(refused), refused.headers['connection'], fullCount], [503, 'overloaded', 'close', 1])
    await third.end()
    resolve({ kind: 'absent', consistency: 'local' })
    assert.deepEqual([(await first.answer()).status, (await second.answer()).status], [404, 404])
    assert.equal((await ask(fixture, 'GET', '/peers')).status, 200)
  })

  it('with more requests than may be unanswered are cut, and others go on', async () => {
    await using fixture = await startHttp({ load: { bounds: { unanswered: 400 }, clientPart: 1 } })
    fixture.replicator.onGet = () => new Promise(() => undefined)
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/store/k').repeat(500))
    await client.end()
    const { load } = fixture.server.app.context
    await eventually(() => load.used('unanswered') === 0, 'all are let go')
    assert.equal((await ask(fixture, 'GET', '/peers')).status, 200)
    assert.equal(await counter(fixture, 'replicator_http_cut_total{what="flood"}'), 1)
  })
})

describe('a head with two meanings', () => {
  const paths = allRoutes({ registry: new Registry(), version: '', valueBytesMax: 0 }).flatMap(({ path, literals }) => literals ?? [path])

  it('is refused on every path: two hosts or content types with 400, a transfer coding but chunked with 501', async () => {
    await using fixture = await startHttp()
    for (const path of [...paths, '/nothing']) {
      for (const method of ['GET', 'PUT', 'POST']) {
        for (const [lines, status, type] of [
          ['Host: localhost\r\n', 400, 'bad-header'],
          ['Content-Type: a/b\r\ncontent-type: a/b\r\n', 400, 'bad-header'],
          ['Authorization: Bearer a\r\nAuthorization: Bearer b\r\n', 400, 'bad-header'],
          ['Transfer-Encoding: gzip, chunked\r\n', 501, 'unsupported-coding'],
          ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', 501, 'unsupported-coding'],
          ['Transfer-Encoding: gzip\r\n', 501, 'unsupported-coding'],
          [`${'X: y\r\n'.repeat(1_100)}Transfer-Encoding: gzip, chunked\r\n`, 501, 'unsupported-coding'],
        ] as const) {
          await using client = new RawClient(fixture.port)
          client.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`)
          const answer = await client.answer()
          assert.deepEqual([answer.status, typeOf(answer)], [status, type], `${method} ${path} ${lines.slice(-60)}`)
        }
      }
    }
    assert.equal(fixture.replicator.puts.length, 0)
  })

  it('is none when chunked is written in another case', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(`${requestHead('PUT', '/store/k', { 'Transfer-Encoding': 'CHUNKED' })}1\r\nv\r\n0\r\n\r\n`)
    assert.equal((await client.answer()).status, 201)
  })
})

describe('every answer', () => {
  it('keeps browsers from guessing its type and pages of other origins from having it inside themselves', async () => {
    await using fixture = await startHttp()
    holdValue(fixture, 'k', 5)
    const paths = ['/store/k', '/store/absent', '/store', '/peers', '/status', '/healthz', '/metrics', '/openapi.json', '/nothing']
    for (const path of [...paths, '/swagger', '/swagger/start.js', '/swagger/swagger-ui.css', '/console', '/console/client/client.js']) {
      const { headers } = await ask(fixture, 'GET', path)
      assert.deepEqual([headers['x-content-type-options'], headers['cross-origin-resource-policy']], ['nosniff', 'same-origin'], path)
      const policy = headers['content-security-policy'] ?? ''
      if (path === '/store/k') assert.deepEqual([policy, headers['x-frame-options']], ['sandbox', 'DENY'])
      else assert.match(policy, /frame-ancestors 'none'/, path)
    }
    await using client = new RawClient(fixture.port)
    client.write('nonsense\r\n\r\n')
    const { headers } = await client.answer()
    assert.deepEqual([headers['x-content-type-options'], headers['cross-origin-resource-policy']], ['nosniff', 'same-origin'])
  })
})
