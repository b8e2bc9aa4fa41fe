/**
 * What happens to connections: bounds, hang-ups, slow and broken clients, pipelines, and the end.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import type { GetInit, GetOutcome, PutInit, PutOutcome } from '../../src/ports/replicator.ts'
import { ask, bytesOf, eventually, RawClient, requestHead, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const LOOPBACK = { address: '127.0.0.0', prefix: 8, family: 'ipv4' } as const
const ABSENT: GetOutcome = { kind: 'absent', consistency: 'linearizable' }

function typeOf(answer: RawAnswer): string {
  return (JSON.parse(answer.body.toString()) as { type: string }).type.slice('urn:replicator:'.length)
}

/** Holds every get, or put, until it is let go. */
function holdGets(fixture: Fixture): { readonly inits: GetInit[]; release(): void } {
  const inits: GetInit[] = []
  const { promise, resolve } = Promise.withResolvers<GetOutcome>()
  fixture.replicator.onGet = (init) => (inits.push(init), promise)
  return { inits, release: () => resolve(ABSENT) }
}

function holdPuts(fixture: Fixture): { readonly inits: PutInit[]; release(): void } {
  const inits: PutInit[] = []
  const { promise, resolve } = Promise.withResolvers<PutOutcome>()
  fixture.replicator.onPut = (init) => (inits.push(init), promise)
  return { inits, release: () => resolve({ kind: 'not-stored' }) }
}

function loadOf(fixture: Fixture): readonly [number, number] {
  const { load } = fixture.server.app.context
  return [load.requests, load.used('bodyBytes')]
}

