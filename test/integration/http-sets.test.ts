/** `/sets` over HTTP: what is sent, what is answered, and that a refusal changes nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, eventually, RawClient, requestHead, startHttp } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'
import { lwwRoutes } from '../../src/http/routes/sets.ts'

const TRANSIT = { 'Content-Type': 'application/transit+json' }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const AS_JSON = { Accept: 'application/json' }
const HOUR_MS = 3_600_000

function told(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

function problemOf(answer: RawAnswer): string {
  assert.equal(answer.headers['content-type'], 'application/problem+json', answer.body.toString())
  return `${answer.status} ${String(told(answer)['type']).replace('urn:replicator:', '')}`
}

/** The body of an answer that is sent in chunks. */
async function read(
  fixture: Fixture,
  target: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(fixture.url + target, { headers: { Accept: '*/*', ...headers } })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

async function members(fixture: Fixture, set = 's'): Promise<string> {
  return (await read(fixture, `/sets/${set}/`)).text
}

describe('the members of a set', () => {
  it('are inserted and deleted in either content type, and read by Accept', async () => {
    await using fixture = await startHttp()
    const inserted = await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[11, "foo"]')
    assert.deepEqual([inserted.status, inserted.headers['content-type'], inserted.body.toString()], [200, 'text/plain', 'ok'])
    const transit = await read(fixture, '/sets/s/')
    assert.deepEqual([transit.headers.get('content-type'), transit.text], ['application/transit+json', '["~#set",[11,"foo"]]'])
    assert.match(transit.headers.get('replicator-cursor') ?? '', /^\S+$/)
    assert.equal(transit.headers.get('cache-control'), 'no-store')
    await ask(fixture, 'POST', '/sets/s/delete', { 'Content-Type': 'application/json; charset=utf-8' }, '["foo", "~:kw"]')
    const json = await read(fixture, '/sets/s/', AS_JSON)
    assert.deepEqual([json.headers.get('content-type'), json.text], ['application/json', '[11]'])
    await ask(fixture, 'POST', '/sets/s/insert', JSON_TYPE, '["foo"]')
    assert.equal(await members(fixture), '["~#set",[11,"foo"]]')
  })

  it('come as transit unless JSON is wanted more', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[1]')
    for (const accept of [
      '*/*',
      'text/html',
      'application/transit+json, application/json',
      'application/json;q=0.5, application/transit+json',
    ])
      assert.equal((await read(fixture, '/sets/s/', { Accept: accept })).text, '["~#set",[1]]', accept)
    for (const accept of ['application/json', 'application/json, */*;q=0.1', 'application/*;q=0.1, application/json'])
      assert.equal((await read(fixture, '/sets/s/', { Accept: accept })).text, '[1]', accept)
  })

  it('come whole however many there are, and HEAD brings none', async () => {
    await using fixture = await startHttp()
    const all = Array.from({ length: 9_999 }, (_, index) => `element ${index} ${'x'.repeat(40)}`)
    await ask(fixture, 'POST', '/sets/s/insert', JSON_TYPE, JSON.stringify(all))
    assert.deepEqual(JSON.parse((await read(fixture, '/sets/s/', AS_JSON)).text), all)
    const head = await ask(fixture, 'HEAD', '/sets/s/')
    assert.deepEqual([head.status, head.body.length], [200, 0])
  })

  it('are none that a request of none names', async () => {
    await using fixture = await startHttp()
    for (const body of ['[]', '["~#set",[]]'])
      assert.equal((await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, body)).body.toString(), 'ok')
    assert.deepEqual(fixture.sets.asked, [])
  })
})

