/** `/kv` over HTTP: what is asked, what is answered, and that a refusal changes nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchedBytes } from '../../protocols/registers/watches.ts'
import type { WatchEvent, WriteAnswer } from '../../protocols/registers/requests.ts'
import { Credentials } from '../../src/security/credentials.ts'
import { parseTokenFile } from '../../src/security/token-file.ts'
import { fileOf, tokensFor } from './access-table.ts'
import { DRAWN } from './fake-registers.ts'
import { ask, eventually, RawClient, requestHead, startHttp } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const TEXT = { 'Content-Type': 'text/plain' }

function told(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

function problemOf(answer: RawAnswer): string {
  assert.equal(answer.headers['content-type'], 'application/problem+json', answer.body.toString())
  return `${answer.status} ${String(told(answer)['type']).replace('urn:replicator:', '')}`
}

async function put(fixture: Fixture, key: string, value: string, headers: Record<string, string> = {}, query = ''): Promise<RawAnswer> {
  return ask(fixture, 'PUT', `/kv/${key}${query}`, { ...TEXT, ...headers }, value)
}

function eventOf(key: string, version: number): WatchEvent {
  return { kind: 'put', key, version, size: 1, record: undefined, cursor: `run-${version}` }
}

describe('a register', () => {
  it('is created, written over, read with its version, and deleted', async () => {
    await using fixture = await startHttp()
    const created = await put(fixture, 'a%2Fb', 'one')
    assert.deepEqual([created.status, created.headers['etag']], [201, '"1"'])
    assert.deepEqual(told(created), { key: 'a/b', version: 1, size: 3, writeId: DRAWN })
    assert.deepEqual([(await put(fixture, 'a/b', 'two')).status, (await put(fixture, 'a/b', '')).status], [200, 200])
    const read = await ask(fixture, 'GET', '/kv/a/b')
    assert.deepEqual([read.status, read.headers['etag'], read.headers['replicator-version'], read.body.toString()], [200, '"3"', '3', ''])
    assert.deepEqual([read.headers['content-type'], read.headers['cache-control']], ['text/plain', 'no-cache'])
    assert.deepEqual([read.headers['content-security-policy'], read.headers['replicator-consistency']], ['sandbox', 'linearizable'])
    const head = await ask(fixture, 'HEAD', '/kv/a/b')
    assert.deepEqual([head.status, head.headers['etag'], head.body.length], [200, '"3"', 0])
    const deleted = await ask(fixture, 'DELETE', '/kv/a/b')
    assert.deepEqual([deleted.status, told(deleted)], [200, { key: 'a/b', version: 4 }])
    const gone = await ask(fixture, 'GET', '/kv/a/b?consistency=local')
    assert.equal(problemOf(gone), '404 unknown-key')
    assert.deepEqual([told(gone)['number'], told(gone)['consistency'], gone.headers['replicator-consistency']], [4, 'local', 'local'])
    const again = await ask(fixture, 'DELETE', '/kv/a/b')
    assert.deepEqual([problemOf(again), told(again)['number']], ['404 unknown-key', 4])
    assert.equal(told(await put(fixture, 'a/b', 'back'))['version'], 5)
  })

  it('is written where its condition holds, and else told what is there', async () => {
    await using fixture = await startHttp()
    await put(fixture, 'k', 'one')
    await put(fixture, 'k', 'two!')
    const old = await put(fixture, 'k', 'three', { 'If-Match': '"1"' })
    assert.equal(problemOf(old), '412 precondition-failed')
    const { version, etag, size, number } = told(old)
    assert.deepEqual([version, etag, size, number], [2, '"2"', 4, 2])
    assert.equal((await put(fixture, 'k', 'three', { 'If-Match': '"1", "2"' })).status, 200)
    for (const tag of ['W/"3"', '"abc"', '"1"'])
      assert.equal(problemOf(await put(fixture, 'k', 'x', { 'If-Match': tag })), '412 precondition-failed')
    assert.equal(problemOf(await put(fixture, 'k', 'x', { 'If-None-Match': '*' })), '412 precondition-failed')
    const absent = await put(fixture, 'new', 'x', { 'If-Match': '*' })
    assert.deepEqual([problemOf(absent), told(absent)['version']], ['412 precondition-failed', 0])
    assert.equal((await put(fixture, 'new', 'x', { 'If-None-Match': '*' })).status, 201)
    assert.equal(problemOf(await ask(fixture, 'DELETE', '/kv/never', { 'If-Match': '"1"' })), '412 precondition-failed')
    assert.equal((await ask(fixture, 'DELETE', '/kv/k', { 'If-Match': '"3"' })).status, 200)
  })

  it('takes no headers that will not do', async () => {
    await using fixture = await startHttp()
    const bad: readonly Record<string, string>[] = [
      { 'If-Match': '"1"', 'If-None-Match': '*' },
      { 'If-None-Match': '"1"' },
      { 'If-Match': '5' },
      { 'Replicator-After': '-1' },
      { 'Replicator-After': String(2 ** 52) },
      { 'Idempotency-Key': 'x'.repeat(129) },
    ]
    for (const headers of bad) assert.equal(problemOf(await put(fixture, 'k', 'x', headers)), '400 bad-header', JSON.stringify(headers))
    for (const query of ['?ttl=0', '?ttl=31536001', '?ttl=x', '?timeout=1', '?other=1'])
      assert.equal(problemOf(await put(fixture, 'k', 'x', {}, query)), '400 bad-parameter', query)
    for (const query of ['?newer=x', '?wait=60001', '?consistency=any', '?ttl=1'])
      assert.equal(problemOf(await ask(fixture, 'GET', `/kv/k${query}`)), '400 bad-parameter', query)
    assert.equal(problemOf(await ask(fixture, 'DELETE', '/kv/k', { 'Content-Length': '1' }, 'x')), '400 bad-request')
    assert.equal(problemOf(await put(fixture, '', 'x')), '400 bad-key')
    assert.deepEqual(fixture.registers.writes, [])
  })

  it('is asked for what the client said', async () => {
    await using fixture = await startHttp()
    await put(fixture, 'k', 'x', { 'If-Match': '"7"', 'Idempotency-Key': '"mine"' }, '?ttl=60')
    await put(fixture, 'k', 'x', { 'If-Match': '"7"', 'Replicator-After': '3' })
    await put(fixture, 'k', 'x', { 'If-Match': '"7", "8"' })
    const asked = fixture.registers.writes.map(({ writeId, writeIdGiven, after, condition }) => ({
      writeId,
      writeIdGiven,
      after,
      condition,
    }))
    assert.deepEqual(asked, [
      { writeId: 'mine', writeIdGiven: true, after: 7, condition: { kind: 'versions', versions: [7] } },
      { writeId: DRAWN, writeIdGiven: false, after: 3, condition: { kind: 'versions', versions: [7] } },
      { writeId: DRAWN, writeIdGiven: false, after: undefined, condition: { kind: 'versions', versions: [7, 8] } },
    ])
    const [first] = fixture.registers.writes
    assert.equal(first?.contents.kind === 'value' && first.contents.ttlMs, 60_000)
  })

  it('answers each end of a write in its own way', async () => {
    await using fixture = await startHttp()
    const rows: readonly (readonly [WriteAnswer, string, Record<string, unknown>])[] = [
      [{ kind: 'forgotten', number: 9, commitSent: true }, '409 outcome-forgotten', { number: 9, commitSent: true }],
      [{ kind: 'reused', version: 4 }, '422 idempotency-key-reused', { version: 4 }],
      [{ kind: 'not-applied' }, '503 not-applied', {}],
      [{ kind: 'overloaded' }, '503 overloaded', {}],
      [{ kind: 'not-ready', detail: 'why' }, '503 not-ready', { detail: 'why' }],
      [{ kind: 'in-doubt', writeId: 'w', after: 6 }, '504 in-doubt', { writeId: 'w', after: 6 }],
    ]
    for (const [answer, problem, facts] of rows) {
      fixture.registers.onWrite = () => answer
      for (const refused of [await put(fixture, 'k', 'x'), await ask(fixture, 'DELETE', '/kv/k')]) {
        assert.equal(problemOf(refused), problem)
        const body = told(refused)
        for (const [name, value] of Object.entries(facts)) assert.equal(body[name], value, `${problem} ${name}`)
      }
    }
    fixture.registers.onWrite = () => ({ kind: 'applied', version: 3, wasAbsent: true, isRepeated: true })
    const repeated = await put(fixture, 'k', 'x')
    assert.deepEqual([repeated.status, repeated.headers['replicator-repeated'], repeated.headers['etag']], [200, 'true', '"3"'])
    assert.equal((await ask(fixture, 'DELETE', '/kv/k')).headers['replicator-repeated'], 'true')
  })

  it('is not sent again to whoever has its version', async () => {
    await using fixture = await startHttp()
    await put(fixture, 'k', 'one')
    const known = async (query: string, headers: Record<string, string> = {}): Promise<number> =>
      (await ask(fixture, 'GET', `/kv/k${query}`, headers)).status
    assert.deepEqual([await known('', { 'If-None-Match': '"1"' }), await known('', { 'If-None-Match': 'W/"1"' })], [304, 304])
    assert.deepEqual([await known('', { 'If-None-Match': '"2"' }), await known('?newer=0'), await known('?newer=1')], [200, 200, 304])
    assert.equal(await known('?wait=50&newer=1'), 304)
    const newer = fixture.registers.reads.map((read) => read.newer?.version)
    assert.deepEqual(newer, [undefined, undefined, undefined, 0, 1, 1])
  })

  it('that no quorum answers for is unavailable, and that is not absence', async () => {
    await using fixture = await startHttp()
    fixture.registers.onRead = () => ({ kind: 'unavailable', detail: 'no quorum' })
    assert.equal(problemOf(await ask(fixture, 'GET', '/kv/k')), '503 unavailable')
  })
})

describe('a list of registers', () => {
  it('comes a page at a time, in order, with versions and when they expire', async () => {
    await using fixture = await startHttp()
    for (const key of ['b', 'a', 'c/d']) await put(fixture, key, key)
    await put(fixture, 'c', 'x', {}, '?ttl=10')
    await ask(fixture, 'DELETE', '/kv/a')
    const page = told(await ask(fixture, 'GET', '/kv?limit=2')) as {
      keys: { key: string; version: number; expires?: string }[]
      next?: string
    }
    assert.deepEqual(
      [page.keys.map(({ key, version }) => [key, version]), page.next],
      [
        [
          ['b', 1],
          ['c', 1],
        ],
        'c',
      ],
    )
    assert.match(page.keys[1]?.expires ?? '', /^\d{4}-.*Z$/)
    const rest = told(await ask(fixture, 'GET', '/kv?limit=2&after=c')) as { keys: { key: string }[]; next?: string }
    assert.deepEqual([rest.keys.map(({ key }) => key), rest.next], [['c/d'], undefined])
  })

  it('is cut to what a token opens, and so is a watch', async () => {
    const lines = { team: { scopes: ['read', 'write'], prefixes: ['/kv/team/', '/kv/one'] } }
    const tokens = tokensFor(lines)
    await using fixture = await startHttp({ credentials: new Credentials(() => Date.now(), parseTokenFile(fileOf(lines, tokens))) })
    const { writeId, writeIdGiven } = { writeId: 'w', writeIdGiven: true }
    for (const key of ['one', 'only', 'team/a', 'team/b', 'teams']) {
      const contents = { kind: 'value', value: new Uint8Array(1), contentType: 'a/b', ttlMs: undefined } as const
      await fixture.registers.write({
        kind: 'write',
        key,
        contents,
        condition: undefined,
        writeId,
        writeIdGiven,
        after: undefined,
        writtenAtMs: 0,
      })
    }
    const headers = { Authorization: `Bearer ${tokens['team'] ?? ''}` }
    const keys = async (query: string): Promise<unknown> =>
      (told(await ask(fixture, 'GET', `/kv${query}`, headers)) as { keys: { key: string }[] }).keys.map(({ key }) => key)
    assert.deepEqual(
      [await keys(''), await keys('?prefix=team/b'), await keys('?limit=1')],
      [['one', 'team/a', 'team/b'], ['team/b'], ['one']],
    )
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/kv?watch', headers))
    await eventually(() => fixture.registers.watches.length === 1, 'it watches')
    fixture.registers.watches[0]?.told({ kind: 'events', events: [eventOf('teams', 1), eventOf('team/a', 2)] })
    await client.until(() => client.received.includes('team/a'))
    assert.equal(client.received.includes('teams'), false)
  })
})

describe('a watch', () => {
  it('tells events with cursors, goes on from the last one, and ends with its client', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/kv?watch&prefix=a&cursor=old&values', { 'Last-Event-ID': 'run-7' }))
    await eventually(() => fixture.registers.watches.length === 1, 'it watches')
    const [watch] = fixture.registers.watches
    assert.deepEqual(watch?.request, { kind: 'watch', prefix: 'a', from: { cursor: 'run-7' }, values: true })
    watch?.told({ kind: 'watching', cursor: 'run-7' })
    const event = eventOf('a', 8)
    watch?.told({ kind: 'events', events: [event] })
    await client.until(() => client.received.includes('"version":8'))
    assert.match(client.received.toString(), /id: run-7\n\n[^]*id: run-8\nevent: put\ndata: \{"key":"a","version":8,"size":1\}\n\n/)
    await eventually(() => watch?.takenBytes === watchedBytes(event), 'what the client took is told')
    watch?.told({ kind: 'watch-ended', cursor: 'run-9' })
    await client.until(() => client.received.includes('event: watch-ended'))
    await client.hangUp()
    await eventually(() => fixture.registers.watches.length === 0, 'the watch is over')
  })

  it('from a cursor of another run is refused, before the stream begins and as its last event', async () => {
    await using fixture = await startHttp()
    const asked = ask(fixture, 'GET', '/kv?watch&cursor=foreign')
    await eventually(() => fixture.registers.watches.length === 1, 'it watches')
    fixture.registers.watches[0]?.told({ kind: 'cursor-gone' })
    assert.equal(problemOf(await asked), '410 cursor-gone')
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/kv?watch&from=start'))
    await eventually(() => fixture.registers.watches.some(({ request }) => request.from === 'start'), 'it watches')
    const watch = fixture.registers.watches.find(({ request }) => request.from === 'start')
    watch?.told({ kind: 'watching', cursor: 'run-1' })
    watch?.told({ kind: 'cursor-gone' })
    await client.until(() => client.received.includes('event: cursor-gone'))
  })

  it('has parameters of its own, and a list has others', async () => {
    await using fixture = await startHttp()
    const watches = ['limit=1', 'after=a', 'from=end', 'from=', 'cursor=' + 'x'.repeat(129), 'values=1', 'from=start&cursor=a', 'watch']
    for (const query of ['?cursor=x', '?values', '?watch=1', '?watch=false', ...watches.map((one) => `?watch&${one}`)])
      assert.equal(problemOf(await ask(fixture, 'GET', `/kv${query}`)), '400 bad-parameter', query)
  })

  it('from the start has no cursors to go on from before all that was there is told', async () => {
    await using fixture = await startHttp()
    await using client = new RawClient(fixture.port)
    client.write(requestHead('GET', '/kv?watch&from=start&values=false'))
    await eventually(() => fixture.registers.watches.length === 1, 'it watches')
    const [watch] = fixture.registers.watches
    assert.equal(watch?.request.values, false)
    watch?.told({ kind: 'events', events: [eventOf('a', 7)] })
    watch?.told({ kind: 'watching', cursor: 'run-9' })
    watch?.told({ kind: 'events', events: [eventOf('a', 10)] })
    await client.until(() => client.received.includes('"version":10'))
    const ids = [...client.received.toString().matchAll(/^id: (.*)$/gm)].map(([, id]) => id)
    assert.deepEqual(ids, ['run-9', 'run-10'])
  })
})