describe('the bounds', () => {
  it('refuse the request that is one too many at once, and take it again afterwards', async () => {
    await using fixture = await startHttp({ load: { bounds: { requests: 3 }, clientPart: 1 } })
    const held = holdGets(fixture)
    const waiting = [1, 2, 3].map((n) => ask(fixture, 'GET', `/store/${n}`))
    await eventually(() => held.inits.length === 3, 'three gets')
    for (const [method, target] of [
      ['GET', '/store/k'],
      ['PUT', '/store/k'],
      ['GET', '/store'],
    ] as const) {
      const refused = await ask(fixture, method, target)
      assert.deepEqual([refused.status, typeOf(refused), refused.headers['retry-after']], [503, 'overloaded', '1'])
    }
    assert.equal(typeOf(await ask(fixture, 'PUT', '/store/k', { 'Content-Length': '9' })), 'overloaded', 'unread')
    assert.equal((await ask(fixture, 'GET', '/healthz')).status, 200, 'health is told however much there is to do')
    held.release()
    assert.deepEqual(
      (await Promise.all(waiting)).map((answer) => answer.status),
      [404, 404, 404],
    )
    await eventually(() => loadOf(fixture)[0] === 0, 'nothing in flight')
    assert.equal((await ask(fixture, 'GET', '/store/k')).status, 404)
  })

  it('of waiting gets, of bodies that arrive and of requests worked on are apart', async () => {
    await using fixture = await startHttp({ load: { bounds: { requests: 2, waits: 2, arriving: 2 }, clientPart: 1 } })
    const held = holdGets(fixture)
    const waiting = [1, 2].map((n) => ask(fixture, 'GET', `/store/${n}?wait=60000`))
    await eventually(() => held.inits.length === 2, 'two waiting gets')
    assert.equal(typeOf(await ask(fixture, 'GET', '/store/3?wait=1')), 'overloaded')
    const half = [1, 2].map(() => new RawClient(fixture.port))
    for (const client of half) client.write(`${requestHead('PUT', '/store/half', { 'Content-Length': '9' })}half`)
    await eventually(() => loadOf(fixture)[1] === 8, 'two bodies that arrive')
    assert.equal(typeOf(await ask(fixture, 'PUT', '/store/3', {}, 'whole')), 'overloaded')
    assert.equal((await ask(fixture, 'PUT', '/store/empty')).status, 201)
    fixture.replicator.onGet = undefined
    assert.equal((await ask(fixture, 'GET', '/store/empty')).status, 200)
    half[0]?.write('whole')
    assert.equal((await half[0]?.answer())?.status, 201)
    assert.equal((await ask(fixture, 'PUT', '/store/3', {}, 'whole')).status, 201)
    held.release()
    await Promise.all([...waiting, ...half.map((client) => client.close())])
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
  })

  it('refuse the body that is too much when it gets there, and count nothing that is only announced', async () => {
    await using fixture = await startHttp({ load: { bounds: { bodyBytes: 1000 }, clientPart: 1 } })
    const held = holdPuts(fixture)
    const first = ask(fixture, 'PUT', '/store/1', {}, 'v'.repeat(600))
    await eventually(() => held.inits.length === 1, 'the first put')
    const framings: readonly (readonly [Record<string, string>, (bytes: string) => string])[] = [
      [{ 'Content-Length': '1000000' }, (bytes) => bytes],
      [{ 'Transfer-Encoding': 'chunked' }, (bytes) => `${bytes.length.toString(16)}\r\n${bytes}\r\n`],
    ]
    for (const [head, framed] of framings) {
      await using client = new RawClient(fixture.port)
      client.write(requestHead('PUT', '/store/2', head) + framed('v'.repeat(400)))
      await eventually(() => loadOf(fixture)[1] === 1000, 'bytes as they arrive')
      client.write(framed('v'))
      assert.equal(typeOf(await client.answer()), 'overloaded')
      await client.close()
      await eventually(() => loadOf(fixture).join() === '1,600', 'the first put in flight')
    }
    held.release()
    assert.equal((await first).status, 503)
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
  })

  it('leave three quarters of all to others when one client takes what it can', async () => {
    await using fixture = await startHttp({ load: { bounds: { requests: 8, bodyBytes: 400 } }, proxies: [LOOPBACK] })
    const held = holdGets(fixture)
    const of = (client: string): Record<string, string> => ({ 'X-Forwarded-For': client })
    const waiting = [1, 2].map((n) => ask(fixture, 'GET', `/store/${n}`, of('192.0.2.1')))
    await eventually(() => held.inits.length === 2, 'its two gets')
    assert.equal(typeOf(await ask(fixture, 'GET', '/store/3', of('192.0.2.1'))), 'overloaded')
    assert.equal(typeOf(await ask(fixture, 'PUT', '/store/3', of('192.0.2.2'), 'v'.repeat(101))), 'overloaded')
    assert.equal((await ask(fixture, 'PUT', '/store/3', of('192.0.2.2'), 'v'.repeat(100))).status, 201)
    waiting.push(...[4, 5].map((n) => ask(fixture, 'GET', `/store/${n}`, of(`2001:db8::${n}`))))
    await eventually(() => held.inits.length === 4, 'two of one network')
    assert.equal(typeOf(await ask(fixture, 'GET', '/store/6', of('2001:db8::ffff'))), 'overloaded')
    assert.equal((await ask(fixture, 'PUT', '/store/6', of('2001:db8:0:1::1'))).status, 201)
    held.release()
    await Promise.all(waiting)
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
  })

  it('go on counting a put whose client is gone until it is finished', async () => {
    await using fixture = await startHttp()
    const held = holdPuts(fixture)
    const client = new RawClient(fixture.port)
    client.write(`${requestHead('PUT', '/store/k', { 'Content-Length': '5' })}hello`)
    await eventually(() => held.inits.length === 1, 'the put')
    await client.hangUp()
    await eventually(() => held.inits[0]?.signal?.aborted === true, 'the hang-up')
    assert.deepEqual(loadOf(fixture), [1, 5])
    held.release()
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
  })
})