describe('a set', () => {
  it('that is not there is unknown, and is there from its first change on', async () => {
    await using fixture = await startHttp()
    for (const target of ['/sets/s/', '/sets/s/updates?since=0', '/sets/s/watch'])
      assert.equal(problemOf(await ask(fixture, 'GET', target)), '404 unknown-set')
    assert.deepEqual(told(await ask(fixture, 'GET', '/sets')), { sets: [] })
    await ask(fixture, 'POST', '/sets/s/delete', TRANSIT, '[1]')
    assert.equal(await members(fixture), '["~#set",[]]')
    assert.deepEqual(told(await ask(fixture, 'GET', '/sets')), { sets: [{ name: 's', members: 0, elements: 1, peers: 'equal', cut: 0 }] })
  })

  it('has a name of letters, digits, dots, dashes and underscores', async () => {
    await using fixture = await startHttp()
    for (const bad of ['a%20b', 'a%2fb', '%00', '%C3%A9', 'a'.repeat(65), '%2e', '%2e%2e', 'a+b'])
      assert.equal(problemOf(await ask(fixture, 'POST', `/sets/${bad}/insert`, TRANSIT, '[1]')), '400 bad-name', bad)
    for (const bad of ['a%zz', '%ff', '%'])
      assert.equal(problemOf(await ask(fixture, 'POST', `/sets/${bad}/insert`, TRANSIT, '[1]')), '400 bad-request', bad)
    for (const good of ['a', 'A-b_c.9', 'a'.repeat(64), '%61'])
      assert.equal((await ask(fixture, 'POST', `/sets/${good}/insert`, TRANSIT, '[1]')).status, 200, good)
    assert.equal(problemOf(await ask(fixture, 'POST', '/sets//insert', TRANSIT, '[1]')), '404 not-found')
  })
})

describe('what is no request of sets', () => {
  it('is refused with one clear line, and changes nothing', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '["kept"]')
    const cases: readonly (readonly [string, string, Record<string, string>, string])[] = [
      ['400 bad-body', 'insert', TRANSIT, '[1'],
      ['400 bad-body', 'insert', TRANSIT, '["^ ","a",1]'],
      ['400 bad-body', 'insert', JSON_TYPE, '{"a":1}'],
      ['400 bad-body', 'delete', JSON_TYPE, '["kept", {"a":1}]'],
      ['400 bad-body', 'delete', TRANSIT, '["kept", "~bYQ=="]'],
      ['400 bad-body', 'delete', TRANSIT, String.raw`["kept", "\ud800"]`],
      ['400 bad-body', 'update', TRANSIT, '["kept"]'],
      ['413 too-large', 'delete', JSON_TYPE, JSON.stringify(['kept', 'x'.repeat(5_120)])],
      ['413 too-large', 'delete', JSON_TYPE, JSON.stringify(['kept', ...Array.from({ length: 10_000 }, (_, index) => index)])],
      ['415 unsupported-media-type', 'delete', { 'Content-Type': 'text/plain' }, '["kept"]'],
      ['415 unsupported-media-type', 'delete', {}, '["kept"]'],
      ['415 unsupported-encoding', 'delete', { ...TRANSIT, 'Content-Encoding': 'gzip' }, '["kept"]'],
      ['400 bad-parameter', 'delete?wait=all', TRANSIT, '["kept"]'],
      ['400 bad-parameter', 'delete?timeout=1', TRANSIT, '["kept"]'],
      ['400 bad-parameter', 'delete?waits=cluster', TRANSIT, '["kept"]'],
      ['422 bad-stamp', 'update', JSON_TYPE, '{"del-set":[["kept",-1]]}'],
      ['422 bad-stamp', 'update', JSON_TYPE, '{"del-set":[["kept",9007199254740992]]}'],
      ['422 bad-stamp', 'update', JSON_TYPE, `{"del-set":[["kept",${Date.now()}],["other",${Date.now() + HOUR_MS}]]}`],
      ['400 bad-header', 'update', { ...TRANSIT, 'Replicator-Clock': 'noon' }, '{"~:del-set":{"kept":1}}'],
      ['400 bad-header', 'update', { ...TRANSIT, 'Replicator-Clock': '1', 'Replicator-Shift': '1' }, '{"~:del-set":{"kept":1}}'],
    ]
    for (const [expected, path, headers, body] of cases) {
      const answer = await ask(fixture, 'POST', `/sets/s/${path}`, headers, body)
      assert.equal(problemOf(answer), expected, `${path} ${body.slice(0, 60)}`)
      assert.match(String(told(answer)['detail']), /^[^\n]{10,400}$/)
    }
    assert.equal(await members(fixture), '["~#set",["kept"]]')
    assert.equal((await ask(fixture, 'GET', '/sets/s/insert')).headers['allow'], 'POST')
  })

  it('says of a stamp which it is, and what would be taken', async () => {
    await using fixture = await startHttp()
    fixture.sets.bar = 99
    const answer = await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"add-set":[["a",100],["b",99]]}')
    assert.equal(problemOf(answer), '422 bad-stamp')
    const { stamp, least, most, detail } = told(answer)
    assert.deepEqual([stamp, least], [99, 100])
    assert.ok(Math.abs(Number(most) - Date.now() - 60_000) < 10_000)
    assert.match(String(detail), /The stamp 99 of "b" is refused/)
  })

  it('cannot be too large a body, which is not read to its end', async () => {
    await using fixture = await startHttp()
    assert.equal(problemOf(await ask(fixture, 'POST', '/sets/s/insert', { ...TRANSIT, 'Content-Length': '16777217' })), '413 too-large')
  })
})

