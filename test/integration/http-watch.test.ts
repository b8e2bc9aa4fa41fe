/**
 * `GET /store?watch`: what is told, in which order, to whom, and when a watcher has to start over.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { Client } from '../../src/client/client.ts'
import type { Watched } from '../../src/client/client.ts'
import { eventsOf } from '../../src/client/events.ts'
import type { ServerEvent } from '../../src/client/events.ts'
import { KeyFeed } from '../../src/peer/key-feed.ts'
import { Credentials } from '../../src/security/credentials.ts'
import { parseTokenFile } from '../../src/security/token-file.ts'
import { fileOf, LINES, tokensFor } from './access-table.ts'
import { ask, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

const DEADLINE_MS = 5_000
const START = 'aStart'

/** A key is chosen, and on disk. */
function chosen(fixture: Fixture, feed: KeyFeed, key: string): void {
  fixture.replicator.records.set(key, { writeId: 'w', value: Buffer.from('v'), contentType: 'text/plain', writtenAtMs: WRITTEN_AT_MS })
  feed.synced(key as RegisterKey)
}

async function watching(fixture: Fixture, query = '', headers: Record<string, string> = {}): Promise<AsyncGenerator<ServerEvent>> {
  const response = await fetch(`${fixture.url}/store?watch${query}`, { headers, signal: AbortSignal.timeout(DEADLINE_MS) })
  assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/event-stream'])
  assert.ok(response.body !== null)
  return eventsOf(response.body)
}

async function next(events: AsyncGenerator<ServerEvent>): Promise<[name: string, key: unknown, id: string | undefined]> {
  const { value, done } = await events.next()
  assert.ok(done !== true, 'the stream ended')
  return [value.name, (JSON.parse(value.data) as { key?: unknown }).key, value.id]
}

describe('a watch of keys', () => {
  it('tells where it begins, and then each key with its facts in the order in which it became known', async () => {
    const feed = new KeyFeed(START)
    await using fixture = await startHttp({ feed })
    chosen(fixture, feed, 'before')
    const events = await watching(fixture)
    assert.deepEqual(await next(events), ['watching', undefined, `${START}.1`])
    chosen(fixture, feed, 'b')
    chosen(fixture, feed, 'a')
    const { value } = await events.next()
    const { etag, ...facts } = JSON.parse(value?.data ?? '{}') as Record<string, unknown>
    assert.match(String(etag), /^"[0-9a-f]{32}"$/)
    assert.deepEqual(facts, { key: 'b', size: 1, writtenAt: new Date(WRITTEN_AT_MS).toISOString() })
    assert.deepEqual(await next(events), ['put', 'a', `${START}.3`])
    await events.return(undefined)
  })

  it('goes on from a cursor, and tells of keys with the prefix alone', async () => {
    const feed = new KeyFeed(START)
    await using fixture = await startHttp({ feed })
    for (const key of ['a/1', 'b/1', 'a/2']) chosen(fixture, feed, key)
    for (const [query, headers] of [
      [`=&prefix=a/&cursor=${START}.1`, {}],
      ['&prefix=a/', { 'Last-Event-ID': `${START}.1` }],
    ] as const) {
      const events = await watching(fixture, query, headers)
      assert.equal((await next(events))[0], 'watching')
      assert.deepEqual(await next(events), ['put', 'a/2', `${START}.3`])
      await events.return(undefined)
    }
  })

  it('from a cursor that leads nowhere is 410, and one that is mistyped 400', async () => {
    const feed = new KeyFeed(START, 2)
    await using fixture = await startHttp({ feed })
    for (const key of ['a', 'b', 'c', 'd']) chosen(fixture, feed, key)
    for (const cursor of ['other.3', `${START}.1`, `${START}.5`, 'nonsense'])
      assert.equal((await ask(fixture, 'GET', `/store?watch&cursor=${cursor}`)).status, 410, cursor)
    for (const query of ['watch&after=a', 'watch=yes', 'watch&watch', `watch&cursor=${'x'.repeat(129)}`, 'watch&prefix=%00'])
      assert.equal((await ask(fixture, 'GET', `/store?${query}`)).status, 400, query)
    assert.equal((await ask(fixture, 'HEAD', '/store?watch')).status, 200)
  })

  it('that falls behind what is remembered is told so, and ends', async () => {
    const feed = new KeyFeed(START, 2)
    await using fixture = await startHttp({ feed })
    const events = await watching(fixture)
    assert.equal((await next(events))[0], 'watching')
    for (const key of ['a', 'b', 'c', 'd']) chosen(fixture, feed, key)
    assert.equal((await next(events))[0], 'cursor-gone')
    assert.equal((await events.next()).done, true)
  })

  it('is cut to what its token may read', async () => {
    const tokens = tokensFor(LINES)
    const feed = new KeyFeed(START)
    await using fixture = await startHttp({ feed, credentials: new Credentials(() => Date.now(), parseTokenFile(fileOf(LINES, tokens))) })
    const events = await watching(fixture, '', { Authorization: `Bearer ${tokens['team']}` })
    assert.equal((await next(events))[0], 'watching')
    for (const key of ['other/1', 'team/1']) chosen(fixture, feed, key)
    assert.deepEqual((await next(events)).slice(0, 2), ['put', 'team/1'])
    await events.return(undefined)
    assert.equal((await ask(fixture, 'GET', '/store?watch')).status, 401)
  })

  it('of the client goes on after a lost connection without losing a key, and ends with its signal', async () => {
    const feed = new KeyFeed(START)
    await using fixture = await startHttp({ feed })
    const lost: AbortController[] = []
    const breaking: typeof fetch = (input, init = {}) => {
      lost.push(new AbortController())
      const signals = [init.signal, lost.at(-1)?.signal].filter((signal) => signal instanceof AbortSignal)
      return fetch(input, { ...init, signal: AbortSignal.any(signals) })
    }
    const ended = new AbortController()
    const watched = new Client({ peers: [fixture.url], fetch: breaking }).watch({ prefix: 'k', signal: ended.signal })
    const keyOf = ({ value }: IteratorResult<Watched, void>): string => (value?.kind === 'put' ? value.stored.key : String(value?.kind))
    assert.equal(keyOf(await watched.next()), 'watching')
    chosen(fixture, feed, 'k1')
    assert.equal(keyOf(await watched.next()), 'k1')
    lost.at(-1)?.abort()
    chosen(fixture, feed, 'k2')
    assert.equal(keyOf(await watched.next()), 'watching')
    assert.equal(keyOf(await watched.next()), 'k2')
    assert.equal(lost.length, 2)
    ended.abort()
    assert.equal((await watched.next()).done, true)
  })

  it('of the client says that it must start over where its cursor leads nowhere', async () => {
    await using fixture = await startHttp({ feed: new KeyFeed(START) })
    const watched = new Client({ peers: [fixture.url] }).watch({ cursor: 'other.1' })
    await assert.rejects(watched.next(), (error: { outcome: { problem: string } }) => error.outcome.problem === 'cursor-gone')
  })
})
