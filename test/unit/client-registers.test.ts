/**
 * Registers through the client library: each write is one write however often it is sent, and a
 * watch goes on over the loss of its peer.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Client, RegisterEvent } from '../../src/client/client.ts'
import { ClientFailed } from '../../src/client/outcomes.ts'
import { failure, json, problem, scripted } from './scripted-client.ts'
import type { AskedOnce } from './scripted-client.ts'

const SHORT_MS = 300
/** What a peer says that holds version 7. */
const held = (): Response => new Response(null, { status: 304, headers: { ETag: '"7"', 'Replicator-Version': '7' } })
const written = (version: number, headers: Record<string, string> = {}, status = 200): Response =>
  new Response(JSON.stringify({ key: 'a', version, size: 1, writeId: 'w' }), { status, headers })
const lost = (): Error => failure('ECONNRESET')

function headersOf({ init }: AskedOnce): Record<string, string> {
  return init.headers as Record<string, string>
}

function namesOf(asked: readonly AskedOnce[]): (readonly (string | undefined)[])[] {
  return asked.map((once) => [headersOf(once)['Idempotency-Key'], headersOf(once)['Replicator-After']])
}

function soon(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(SHORT_MS) }
}

suite('a write of a register', () => {
  test('says by which name and after which version it is sent, the same at each try', async () => {
    const { client, asked } = scripted(
      held,
      lost,
      () => problem(504, 'in-doubt', { writeId: 'w', after: 9 }),
      () => written(8),
    )
    const outcome = await client.registers.put('a', 'x')
    assert.deepEqual(outcome, { kind: 'written', version: 8, wasAbsent: false })
    assert.match(asked[0]?.url ?? '', /\/kv\/a\?consistency=local&newer=\d+$/)
    const [, ...tries] = namesOf(asked)
    assert.equal(new Set(tries.map(([name]) => name)).size, 1)
    assert.deepEqual(
      tries.map(([, after]) => after),
      ['7', '7', '7'],
    )
  })

  test('asks for no version where it knows one: of its condition, and of an earlier answer', async () => {
    const { client, asked } = scripted(() => written(8))
    await client.registers.put('a', 'x', { when: 7 })
    await client.registers.put('a', 'y')
    assert.deepEqual(
      asked.map((once) => [once.init.method, headersOf(once)['If-Match'], headersOf(once)['Replicator-After']]),
      [
        ['PUT', '"7"', '7'],
        ['PUT', undefined, '8'],
      ],
    )
  })

  test('that was applied by a try whose answer was lost is written', async () => {
    const { client } = scripted(held, lost, () => written(8, { 'Replicator-Repeated': 'true' }))
    assert.deepEqual(await client.registers.put('a', 'x'), { kind: 'written', version: 8, wasAbsent: undefined })
  })

  test('in doubt gives the name for the same write again, which says what the first one did', async () => {
    const { client, asked } = scripted(held, lost)
    const doubt = await client.registers.put('a', 'x', soon())
    assert(doubt.kind === 'in-doubt')
    assert.deepEqual([doubt.name.idempotencyKey, doubt.name.after], [namesOf(asked)[1]?.[0], 7])
    const again = scripted(() => written(8, { 'Replicator-Repeated': 'true' }))
    assert.deepEqual(await again.client.registers.put('a', 'x', { name: doubt.name }), { kind: 'written-before', version: 8 })
    assert.deepEqual(namesOf(again.asked), [[doubt.name.idempotencyKey, '7']])
  })

  test('whose version was too old, and of which nothing was sent, is sent after the current one', async () => {
    const forgotten = (): Response => problem(409, 'outcome-forgotten', { number: 400, commitSent: false })
    const { client, asked } = scripted(held, forgotten, () => written(401))
    assert.equal((await client.registers.put('a', 'x')).kind, 'written')
    assert.deepEqual(
      namesOf(asked).map(([, after]) => after),
      [undefined, '7', '400'],
    )
  })

  test('that may have been sent, or that the caller named, is never sent again after it is forgotten', async () => {
    const forgotten = (commitSent: boolean) => (): Response => problem(409, 'outcome-forgotten', { number: 400, commitSent })
    assert.equal((await scripted(held, lost, forgotten(false)).client.registers.put('a', 'x')).kind, 'forgotten')
    assert.equal((await scripted(held, forgotten(true)).client.registers.put('a', 'x')).kind, 'forgotten')
    const name = { idempotencyKey: 'mine', after: 3 }
    assert.equal((await scripted(forgotten(false)).client.registers.put('a', 'x', { name })).kind, 'forgotten')
  })

  test('with a token that may not read is not tried again once it may have been sent', async () => {
    const { client, asked } = scripted(() => problem(403, 'forbidden'), lost)
    const outcome = await client.registers.put('a', 'x')
    assert.deepEqual([outcome.kind, outcome.kind === 'in-doubt' && outcome.name.after, asked.length], ['in-doubt', undefined, 2])
  })

  test('is refused for what is there, and that is final also after a try that was lost', async () => {
    const mismatch = (): Response => problem(412, 'precondition-failed', { version: 9, etag: '"9"', size: 1, number: 9 })
    const { client } = scripted(lost, mismatch)
    assert.deepEqual(await client.registers.put('a', 'x', { when: 7 }), { kind: 'mismatch', current: 9 })
    const { client: other, asked } = scripted(() => problem(404, 'unknown-key', { number: 4 }), mismatch)
    assert.deepEqual(await other.registers.put('a', 'x', { when: 'absent' }), { kind: 'mismatch', current: 9 })
    assert.deepEqual([headersOf(asked[1] as AskedOnce)['If-None-Match'], namesOf(asked)[1]?.[1]], ['*', '4'])
    const reused = scripted(held, () => problem(422, 'idempotency-key-reused'))
    assert.equal((await reused.client.registers.put('a', 'x')).kind, 'reused')
  })

  test('sends how long it lives, its type and its bytes', async () => {
    const { client, asked } = scripted(() => written(8, {}, 201))
    const outcome = await client.registers.put('a b/c', Uint8Array.of(1), { when: 'live', ttlSeconds: 60, name: { idempotencyKey: 'n' } })
    assert.deepEqual(outcome, { kind: 'written', version: 8, wasAbsent: true })
    assert.match(asked[0]?.url ?? '', /\/kv\/a%20b\/c\?timeout=\d+&ttl=60$/)
    assert.deepEqual(
      [headersOf(asked[0] as AskedOnce)['Content-Type'], headersOf(asked[0] as AskedOnce)['If-Match']],
      ['application/octet-stream', '*'],
    )
  })
})