describe('updates', () => {
  it('are a replica in transit and in JSON, strictly above a stamp or behind a cursor', async () => {
    await using fixture = await startHttp()
    const body = '{"add-set":[["a",5],[11,7],[1.5,8],[null,9]],"del-set":[["a",6]]}'
    assert.equal((await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, body)).body.toString(), 'ok')
    const all = await read(fixture, '/sets/s/updates?since=0')
    assert.equal(all.text, '["^ ","~:add-set",["^ ","a",5,"~i11",7,"~d1.5",8,"~_",9],"~:del-set",["^ ","a",6]]')
    assert.equal(all.headers.get('replicator-cursor'), null)
    assert.equal((await read(fixture, '/sets/s/updates?since=7', AS_JSON)).text, '{"add-set":[[1.5,8],[null,9]],"del-set":[]}')
    const first = await read(fixture, '/sets/s/updates?after=')
    assert.equal(first.text, all.text)
    const cursor = first.headers.get('replicator-cursor') ?? ''
    await ask(fixture, 'POST', '/sets/s/update', TRANSIT, '["^ ","~:add-set",["^ ","late",1]]')
    assert.equal((await read(fixture, `/sets/s/updates?after=${cursor}`)).text, '["^ ","~:add-set",["^ ","late",1],"~:del-set",["^ "]]')
  })

  it('of arrays are a map of pairs', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/update', TRANSIT, '["^ ","~:add-set",["~#cmap",[[1,[]],3,"a",4]]]')
    assert.equal((await read(fixture, '/sets/s/updates?since=0')).text, '["^ ","~:add-set",["~#cmap",[[1,[]],3,"a",4]],"~:del-set",["^ "]]')
  })

  it('need a stamp or a cursor, and one of them', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[1]')
    for (const query of [
      '',
      '?since=',
      '?since=-1',
      '?since=1.5',
      '?since=x',
      '?since=9007199254740992',
      '?since=1&since=1',
      '?since=0&after=',
      '?sinc=0',
      `?after=${'x'.repeat(129)}`,
    ])
      assert.equal(problemOf(await ask(fixture, 'GET', `/sets/s/updates${query}`)), '400 bad-parameter', query)
    assert.equal(problemOf(await ask(fixture, 'GET', '/sets/s/updates?after=elsewhere.1')), '410 cursor-gone')
  })

  it('take the clock of a client into account once, and its retry too', async () => {
    await using fixture = await startHttp()
    const clock = Date.now() - HOUR_MS
    const body = `{"add-set":[["a",${clock - 5}]]}`
    const first = await ask(fixture, 'POST', '/sets/s/update', { ...JSON_TYPE, 'Replicator-Clock': String(clock) }, body)
    const shift = first.headers['replicator-shift'] ?? ''
    assert.ok(Math.abs(Number(shift) - HOUR_MS) < 10_000, shift)
    const stamps = (await read(fixture, '/sets/s/updates?since=0', AS_JSON)).text
    const again = await ask(fixture, 'POST', '/sets/s/update', { ...JSON_TYPE, 'Replicator-Shift': shift }, body)
    assert.deepEqual([again.body.toString(), again.headers['replicator-shift']], ['ok', shift])
    assert.equal((await read(fixture, '/sets/s/updates?since=0', AS_JSON)).text, stamps)
    assert.equal((await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, body)).headers['replicator-shift'], '0')
    const asked = fixture.sets.asked.length
    const empty = await ask(fixture, 'POST', '/sets/s/update', { ...JSON_TYPE, 'Replicator-Clock': String(Date.now() - HOUR_MS) }, '{}')
    assert.ok(Math.abs(Number(empty.headers['replicator-shift']) - HOUR_MS) < 10_000)
    assert.equal(fixture.sets.asked.length, asked)
  })
})