describe('a client that hangs up', () => {
  it('cancels its read, also when it waits behind others on its connection', async () => {
    await using fixture = await startHttp()
    const held = holdGets(fixture)
    const client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/store/1') + requestHead('GET', '/store/2') + requestHead('GET', '/store/3'))
    await eventually(() => held.inits.length === 3, 'three gets')
    assert.equal(
      held.inits.some((init) => init.signal?.aborted),
      false,
    )
    await client.close()
    await eventually(() => held.inits.every((init) => init.signal?.aborted), 'three cancelled')
    held.release()
    await eventually(() => loadOf(fixture)[0] === 0, 'nothing in flight')
  })

  it('begins nothing more of what waited behind its put', async () => {
    await using fixture = await startHttp()
    const held = holdPuts(fixture)
    const client = new RawClient(fixture.port)
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '0' }) + requestHead('GET', '/store/k'))
    await eventually(() => held.inits.length === 1, 'the put')
    await client.hangUp()
    await eventually(() => held.inits[0]?.signal?.aborted === true, 'the hang-up')
    held.release()
    await eventually(() => loadOf(fixture)[0] === 0, 'nothing in flight')
    assert.equal(fixture.replicator.gets.length, 0)
  })

  it('in the middle of a body stores nothing', async () => {
    await using fixture = await startHttp()
    const framings: readonly Record<string, string>[] = [{ 'Content-Length': '10' }, { 'Transfer-Encoding': 'chunked' }]
    for (const head of framings) {
      const client = new RawClient(fixture.port)
      client.write(`${requestHead('PUT', '/store/k', head)}5\r\nhe`)
      await eventually(() => loadOf(fixture)[0] === 1, 'the put')
      await client.close()
      await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
    }
    assert.equal(fixture.replicator.puts.length, 0)
    assert.deepEqual(fixture.log, [])
  })

  it('by a reset cancels its read at once, and by the end of its direction a moment later', async () => {
    await using fixture = await startHttp()
    const held = holdGets(fixture)
    for (const [index, how] of (['hangUp', 'close'] as const).entries()) {
      const client = new RawClient(fixture.port)
      client.write(requestHead('GET', '/store/k?wait=60000'))
      await eventually(() => held.inits.length === index + 1, 'the get')
      await client[how]()
      await eventually(() => held.inits[index]?.signal?.aborted === true, 'the hang-up')
    }
    held.release()
    await eventually(() => loadOf(fixture)[0] === 0, 'nothing in flight')
  })

  it('in its own direction alone gets the answers to what it sent', async () => {
    await using fixture = await startHttp()
    const held = holdPuts(fixture)
    await using client = new RawClient(fixture.port)
    client.socket.allowHalfOpen = true
    client.socket.end(`${requestHead('PUT', '/store/k', { 'Content-Length': '5' })}hello`)
    await eventually(() => held.inits.length === 1, 'the put')
    held.release()
    const put = await client.answer()
    assert.deepEqual([put.status, typeOf(put)], [503, 'not-stored'])
    await client.end()
    await using reader = new RawClient(fixture.port)
    reader.socket.end(requestHead('GET', '/store/1') + requestHead('GET', '/store/2'))
    assert.deepEqual([(await reader.answer()).status, (await reader.answer()).status], [404, 404])
    await reader.end()
    assert.equal(held.inits[0]?.signal?.aborted, false)
  })

  it('is not told of when the answer was complete', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'GET', '/store/k')
    assert.equal(fixture.replicator.gets[0]?.signal?.aborted, false)
  })
})

