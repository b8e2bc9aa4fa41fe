/**
 * What a page in a browser can be made to send: requests under a name of its own, and requests from
 * another origin.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, RawClient, startHttp } from './http-fixture.ts'
import type { RawAnswer } from './http-fixture.ts'

const ALLOWED = 'https://app.example'
const PATHS = ['/store/k', '/store', '/status', '/healthz', '/swagger', '/config/changes', '/nowhere']

function typeOf(answer: RawAnswer): unknown {
  return answer.body.length === 0 ? undefined : (JSON.parse(answer.body.toString()) as Record<string, unknown>)['type']
}

describe('a request under a name that was made to lead here', () => {
  it('is refused on every path and method, and changes nothing', async () => {
    await using fixture = await startHttp()
    for (const host of ['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost:80:80', '']) {
      for (const path of PATHS) {
        for (const method of ['GET', 'PUT', 'POST', 'OPTIONS']) {
          const answer = await ask(fixture, method, path, { Host: host }, method === 'GET' ? undefined : 'v')
          assert.deepEqual([answer.status, typeOf(answer)], [421, 'urn:replicator:misdirected'], `${method} ${path} at ${host}`)
        }
      }
    }
    assert.equal(fixture.replicator.records.size, 0)
  })

  it('is told by the host of the target, where that has one, and not by the header beside it', async () => {
    await using fixture = await startHttp()
    assert.equal((await ask(fixture, 'GET', 'http://evil.example/status')).status, 421)
    assert.equal((await ask(fixture, 'GET', 'http://localhost/status', { Host: 'evil.example' })).status, 200)
  })

  it('is served under localhost, an IP address, or a name that was given', async () => {
    await using fixture = await startHttp({ site: { hostNames: ['replicator.example'], corsOrigins: [] } })
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      '127.0.0.1:8000',
      '10.1.2.3',
      '[::1]:8000',
      '[2001:db8::1]',
      'replicator.example',
      'Replicator.Example:80',
    ])
      assert.equal((await ask(fixture, 'GET', '/status', { Host: host })).status, 200, host)
    assert.equal((await ask(fixture, 'GET', '/status', { Host: 'a.replicator.example' })).status, 421)
  })

  it('is not one of HTTP/1.0 that names no host, which no browser sends', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write('GET /healthz HTTP/1.0\r\n\r\n')
    assert.equal((await client.answer()).status, 200)
  })
})

describe('a request that the page of another origin has sent', () => {
  const foreign = [
    { Origin: 'http://evil.example' },
    { Origin: 'http://localhost:81' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'same-site' },
  ]

  it('is refused on every path, but for GET and HEAD, and changes nothing', async () => {
    await using fixture = await startHttp()
    for (const headers of foreign) {
      for (const path of PATHS) {
        for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS']) {
          const answer = await ask(fixture, method, path, { 'Content-Type': 'application/json', ...headers }, '{ "withdraw": true }')
          assert.deepEqual([answer.status, typeOf(answer)], [403, 'urn:replicator:forbidden'], `${method} ${path}`)
          assert.equal(answer.headers['access-control-allow-origin'], undefined)
        }
      }
      const read = await ask(fixture, 'GET', '/status', headers)
      assert.deepEqual([read.status, read.headers['access-control-allow-origin']], [200, undefined])
    }
    assert.deepEqual([fixture.replicator.records.size, fixture.replicator.changes.length], [0, 0])
  })

  it('is served when the page is this peer’s own, or none has sent it', async () => {
    await using fixture = await startHttp()
    for (const [index, headers] of [
      { Origin: 'http://localhost', 'Sec-Fetch-Site': 'same-origin' },
      { Origin: 'http://127.0.0.1:8000', Host: '127.0.0.1:8000' },
      { 'Sec-Fetch-Site': 'none' },
      {},
    ].entries())
      assert.equal((await ask(fixture, 'PUT', `/store/${index}`, { ...headers }, 'v')).status, 201)
  })
})

describe('an origin that was allowed', () => {
  it('may ask before it sends, and is told the methods of the path', async () => {
    await using fixture = await startHttp({ site: { hostNames: [], corsOrigins: [ALLOWED] } })
    const question = { Origin: ALLOWED, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization' }
    const answer = await ask(fixture, 'OPTIONS', '/store/k', question)
    assert.deepEqual(
      [answer.status, answer.headers['access-control-allow-origin'], answer.headers['access-control-allow-methods']],
      [204, ALLOWED, 'GET, HEAD, PUT'],
    )
    for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match'])
      assert.match(answer.headers['access-control-allow-headers'] ?? '', new RegExp(`\\b${name}\\b`))
    assert.equal((await ask(fixture, 'OPTIONS', '/store/k', { Origin: ALLOWED })).status, 405)
    assert.equal((await ask(fixture, 'OPTIONS', '/nowhere', question)).status, 404)
    assert.equal((await ask(fixture, 'OPTIONS', '/store/k', { ...question, Origin: 'https://other.example' })).status, 403)
  })

  it('reads and writes as any client, and every other origin is refused as before', async () => {
    await using fixture = await startHttp({ site: { hostNames: [], corsOrigins: [ALLOWED] } })
    const put = await ask(fixture, 'PUT', '/store/k', { Origin: ALLOWED, 'Sec-Fetch-Site': 'cross-site' }, 'v')
    const get = await ask(fixture, 'GET', '/store/k', { Origin: ALLOWED })
    const missing = await ask(fixture, 'GET', '/store/absent', { Origin: ALLOWED })
    assert.deepEqual([put.status, get.status, missing.status], [201, 200, 404])
    for (const answer of [put, get, missing]) {
      assert.deepEqual([answer.headers['access-control-allow-origin'], answer.headers['vary']], [ALLOWED, 'Origin'])
      assert.match(answer.headers['access-control-expose-headers'] ?? '', /\bETag\b/)
    }
    const other = await ask(fixture, 'GET', '/store/k', { Origin: 'https://other.example' })
    assert.deepEqual([other.status, other.headers['access-control-allow-origin'], other.headers['vary']], [200, undefined, 'Origin'])
    assert.equal((await ask(fixture, 'PUT', '/store/l', { Origin: 'https://app.example.evil.example' }, 'v')).status, 403)
  })
})
