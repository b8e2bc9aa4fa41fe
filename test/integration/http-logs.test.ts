/** `/logs` over HTTP: what is asked, and what each end of it is answered. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChangeAnswer, CreateAnswer, QueryAnswer, SubmitAnswer } from '../../src/ports/logs.ts'
import { DRAWN_SUBMIT, FakeLogs, LOG_VIEW, PEER, REPLICA } from './fake-logs.ts'
import { ANYBODY_OPERATES, ask, startHttp } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const AT = { term: 3, index: 9 }
const ORDERS = '/logs/orders'

async function start(): Promise<{ fixture: Fixture; logs: FakeLogs }> {
  const logs = new FakeLogs()
  return { fixture: await startHttp({ logs, credentials: ANYBODY_OPERATES }), logs }
}

function told(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

function problemOf(answer: RawAnswer): string {
  assert.equal(answer.headers['content-type'], 'application/problem+json', answer.body.toString())
  return `${answer.status} ${String(told(answer)['type']).replace('urn:replicator:', '')}`
}

function submit(fixture: Fixture, headers: Record<string, string> = {}, query = ''): Promise<RawAnswer> {
  return ask(fixture, 'POST', `${ORDERS}${query}`, headers, '{"add":{"n":1}}')
}

describe('a log', () => {
  it('takes a command, and tells its outcome, its position and what a retry says', async () => {
    const { fixture, logs } = await start()
    const answer = await submit(fixture)
    assert.deepEqual([answer.status, told(answer)], [200, { position: AT, outcome: 'done', result: { add: { n: 1 } } }])
    assert.equal(answer.headers['replicator-since'], '7')
    const named = { 'Idempotency-Key': '"order-1"', 'Replicator-Since': '5' }
    assert.equal((await submit(fixture, named, '?timeout=200')).status, 200)
    const command = '{"add":{"n":1}}'
    assert.deepEqual(logs.asked, [
      { log: 'orders', submitId: DRAWN_SUBMIT, isNamedByClient: false, since: 0, command, timeoutMs: 10_000 },
      { log: 'orders', submitId: 'order-1', isNamedByClient: true, since: 5, command, timeoutMs: 200 },
    ])
    await fixture.server.close(0)
  })

  it('answers each end of a command as its problem', async () => {
    const { fixture, logs } = await start()
    const rejected = { kind: 'rejected', class: 'constraint', code: 'cas-differs', isPartial: false } as const
    for (const [answer, problem] of [
      [{ kind: 'outcome', position: AT, outcome: rejected }, '422 rejected'],
      [{ kind: 'outcome', position: AT, outcome: { kind: 'reused' } }, '422 idempotency-key-reused'],
      [{ kind: 'outcome', position: AT, outcome: { kind: 'forgotten' } }, '409 outcome-forgotten'],
      [{ kind: 'not-ordered', why: 'too-large' }, '413 too-large'],
      [{ kind: 'not-ordered', why: 'overloaded' }, '503 overloaded'],
      [{ kind: 'not-ordered', why: 'stalled' }, '503 stalled'],
      [{ kind: 'not-ordered', why: 'no-leader' }, '503 not-ordered'],
      [{ kind: 'not-ordered', why: 'leader-changed' }, '503 not-ordered'],
      [{ kind: 'in-doubt', since: 4 }, '504 in-doubt'],
      [{ kind: 'unknown-log' }, '404 unknown-log'],
    ] satisfies readonly (readonly [SubmitAnswer, string])[]) {
      logs.onSubmit = answer
      const given = await submit(fixture)
      assert.equal(problemOf(given), problem)
      if (answer.kind === 'outcome') assert.deepEqual(told(given)['position'], AT)
      if (answer.kind === 'in-doubt') assert.deepEqual([told(given)['submitId'], given.headers['replicator-since']], [DRAWN_SUBMIT, '4'])
    }
    logs.onSubmit = { kind: 'outcome', position: AT, outcome: { ...rejected, isPartial: true } }
    const partial = told(await submit(fixture))
    assert.deepEqual([partial['class'], partial['code'], partial['partial']], ['constraint', 'cas-differs', true])
    await fixture.server.close(0)
  })

  it('is asked in the path or in the body, with what must be seen', async () => {
    const { fixture, logs } = await start()
    const found = await ask(fixture, 'GET', `${ORDERS}?q=%7B%22get%22%3A%5B%22k%22%5D%7D`)
    assert.deepEqual([found.status, told(found)], [200, { position: AT, result: { k: 'v' } }])
    await ask(fixture, 'GET', `${ORDERS}?q=x&consistency=local`)
    await ask(fixture, 'POST', `${ORDERS}/query?after=3.9&timeout=100`, {}, 'y')
    assert.deepEqual(logs.asked, [
      { log: 'orders', query: '{"get":["k"]}', consistency: 'linearizable', timeoutMs: 10_000 },
      { log: 'orders', query: 'x', consistency: 'local', timeoutMs: 10_000 },
      { log: 'orders', query: 'y', consistency: { after: AT }, timeoutMs: 100 },
    ])
    for (const [answer, problem] of [
      [{ kind: 'not-a-query', detail: 'no' }, '400 not-a-query'],
      [{ kind: 'result-too-large' }, '413 too-large'],
      [{ kind: 'unavailable', why: 'stalled' }, '503 unavailable'],
      [{ kind: 'unavailable', why: 'no-majority' }, '503 unavailable'],
      [{ kind: 'unknown-log' }, '404 unknown-log'],
    ] satisfies readonly (readonly [QueryAnswer, string])[]) {
      logs.onQuery = answer
      assert.equal(problemOf(await ask(fixture, 'GET', `${ORDERS}?q=x`)), problem)
    }
    await fixture.server.close(0)
  })

  it('refuses what will not do, and asks nobody', async () => {
    const { fixture, logs } = await start()
    for (const [method, target, headers, problem] of [
      ['GET', '/logs/%2e%2e?q=x', {}, '400 bad-name'],
      ['GET', ORDERS, {}, '400 bad-parameter'],
      ['GET', `${ORDERS}?q=x&consistency=new`, {}, '400 bad-parameter'],
      ['GET', `${ORDERS}?q=x&after=3`, {}, '400 bad-parameter'],
      ['GET', `${ORDERS}?q=x&after=3.9&consistency=local`, {}, '400 bad-parameter'],
      ['POST', `${ORDERS}?wait=1`, {}, '400 bad-parameter'],
      ['POST', ORDERS, { 'Replicator-Since': '-1' }, '400 bad-header'],
      ['POST', ORDERS, { 'Idempotency-Key': '""' }, '400 bad-header'],
      ['PUT', ORDERS, {}, '400 bad-body'],
    ] as const)
      assert.equal(problemOf(await ask(fixture, method, target, headers, method === 'GET' ? undefined : 'x')), problem, target)
    assert.equal(problemOf(await ask(fixture, 'POST', ORDERS, {}, 'x'.repeat(1_048_577))), '413 too-large')
    for (const body of ['[]', '{}', '{"store":"etcd"}', '{"store":"kv","size":3}', '{"store":"kv","place":3}'])
      assert.equal(problemOf(await ask(fixture, 'PUT', ORDERS, {}, body)), '400 bad-body')
    assert.deepEqual(logs.asked, [])
    await fixture.server.close(0)
  })

  it('is born by hand, once', async () => {
    const { fixture, logs } = await start()
    const put = (): Promise<RawAnswer> => ask(fixture, 'PUT', ORDERS, {}, '{"store":"kv","place":"cluster:c1"}')
    const born = await put()
    assert.deepEqual([born.status, told(born)['name'], told(born)['members']], [201, 'orders', [{ peer: PEER.peerId, role: 'voter' }]])
    logs.onCreate = { kind: 'created', log: LOG_VIEW, isNew: false }
    assert.equal((await put()).status, 200)
    for (const [answer, problem] of [
      [{ kind: 'exists', log: LOG_VIEW }, '409 log-exists'],
      [{ kind: 'not-ready', detail: 'too few' }, '503 not-ready'],
      [{ kind: 'bad-place', detail: 'nowhere' }, '400 bad-body'],
    ] satisfies readonly (readonly [CreateAnswer, string])[]) {
      logs.onCreate = answer
      assert.equal(problemOf(await put()), problem)
    }
    assert.deepEqual(logs.asked[0], { log: 'orders', store: 'kv', place: 'cluster:c1', isLeased: false })
    await fixture.server.close(0)
  })

  it('gets and loses members, and is led by another, when an operator says so', async () => {
    const { fixture, logs } = await start()
    const other = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
    const change = (body: string): Promise<RawAnswer> => ask(fixture, 'POST', `${ORDERS}/change`, {}, body)
    assert.deepEqual(told(await change(`{"add":["${other}"]}`)), { changing: true })
    assert.deepEqual(told(await change('{"place":"spread:3"}')), { changing: true })
    assert.equal((await ask(fixture, 'POST', `${ORDERS}/transfer`, {}, `{"to":"${other}"}`)).status, 202)
    assert.equal((await ask(fixture, 'POST', `${ORDERS}/verdict`, {}, '{"index":7}')).status, 202)
    for (const what of ['refill', 'check', 'recover', 'end'])
      assert.equal((await ask(fixture, 'POST', `${ORDERS}/${what}`, {}, '{}')).status, 202)
    assert.deepEqual(logs.asked, [
      { kind: 'change', log: 'orders', add: [other], remove: [], isForced: false },
      { kind: 'place', log: 'orders', place: 'spread:3' },
      { kind: 'transfer', log: 'orders', to: other },
      { kind: 'verdict', log: 'orders', index: 7 },
      { kind: 'refill', log: 'orders' },
      { kind: 'check', log: 'orders' },
      { kind: 'recover', log: 'orders' },
      { kind: 'end', log: 'orders' },
    ])
    for (const [answer, status] of [
      [{ kind: 'changed' }, '200'],
      [{ kind: 'not-changed', why: 'change-in-flight' }, '409 change-in-flight'],
      [{ kind: 'not-changed', why: 'unreachable' }, '409 change-refused'],
      [{ kind: 'not-changed', why: 'not-leader' }, '503 not-ready'],
      [{ kind: 'unknown-peer', peer: PEER.peerId }, '409 change-refused'],
      [{ kind: 'unavailable', why: 'no-majority' }, '503 unavailable'],
      [{ kind: 'bad-place', detail: 'no such wish' }, '400 bad-body'],
      [{ kind: 'not-changed', why: 'applied-somewhere' }, '409 change-refused'],
      [{ kind: 'not-refilled', why: 'no-source' }, '409 change-refused'],
      [{ kind: 'not-changed', why: 'no-store-left' }, '409 change-refused'],
      [{ kind: 'not-recovered', why: 'has-leader', replicas: [] }, '409 change-refused'],
      [{ kind: 'not-ready', detail: 'not decided in time' }, '503 not-ready'],
      [{ kind: 'ended' }, '200'],
      [{ kind: 'unknown-log' }, '404 unknown-log'],
      [{ kind: 'log-ended' }, '410 log-ended'],
    ] satisfies readonly (readonly [ChangeAnswer, string])[]) {
      logs.onChange = answer
      const given = await change(`{"remove":["${other}"]}`)
      assert.equal(given.status === 200 ? '200' : problemOf(given), status)
    }
    for (const body of [
      '{}',
      '{"add":["x"]}',
      `{"add":["${other}"],"remove":["${other}"]}`,
      '{"place":"spread:2"}',
      `{"place":"spread:3","add":["${other}"]}`,
    ])
      assert.equal(problemOf(await change(body)), '400 bad-body')
    await fixture.server.close(0)
  })

  it('shows its replicas, and tells proxies what the one here is', async () => {
    const { fixture, logs } = await start()
    const status = told(await ask(fixture, 'GET', `${ORDERS}/status`))
    assert.deepEqual([status['leader'], status['term'], status['commit'], status['changing']], [PEER.peerId, 3, 9, false])
    const [replica] = status['replicas'] as Record<string, unknown>[]
    assert.deepEqual(
      [replica?.['role'], replica?.['state'], replica?.['applied'], replica?.['lag'], replica?.['stalled']],
      ['leader', 'ready', 8, 1, null],
    )
    const role = await ask(fixture, 'GET', `${ORDERS}/role?for=POST`)
    assert.deepEqual([role.status, role.headers['replicator-role'], role.headers['replicator-leader']], [200, 'leader', PEER.peerId])
    logs.onRole = { kind: 'role', own: { ...REPLICA, role: 'follower' }, isInTouch: true }
    assert.equal((await ask(fixture, 'GET', `${ORDERS}/role?for=GET`)).status, 200)
    assert.equal(problemOf(await ask(fixture, 'GET', `${ORDERS}/role?for=POST`)), '403 forbidden')
    logs.onRole = { kind: 'role', own: REPLICA, isInTouch: false }
    assert.equal(problemOf(await ask(fixture, 'GET', `${ORDERS}/role`)), '503 unavailable')
    logs.onRole = { kind: 'role', own: { ...REPLICA, state: 'stalled', code: 'disk-full' }, isInTouch: true }
    assert.equal(problemOf(await ask(fixture, 'GET', `${ORDERS}/role`)), '503 stalled')
    logs.onRole = { kind: 'role', own: undefined, isInTouch: false }
    assert.equal(problemOf(await ask(fixture, 'GET', `${ORDERS}/role`)), '503 unavailable')
    const { logs: listed } = told(await ask(fixture, 'GET', '/logs')) as { logs: Record<string, unknown>[] }
    assert.deepEqual(
      listed.map(({ name, role: own }) => [name, own]),
      [
        ['orders', 'leader'],
        ['team', null],
      ],
    )
    await fixture.server.close(0)
  })
})