describe('a body', () => {
  it('that is not complete in time is 408', async () => {
    await using fixture = await startHttp({ bodyTimeoutMs: 30 })
    await using client = new RawClient(fixture.port)
    client.write(`${requestHead('PUT', '/store/k', { 'Content-Length': '10' })}half`)
    const answer = await client.answer()
    assert.deepEqual([answer.status, typeOf(answer)], [408, 'body-timeout'])
    assert.equal(fixture.replicator.puts.length, 0)
  })

  it('that comes byte by byte is one value', async () => {
    await using fixture = await startHttp()
    for (const framing of ['told', 'chunked']) {
      await using client = new RawClient(fixture.port)
      client.write(
        requestHead('PUT', `/store/${framing}`, framing === 'told' ? { 'Content-Length': '5' } : { 'Transfer-Encoding': 'chunked' }),
      )
      for (const [index, character] of ['h', 'e', 'l', 'l', 'o'].entries()) {
        client.write(framing === 'told' ? character : `1\r\n${character}\r\n`)
        if (framing === 'chunked') await eventually(() => loadOf(fixture)[1] === index + 1, 'the byte')
      }
      if (framing === 'chunked') client.write('0\r\n\r\n')
      assert.equal((await client.answer()).status, 201)
      assert.equal(bytesOf(fixture, framing).toString(), 'hello')
      await client.close()
      await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
    }
  })

  it('is asked for with 100 when the client waits for that', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '5', Expect: '100-continue' }))
    assert.equal((await client.answer()).status, 100)
    client.write('hello')
    assert.equal((await client.answer()).status, 201)
    client.write(requestHead('GET', '/store/k'))
    assert.equal((await client.answer()).body.toString(), 'hello')
  })

  it('is not asked for when the put is refused without it, and the connection ends', async () => {
    await using fixture = await startHttp({ valueBytesMax: 10 })
    for (const [target, headers, status] of [
      ['/store/k', { 'Content-Length': '11' }, 413],
      ['/store/..', { 'Content-Length': '5' }, 400],
      ['/store/k', { 'Content-Length': '5', 'Content-Encoding': 'gzip' }, 415],
      ['/nothing', { 'Content-Length': '5' }, 404],
    ] as const) {
      await using client = new RawClient(fixture.port)
      client.write(requestHead('PUT', target, { ...headers, Expect: '100-continue' }))
      const answer = await client.answer()
      assert.deepEqual([answer.status, answer.headers['connection']], [status, 'close'])
      await client.end()
    }
    await using client = new RawClient(fixture.port)
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '5', Expect: 'miracles' }))
    assert.equal(typeOf(await client.answer()), 'expectation-failed')
  })

  it('that is refused while it is still arriving does not cost the client the answer', async () => {
    await using fixture = await startHttp({ valueBytesMax: 1000 })
    for (let round = 0; round < 5; round += 1) {
      const response = await fetch(`${fixture.url}/store/k`, { method: 'PUT', body: Buffer.alloc(8_000_000) })
      assert.equal(response.status, 413)
      assert.equal(response.headers.get('connection'), 'close')
      await response.text()
    }
  })

  it('that is refused does not cost the answer to a client that reads only once it has sent everything', async () => {
    await using fixture = await startHttp({ valueBytesMax: 1000 })
    await using client = new RawClient(fixture.port)
    client.socket.pause()
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '16000000' }))
    const sent = Promise.withResolvers<unknown>()
    client.socket.write(Buffer.alloc(16_000_000), (error) => sent.resolve(error))
    assert.ok(!(await sent.promise), 'all of it was taken')
    client.socket.resume()
    assert.equal(typeOf(await client.answer()), 'too-large')
  })

  it('that is refused and small leaves the connection in use', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(requestHead('PUT', '/store/..', { 'Content-Length': '5' }))
    assert.equal((await client.answer()).status, 400)
    client.write(`hello${requestHead('GET', '/healthz')}`)
    assert.equal((await client.answer()).status, 200)
  })
})

