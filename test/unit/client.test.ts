/** What the client makes of peers that answer, fail and lie between, told by a scripted `fetch`. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client } from '../../src/client/client.ts'
import { ClientFailed } from '../../src/client/outcomes.ts'
import type { Status } from '../../src/client/views.ts'
import type { StatusView } from '../../src/ports/replicator.ts'
import { failure, json, problem, scripted } from './scripted-client.ts'

const STORED = { key: 'a', writeId: 'w', size: 3, etag: '"e"', writtenAt: '2026-11-28T10:00:00.000Z' }
const SHORT_MS = 300

function nameOf({ init }: { readonly init: RequestInit }): string | undefined {
  return (init.headers as Record<string, string>)['Idempotency-Key']
}

function soon(): AbortSignal {
  return AbortSignal.timeout(SHORT_MS)
}

suite('a put of the client', () => {
  test('that no peer can be reached for was certainly not begun', async () => {
    const { client } = scripted(() => failure('ECONNREFUSED'))
    const outcome = await client.put('a', 'one', { signal: soon() })
    assert.equal(outcome.kind, 'unavailable')
    assert.match(outcome.kind === 'unavailable' ? outcome.detail : '', /ECONNREFUSED/)
  })

  test('whose connection was lost is in doubt, and names itself for another try', async () => {
    const { client, asked } = scripted(() => failure('ECONNRESET'))
    const outcome = await client.put('a', 'one', { signal: soon() })
    assert.equal(outcome.kind, 'in-doubt')
    assert.equal(outcome.kind === 'in-doubt' && outcome.idempotencyKey, nameOf(asked[0] as never))
  })

  test('is retried at the next peer under the same name, and was stored by it', async () => {
    const { client, asked } = scripted(
      () => failure('ECONNRESET'),
      () => json(200, STORED),
    )
    const outcome = await client.put('a', 'one')
    assert.equal(outcome.kind, 'created')
    assert.deepEqual(
      asked.map(({ url }) => new URL(url).host),
      ['one.example:1', 'two.example:2'],
    )
    assert.equal(nameOf(asked[0] as never), nameOf(asked[1] as never))
  })

  test('that the caller named and that is found stored was stored before', async () => {
    const { client } = scripted(() => json(200, STORED))
    assert.equal((await client.put('a', 'one', { idempotencyKey: 'mine' })).kind, 'stored-before')
  })

  test('after in-doubt is the same write again', async () => {
    const { client, asked } = scripted(
      () => problem(504, 'in-doubt', { writeId: 'w' }),
      () => json(201, STORED),
    )
    assert.equal((await client.put('a', 'one')).kind, 'created')
    assert.equal(new Set(asked.map(nameOf)).size, 1)
  })

  test('takes the status of something in between for no answer', async () => {
    const { client } = scripted(
      () => new Response('Bad gateway', { status: 502 }),
      () => problem(409, 'key-exists', { etag: '"x"', size: 1, writtenAt: STORED.writtenAt }),
    )
    const outcome = await client.put('a', 'one')
    assert.deepEqual(outcome, { kind: 'conflict', stored: { key: 'a', size: 1, etag: '"x"', writtenAt: STORED.writtenAt } })
  })

  test('that is refused is not tried elsewhere', async () => {
    const { client, asked } = scripted(() => problem(413, 'too-large'))
    assert.deepEqual(await client.put('a', 'one'), {
      kind: 'refused',
      problem: 'too-large',
      status: 413,
      detail: 'because of too-large',
    })
    assert.equal(asked.length, 1)
  })

  test('that is refused after a try that was lost is in doubt', async () => {
    const { client } = scripted(
      () => failure('ECONNRESET'),
      () => problem(401, 'unauthorized'),
    )
    assert.equal((await client.put('a', 'one')).kind, 'in-doubt')
  })

  test('goes on past peers that are not ready', async () => {
    const { client, asked } = scripted(
      () => problem(503, 'not-ready'),
      () => problem(503, 'overloaded'),
      () => json(201, STORED),
    )
    assert.equal((await client.put('a', 'one')).kind, 'created')
    assert.equal(asked.length, 3)
  })

  test('of a key that no URL can carry is refused without asking', async () => {
    const { client, asked } = scripted(() => json(201, STORED))
    for (const key of ['a/../b', '.', 'x\ud800']) assert.equal((await client.put(key, '')).kind, 'refused')
    assert.equal(asked.length, 0)
  })

  test('sends the key encoded segment by segment, its type, its name and the token', async () => {
    const { client, asked } = scripted(() => json(201, STORED))
    await client.put('a b//ü?/+', 'one')
    assert.match(asked[0]?.url ?? '', /^http:\/\/one\.example:1\/store\/a%20b\/\/%C3%BC%3F\/%2B\?timeout=\d+$/)
    const headers = asked[0]?.init.headers as Record<string, string>
    assert.equal(headers['Authorization'], 'Bearer t')
    assert.equal(headers['Content-Type'], 'text/plain; charset=utf-8')
    assert.equal(asked[0]?.init.redirect, 'error')
  })
})

suite('what the client reads', () => {
  test('a value comes with its type and with how sure it is', async () => {
    const headers = { 'Content-Type': 'text/plain', ETag: '"e"', 'Replicator-Consistency': 'local' }
    const { client } = scripted(() => new Response('one', { headers }))
    const outcome = await client.get('a', { consistency: 'local' })
    assert.equal(outcome.kind === 'found' && new TextDecoder().decode(outcome.value), 'one')
    assert.equal(outcome.kind === 'found' && `${outcome.contentType} ${outcome.etag} ${outcome.consistency}`, 'text/plain "e" local')
  })

  test('a key that is not known is absent, and a quorum that is missing is not', async () => {
    assert.equal((await scripted(() => problem(404, 'unknown-key')).client.get('a')).kind, 'absent')
    const { client } = scripted(() => problem(503, 'unavailable'))
    assert.equal((await client.get('a', { signal: soon() })).kind, 'unavailable')
  })

  test('a page that does not exist at the address is no absent key', async () => {
    const { client } = scripted(() => new Response('Not found', { status: 404 }))
    assert.equal((await client.get('a')).kind, 'refused')
  })

  test('waiting goes on until the key is there', async () => {
    const { client, asked } = scripted(
      () => problem(404, 'unknown-key'),
      () => problem(404, 'unknown-key'),
      () => new Response('one'),
    )
    assert.equal((await client.wait('a')).kind, 'found')
    assert.equal(asked.length, 3)
  })

  test('a list goes on at another peer after the last key, when its peer is lost', async () => {
    const { client, asked } = scripted(
      () => json(200, { keys: [STORED], next: 'a' }),
      () => failure('ECONNREFUSED'),
      () => json(200, { keys: [{ ...STORED, key: 'b' }] }),
    )
    const keys: string[] = []
    for await (const { key } of client.list({ prefix: '' })) keys.push(key)
    assert.deepEqual(keys, ['a', 'b'])
    assert.deepEqual(
      asked.map(({ url }) => new URL(url).searchParams.get('after')),
      [null, 'a', 'a'],
    )
  })

  test('a list that is refused fails with the refusal', async () => {
    const { client } = scripted(() => problem(403, 'forbidden'))
    await assert.rejects(client.list().next(), (error) => error instanceof ClientFailed && error.outcome.kind === 'refused')
  })

  test('one that is given up ends at once', async () => {
    const { client, asked } = scripted(() => json(201, STORED))
    assert.equal((await client.put('a', 'one', { signal: AbortSignal.abort() })).kind, 'unavailable')
    assert.equal(asked.length, 0)
  })

  test('the status of a peer is what the server tells', () => {
    const told = (view: StatusView): Status => view
    assert.equal(typeof told, 'function')
  })
})

suite('making a client', () => {
  test('wants peers that are URLs of http or https', () => {
    for (const peers of [[], ['127.0.0.1:8000'], ['ftp://a'], ['nonsense']]) {
      assert.throws(() => new Client({ peers }), TypeError)
    }
  })
})