describe('whether an element is a member', () => {
  it('is told with both stamps, whatever kind it is', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"add-set":[["a b",5],[1.0,6],["gone",7]],"del-set":[["gone",8],["a b",2]]}')
    const contains = async (element: string): Promise<RawAnswer> =>
      ask(fixture, 'GET', `/sets/s/contains?element=${encodeURIComponent(element)}`)
    const there = await contains('"a b"')
    assert.deepEqual([there.status, there.body.toString()], [200, '{"element":"a b","added":5,"removed":2}'])
    assert.equal((await contains('1.0')).body.toString(), '{"element":1.0,"added":6,"removed":null}')
    const gone = await contains('"gone"')
    assert.deepEqual([problemOf(gone), told(gone)['added'], told(gone)['removed']], ['404 unknown-element', 7, 8])
    const never = await contains('1')
    assert.deepEqual([problemOf(never), told(never)['added'], told(never)['removed']], ['404 unknown-element', null, null])
    for (const bad of ['', '"a', '["~#set",[]]', '1 2', '~:kw']) assert.equal(problemOf(await contains(bad)), '400 bad-parameter', bad)
    assert.equal(problemOf(await ask(fixture, 'GET', '/sets/s/contains')), '400 bad-parameter')
    assert.equal(problemOf(await ask(fixture, 'GET', '/sets/none/contains?element=1')), '404 unknown-element')
  })
})

describe('what a change can end as', () => {
  it('has a status and a type for each', async () => {
    await using fixture = await startHttp()
    const change = async (): Promise<RawAnswer> => ask(fixture, 'POST', '/sets/s/insert?wait=cluster&timeout=200', TRANSIT, '[1]')
    fixture.sets.onAsk = () => ({ kind: 'in-doubt', shiftMs: 0, detail: 'one of two answered' })
    assert.equal(problemOf(await change()), '504 in-doubt')
    assert.deepEqual(
      fixture.sets.asked.map((request) => 'wait' in request && request.wait),
      ['cluster'],
    )
    fixture.sets.onAsk = () => ({ kind: 'clock-off', offByMs: 70_000 })
    const off = await change()
    assert.deepEqual([problemOf(off), off.headers['retry-after'], told(off)['offByMs']], ['503 clock-off', '60', 70_000])
    fixture.sets.onAsk = () => ({ kind: 'not-ready', detail: 'its first pull is not done' })
    assert.equal(problemOf(await change()), '503 not-ready')
    fixture.sets.onAsk = () => ({ kind: 'too-many-sets' })
    assert.equal(problemOf(await change()), '409 too-many-sets')
  })
})

