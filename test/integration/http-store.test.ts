/** The rows of the contract that are about keys, one by one, over a real socket. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { GetOutcome, PutOutcome } from '../../src/ports/replicator.ts'
import { ask, bytesOf, RawClient, requestHead, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { RawAnswer } from './http-fixture.ts'

function tagOf(contentType: string | Uint8Array, value: string | Uint8Array): string {
  return `"${createHash('sha256').update(contentType).update('\0').update(value).digest('hex').slice(0, 32)}"`
}

/** The one element of an array that must have one. */
function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1)
  return items[0] as T
}

/** Checks what every problem has, and gives it back. */
function problemOf(answer: RawAnswer, status: number, name: string): Record<string, unknown> {
  const problem = JSON.parse(answer.body.toString()) as Record<string, unknown>
  assert.deepEqual([answer.status, problem['type']], [status, `urn:replicator:${name}`])
  assert.equal(problem['status'], status)
  assert.ok(typeof problem['title'] === 'string' && problem['title'] !== '')
  assert.ok(typeof problem['detail'] === 'string' && problem['detail'] !== '')
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.headers['cache-control'], 'no-store')
  return problem
}

describe('PUT of a key', () => {
  it('stores the bytes and says so', async () => {
    await using fixture = await startHttp()
    const value = Buffer.from([0, 255, 10, 13])
    const answer = await ask(fixture, 'PUT', '/store/a%20b/c', { 'Content-Type': 'image/png', 'Idempotency-Key': '"one"' }, value)
    assert.equal(answer.status, 201)
    const etag = tagOf('image/png', value)
    assert.deepEqual(JSON.parse(answer.body.toString()), {
      key: 'a b/c',
      writeId: 'one',
      size: 4,
      etag,
      writtenAt: '2026-11-20T10:11:12.345Z',
    })
    assert.equal(answer.headers['location'], '/store/a%20b/c')
    assert.equal(answer.headers['etag'], etag)
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['cache-control'], 'no-store')
    const { key, value: taken, contentType, writeId, timeoutMs } = only(fixture.replicator.puts)
    assert.deepEqual(
      { key, taken: Buffer.from(taken), contentType, writeId, timeoutMs },
      { key: 'a b/c', taken: value, contentType: 'image/png', writeId: 'one', timeoutMs: 10_000 },
    )
  })

  it('is answered 200 with the same body when this Idempotency-Key had stored it, 422 when it had stored another value or type', async () => {
    await using fixture = await startHttp()
    const headers = { 'Idempotency-Key': 'one', 'Content-Type': 'text/plain' }
    const first = await ask(fixture, 'PUT', '/store/k', headers, 'v')
    const again = await ask(fixture, 'PUT', '/store/k', headers, 'v')
    assert.deepEqual([first.status, again.status], [201, 200])
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers['location'], '/store/k')
    problemOf(await ask(fixture, 'PUT', '/store/k', headers, 'w'), 422, 'idempotency-key-reused')
    problemOf(await ask(fixture, 'PUT', '/store/k', { ...headers, 'Content-Type': 'text/html' }, 'v'), 422, 'idempotency-key-reused')
  })

  it('is answered 409 with what is stored when the key is taken', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'PUT', '/store/k', {}, 'first')
    const problem = problemOf(await ask(fixture, 'PUT', '/store/k', { 'Idempotency-Key': 'two' }, 'second'), 409, 'key-exists')
    assert.deepEqual(
      [problem['etag'], problem['size'], problem['writtenAt']],
      [tagOf('application/octet-stream', 'first'), 5, '2026-11-20T10:11:12.345Z'],
    )
    assert.match(String(problem['title']), /choose another key/)
  })

  it('is answered by every other outcome with its own problem', async () => {
    await using fixture = await startHttp()
    const cases: readonly (readonly [PutOutcome, number, string])[] = [
      [{ kind: 'not-stored' }, 503, 'not-stored'],
      [{ kind: 'in-doubt', writeId: 'the-id' }, 504, 'in-doubt'],
      [{ kind: 'not-ready', detail: '1 of 3 peers' }, 503, 'not-ready'],
    ]
    for (const [outcome, status, name] of cases) {
      fixture.replicator.onPut = async () => outcome
      const answer = await ask(fixture, 'PUT', '/store/k', {}, 'v')
      const problem = problemOf(answer, status, name)
      assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
      assert.equal(problem['writeId'], name === 'in-doubt' ? 'the-id' : undefined)
    }
  })

  it('takes empty, chunked and largest values; no content type is application/octet-stream', async () => {
    await using fixture = await startHttp({ valueBytesMax: 200_000 })
    assert.equal((await ask(fixture, 'PUT', '/store/none')).status, 201)
    assert.equal((await ask(fixture, 'PUT', '/store/zero', { 'Content-Length': '0' })).status, 201)
    const chunked = await ask(fixture, 'PUT', '/store/chunked', { 'Transfer-Encoding': 'chunked', 'Content-Length': '' }, '').catch(
      () => undefined,
    )
    assert.notEqual(chunked?.status, 201, 'both framings at once are refused')
    const largest = Buffer.alloc(200_000, 'z')
    assert.equal((await ask(fixture, 'PUT', '/store/largest', {}, largest)).status, 201)
    const body = ReadableStream.from([Buffer.from('ab'), largest.subarray(0, 99_999), Buffer.from('c')])
    const response = await fetch(`${fixture.url}/store/stream`, { method: 'PUT', body, duplex: 'half' })
    assert.equal(response.status, 201)
    const { records } = fixture.replicator
    assert.deepEqual(
      [records.get('none')?.value.length, records.get('zero')?.value.length, records.get('stream')?.value.length],
      [0, 0, 100_002],
    )
    assert.ok(bytesOf(fixture, 'largest').equals(largest))
    assert.ok(bytesOf(fixture, 'stream').equals(Buffer.from(`ab${'z'.repeat(99_999)}c`)))
    assert.equal(records.get('none')?.contentType, 'application/octet-stream')
  })

  it('is refused 413 beyond the largest value, told or chunked', async () => {
    await using fixture = await startHttp({ valueBytesMax: 1000 })
    problemOf(await ask(fixture, 'PUT', '/store/k', {}, 'v'.repeat(1001)), 413, 'too-large')
    await using client = new RawClient(fixture.port)
    client.write(`${requestHead('PUT', '/store/k', { 'Transfer-Encoding': 'chunked' })}3e8\r\n${'v'.repeat(1000)}\r\n1\r\nv\r\n0\r\n\r\n`)
    problemOf(await client.answer(), 413, 'too-large')
    assert.equal(fixture.replicator.puts.length, 0)
  })

  it('is refused for headers and parameters that will not do, and nothing is stored', async () => {
    await using fixture = await startHttp()
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'Content-Encoding': 'gzip' }, 'v'), 415, 'unsupported-encoding')
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'Content-Range': 'bytes 0-0/1' }, 'v'), 400, 'bad-header')
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'Idempotency-Key': 'a b' }, 'v'), 400, 'bad-header')
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'Content-Type': 'x'.repeat(256) }, 'v'), 400, 'bad-header')
    const problem = problemOf(await ask(fixture, 'PUT', '/store/k?timeout=99', {}, 'v'), 400, 'bad-parameter')
    assert.equal(problem['parameter'], 'timeout')
    assert.equal(fixture.replicator.puts.length, 0)
    assert.equal((await ask(fixture, 'PUT', '/store/k?timeout=100', { 'Content-Encoding': 'identity' }, 'v')).status, 201)
    assert.equal(fixture.replicator.puts[0]?.timeoutMs, 100)
  })

  it('with If-Match is 412 while the key is absent, and as without it when the key is there', async () => {
    await using fixture = await startHttp()
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'If-Match': '*' }, 'v'), 412, 'precondition-failed')
    assert.equal(fixture.replicator.puts.length, 0)
    await ask(fixture, 'PUT', '/store/k', { 'Idempotency-Key': 'one', 'If-None-Match': '*' }, 'v')
    problemOf(await ask(fixture, 'PUT', '/store/k', { 'If-Match': '"x"' }, 'v'), 409, 'key-exists')
    assert.equal((await ask(fixture, 'PUT', '/store/k', { 'If-Match': '*', 'Idempotency-Key': 'one' }, 'v')).status, 200)
    fixture.replicator.onGet = async () => ({ kind: 'unavailable', detail: 'no quorum' })
    problemOf(await ask(fixture, 'PUT', '/store/l', { 'If-Match': '*' }, 'v'), 503, 'not-stored')
    const doubt = problemOf(await ask(fixture, 'PUT', '/store/l', { 'If-Match': '*', 'Idempotency-Key': 'two' }, 'v'), 504, 'in-doubt')
    assert.equal(doubt['writeId'], 'two')
  })

  it('is 503 not-ready before the peer was ready, unread; gets are served all the same', async () => {
    await using fixture = await startHttp()
    fixture.replicator.ready = { ready: false, detail: '1 of 3 peers of cluster-1' }
    const answer = await ask(fixture, 'PUT', '/store/k', {}, 'v')
    assert.equal(problemOf(answer, 503, 'not-ready')['detail'], '1 of 3 peers of cluster-1')
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal(fixture.replicator.puts.length, 0)
    fixture.replicator.records.set('k', { writeId: 'w', value: Buffer.from('v'), contentType: 'text/plain', writtenAtMs: WRITTEN_AT_MS })
    assert.equal((await ask(fixture, 'GET', '/store/k')).status, 200)
    fixture.replicator.ready = { ready: true }
    assert.equal((await ask(fixture, 'PUT', '/store/l', {}, 'v')).status, 201)
  })
})