suite('a delete of a register', () => {
  test('is one write too, and where nothing is live nothing was changed', async () => {
    const { client, asked } = scripted(held, lost, () => written(8, { 'Replicator-Repeated': 'true' }))
    assert.deepEqual(await client.registers.delete('a'), { kind: 'deleted', version: 8 })
    assert.deepEqual([asked[2]?.init.method, namesOf(asked)[2]?.[1]], ['DELETE', '7'])
    const absent = scripted(() => problem(404, 'unknown-key', { number: 8 }))
    assert.deepEqual(await absent.client.registers.delete('a'), { kind: 'absent' })
  })
})

suite('what the client reads of registers', () => {
  test('a value comes with its version, and an absence with the highest number', async () => {
    const headers = { 'Content-Type': 'text/plain', ETag: '"7"', 'Replicator-Version': '7', 'Replicator-Consistency': 'linearizable' }
    const found = await scripted(() => new Response('one', { headers })).client.registers.get('a')
    assert.equal(
      found.kind === 'found' && `${new TextDecoder().decode(found.value)} ${found.version} ${found.contentType}`,
      'one 7 text/plain',
    )
    const absent = await scripted(() => problem(404, 'unknown-key', { number: 9 })).client.registers.get('a')
    assert.deepEqual(absent, { kind: 'absent', number: 9, consistency: 'linearizable' })
    assert.equal((await scripted(() => problem(503, 'unavailable')).client.registers.get('a', soon())).kind, 'unavailable')
  })

  test('waiting goes on until a newer version is there', async () => {
    const newer = (): Response => new Response('x', { headers: { 'Replicator-Version': '8' } })
    const { client, asked } = scripted(held, () => problem(404, 'unknown-key', { number: 8 }), newer)
    const outcome = await client.registers.wait('a', 7)
    assert.deepEqual([outcome.kind === 'found' && outcome.version, asked.length], [8, 3])
  })

  test('a list goes on at another peer after the last key, when its peer is lost', async () => {
    const row = { key: 'a', version: 1, size: 1, writtenAt: '' }
    const { client, asked } = scripted(
      () => json(200, { keys: [row], next: 'a' }),
      lost,
      () => json(200, { keys: [{ ...row, key: 'b' }] }),
    )
    const keys: string[] = []
    for await (const { key } of client.registers.list({ prefix: 'p' })) keys.push(key)
    assert.deepEqual(
      [keys, asked.map(({ url }) => new URL(url).searchParams.get('after'))],
      [
        ['a', 'b'],
        [null, 'a', 'a'],
      ],
    )
  })
})

/** Events as a peer writes them. */
function stream(...events: readonly string[]): Response {
  return new Response(events.join(''), { headers: { 'Content-Type': 'text/event-stream' } })
}

