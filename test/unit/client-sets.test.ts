/**
 * Sets through the client library: elements as values of JavaScript, and changes that are the same
 * change at each try.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client } from '../../src/client/client.ts'
import { readJson, writeElement } from '../../src/client/elements.ts'
import type { Element } from '../../src/client/elements.ts'
import { ClientFailed } from '../../src/client/outcomes.ts'
import { readElement } from '../../src/transit/documents.ts'

const ELEMENTS: readonly (readonly [Element, canonical: string])[] = [
  ['foo', '"foo"'],
  ['~^`', '"~~^`"'],
  ['^x', '"~^x"'],
  ['`', '"~`"'],
  ['', '""'],
  [11, '11'],
  [-0, '0'],
  [1.5, '1.5'],
  [{ tag: 'd', value: '1.0' }, '1.0'],
  [2 ** 60, '"~i1152921504606846976"'],
  [2n ** 70n, '"~n1180591620717411303424"'],
  [Number.NaN, '"~zNaN"'],
  [-Infinity, '"~z-INF"'],
  [true, 'true'],
  [null, 'null'],
  [{ tag: ':', value: 'a/b' }, '"~:a/b"'],
  [{ tag: 'm', value: '-5' }, '"~m-5"'],
  [[1, ['two', null], []], '[1,["two",null],[]]'],
]

function answer(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers })
}

function problem(status: number, name: string): Response {
  const body = JSON.stringify({ type: `urn:replicator:${name}`, title: name, status, detail: `because of ${name}` })
  return answer(status, body, { 'Content-Type': 'application/problem+json' })
}

interface Asked {
  readonly url: string
  readonly body: string
  readonly clock: string | undefined
}

/** A client whose peers answer step by step; the last step is repeated. */
function scripted(...steps: readonly (() => Response | Error)[]): { client: Client; asked: Asked[] } {
  const asked: Asked[] = []
  const fetcher = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const step = steps[Math.min(asked.length, steps.length - 1)]?.()
    const body = init.body === undefined ? '' : new TextDecoder().decode(init.body as Uint8Array<ArrayBuffer>)
    asked.push({ url: String(url), body, clock: (init.headers as Record<string, string>)['Replicator-Clock'] })
    if (step instanceof Response) return step
    throw step ?? new Error('no step')
  }
  return { client: new Client({ peers: ['http://one.example:1', 'http://two.example:2'], fetch: fetcher }), asked }
}

suite('elements of the client', () => {
  test('are what peers read, and come back as they were', () => {
    for (const [element, canonical] of ELEMENTS) {
      const { value } = readElement(writeElement(element))
      assert.equal(Buffer.from(value ?? '').toString(), canonical)
      const back = (readJson(`[${canonical}]`) as Element[])[0] as Element
      assert.equal(writeElement(back), writeElement(canonical === '"~i1152921504606846976"' ? 2n ** 60n : element))
    }
  })
})