describe('GET of a key', () => {
  it('gives the bytes with everything the contract names', async () => {
    await using fixture = await startHttp()
    for (const size of [0, 1, 8192, 8193, 1_000_000]) {
      const value = Buffer.from(Uint8Array.from({ length: size }, (_, index) => index * 7))
      await ask(fixture, 'PUT', `/store/${size}`, { 'Content-Type': 'text/html; x="\u00e9"' }, value)
      const answer = await ask(fixture, 'GET', `/store/${size}`)
      assert.equal(answer.status, 200)
      assert.ok(answer.body.equals(value))
      assert.equal(answer.headers['content-type'], 'text/html; x="\u00e9"')
      assert.equal(answer.headers['content-length'], String(size))
      assert.equal(answer.headers['etag'], tagOf(Buffer.from('text/html; x="\u00e9"', 'latin1'), value))
      assert.equal(answer.headers['cache-control'], 'max-age=31536000, immutable')
      assert.equal(answer.headers['replicator-consistency'], 'linearizable')
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
      assert.equal(answer.headers['content-security-policy'], 'sandbox')
      assert.equal(answer.headers['x-powered-by'], undefined)
    }
  })

  it('shows the same tag as the put did', async () => {
    await using fixture = await startHttp()
    const put = await ask(fixture, 'PUT', '/store/k', { 'Content-Type': 'text/plain' }, 'v')
    const got = await ask(fixture, 'GET', '/store/k')
    assert.equal(got.headers['etag'], tagOf('text/plain', 'v'))
    assert.equal(got.headers['etag'], put.headers['etag'])
  })

  it('never says it was modified after its own date', async () => {
    const nowMs = Date.parse('2026-11-20T12:00:00.900Z')
    await using fixture = await startHttp({ clock: { nowMs: () => performance.now(), wallMs: () => nowMs } })
    for (const [key, writtenAtMs, expected] of [
      ['before', WRITTEN_AT_MS, 'Fri, 20 Nov 2026 10:11:12 GMT'],
      ['now', nowMs, 'Fri, 20 Nov 2026 12:00:00 GMT'],
      ['ahead', nowMs + 3_600_000, 'Fri, 20 Nov 2026 12:00:00 GMT'],
    ] as const) {
      fixture.replicator.records.set(key, { writeId: 'w', value: Buffer.from('v'), contentType: 'text/plain', writtenAtMs })
      const { headers } = await ask(fixture, 'GET', `/store/${key}`)
      assert.deepEqual([headers['last-modified'], headers['date']], [expected, 'Fri, 20 Nov 2026 12:00:00 GMT'])
    }
  })

  it('is 304 without a body when the client has the value', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'PUT', '/store/k', {}, 'v')
    const etag = tagOf('application/octet-stream', 'v')
    for (const method of ['GET', 'HEAD']) {
      for (const list of [etag, '*', `W/${etag}`, `"other", ${etag}`]) {
        const answer = await ask(fixture, method, '/store/k', { 'If-None-Match': list })
        assert.equal(answer.status, 304, list)
        assert.equal(answer.headers['etag'], etag)
        assert.equal(answer.headers['cache-control'], 'max-age=31536000, immutable')
        assert.equal(answer.headers['content-type'], undefined)
      }
      assert.equal((await ask(fixture, method, '/store/k', { 'If-None-Match': '"other"' })).status, 200)
      assert.equal((await ask(fixture, method, '/store/absent', { 'If-None-Match': '*' })).status, 404)
    }
  })

  it('passes on what the query asks for', async () => {
    await using fixture = await startHttp()
    problemOf(await ask(fixture, 'GET', '/store/k?consistency=local&wait=60000&timeout=500'), 404, 'unknown-key')
    const { key, consistency, waitMs, timeoutMs } = only(fixture.replicator.gets)
    assert.deepEqual({ key, consistency, waitMs, timeoutMs }, { key: 'k', consistency: 'local', waitMs: 60_000, timeoutMs: 500 })
    for (const name of ['timeout', 'wait', 'consistency']) {
      assert.equal(problemOf(await ask(fixture, 'GET', `/store/k?${name}=no`), 400, 'bad-parameter')['parameter'], name)
    }
    for (const query of ['?other=x', '?consistancy=local', '?timeout=500&timeout=600', '?%ff=1', '?timeout=500&']) {
      problemOf(await ask(fixture, 'GET', `/store/k${query}`), 400, 'bad-parameter')
      problemOf(await ask(fixture, 'PUT', `/store/k${query}`), 400, 'bad-parameter')
    }
    assert.equal(fixture.replicator.gets.length, 1)
    assert.equal(fixture.replicator.puts.length, 0)
  })

  it('of an absent key is 404 and says its consistency; without a quorum 503', async () => {
    await using fixture = await startHttp()
    for (const consistency of ['linearizable', 'local'] as const) {
      const answer = await ask(fixture, 'GET', `/store/k?consistency=${consistency}`)
      assert.equal(problemOf(answer, 404, 'unknown-key')['consistency'], consistency)
      assert.equal(answer.headers['replicator-consistency'], consistency)
    }
    const unavailable: GetOutcome = { kind: 'unavailable', detail: '1 of 3 voters answered' }
    fixture.replicator.onGet = async () => unavailable
    const answer = await ask(fixture, 'GET', '/store/k')
    assert.equal(problemOf(answer, 503, 'unavailable')['detail'], '1 of 3 voters answered')
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  })

  it('and HEAD have the same head', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'PUT', '/store/k', {}, 'value')
    for (const target of ['/store/k', '/store/absent', '/store/..', '/store/k?wait=no']) {
      const get = await ask(fixture, 'GET', target)
      const head = await ask(fixture, 'HEAD', target)
      assert.deepEqual({ ...head.headers, date: '' }, { ...get.headers, date: '' })
      assert.equal(head.status, get.status)
    }
  })

  it('with a body is answered as without', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'PUT', '/store/k', {}, 'value')
    assert.equal((await ask(fixture, 'GET', '/store/k', {}, 'ignored')).body.toString(), 'value')
  })
})