function event(kind: string, key: string, version: number, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${JSON.stringify({ key, version, size: 1 })}\n\n`
}

/** The first events, as short texts. */
async function firstOf(client: Client, count: number, options: Parameters<Client['registers']['watch']>[0]): Promise<string[]> {
  const told: string[] = []
  for await (const seen of client.registers.watch({ ...options, signal: AbortSignal.timeout(10_000) })) {
    told.push(textOf(seen))
    if (told.length === count) break
  }
  return told
}

function textOf(seen: RegisterEvent): string {
  if (seen.kind === 'listing') return 'listing'
  return seen.kind === 'watching' ? `watching ${seen.cursor}` : `${seen.kind} ${seen.key} ${seen.version} ${seen.cursor ?? '-'}`
}

suite('a watch of registers', () => {
  test('goes on from its last cursor at the same peer when its connection is lost', async () => {
    const { client, asked } = scripted(
      () => stream('id: run-1\n\n', ':\n\n', event('put', 'a', 2, 'run-2'), event('delete', 'a', 3, 'run-3')),
      () => stream('id: run-3\n\n', event('put', 'a', 4, 'run-4')),
    )
    const told = await firstOf(client, 5, {})
    assert.deepEqual(told, ['watching run-1', 'put a 2 run-2', 'delete a 3 run-3', 'watching run-3', 'put a 4 run-4'])
    assert.deepEqual(
      asked.map(({ url }) => url.slice(url.indexOf('/kv'))),
      ['/kv?watch&from=now', '/kv?watch&cursor=run-3'],
    )
    assert.equal(new Set(asked.map(({ url }) => new URL(url).host)).size, 1)
  })

  test('lists where its cursor leads nowhere, tells nothing twice, and what was deleted meanwhile', async () => {
    const { client, asked } = scripted(
      () => stream(event('put', 'a', 2), event('put', 'b', 5), event('put', 'c', 1), 'id: one-9\n\n', event('delete', 'c', 2, 'one-10')),
      lost,
      lost,
      () => problem(410, 'cursor-gone'),
      // A copy that is behind: of a it has an older version, and c is not yet deleted there.
      () => stream(event('put', 'a', 1), event('put', 'c', 1), event('put', 'd', 1), 'id: two-4\n\n', event('put', 'a', 3, 'two-5')),
      () => problem(404, 'unknown-key', { number: 8 }),
    )
    const told = await firstOf(client, 10, { from: 'start' })
    assert.deepEqual(told, [
      'listing',
      'put a 2 -',
      'put b 5 -',
      'put c 1 -',
      'watching one-9',
      'delete c 2 one-10',
      'listing',
      'put d 1 -',
      'delete b 8 -',
      'watching two-4',
    ])
    assert.equal(new Set(asked.slice(1, 4).map(({ url }) => new URL(url).searchParams.get('cursor'))).size, 1)
    assert.match(asked[5]?.url ?? '', /\/kv\/b\?/)
  })

  test('that was cut, for it read too slowly, goes on from where it was cut', async () => {
    const { client, asked } = scripted(
      () => stream('id: run-1\n\n', event('put', 'a', 2, 'run-2'), 'id: run-3\nevent: watch-ended\ndata: {}\n\n'),
      () => stream('id: run-3\n\n'),
    )
    assert.deepEqual(await firstOf(client, 3, {}), ['watching run-1', 'put a 2 run-2', 'watching run-3'])
    assert.match(asked[1]?.url ?? '', /cursor=run-3$/)
  })

  test('whose listing was cut off begins it anew', async () => {
    const { client, asked } = scripted(
      () => stream(event('put', 'a', 2)),
      () => stream(event('put', 'a', 2), event('put', 'b', 1), 'id: run-1\n\n'),
    )
    assert.deepEqual(await firstOf(client, 5, { from: 'start' }), ['listing', 'put a 2 -', 'listing', 'put b 1 -', 'watching run-1'])
    assert.match(asked[1]?.url ?? '', /from=start/)
  })

  test('gives values as bytes, where they are asked for', async () => {
    const data = JSON.stringify({ key: 'a', version: 1, size: 2, contentType: 'a/b', value: '/wA=' })
    const { client, asked } = scripted(() => stream('id: r-0\n\n', `id: r-1\nevent: put\ndata: ${data}\n\n`))
    for await (const seen of client.registers.watch({ values: true })) {
      if (seen.kind !== 'put') continue
      assert.deepEqual([seen.value, seen.contentType], [Uint8Array.of(255, 0), 'a/b'])
      break
    }
    assert.match(asked[0]?.url ?? '', /values=true/)
  })

  test('that is refused ends with the refusal', async () => {
    const { client } = scripted(() => problem(403, 'forbidden'))
    await assert.rejects(client.registers.watch().next(), ClientFailed)
  })
})
