/**
 * Who may do what: every route of every kind, asked with tokens of each scope, wrong ones, none,
 * ones that are over, and ones kept to a prefix.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { Credentials } from '../../src/security/credentials.ts'
import { hashOf, newToken, parseTokenFile } from '../../src/security/token-file.ts'
import { allRoutes } from '../../src/http/routes.ts'
import { OPERATOR } from '../../src/security/grant.ts'
import { expected, fileOf, LINES, OF_JSON, TABLE, tokensFor, WHO } from './access-table.ts'
import type { Line, Tokens } from './access-table.ts'
import type { WriteRequest } from '../../protocols/registers/requests.ts'
import { FakeLogs } from './fake-logs.ts'
import { FakeRegisters } from './fake-registers.ts'
import { FakeSets } from './fake-sets.ts'
import { ask, eventually, RawClient, requestHead, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const YEAR_MS = 31_536_000_000

interface Guarded extends AsyncDisposable {
  readonly fixture: Fixture
  readonly credentials: Credentials
  readonly tokens: Tokens
  /** Asks with the token of a name; `wrong` has one that nobody made, and undefined has none. */
  as(name: string | undefined, method: string, target: string, headers?: Record<string, string>, body?: string): Promise<RawAnswer>
}

/** Of a register that is there. */
const WRITE: WriteRequest = {
  kind: 'write',
  key: 'k',
  contents: { kind: 'value', value: new Uint8Array(1), contentType: 'a/b', ttlMs: undefined },
  condition: undefined,
  writeId: 'w',
  writeIdGiven: true,
  after: undefined,
  writtenAtMs: 0,
}

async function guarded(lines: Readonly<Record<string, Line>> = LINES, wallMs: () => number = () => Date.now()): Promise<Guarded> {
  const tokens = tokensFor(lines)
  const credentials = new Credentials(wallMs, parseTokenFile(fileOf(lines, tokens)))
  const fixture = await startHttp({ credentials })
  const as: Guarded['as'] = (name, method, target, headers = {}, body) => {
    const token = name === 'wrong' ? newToken() : name === undefined ? undefined : tokens[name]
    return ask(fixture, method, target, { ...(token !== undefined && { Authorization: `Bearer ${token}` }), ...headers }, body)
  }
  return { fixture, credentials, tokens, as, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() }
}

