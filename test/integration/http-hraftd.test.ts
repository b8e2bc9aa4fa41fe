/** The port of `-hraftd`: the lines of the system that has it, to the letter. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerName } from '../../protocols/base/identity.ts'
import { hraftdRoutes } from '../../src/facades/hraftd/routes.ts'
import { utf8 } from '../../src/bytes.ts'
import { DRAWN_SUBMIT, FakeLogs, PEER, REPLICA } from './fake-logs.ts'
import { ANYBODY_OPERATES, ask, startHttp } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const OTHER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
/** What curl -d says of what it sends. */
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

async function start(): Promise<{ fixture: Fixture; logs: FakeLogs; at: Pick<Fixture, 'port'> & Fixture }> {
  const logs = new FakeLogs()
  const fixture = await startHttp({ logs, credentials: ANYBODY_OPERATES })
  const { url } = await fixture.server.listen({ host: '127.0.0.1', port: 0 }, undefined, hraftdRoutes(logs, 'kv'))
  return { fixture, logs, at: { ...fixture, url, port: Number(new URL(url).port) } }
}

function told(answer: RawAnswer): unknown {
  return JSON.parse(answer.body.toString())
}

describe('the port of hraftd', () => {
  it('sets, shows and deletes keys as its lines ask', async () => {
    const { fixture, logs, at } = await start()
    const set = await ask(at, 'POST', '/key', FORM, '{"foo": "bar", "a": "b"}')
    assert.deepEqual([set.status, set.body.length], [200, 0])
    logs.onQuery = { kind: 'answered', position: { term: 1, index: 2 }, result: utf8.encode('{"foo":"bar"}') }
    assert.deepEqual(told(await ask(at, 'GET', '/key/foo')), { foo: 'bar' })
    logs.onQuery = { kind: 'answered', position: { term: 1, index: 2 }, result: utf8.encode('{"gone":null}') }
    assert.deepEqual(told(await ask(at, 'GET', '/key/gone?level=stale')), { gone: '' })
    assert.equal((await ask(at, 'DELETE', '/key/foo')).status, 200)
    const submitted = { log: 'kv', submitId: DRAWN_SUBMIT, isNamedByClient: false, since: 0, timeoutMs: 10_000 }
    assert.deepEqual(logs.asked, [
      { ...submitted, command: '{"set":{"foo":"bar","a":"b"}}' },
      { log: 'kv', query: '{"get":["foo"]}', consistency: 'linearizable', timeoutMs: 10_000 },
      { log: 'kv', query: '{"get":["gone"]}', consistency: 'local', timeoutMs: 10_000 },
      { ...submitted, command: '{"delete":["foo"]}' },
    ])
    await fixture.server.close(0)
  })

  it('refuses what is no pair of texts, and other methods', async () => {
    const { fixture, logs, at } = await start()
    for (const body of ['foo', '[]', '{"a":1}', '{"":"x"}']) assert.equal((await ask(at, 'POST', '/key', FORM, body)).status, 400, body)
    for (const [method, path, status] of [
      ['PUT', '/key', 405],
      ['POST', '/key/foo', 405],
      ['POST', '/status', 405],
      ['GET', '/key/foo?level=weak', 400],
      ['GET', '/elsewhere', 404],
    ] as const)
      assert.equal((await ask(at, method, path)).status, status, `${method} ${path}`)
    assert.deepEqual(logs.asked, [])
    logs.onSubmit = {
      kind: 'outcome',
      position: { term: 1, index: 2 },
      outcome: { kind: 'rejected', class: 'constraint', code: 'no-key', isPartial: false },
    }
    assert.equal((await ask(at, 'POST', '/key', FORM, '{"a":"b"}')).status, 400)
    logs.onSubmit = { kind: 'not-ordered', why: 'no-leader' }
    assert.equal((await ask(at, 'POST', '/key', FORM, '{"a":"b"}')).status, 503)
    await fixture.server.close(0)
  })

  it('sends a proxy that asks for it to whoever leads, and begins nothing', async () => {
    const { fixture, logs, at } = await start()
    const accel = { ...FORM, 'Replicator-Accel': 'yes' }
    logs.onRole = { kind: 'role', own: { ...REPLICA, role: 'follower' }, isInTouch: true }
    for (const [port, method, path] of [
      [at, 'POST', '/key'],
      [at, 'DELETE', '/key/a'],
      [fixture, 'POST', '/logs/kv'],
    ] as const) {
      const answer = await ask(port, method, path, accel, '{"a":"b"}')
      assert.deepEqual([answer.status, answer.headers['x-accel-redirect']], [503, `@${PEER.peerId}`], path)
    }
    assert.deepEqual(logs.asked, [])
    const [self] = fixture.replicator.peers()
    assert(self !== undefined)
    fixture.replicator.peers = () => [{ ...self, id: PEER.peerId, name: 'first' as PeerName }]
    const named = await ask(at, 'POST', '/key', accel, '{"a":"b"}')
    assert.equal(named.headers['x-accel-redirect'], '@first')
    assert.equal((await ask(at, 'POST', '/key', FORM, '{"a":"b"}')).status, 200, 'nobody asked for it')
    logs.onRole = { kind: 'role', own: { ...REPLICA, leader: undefined, role: 'candidate' }, isInTouch: false }
    assert.equal((await ask(at, 'POST', '/key', accel, '{"a":"b"}')).status, 200, 'nobody is known to lead')
    logs.onRole = { kind: 'role', own: REPLICA, isInTouch: true }
    assert.equal((await ask(at, 'POST', '/key', accel, '{"a":"b"}')).status, 200, 'it leads')
    await fixture.server.close(0)
  })

  it('adds voters, and tells who leads', async () => {
    const { fixture, logs, at } = await start()
    const join = await ask(at, 'POST', '/join', FORM, `{"addr":"127.0.0.1:1","id":"${OTHER}"}`)
    assert.deepEqual([join.status, join.body.length], [200, 0])
    assert.deepEqual(logs.asked, [{ kind: 'change', log: 'kv', add: [OTHER], remove: [], isForced: false }])
    for (const body of ['x', '{}', '{"addr":"a","id":"node1"}', `{"id":"${OTHER}"}`])
      assert.equal((await ask(at, 'POST', '/join', FORM, body)).status, 400)
    const me = fixture.replicator.status().peerId
    assert.deepEqual(told(await ask(at, 'GET', '/raft')), { State: 'Leader', Node: me })
    logs.onRole = { kind: 'role', own: { ...REPLICA, role: 'follower' }, isInTouch: true }
    assert.deepEqual(told(await ask(at, 'GET', '/raft')), { State: 'Follower', Node: me })
    const status = told(await ask(at, 'GET', '/status')) as { me: { id: string }; leader: { id: string }; followers: unknown[] }
    assert.deepEqual([status.me.id, status.leader.id, status.followers], [me, PEER.peerId, []])
    await fixture.server.close(0)
  })
})