describe('a connection', () => {
  it('carries one request after the other, and many at once in order', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    for (let index = 0; index < 3; index += 1) {
      client.write(requestHead('GET', `/store/${index}`))
      const { status, headers } = await client.answer()
      assert.deepEqual([status, headers['connection'], headers['keep-alive']], [404, 'keep-alive', 'timeout=75'])
    }
    const put = `${requestHead('PUT', '/store/k', { 'Content-Length': '5' })}hello`
    client.write(
      `${requestHead('GET', '/store/k')}${put}${requestHead('GET', '/store/k')}${requestHead('GET', '/peers')}${put}${requestHead('GET', '/store/k')}`,
    )
    const statuses: number[] = []
    for (let index = 0; index < 6; index += 1) statuses.push((await client.answer()).status)
    assert.deepEqual(statuses, [404, 201, 200, 200, 409, 200])
  })

  it('begins nothing behind a put before that is finished', async () => {
    await using fixture = await startHttp()
    const held = holdPuts(fixture)
    await using client = new RawClient(fixture.port)
    client.write(
      requestHead('PUT', '/store/k', { 'Content-Length': '0' }) + requestHead('GET', '/store/k') + requestHead('GET', '/store/l'),
    )
    await eventually(() => loadOf(fixture)[0] === 1 && held.inits.length === 1, 'the put')
    assert.equal(fixture.replicator.gets.length, 0)
    held.release()
    assert.deepEqual([(await client.answer()).status, (await client.answer()).status, (await client.answer()).status], [503, 404, 404])
  })

  it('has 256 requests open at most, and is read on when some of them are answered', async () => {
    await using fixture = await startHttp()
    const held = holdGets(fixture)
    await using client = new RawClient(fixture.port)
    for (let index = 0; index < 600; index += 1) client.write(requestHead('GET', `/store/${index}`))
    await eventually(() => held.inits.length === 256, 'as many as may be')
    assert.equal((await ask(fixture, 'GET', '/healthz')).status, 200, 'what was sent is handled, and no more than that is begun')
    assert.equal(held.inits.length, 256)
    held.release()
    for (let index = 0; index < 600; index += 1) assert.equal((await client.answer()).status, 404)
    assert.deepEqual(
      held.inits.map(({ key }) => key),
      Array.from({ length: 600 }, (_, index) => String(index)),
    )
  })

  it('that speaks no HTTP is told so by a problem', async () => {
    await using fixture = await startHttp()
    for (const [bytes, status, type] of [
      ['hello\r\n\r\n', 400, 'bad-request'],
      ['GET /store/\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad-request'],
      [`GET /store/k HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'headers-too-large'],
      [`GET /store/${'k'.repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431, 'headers-too-large'],
      ['GET /store/k HTTP/1.1\r\n\r\n', 400, 'bad-request'],
      ['PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400, 'bad-request'],
      ['PUT /store/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n', 400, 'bad-request'],
      ['PUT /store/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400, 'bad-request'],
    ] as const) {
      await using client = new RawClient(fixture.port)
      client.write(bytes)
      const answer = await client.answer()
      assert.deepEqual([answer.status, typeOf(answer)], [status, type], bytes.slice(0, 60))
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.ok(answer.headers['date'])
    }
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
    assert.equal(fixture.replicator.puts.length, 0)
  })

  it('that turns to nonsense while a put is pending is cut: a refusal would pass for the answer of the put', async () => {
    await using fixture = await startHttp()
    const held = holdPuts(fixture)
    await using client = new RawClient(fixture.port)
    client.write(`${requestHead('PUT', '/store/k', { 'Content-Length': '5' })}hello`)
    await eventually(() => held.inits.length === 1, 'the put')
    client.write('nonsense\r\n\r\n')
    assert.equal((await client.end()).length, 0)
    held.release()
  })
})

describe('the end', () => {
  it('finishes the requests that were begun, says that it closes, and begins no more', async () => {
    await using fixture = await startHttp()
    const held = holdGets(fixture)
    await using idle = new RawClient(fixture.port)
    idle.write(requestHead('GET', '/healthz'))
    assert.equal((await idle.answer()).status, 200)
    await using silent = new RawClient(fixture.port)
    await using busy = new RawClient(fixture.port)
    busy.write(requestHead('GET', '/store/k'))
    await eventually(() => held.inits.length === 1, 'the get')
    let isClosed = false
    const closed = fixture.server.close(10_000).then(() => (isClosed = true))
    const ready = await fetch(`${fixture.url}/readyz`)
    assert.deepEqual([ready.status, ready.headers.get('connection')], [503, 'close'])
    const late = await fetch(`${fixture.url}/store/late`)
    assert.deepEqual([late.status, ((await late.json()) as { type: string }).type], [503, 'urn:replicator:not-ready'])
    assert.equal(isClosed, false)
    held.release()
    await Promise.all([idle.end(), silent.end()])
    await assert.rejects(() => fetch(fixture.url))
    const answer = await busy.answer()
    assert.deepEqual([answer.status, answer.headers['connection']], [404, 'close'])
    await Promise.all([busy.end(), closed])
    await fixture.server.close(0)
  })

  it('cuts off what is not finished in its time', async () => {
    await using fixture = await startHttp()
    const held = holdGets(fixture)
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/store/k'))
    await eventually(() => held.inits.length === 1, 'the get')
    await fixture.server.close(20)
    assert.equal((await client.end()).length, 0)
    await eventually(() => held.inits[0]?.signal?.aborted === true, 'the get cancelled')
  })

  it('answers not-ready to who had begun to ask', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(`${requestHead('GET', '/readyz')}GET /readyz HTTP/1.1\r\nHost: `)
    assert.equal((await client.answer()).status, 200)
    const closed = fixture.server.close(10_000)
    client.write('localhost\r\n\r\n')
    const answer = await client.answer()
    assert.deepEqual([answer.status, typeOf(answer), answer.headers['connection']], [503, 'not-ready', 'close'])
    await closed
  })
})

describe('an address', () => {
  it('that is taken is an error with its code, and one of IPv6 is written in brackets', async () => {
    await using fixture = await startHttp()
    await using other = await startHttp()
    await assert.rejects(() => other.server.listen({ host: '127.0.0.1', port: fixture.port }), { code: 'EADDRINUSE' })
    const { url } = await other.server.listen({ host: '::1', port: 0 })
    assert.match(url, /^http:\/\/\[::1\]:\d+$/)
    const reached = Promise.withResolvers<void>()
    const socket = connect(Number(new URL(url).port), '::1', () => reached.resolve())
    await reached.promise
    socket.destroy()
  })
})

describe('a mistake of ours', () => {
  it('is a 500 that tells nothing, and a line in the log that tells all', async () => {
    await using fixture = await startHttp()
    fixture.replicator.onPut = () => Promise.reject(new Error('inside of put'))
    fixture.replicator.onGet = () => {
      throw new Error('inside of get')
    }
    fixture.replicator.status = () => {
      throw new Error('inside of status')
    }
    fixture.replicator.records.set('k', { writeId: 'w', value: Buffer.from('v'), contentType: 'text/plain', writtenAtMs: WRITTEN_AT_MS })
    for (const [method, target] of [
      ['PUT', '/store/k'],
      ['GET', '/store/k'],
      ['GET', '/status'],
    ] as const) {
      const answer = await ask(fixture, method, target)
      assert.deepEqual([answer.status, typeOf(answer)], [500, 'internal'])
      assert.doesNotMatch(answer.body.toString(), /inside|Error|\.ts/)
      assert.match(JSON.stringify(fixture.log.at(-1)), /inside of/)
    }
    fixture.replicator.onGet = async () => ({
      kind: 'found',
      consistency: 'local',
      record: { writeId: 'w', value: Buffer.from('v'), contentType: 'a\r\nb: c', writtenAtMs: WRITTEN_AT_MS },
    })
    assert.equal((await ask(fixture, 'GET', '/store/k')).status, 500)
    await eventually(() => loadOf(fixture).join() === '0,0', 'nothing in flight')
  })
})