function told(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

describe('the table of who may do what', () => {
  it('has a row for each route and method, and no other', () => {
    const routes = allRoutes({
      registry: new Registry(),
      version: '1',
      valueBytesMax: 1,
      sets: new FakeSets(),
      registers: new FakeRegisters(),
      logs: new FakeLogs(),
    })
    const rows = routes.flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method} ${path}`))
    assert.deepEqual(rows.toSorted(), Object.keys(TABLE).toSorted())
  })

  it('is what a server does, for each of them and everybody', async () => {
    for (const [row, { needs, target, headers = {}, body }] of Object.entries(TABLE)) {
      const [method = '', path = ''] = row.split(' ')
      for (const who of WHO) {
        await using server = await guarded()
        server.fixture.replicator.records.set('k', {
          writeId: 'w',
          value: new Uint8Array(1),
          contentType: 'a/b',
          writtenAtMs: WRITTEN_AT_MS,
        })
        await server.fixture.registers.write(WRITE)
        await server.fixture.sets.ask<'insert'>({ kind: 'insert', set: 's', elements: [Buffer.from('7')], wait: 'here' })
        const answer = await server.as(who, method, target ?? path, { ...headers }, body)
        const status = expected(who, needs)
        if (status === 0) assert.ok(answer.status >= 200 && answer.status < 300, `${row} for ${who}: ${answer.status}`)
        else assert.equal(answer.status, status, `${row} for ${who}`)
        assert.equal(answer.headers['www-authenticate']?.startsWith('Bearer '), status === 401 ? true : undefined, row)
        if (status !== 0 && method !== 'HEAD')
          assert.equal(told(answer)['type'], `urn:replicator:${status === 401 ? 'unauthorized' : 'forbidden'}`)
        if (status !== 0) assert.deepEqual([server.fixture.replicator.puts, server.fixture.replicator.changes], [[], []])
        if (status !== 0) assert.deepEqual([server.fixture.sets.asked.length, server.fixture.registers.writes.length], [1, 1])
      }
    }
  })
})

describe('a refusal', () => {
  it('says what was missing, the same whether or not anything is there', async () => {
    await using server = await guarded()
    await server.as('all', 'PUT', '/store/team/k', {}, 'v')
    await server.as('all', 'PUT', '/store/other', {}, 'v')
    for (const [who, detail] of [
      ['writer', /the scope "read", which writer does not have/],
      ['wrong', /not one of this peer/],
      ['expired', /is over/],
      [undefined, /needs a token.*Bearer/],
    ] as const) {
      const [there, absent] = [await server.as(who, 'GET', '/store/team/k'), await server.as(who, 'GET', '/store/team/absent')]
      assert.match(String(told(there)['detail']), detail)
      assert.deepEqual(told(there), told(absent))
    }
    const kept = [await server.as('team', 'GET', '/store/other'), await server.as('team', 'GET', '/store/absent')]
    assert.match(String(told(kept[0] as RawAnswer)['detail']), /below none of the prefixes/)
    assert.deepEqual(told(kept[0] as RawAnswer), told(kept[1] as RawAnswer))
  })

  it('marks a token that does not count, and asks for one where there is none', async () => {
    await using server = await guarded()
    const challenge = async (headers: Record<string, string>): Promise<string | undefined> =>
      (await ask(server.fixture, 'GET', '/status', headers)).headers['www-authenticate']
    assert.equal(await challenge({}), 'Bearer realm="replicator"')
    assert.equal(await challenge({ Authorization: 'Basic YTpi' }), 'Bearer realm="replicator"')
    assert.equal(await challenge({ Authorization: 'Bearer nonsense' }), 'Bearer realm="replicator", error="invalid_token"')
    const { all = '' } = server.tokens
    for (const header of [`bearer ${all}`, `BEARER  ${all}`])
      assert.equal((await ask(server.fixture, 'GET', '/status', { Authorization: header })).status, 200)
    for (const header of [all, `Bearer ${all}x`, `Bearer ${all.slice(1)}`, `Bearer ${hashOf(all)}`, `Bearer ${all} ${all}`])
      assert.equal((await ask(server.fixture, 'GET', '/status', { Authorization: header })).status, 401, header)
  })

  it('of a put carries no facts of the record for whoever may not read it', async () => {
    await using server = await guarded()
    await server.as('all', 'PUT', '/store/k', { 'Idempotency-Key': 'one' }, 'secret value')
    const full = await server.as('all', 'PUT', '/store/k', {}, 'mine')
    assert.deepEqual([full.status, told(full)['size']], [409, 12])
    const conflict = await server.as('writer', 'PUT', '/store/k', {}, 'mine')
    assert.deepEqual([conflict.status, Object.keys(told(conflict))], [409, ['type', 'title', 'status', 'detail']])
    const reused = await server.as('writer', 'PUT', '/store/k', { 'Idempotency-Key': 'one' }, 'mine')
    assert.deepEqual([reused.status, Object.keys(told(reused))], [422, ['type', 'title', 'status', 'detail']])
    const absent = await server.as('writer', 'PUT', '/store/absent', { 'If-Match': '*' }, 'mine')
    assert.deepEqual([absent.status, Object.keys(told(absent))], [412, ['type', 'title', 'status', 'detail']])
    for (const answer of [conflict, reused, absent]) assert.equal(answer.headers['etag'], undefined)
  })

  it('leaves the body unread and the connection usable', async () => {
    await using server = await guarded()
    await using client = new RawClient(server.fixture.port)
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '5' }) + 'hello' + requestHead('GET', '/healthz'))
    assert.deepEqual([(await client.answer()).status, (await client.answer()).status], [401, 200])
    client.write(requestHead('PUT', '/store/k', { 'Content-Length': '5', Expect: '100-continue' }))
    assert.equal((await client.answer()).status, 401)
  })
})

describe('a prefix', () => {
  it('opens what lies below it, however the path is written, and ends at a segment', async () => {
    const lines = {
      slash: { scopes: ['read', 'write'], prefixes: ['/store/team/'] },
      bare: { scopes: ['read', 'write'], prefixes: ['/store/team'] },
    }
    await using server = await guarded(lines)
    const rows = [
      ['/store/team/a', true, true],
      ['/store/team%2Fa', true, true],
      ['/store/t%65am/a?timeout=1000', true, true],
      ['/store/team//', true, true],
      ['/store/team/', true, true],
      ['/store/team', false, true],
      ['/store/teammate', false, false],
      ['/store/team%00/a', false, false],
      ['/store/Team/a', false, false],
      ['/store/tea', false, false],
      ['/store/team%', false, false],
      ['/store/a/team/b', false, false],
    ] as const
    for (const [target, slash, bare] of rows) {
      for (const [who, isOpen] of [
        ['slash', slash],
        ['bare', bare],
      ] as const) {
        const answer = await server.as(who, 'PUT', target, {}, who)
        assert.equal(answer.status === 403, !isOpen, `${target} for ${who}: ${answer.status}`)
      }
    }
  })

  it('opens or refuses each of many puts by itself', async () => {
    await using server = await guarded(LINES)
    const body = JSON.stringify({ puts: ['team/a', 'teammate', 'team/b'].map((key) => ({ key, value: '' })) })
    const answer = await server.as('team', 'POST', '/puts', OF_JSON, body)
    const { puts } = JSON.parse(answer.body.toString()) as { readonly puts: readonly { readonly status: number }[] }
    assert.deepEqual(
      puts.map(({ status }) => status),
      [201, 403, 201],
    )
    assert.deepEqual([...server.fixture.replicator.records.keys()], ['team/a', 'team/b'])
  })

  it('cuts lists to it, in pages that join without a gap', async () => {
    const lines = {
      ...LINES,
      two: { scopes: ['read'], prefixes: ['/store/b', '/store/d/', '/store/d/e', '/kv/x'] },
      whole: { scopes: ['read'], prefixes: ['/store'] },
      other: { scopes: ['read'], prefixes: ['/kv/'] },
    }
    await using server = await guarded(lines)
    const keys = ['a', 'b', 'b-x', 'b/1', 'b/2', 'bb', 'c', 'd', 'd/', 'd/1', 'd/e/1', 'd/e2', 'e']
    for (const key of keys)
      server.fixture.replicator.records.set(key, { writeId: 'w', value: new Uint8Array(1), contentType: 'a/b', writtenAtMs: WRITTEN_AT_MS })
    const listed = async (who: string, prefix: string, limit: number): Promise<string[]> => {
      const found: string[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const target: string = `/store?limit=${limit}&prefix=${encodeURIComponent(prefix)}&after=${encodeURIComponent(after)}`
        const page = told(await server.as(who, 'GET', target)) as { keys: { key: string }[]; next?: string }
        assert.ok(page.keys.length > 0 || page.next === undefined)
        found.push(...page.keys.map(({ key }) => key))
        after = page.next
      }
      return found
    }
    const open = ['b', 'b/1', 'b/2', 'd/', 'd/1', 'd/e/1', 'd/e2']
    for (const limit of [1, 2, 3, 7, 100]) {
      assert.deepEqual(await listed('two', '', limit), open)
      assert.deepEqual(await listed('two', 'b', limit), ['b', 'b/1', 'b/2'])
      assert.deepEqual(await listed('two', 'd/e', limit), ['d/e/1', 'd/e2'])
      assert.deepEqual(await listed('two', 'c', limit), [])
      assert.deepEqual(await listed('whole', '', limit), keys)
      assert.deepEqual(await listed('other', '', limit), [])
    }
    const counted = async (who: string, query: string): Promise<unknown> => told(await server.as(who, 'GET', `/store?count&${query}`))
    for (const [who, query, count] of [
      ['two', 'prefix=', open.length],
      ['two', 'prefix=b&after=b', 2],
      ['two', 'prefix=c', 0],
      ['whole', 'prefix=', keys.length],
      ['other', 'prefix=', 0],
    ] as const)
      assert.deepEqual(await counted(who, query), { keys: [], count })
  })
})

describe('a network that gets tokens', () => {
  it('goes on serving those without one what the line "anonymous" says, until it is removed', async () => {
    const lines = { ...LINES, anonymous: { scopes: ['read'] } }
    await using server = await guarded(lines)
    assert.equal((await server.as(undefined, 'GET', '/status')).status, 200)
    assert.equal((await server.as(undefined, 'PUT', '/store/k', {}, 'v')).status, 401)
    assert.equal((await server.as('wrong', 'GET', '/status')).status, 401)
    assert.equal((await server.as('writer', 'GET', '/status')).status, 403)
    server.credentials.replace(parseTokenFile(fileOf(LINES, server.tokens)))
    assert.equal((await server.as(undefined, 'GET', '/status')).status, 401)
    assert.equal((await server.as('reader', 'GET', '/status')).status, 200)
  })

  it('has stored keys kept by nobody but who may read them', async () => {
    await using server = await guarded()
    await server.as('all', 'PUT', '/store/k', {}, 'v')
    const cached = (await server.as('all', 'GET', '/store/k')).headers['cache-control']
    assert.equal(cached, 'private, max-age=31536000, immutable')
    await using open = await startHttp()
    await ask(open, 'PUT', '/store/k', {}, 'v')
    assert.equal(
      (await ask(open, 'GET', '/store/k', { Authorization: 'Bearer any' })).headers['cache-control'],
      'max-age=31536000, immutable',
    )
  })

  it('lets the operator socket do everything', async () => {
    await using server = await guarded()
    const { app } = server.fixture.server
    const handle = app.handle.bind(app)
    app.handle = (request, response) => handle(request, response, OPERATOR)
    assert.equal((await server.as(undefined, 'POST', '/config/changes', OF_JSON, '{ "withdraw": true }')).status, 200)
    assert.equal((await server.as(undefined, 'GET', '/store')).status, 200)
  })
})

describe('a token whose time ends', () => {
  it('ends the reads that were begun with it within 15 s, waits too, and finishes what was to be written', async () => {
    let wallMs = Date.now()
    const lines = { ...LINES, short: { scopes: ['read', 'write'], expires: new Date(wallMs + YEAR_MS).toISOString() } }
    await using server = await guarded(lines, () => wallMs)
    const { replicator } = server.fixture
    const release = Promise.withResolvers<void>()
    replicator.onGet = ({ signal }) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve({ kind: 'unavailable', detail: 'the client hung up' }))
      })
    replicator.onPut = async () => {
      await release.promise
      return { kind: 'not-stored' }
    }
    // Not the client of the fixture, which is less patient.
    const asking = (who: string, method: string, body?: string): Promise<Response> =>
      fetch(`${server.fixture.url}/store/k?timeout=60000`, {
        method,
        headers: { Authorization: `Bearer ${server.tokens[who]}` },
        ...(body !== undefined && { body }),
      })
    const begunAtMs = performance.now()
    const reads = [asking('short', 'GET'), asking('all', 'GET'), asking('reader', 'GET')] as const
    const put = asking('short', 'PUT', 'v')
    await eventually(() => replicator.gets.length === 3 && replicator.puts.length === 1, 'all are under way')
    wallMs += 2 * YEAR_MS
    server.credentials.replace(parseTokenFile(fileOf({ short: lines.short, reader: { scopes: ['read'] } }, server.tokens)))
    for (const read of reads.slice(0, 2)) {
      const ended = await read
      assert.deepEqual([ended.status, ((await ended.json()) as { type: string }).type], [401, 'urn:replicator:unauthorized'])
    }
    assert.ok(performance.now() - begunAtMs < 15_000)
    assert.deepEqual(
      replicator.gets.map(({ signal }) => signal?.aborted),
      [true, true, false],
    )
    release.resolve()
    assert.equal((await put).status, 503)
    server.credentials.replace([])
    assert.equal((await reads[2]).status, 401)
  })
})