suite('a set of the client', () => {
  test('sends the same change at each try, and what its clock shows at that moment', async () => {
    const { client, asked } = scripted(
      () => new TypeError('lost'),
      () => problem(503, 'not-ready'),
      () => answer(200, 'ok'),
    )
    assert.deepEqual(await client.set('s').insert(['a', 1]), { kind: 'stored' })
    assert.deepEqual(
      asked.map(({ url }) => url),
      ['http://one.example:1/sets/s/update', 'http://two.example:2/sets/s/update', 'http://one.example:1/sets/s/update'],
    )
    assert.equal(new Set(asked.map(({ body }) => body)).size, 1)
    assert.match(asked[0]?.body ?? '', /^\{"add-set":\[\["a",(\d{13})\],\[1,\1\]\]\}$/)
    for (const { clock } of asked) assert.ok(Math.abs(Number(clock) - Date.now()) < 10_000)
  })

  test('gives each change a later stamp than the one before', async () => {
    const { client, asked } = scripted(() => answer(200, 'ok'))
    const set = client.set('s')
    await Promise.all([set.insert([1]), set.delete([1]), set.insert([1], { wait: 'network' })])
    const stamps = asked.map(({ body }) => Number(/(\d{13})/.exec(body)?.[1]))
    assert.ok((stamps[0] ?? 0) < (stamps[1] ?? 0) && (stamps[1] ?? 0) < (stamps[2] ?? 0))
    assert.match(asked[2]?.url ?? '', /\?wait=network&timeout=5000$/)
  })

  test('says what became of a change', async () => {
    const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(300) })
    const kind = async (...steps: readonly (() => Response | Error)[]): Promise<string> =>
      (
        await scripted(...steps)
          .client.set('s')
          .insert([1], soon())
      ).kind
    assert.equal(await kind(() => problem(504, 'in-doubt')), 'in-doubt')
    assert.equal(await kind(() => problem(422, 'bad-stamp')), 'refused')
    assert.equal(await kind(() => problem(503, 'clock-off')), 'unavailable')
    assert.equal(await kind(() => new TypeError('lost')), 'in-doubt')
  })

  test('reads members and updates, and starts over where a cursor leads nowhere', async () => {
    const replica = '{"add-set":[["a",5],[1.0,6]],"del-set":[["a",7]]}'
    const { client } = scripted(
      () => answer(200, '["a",1.0,"~:k"]'),
      () => problem(404, 'unknown-set'),
      () => answer(200, replica, { 'Replicator-Cursor': 'x.3' }),
      () => problem(410, 'cursor-gone'),
      () => problem(403, 'forbidden'),
    )
    const set = client.set('s')
    assert.deepEqual(await set.members(), ['a', { tag: 'd', value: '1.0' }, { tag: ':', value: 'k' }])
    assert.deepEqual(await set.members(), [])
    assert.deepEqual(await set.updates(), {
      kind: 'updates',
      cursor: 'x.3',
      entries: [
        { element: 'a', added: 5, removed: 7 },
        { element: { tag: 'd', value: '1.0' }, added: 6, removed: null },
      ],
    })
    assert.deepEqual(await set.updates('x.3'), { kind: 'start-over' })
    await assert.rejects(set.members(), ClientFailed)
  })

  test('watches from where the set stands, and goes on at the same peer when the connection is lost', async () => {
    const stream = (...events: readonly string[]): Response => answer(200, events.map((event) => `${event}\n\n`).join(''))
    const { client, asked } = scripted(
      () => problem(404, 'unknown-set'),
      () => answer(200, '', { 'Replicator-Cursor': 'x.3' }),
      () => stream(),
      () => stream('id: x.4\nevent: insert\ndata: {"element":"~:k","added":5,"removed":null}'),
      () => new TypeError('lost'),
      () => stream('id: x.5\nevent: delete\ndata: {"element":1.0,"added":5,"removed":7}', ':'),
      () => stream('event: cursor-gone\ndata: {"detail":"forgotten"}'),
    )
    const seen: unknown[] = []
    const watched = async (): Promise<void> => {
      for await (const event of client.set('s').watch()) seen.push(event)
    }
    await assert.rejects(watched, (error) => error instanceof ClientFailed && /forgotten/.test(error.message))
    assert.deepEqual(seen, [
      { kind: 'watching', cursor: 'x.3' },
      { kind: 'insert', entry: { element: { tag: ':', value: 'k' }, added: 5, removed: null }, cursor: 'x.4' },
      { kind: 'delete', entry: { element: { tag: 'd', value: '1.0' }, added: 5, removed: 7 }, cursor: 'x.5' },
    ])
    assert.deepEqual(
      asked.map(({ url }) => url.replace('.example:', ' ')),
      [
        'http://one 1/sets/s/',
        'http://two 2/sets/s/',
        'http://two 2/sets/s/watch?after=x.3',
        'http://two 2/sets/s/watch?after=x.3',
        'http://two 2/sets/s/watch?after=x.4',
        'http://two 2/sets/s/watch?after=x.4',
        'http://two 2/sets/s/watch?after=x.5',
      ],
    )
  })

  test('a watch ends with its signal', async () => {
    const { client } = scripted(() => problem(503, 'not-ready'))
    const seen: unknown[] = []
    for await (const event of client.set('s').watch({ signal: AbortSignal.timeout(100) })) seen.push(event)
    assert.deepEqual(seen, [])
  })
})