describe('a watch', () => {
  /** Reads events until there are so many. */
  async function events(client: RawClient, count: number): Promise<{ id: string; event: string; data: unknown }[]> {
    let found: { id: string; event: string; data: unknown }[] = []
    await client.until(() => {
      const text = client.received.toString()
      found = [...text.matchAll(/(?:id: (.*)\n)?event: (.*)\ndata: (.*)\n\n/g)].map(([, id = '', event = '', data = '']) => ({
        id,
        event,
        data: JSON.parse(data) as unknown,
      }))
      return found.length >= count
    })
    return found
  }

  it('tells each change once, and goes on behind the last one that was seen', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"add-set":[["before",1]]}')
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/sets/s/watch'))
    await client.until(() => client.received.includes('text/event-stream'))
    await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"add-set":[["a",2]]}')
    await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"del-set":[["a",3]]}')
    const [added, removed] = await events(client, 2)
    assert.deepEqual([added?.event, added?.data], ['insert', { element: 'a', added: 2, removed: null }])
    assert.deepEqual([removed?.event, removed?.data], ['delete', { element: 'a', added: 2, removed: 3 }])
    await client.hangUp()
    await eventually(() => fixture.sets.watcherCount === 0, 'the watcher is gone')

    await ask(fixture, 'POST', '/sets/s/update', JSON_TYPE, '{"add-set":[["b",4]]}')
    await using again = new RawClient(fixture.port)
    again.write(requestHead('GET', '/sets/s/watch?after=x', { 'Last-Event-ID': removed?.id ?? '' }))
    assert.deepEqual((await events(again, 1))[0]?.data, { element: 'b', added: 4, removed: null })
  })

  it('of a cursor that leads nowhere is 410, and one that is lost meanwhile ends with an event', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[1]')
    assert.equal(problemOf(await ask(fixture, 'GET', '/sets/s/watch?after=elsewhere.1')), '410 cursor-gone')
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/sets/s/watch?after='))
    await client.until(() => client.received.includes('text/event-stream'))
    await eventually(() => fixture.sets.watcherCount === 1, 'it is watched')
    fixture.sets.forget()
    assert.equal((await events(client, 1))[0]?.event, 'cursor-gone')
    await client.until(() => client.received.includes('\r\n0\r\n\r\n'))
  })

  it('ends when the server begins to close', async () => {
    const fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[1]')
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/sets/s/watch'))
    await client.until(() => client.received.includes('text/event-stream'))
    const begunAtMs = performance.now()
    await fixture.server.close(10_000)
    assert.ok(performance.now() - begunAtMs < 5_000)
    assert.match((await client.end()).toString(), /\r\n0\r\n\r\n$/)
  })

  it('that nobody reads is cut', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'POST', '/sets/s/insert', TRANSIT, '[1]')
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/sets/s/watch'))
    await client.until(() => client.received.includes('text/event-stream'))
    client.socket.pause()
    const text = 'x'.repeat(4_000)
    for (let round = 0; round < 200 && fixture.sets.watcherCount > 0; round += 1) {
      const elements = Array.from({ length: 50 }, (_, index) => `${round} ${index} ${text}`)
      await ask(fixture, 'POST', '/sets/s/insert', JSON_TYPE, JSON.stringify(elements))
    }
    assert.equal(fixture.sets.watcherCount, 0)
  })
})

describe('one set at the root of a port', () => {
  it('serves the lines of the system that it takes in, to the letter', async () => {
    await using fixture = await startHttp()
    const { url } = await fixture.server.listen({ host: '127.0.0.1', port: 0 }, undefined, lwwRoutes(fixture.sets, 'main'))
    const root = async (path: string, body?: string): Promise<string> => {
      const init = body === undefined ? {} : { method: 'POST', headers: TRANSIT, body }
      return (await fetch(url + path, init)).text()
    }
    assert.equal(await root('/'), '["~#set",[]]')
    assert.equal(await root('/updates?since=0'), '["^ ","~:add-set",["^ "],"~:del-set",["^ "]]')
    assert.equal(await root('/insert', '[11, "foo"]'), 'ok')
    assert.equal(await root('/'), '["~#set",[11,"foo"]]')
    assert.equal(await root('/delete', '[11, "foo"]'), 'ok')
    assert.equal(await root('/'), '["~#set",[]]')
    assert.equal(await root('/update', String.raw`["^ ","~:add-set",["^ ","~i11",0],"~:del-set",["^ "]]`), 'ok')
    assert.equal((await fetch(`${url}/status`)).status, 404)
    assert.equal(await members(fixture, 'main'), '["~#set",[]]')
  })
})