describe('a key on the wire', () => {
  it('is taken raw from the path', async () => {
    await using fixture = await startHttp()
    for (const [target, key] of [
      ['/store/a/b', 'a/b'],
      ['/store/a%2Fb', 'a/b'],
      ['/store/a//b', 'a//b'],
      ['/store//', '/'],
      ['/store/a/', 'a/'],
      ['/store/a+b', 'a+b'],
      ['/store/%2B%3F', '+?'],
      ['/store/k?timeout=100', 'k'],
      ['/store/a?consistency=local', 'a'],
      ['http://localhost:99/store/absolute', 'absolute'],
      ['/store/peers', 'peers'],
      ['/store/__proto__', '__proto__'],
      [`/store/${'%F0%9F%9A%80'.repeat(256)}`, '🚀'.repeat(256)],
    ] as const) {
      await ask(fixture, 'GET', target)
      assert.equal(fixture.replicator.gets.at(-1)?.key, key)
    }
  })

  it('is refused 400 bad-key by every method that takes one', async () => {
    await using fixture = await startHttp()
    const long = 'k'.repeat(1025)
    for (const raw of ['', '?x', '.', '..', 'a/../b', '%2e%2E', 'a%2F.', '%00', '%FF', '%zz', '%', long, 'k'.repeat(20_000)]) {
      problemOf(await ask(fixture, 'GET', `/store/${raw}`), 400, 'bad-key')
      problemOf(await ask(fixture, 'PUT', `/store/${raw}`, {}, 'v'), 400, 'bad-key')
      assert.equal((await ask(fixture, 'HEAD', `/store/${raw}`)).status, 400)
    }
    assert.equal(fixture.replicator.puts.length + fixture.replicator.gets.length, 0)
  })

  it('knows no other method', async () => {
    await using fixture = await startHttp()
    for (const method of ['DELETE', 'POST', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const answer = await ask(fixture, method, '/store/k')
      problemOf(answer, 405, 'method-not-allowed')
      assert.equal(answer.headers['allow'], 'GET, HEAD, PUT')
    }
  })
})
