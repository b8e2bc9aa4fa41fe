/** Many puts in one request, and lists with values, over a real socket. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Client } from '../../src/client/client.ts'
import { ask, startHttp } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

const JSON_HEADERS = { 'Content-Type': 'application/json' }

interface Told {
  readonly status: number
  readonly key?: string
  readonly type?: string
  readonly etag?: string
}

async function putAll(fixture: Fixture, puts: readonly object[]): Promise<readonly Told[]> {
  const answer = await ask(fixture, 'POST', '/puts', JSON_HEADERS, Buffer.from(JSON.stringify({ puts })))
  assert.equal(answer.status, 200, answer.body.toString())
  return (JSON.parse(answer.body.toString()) as { readonly puts: readonly Told[] }).puts
}

describe('many puts in one request', () => {
  it('are each answered as a put of its own, in their order', async () => {
    await using fixture = await startHttp()
    const told = await putAll(fixture, [
      { key: 'a', value: 'ä', idempotencyKey: 'one' },
      { key: 'a', value: 'other' },
      { key: 'b', valueBase64: '/wA=', contentType: 'image/png' },
      { key: 'a', value: 'ä', idempotencyKey: 'one' },
      { key: './x', value: '' },
      { key: 'c', value: '', contentType: '*/*' },
      { key: 'd', value: '', contentType: 'a\nb' },
      { key: 'e', value: '', idempotencyKey: 'with space' },
      { key: 'f', value: 'x'.repeat(1_048_577) },
    ])
    assert.deepEqual(
      told.map(({ status, type }) => [status, type?.replace('urn:replicator:', '')]),
      [
        [201, undefined],
        [409, 'key-exists'],
        [201, undefined],
        [200, undefined],
        [400, 'bad-key'],
        [400, 'bad-header'],
        [400, 'bad-header'],
        [400, 'bad-header'],
        [413, 'too-large'],
      ],
    )
    const single = await ask(
      fixture,
      'PUT',
      '/store/a',
      { 'Idempotency-Key': 'one', 'Content-Type': 'text/plain; charset=utf-8' },
      Buffer.from('ä'),
    )
    assert.deepEqual({ ...told[0], status: undefined }, { ...(JSON.parse(single.body.toString()) as object), status: undefined })
    assert.deepEqual([...(fixture.replicator.records.get('b')?.value ?? [])], [255, 0])
  })

  it('are refused as a whole, and nothing is stored, where the body is no list of puts', async () => {
    await using fixture = await startHttp()
    const good = { key: 'a', value: 'x' }
    const bad = [
      '',
      '[]',
      '{"puts":{}}',
      ...[{}, { ...good, valueBase64: '' }, { ...good, other: 'x' }, { key: 'a', value: 1 }].map(listed),
    ]
    bad.push(
      listed({ key: '\ud800', value: '' }),
      listed({ key: 'a', valueBase64: '?' }),
      JSON.stringify({ puts: Array.from({ length: 1_001 }, () => good) }),
    )
    for (const body of bad) {
      const answer = await ask(fixture, 'POST', '/puts', JSON_HEADERS, body)
      assert.match(`${answer.status} ${answer.body.toString()}`, /^400 .*urn:replicator:bad-body/, body.slice(0, 80))
    }
    assert.equal(fixture.replicator.puts.length, 0)

    function listed(odd: object): string {
      return JSON.stringify({ puts: [good, odd] })
    }
  })

  it('begin some at a time, and those that have not begun when the time is over are told so', async () => {
    await using fixture = await startHttp()
    let [atOnce, most] = [0, 0]
    fixture.replicator.onPut = async ({ timeoutMs }) => {
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise((resolve) => setTimeout(resolve, timeoutMs))
      atOnce -= 1
      return { kind: 'in-doubt', writeId: 'w' }
    }
    const puts = Array.from({ length: 40 }, (_, place) => ({ key: `k${place}`, value: '' }))
    const answer = await ask(fixture, 'POST', '/puts?timeout=100', JSON_HEADERS, Buffer.from(JSON.stringify({ puts })))
    const told = (JSON.parse(answer.body.toString()) as { readonly puts: readonly Told[] }).puts
    assert.deepEqual(
      told.map(({ status }) => status),
      [...Array<number>(32).fill(504), ...Array<number>(8).fill(503)],
    )
    assert.equal(most, 32)
  })

  it('come to outcomes in the client library, and only what nobody answered is in doubt', async () => {
    await using fixture = await startHttp()
    const client = new Client({ peers: [`http://127.0.0.1:${fixture.port}`] })
    const puts = [
      { key: 'a', value: 'x' },
      { key: 'b', value: new Uint8Array([255]) },
      { key: '..', value: '' },
      { key: 'c', value: '' },
    ]
    const over = new AbortController()
    let tries = 0
    fixture.replicator.onPut = ({ key, writeId = '' }) => {
      if (key !== 'c') return undefined
      tries += 1
      if (tries > 1) over.abort()
      return Promise.resolve({ kind: 'in-doubt', writeId })
    }
    const outcomes = await client.putMany(puts, { signal: over.signal })
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['created', 'created', 'refused', 'in-doubt'],
    )
    assert.equal((await client.putMany([{ key: 'a', value: 'y' }]))[0]?.kind, 'conflict')
  })
})

describe('a list with values', () => {
  it('tells text as text and other bytes as base64, and ends a page after 4 MiB of them', async () => {
    await using fixture = await startHttp()
    const client = new Client({ peers: [`http://127.0.0.1:${fixture.port}`] })
    const values = [Buffer.from('ä'), Buffer.from([255]), ...Array.from({ length: 6 }, () => Buffer.alloc(1_048_576, 'v'))]
    for (const [place, value] of values.entries()) await client.put(`k${place}`, value, { contentType: 'a/b' })
    const page = await ask(fixture, 'GET', '/store?values&limit=1000')
    const { keys, next } = JSON.parse(page.body.toString()) as { readonly keys: readonly object[]; readonly next?: string }
    assert.deepEqual([keys.length, next], [6, 'k5'])
    const found: Buffer[] = []
    for await (const { value, contentType } of client.listValues()) {
      assert.equal(contentType, 'a/b')
      found.push(Buffer.from(value))
    }
    assert.deepEqual(found, values)
  })
})
