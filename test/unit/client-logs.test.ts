/**
 * Logs through the client library: what each answer of a peer comes to, and that a command is the
 * same command at each try.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SubmitOutcome } from '../../src/client/client.ts'
import { failure, json, problem, scripted } from './scripted-client.ts'
import type { AskedOnce } from './scripted-client.ts'

const POSITION = { term: 3, index: 41 }
const STATUS = { name: 'kv', commit: 40 }
const DONE = { position: POSITION, outcome: 'done', result: { add: { n: 1 } } }
const COMMAND = '{"add":{"n":1}}'

const status = (): Response => json(200, STATUS)
const done = (): Response => json(200, DONE)
const soon = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(300) })

function headersOf({ init }: AskedOnce): Readonly<Record<string, string>> {
  return init.headers as Record<string, string>
}

function submitted(asked: readonly AskedOnce[]): AskedOnce[] {
  return asked.filter(({ init }) => init.method === 'POST')
}

/** What becomes of a command whose peers answer so, once the client knows how far the log is. */
async function outcomeOf(...steps: readonly (() => Response | Error)[]): Promise<SubmitOutcome> {
  return scripted(status, ...steps)
    .client.log('kv')
    .submit(COMMAND, soon())
}

suite('a command of a log', () => {
  test('says by which name and after which index it is sent, the same at each try', async () => {
    const { client, asked } = scripted(
      status,
      () => failure('ECONNRESET'),
      () => problem(503, 'stalled'),
      () => problem(504, 'in-doubt'),
      done,
    )
    const outcome = await client.log('kv').submit(COMMAND)
    assert.deepEqual(outcome, { kind: 'done', position: POSITION, result: { add: { n: 1 } } })
    const sent = submitted(asked)
    assert.equal(sent.length, 4)
    assert.equal(new Set(sent.map((each) => headersOf(each)['Idempotency-Key'])).size, 1)
    assert.deepEqual(new Set(sent.map((each) => headersOf(each)['Replicator-Since'])), new Set(['40']))
    assert.equal(new Set(sent.map(({ url }) => new URL(url).host)).size, 2)
    assert.equal(new TextDecoder().decode(sent[0]?.init.body as Uint8Array<ArrayBuffer>), COMMAND)
  })

  test('is sent after the index of the answer before it, and asks for none', async () => {
    const { client, asked } = scripted(status, done)
    const log = client.log('kv')
    await log.submit(COMMAND)
    await log.submit(COMMAND)
    assert.deepEqual(
      asked.map((each) => headersOf(each)['Replicator-Since']),
      [undefined, '40', '41'],
    )
    assert.equal(new Set(submitted(asked).map((each) => headersOf(each)['Idempotency-Key'])).size, 2)
  })

  test('in doubt gives the name for the same command again', async () => {
    const outcome = await outcomeOf(() => failure('ECONNRESET'))
    assert.equal(outcome.kind, 'in-doubt')
    if (outcome.kind !== 'in-doubt') return
    assert.equal(outcome.name.since, 40)
    const { client, asked } = scripted(done)
    assert.equal((await client.log('kv').submit(COMMAND, { name: outcome.name })).kind, 'done')
    assert.deepEqual([asked.length, headersOf(asked[0] as AskedOnce)['Idempotency-Key']], [1, outcome.name.id])
  })

  test('that was certainly never ordered is unavailable, unless a try before it may have been', async () => {
    for (const name of ['not-ordered', 'stalled', 'overloaded', 'not-ready'])
      assert.equal((await outcomeOf(() => problem(503, name))).kind, 'unavailable', name)
    assert.equal((await outcomeOf(() => failure('ECONNREFUSED'))).kind, 'unavailable')
    assert.equal(
      (
        await outcomeOf(
          () => problem(504, 'in-doubt'),
          () => problem(503, 'not-ordered'),
        )
      ).kind,
      'in-doubt',
    )
    assert.equal(
      (
        await outcomeOf(
          () => problem(502, 'something'),
          () => problem(403, 'forbidden'),
        )
      ).kind,
      'in-doubt',
    )
  })

  test('that the store refuses is told with its place and its code', async () => {
    const facts = { position: POSITION, class: 'constraint', code: 'cas-differs' }
    const detail = 'because of rejected'
    assert.deepEqual(await outcomeOf(() => problem(422, 'rejected', facts)), { kind: 'rejected', ...facts, partial: false, detail })
  })

  test('whose index was too old, and of which nothing was sent, is sent without one', async () => {
    const { client, asked } = scripted(status, () => problem(409, 'outcome-forgotten'), done)
    assert.equal((await client.log('kv').submit(COMMAND)).kind, 'done')
    assert.equal(headersOf(asked.at(-1) as AskedOnce)['Replicator-Since'], undefined)
  })

  test('that may have been sent, or that the caller named, is never sent again after it is forgotten', async () => {
    assert.equal(
      (
        await outcomeOf(
          () => failure('ECONNRESET'),
          () => problem(409, 'outcome-forgotten'),
        )
      ).kind,
      'forgotten',
    )
    const { client } = scripted(() => problem(409, 'outcome-forgotten'))
    assert.equal((await client.log('kv').submit(COMMAND, { name: { id: 'mine', since: 3 } })).kind, 'forgotten')
  })

  test('under the name of another is reused, and one of a log that is not there is refused', async () => {
    assert.equal((await outcomeOf(() => problem(422, 'idempotency-key-reused'))).kind, 'reused')
    const outcome = await scripted(() => problem(404, 'unknown-log'))
      .client.log('none')
      .submit(COMMAND)
    assert.equal(outcome.kind === 'refused' && outcome.problem, 'unknown-log')
  })

  test('of a token that may not read is sent without an index', async () => {
    const { client, asked } = scripted(() => problem(403, 'forbidden'), done)
    assert.equal((await client.log('kv').submit(COMMAND)).kind, 'done')
    assert.equal(headersOf(asked.at(-1) as AskedOnce)['Replicator-Since'], undefined)
  })
})

suite('a query of a log', () => {
  test('is asked as of now, of the store at hand, or as of a position', async () => {
    const { client, asked } = scripted(() => json(200, { position: POSITION, result: { get: { n: '1' } } }))
    const log = client.log('kv')
    const outcome = await log.query('{"get":["n"]}')
    assert.deepEqual(outcome, { kind: 'answered', position: POSITION, result: { get: { n: '1' } } })
    await log.query('{"get":["n"]}', { at: 'local' })
    await log.query('{"get":["n"]}', { at: POSITION })
    const queries = asked.map(({ url }) => new URL(url).searchParams)
    assert.deepEqual(
      queries.map((query) => query.get('consistency') ?? query.get('after')),
      [null, 'local', '3.41'],
    )
  })

  test('that the store does not take is refused, and one that nobody answers is unavailable', async () => {
    const kindOf = async (step: () => Response | Error): Promise<string> => (await scripted(step).client.log('kv').query('x', soon())).kind
    assert.equal(await kindOf(() => problem(400, 'not-a-query')), 'refused')
    assert.equal(await kindOf(() => problem(503, 'unavailable')), 'unavailable')
  })
})
