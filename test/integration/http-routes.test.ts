/** The paths beside the keys, and whether the OpenAPI document is true. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Credentials } from '../../src/security/credentials.ts'
import { RateLimit } from '../../src/security/rate.ts'
import { parseTokenFile } from '../../src/security/token-file.ts'
import { fileOf, LINES, tokensFor } from './access-table.ts'
import { ANYBODY_OPERATES, ask, eventually, NETWORK_ID, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

function bodyOf(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

function fill(fixture: Fixture, keys: readonly string[], size = 1): void {
  const value = new Uint8Array(size)
  for (const key of keys)
    fixture.replicator.records.set(key, { writeId: 'w', value, contentType: 'text/plain', writtenAtMs: WRITTEN_AT_MS })
}

describe('the list of keys', () => {
  it('has a row for each key, in the order of UTF-8 bytes', async () => {
    await using fixture = await startHttp()
    fill(fixture, ['b', '\uffee', '🚀', 'a/b', 'a'])
    const answer = await ask(fixture, 'GET', '/store')
    assert.deepEqual(
      [answer.status, answer.headers['content-type'], answer.headers['cache-control']],
      [200, 'application/json', 'no-store'],
    )
    const { keys, ...rest } = bodyOf(answer) as { keys: Record<string, unknown>[] }
    assert.deepEqual(rest, {}, 'no next on the last page')
    assert.deepEqual(
      keys.map(({ key }) => key),
      ['a', 'a/b', 'b', '\uffee', '🚀'],
    )
    const etag = (await ask(fixture, 'GET', '/store/a')).headers['etag']
    assert.deepEqual(keys[0], { key: 'a', size: 1, etag, writtenAt: '2026-11-20T10:11:12.345Z' })
  })

  it('comes in pages that join without a gap, whatever their size', async () => {
    await using fixture = await startHttp()
    const expected = Array.from({ length: 1005 }, (_, index) => `k/${String(index).padStart(4, '0')}`)
    fill(fixture, [...expected, 'other'])
    for (const limit of ['', '1000', '7']) {
      const seen: string[] = []
      let after: string | undefined = ''
      while (after !== undefined) {
        const target: string = `/store?prefix=${encodeURIComponent('k/')}&after=${encodeURIComponent(after)}${limit === '' ? '' : `&limit=${limit}`}`
        const page = bodyOf(await ask(fixture, 'GET', target)) as { keys: { key: string }[]; next?: string }
        assert.ok(page.keys.length <= Number(limit === '' ? 100 : limit))
        seen.push(...page.keys.map(({ key }) => key))
        assert.equal(page.next, page.next === undefined ? undefined : page.keys.at(-1)?.key)
        after = page.next
      }
      assert.deepEqual(seen, expected)
    }
    assert.equal('next' in bodyOf(await ask(fixture, 'GET', '/store?prefix=other&limit=1')), false)
  })

  it('gives way to other requests when values are large', async () => {
    await using fixture = await startHttp()
    fill(
      fixture,
      Array.from({ length: 64 }, (_, index) => `k${index}`),
      1_048_576,
    )
    let turns = 0
    const list = fixture.replicator.list.bind(fixture.replicator)
    fixture.replicator.list = (...page) => {
      const before = turns
      setImmediate(() => (turns = before + 1))
      return list(...page)
    }
    const { keys } = bodyOf(await ask(fixture, 'GET', '/store?limit=64')) as { keys: unknown[] }
    assert.equal(keys.length, 64)
    assert.ok(turns >= 4, `${turns} turns`)
  })

  it('names the parameter that will not do, and knows only GET and HEAD', async () => {
    await using fixture = await startHttp()
    for (const query of ['limit=0', 'limit=1001', 'prefix=%FF', 'after=%00']) {
      const answer = await ask(fixture, 'GET', `/store?${query}`)
      assert.deepEqual(
        [answer.status, bodyOf(answer)['type'], bodyOf(answer)['parameter']],
        [400, 'urn:replicator:bad-parameter', query.slice(0, query.indexOf('='))],
      )
    }
    const answer = await ask(fixture, 'POST', '/store', {}, 'x')
    assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET, HEAD'])
  })
})

describe('what a peer tells of itself', () => {
  it('is the replicator’s own view', async () => {
    await using fixture = await startHttp()
    const { replicator } = fixture
    for (const [path, view] of [
      ['/peers', replicator.peers()],
      ['/clusters', replicator.clusters()],
      ['/status', replicator.status()],
      ['/config', replicator.config()],
    ] as const) {
      const answer = await ask(fixture, 'GET', path)
      const refused = await ask(fixture, 'GET', `${path}?any=thing`)
      assert.deepEqual(
        [refused.status, bodyOf(refused)['type'], bodyOf(refused)['parameter']],
        [400, 'urn:replicator:bad-parameter', 'any'],
      )
      assert.deepEqual(
        [answer.status, answer.headers['content-type'], answer.headers['cache-control']],
        [200, 'application/json', 'no-store'],
      )
      assert.deepEqual(JSON.parse(answer.body.toString()), view)
    }
  })

  it('is its health and its readiness, which are two things', async () => {
    await using fixture = await startHttp()
    fixture.replicator.ready = { ready: false, detail: '1 of 3 peers of cluster-1' }
    assert.equal((await ask(fixture, 'GET', '/healthz')).status, 200)
    const answer = await ask(fixture, 'GET', '/readyz')
    assert.deepEqual(
      [answer.status, bodyOf(answer)['type'], bodyOf(answer)['detail']],
      [503, 'urn:replicator:not-ready', '1 of 3 peers of cluster-1'],
    )
    fixture.replicator.ready = { ready: true }
    assert.equal((await ask(fixture, 'GET', '/readyz')).status, 200)
    fixture.replicator.isHealthy = false
    assert.equal((await ask(fixture, 'GET', '/healthz')).status, 503)
  })

  it('is counted for Prometheus: by route, never by key', async () => {
    await using fixture = await startHttp()
    await ask(fixture, 'PUT', '/store/secret-name', {}, 'v')
    for (const target of ['/store/secret-name', '/store/other-name', '/store/..', '/secret-path', '/store?limit=1'])
      await ask(fixture, 'GET', target)
    const metrics = async (): Promise<string> => (await ask(fixture, 'GET', '/metrics')).body.toString()
    const answer = await ask(fixture, 'GET', '/metrics')
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
    const text = await metrics()
    assert.doesNotMatch(text, /secret|other-name/)
    for (const line of [
      'replicator_http_requests_total{route="/store/{key}",method="PUT",status="2xx"} 1',
      'replicator_http_requests_total{route="/store/{key}",method="GET",status="2xx"} 1',
      'replicator_http_requests_total{route="/store/{key}",method="GET",status="4xx"} 2',
      'replicator_http_requests_total{route="other",method="GET",status="4xx"} 1',
      'replicator_http_requests_total{route="/store",method="GET",status="2xx"} 1',
      'replicator_http_request_duration_seconds_count{route="/store/{key}",method="GET"} 3',
      'replicator_http_request_duration_seconds_bucket{route="/store/{key}",method="GET",le="+Inf"} 3',
      'replicator_http_request_duration_seconds_bucket{route="/store/{key}",method="GET",le="60"} 3',
      'replicator_http_requests_in_flight 0',
      'replicator_http_body_bytes_in_flight 0',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\nis not in\n${text}`)
    }
  })
})

describe('a path', () => {
  it('that is unknown is a 404 problem, and fixed paths are case-sensitive and exact', async () => {
    await using fixture = await startHttp()
    for (const path of [
      '/',
      '/Peers',
      '/peers/',
      '/STORE/k',
      '/Store',
      '/storex',
      '/%70eers',
      '/swagger/',
      '/swagger/package.json',
      '/swagger/..%2fpackage.json',
      '/console/',
      '/console/console/',
      '/console/console/..%2fmain.js',
      '/console/console/tsconfig.json',
      '/console/client/README.md',
      '/console/npm/package.json',
      '/console/console.js',
      '/%',
      '//peers',
      '*',
    ]) {
      const answer = await ask(fixture, path === '*' ? 'OPTIONS' : 'GET', path)
      assert.deepEqual([path, answer.status, bodyOf(answer)['type']], [path, 404, 'urn:replicator:not-found'])
      assert.equal(answer.headers['content-type'], 'application/problem+json')
    }
  })

  it('that is only read answers HEAD as GET, and other methods 405', async () => {
    await using fixture = await startHttp()
    for (const path of [
      '/store',
      '/peers',
      '/clusters',
      '/status',
      '/config',
      '/healthz',
      '/readyz',
      '/openapi.json',
      '/swagger',
      '/swagger/swagger-ui.css',
      '/console',
      '/console/npm/lit-html.js',
    ]) {
      const get = await ask(fixture, 'GET', path)
      const head = await ask(fixture, 'HEAD', path)
      assert.equal(get.status, 200, path)
      assert.deepEqual({ ...head.headers, date: '' }, { ...get.headers, date: '' })
      for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS']) {
        const answer = await ask(fixture, method, path)
        assert.deepEqual(
          [answer.status, answer.headers['allow'], bodyOf(answer)['type']],
          [405, 'GET, HEAD', 'urn:replicator:method-not-allowed'],
        )
      }
    }
  })
})

describe('the page to try it', () => {
  it('has all its parts here and asks nobody outside', async () => {
    await using fixture = await startHttp()
    const page = await ask(fixture, 'GET', '/swagger')
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    assert.match(page.headers['content-security-policy'] ?? '', /default-src 'self'/)
    const html = page.body.toString()
    const parts = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1] as string)
    assert.ok(parts.length >= 4)
    for (const part of parts) {
      assert.doesNotMatch(part, /^\/|:/)
      assert.equal((await ask(fixture, 'GET', `/${part}`)).status, 200, part)
    }
    const start = (await ask(fixture, 'GET', '/swagger/start.js')).body.toString()
    assert.doesNotMatch(html + start, /https?:/)
    assert.match(start, /url: 'openapi.json'/)
  })
})

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly schema: Shape }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly operationId: string
  readonly security?: readonly unknown[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, unknown>>; readonly headers?: Readonly<Record<string, unknown>> }>
  >
}

interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Shape>> }
}

interface Shape {
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Shape>>
}

async function documentOf(fixture: Fixture): Promise<Document> {
  return bodyOf(await ask(fixture, 'GET', '/openapi.json')) as unknown as Document
}

describe('the OpenAPI document', () => {
  it('is of version 3.1, and each of its references and parameters leads somewhere', async () => {
    await using fixture = await startHttp()
    const document = await documentOf(fixture)
    assert.match(document.openapi, /^3\.1\./)
    assert.equal(document.info.version, '1.2.3')
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) assert.ok(text.includes(`"${name}":{`), name)
    const operations = Object.values(document.paths).flatMap((path) => Object.entries(path).filter(([method]) => method !== 'parameters'))
    const ids = operations.map(([, operation]) => operation.operationId)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('says of each header, parameter and field what the server takes, and no more', async () => {
    await using fixture = await startHttp()
    const { paths, components } = await documentOf(fixture)
    const parameters = [...(paths['/store/{key}']?.['put']?.parameters ?? []), ...(paths['/store']?.['get']?.parameters ?? [])]
    const patternOf = (name: string): RegExp => {
      const parameter = parameters.find((known) => known.name === name)
      return new RegExp(parameter?.schema.pattern ?? 'none', 'u')
    }
    for (const [name, good, bad] of [
      ['Idempotency-Key', ['a', '"a"', '"'.repeat(1) + 'a'.repeat(128) + '"'], ['', '""', 'a b', 'a'.repeat(129), '\u00e9']],
      ['prefix', ['', 'a/b c'], ['a\u0000']],
      ['after', ['', '\u00e9'], ['\u0000']],
    ] as const) {
      for (const text of good) assert.match(text, patternOf(name), name)
      for (const text of bad) assert.doesNotMatch(text, patternOf(name), name)
    }
    const cluster = new RegExp(components.schemas['ChangeRequest']?.properties?.['removeCluster']?.pattern ?? 'none')
    assert.match('cluster-1', cluster)
    for (const text of ['', 'a/b', 'x'.repeat(65)]) assert.doesNotMatch(text, cluster)
    assert.deepEqual(
      Object.keys(paths['/store/{key}']?.['put']?.requestBody?.content ?? {}).filter((type) => type.includes('*')),
      [],
    )
  })

  it('leads a browser from the bare address to the page, and nobody else', async () => {
    await using fixture = await startHttp()
    const browser = await ask(fixture, 'GET', '/', { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
    assert.deepEqual([browser.status, browser.headers['location']], [302, '/console'])
    for (const Accept of [undefined, '*/*', 'application/json', 'application/json, text/html;q=0.5', 'text/html;q=0, */*'])
      assert.equal((await ask(fixture, 'GET', '/', { ...(Accept !== undefined && { Accept }) })).status, 404, Accept)
  })

  it('promises no status, header or content type that an answer then lacks, and lacks none that is answered', async () => {
    await using fixture = await startHttp({ valueBytesMax: 10, bodyTimeoutMs: 20, credentials: ANYBODY_OPERATES })
    const document = await documentOf(fixture)
    const { replicator } = fixture
    const found = new Set<string>()
    const checkAt = async (
      at: Fixture,
      path: string,
      method: string,
      target: string,
      headers?: Record<string, string>,
      body?: string,
    ): Promise<void> => {
      const answer = await ask(at, method, target, headers, body)
      const response = document.paths[path]?.[method.toLowerCase()]?.responses[answer.status]
      assert.ok(response, `${method} ${target}: ${answer.status} is not documented`)
      for (const name of Object.keys(response.headers ?? {})) {
        if (name !== 'Retry-After') assert.ok(answer.headers[name.toLowerCase()], `${method} ${target}: ${answer.status} lacks ${name}`)
      }
      const contentType = answer.headers['content-type']?.split(';')[0] ?? ''
      if (response.content !== undefined)
        assert.ok('*/*' in response.content || contentType in response.content, `${method} ${target}: ${contentType}`)
      found.add(`${method} ${path} ${answer.status}`)
    }
    const check = (path: string, method: string, target: string, headers?: Record<string, string>, body?: string): Promise<void> =>
      checkAt(fixture, path, method, target, headers, body)
    const tokens = tokensFor(LINES)
    const credentials = new Credentials(() => Date.now(), parseTokenFile(fileOf(LINES, tokens)))
    await using guarded = await startHttp({ credentials })
    await using hurried = await startHttp({ rate: new RateLimit(1) })
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [name, operation] of Object.entries(operations)) {
        // Parameters of the path stand among its operations, and have none; open operations have an empty list.
        if (operation.security === undefined || operation.security.length === 0) continue
        const [method, target] = [name.toUpperCase(), path.replace('{key}', 'k')]
        await checkAt(guarded, path, method, target)
        await checkAt(guarded, path, method, target, { Authorization: `Bearer ${tokens[method === 'POST' ? 'reader' : 'operator']}` })
        // The second may fall into another second than the first; of three, two are in one.
        for (let count = 0; count < 3; count += 1) await checkAt(hurried, path, method, target)
      }
    }
    for (const [path, operations] of Object.entries(document.paths)) {
      if (path.endsWith('/{key}') || 'post' in operations) continue
      for (const method of ['GET', 'HEAD']) await check(path, method, path.replace('{asset}', 'start.js'))
      for (const method of ['PUT', 'POST', 'DELETE', 'PATCH'])
        assert.equal((await ask(fixture, method, path.replace('{asset}', 'start.js'))).status, 405)
    }
    const ofJson = { 'Content-Type': 'application/json' }
    const change = '{ "withdraw": true }'
    for (const path of ['/config/changes', '/config/new-epoch']) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) assert.equal((await ask(fixture, method, path)).status, 405)
      await check(path, 'POST', path, { ...ofJson, Host: 'a.name' }, change)
      await check(path, 'POST', path, { ...ofJson, Origin: 'http://a.name' }, change)
      await check(path, 'POST', path, {}, change)
      await check(path, 'POST', path, { ...ofJson, 'Content-Length': '65537' })
      await check(path, 'POST', path, { ...ofJson, 'Content-Length': '5' }, 'half')
      await check(path, 'POST', path, ofJson, 'x')
      await check(path, 'POST', path, { Expect: 'more' }, 'v')
    }
    for (const networkId of [NETWORK_ID, 'other'])
      await check('/config/new-epoch', 'POST', '/config/new-epoch', ofJson, JSON.stringify({ networkId }))
    for (const outcome of [
      { kind: 'changed', epoch: 2 },
      { kind: 'changing', epoch: 2 },
      { kind: 'change-refused', detail: 'no' },
      { kind: 'change-expired', detail: 'no quorum' },
    ] as const) {
      replicator.onChange = async () => outcome
      await check('/config/changes', 'POST', '/config/changes', ofJson, change)
    }
    replicator.onChange = () => Promise.reject(new Error('a mistake'))
    await check('/config/changes', 'POST', '/config/changes', ofJson, change)
    await check('/store', 'GET', '/store?limit=0')
    replicator.ready = { ready: false, detail: 'not yet' }
    await check('/readyz', 'GET', '/readyz')
    await check('/store/{key}', 'PUT', '/store/k', {}, 'v')
    replicator.ready = { ready: true }
    await check('/store/{key}', 'PUT', '/store/k', { 'If-Match': '*' }, 'v')
    for (const key of ['one', 'one', 'two']) await check('/store/{key}', 'PUT', '/store/k', { 'Idempotency-Key': key }, 'v')
    await check('/store/{key}', 'PUT', '/store/k', { 'Idempotency-Key': 'one' }, 'w')
    await check('/store/{key}', 'PUT', '/store/..', {}, 'v')
    await check('/store/{key}', 'PUT', '/store/k', {}, 'more than ten bytes')
    await check('/store/{key}', 'PUT', '/store/k', { 'Content-Encoding': 'gzip' }, 'v')
    await check('/store/{key}', 'PUT', '/store/k', { 'Content-Length': '5' }, 'half')
    await check('/store/{key}', 'PUT', '/store/k', { Expect: 'more' }, 'v')
    await check('/store/{key}', 'PUT', '/store/k', { Host: 'a.name' }, 'v')
    await check('/store/{key}', 'PUT', '/store/k', { Origin: 'http://a.name' }, 'v')
    replicator.onPut = async () => ({ kind: 'in-doubt', writeId: 'w' })
    await check('/store/{key}', 'PUT', '/store/k', {}, 'v')
    for (const method of ['GET', 'HEAD', 'PUT']) await check('/store/{key}', method, '/store/k', { 'Transfer-Encoding': 'gzip, chunked' })
    const { load } = fixture.server.app.context
    const all = load.shareOf('a test', true)
    for (let count = 0; count < 1_024; count += 1) load.take('requests', all, 1)
    for (const method of ['GET', 'HEAD', 'PUT']) await check('/store/{key}', method, '/store/k')
    load.give('requests', all, 1_024)
    for (const method of ['GET', 'HEAD']) {
      await check('/store/{key}', method, '/store/k')
      await check('/store/{key}', method, '/store/k', { 'If-None-Match': '*' })
      await check('/store/{key}', method, '/store/absent')
      await check('/store/{key}', method, '/store/k?wait=no')
      await check('/store/{key}', method, '/store/k', { Host: 'a.name' })
      replicator.onGet = async () => ({ kind: 'unavailable', detail: 'no quorum' })
      await check('/store/{key}', method, '/store/k')
      replicator.onGet = undefined
      await check('/store/{key}', method, '/store/k', { Expect: 'more' })
    }
    replicator.onPut = () => Promise.reject(new Error('a mistake'))
    await check('/store/{key}', 'PUT', '/store/k', {}, 'v')
    replicator.onGet = () => Promise.reject(new Error('a mistake'))
    await check('/store/{key}', 'GET', '/store/k')
    await check('/store/{key}', 'HEAD', '/store/k')
    // Too large a head is refused before there is a path.
    const documented = Object.entries(document.paths['/store/{key}'] ?? {}).flatMap(([method, operation]) =>
      Object.keys(operation.responses ?? {}).map((status) => `${method.toUpperCase()} /store/{key} ${status}`),
    )
    assert.deepEqual(
      documented.filter((row) => !found.has(row) && !row.endsWith(' 431')),
      [],
    )
    await eventually(() => fixture.server.app.context.load.requests === 0, 'nothing in flight')
  })
})
