/**
 * Changing the configuration over HTTP: what is taken, what is refused and why, and how outcomes
 * are told.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ANYBODY_OPERATES, ask, eventually, NETWORK_ID, RawClient, requestHead, startHttp } from './http-fixture.ts'
import type { Fixture, RawAnswer } from './http-fixture.ts'

const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const OTHER = '12D3KooWSmUQfTDCHBvzYbRkQEVX7oCCUfXXMULyV3BPFzcuvFRn'
/** `PEER` as a CID. */
const IN_ANOTHER_FORM = 'bafzaajaiaejcatfvvp3k26p36wv3zsx4yju5qxgsmupnjoefwwdj6ja25xyklorj'
const OF_JSON = { 'Content-Type': 'application/json' }

function change(fixture: Fixture, body: unknown, query = ''): Promise<RawAnswer> {
  return ask(fixture, 'POST', `/config/changes${query}`, OF_JSON, typeof body === 'string' ? body : JSON.stringify(body))
}

function told(answer: RawAnswer): Record<string, unknown> {
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

describe('a change of the configuration', () => {
  it('is asked for with the fields given, and those left out are empty', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    await change(fixture, { add: [PEER], remove: [OTHER], force: true }, '?timeout=700')
    await change(fixture, { removeCluster: 'cluster-2' })
    await ask(fixture, 'POST', '/config/changes', { 'Content-Type': 'Application/JSON; charset=utf-8' }, '{ "withdraw": true }')
    const nothing = { add: [], remove: [], removeCluster: undefined, force: false, withdraw: false }
    assert.deepEqual(
      fixture.replicator.changes.map((asked) => [asked.request, asked.timeoutMs]),
      [
        [{ ...nothing, add: [PEER], remove: [OTHER], force: true }, 700],
        [{ ...nothing, removeCluster: 'cluster-2' }, 10_000],
        [{ ...nothing, withdraw: true }, 10_000],
      ],
    )
  })

  it('is answered by how it ended, or how far it is', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    const { replicator } = fixture
    const rows = [
      [{ kind: 'changed', epoch: 7 }, 200, { outcome: 'changed', epoch: 7 }],
      [{ kind: 'unchanged', epoch: 7 }, 200, { outcome: 'unchanged', epoch: 7 }],
      [{ kind: 'changing', epoch: 6 }, 202, { outcome: 'changing', epoch: 6, covered: 1, needed: 2 }],
      [{ kind: 'change-refused', detail: 'why' }, 409, { type: 'urn:replicator:change-refused', detail: 'why' }],
      [{ kind: 'change-expired', detail: 'why' }, 503, { type: 'urn:replicator:change-expired', detail: 'why' }],
      [{ kind: 'not-ready', detail: 'why' }, 503, { type: 'urn:replicator:not-ready', detail: 'why' }],
    ] as const
    const view = replicator.config()
    const inFlight = { epoch: 6, from: {}, to: {}, startedSecondsAgo: 1, covered: 1, needed: 2 }
    replicator.config = () => ({ ...view, change: inFlight })
    for (const [outcome, status, body] of rows) {
      replicator.onChange = async () => outcome
      const answer = await change(fixture, { withdraw: true })
      assert.deepEqual([answer.status, answer.headers['cache-control']], [status, 'no-store'])
      assert.deepEqual({ ...told(answer), ...body }, told(answer))
      assert.equal(answer.headers['retry-after'], status === 503 ? '1' : undefined)
    }
  })

  it('is not begun for a body that will not do, which one sentence says how to mend', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    const rows: readonly (readonly [unknown, RegExp])[] = [
      ['', /not JSON; send an object like/],
      ['{', /not JSON/],
      ['[]', /not a JSON object/],
      ['null', /not a JSON object/],
      [{}, /asks for nothing; name peers/],
      [{ add: [], force: true }, /asks for nothing/],
      [{ added: [PEER] }, /"added" is no field of it; the fields are add, remove/],
      [{ add: PEER }, /"add" must be a list of peer ids/],
      [{ add: [1] }, /"add" must be a list/],
      [{ remove: ['nobody'] }, /"nobody" in "remove" is no peer id/],
      [{ remove: [IN_ANOTHER_FORM] }, /in "remove" is no peer id/],
      [{ add: [PEER, PEER] }, /"add" names a peer twice/],
      [{ add: [PEER], remove: [PEER] }, /both name 12D3/],
      [{ removeCluster: 'a/b' }, /"removeCluster" must be a cluster id/],
      [{ removeCluster: 1 }, /"removeCluster" must be a cluster id/],
      [{ add: [PEER], force: 'yes' }, /"force" must be true or false/],
      [{ withdraw: 1 }, /"withdraw" must be true or false/],
      [{ withdraw: true, add: [PEER] }, /"withdraw" stands alone/],
      [{ withdraw: true, force: true }, /"withdraw" stands alone/],
    ]
    for (const [body, detail] of rows) {
      const answer = await change(fixture, body)
      assert.deepEqual([answer.status, told(answer)['type']], [400, 'urn:replicator:bad-body'], JSON.stringify(body))
      assert.match(told(answer)['detail'] as string, detail)
    }
    const latin = await ask(fixture, 'POST', '/config/changes', OF_JSON, Buffer.from([0x22, 0xff, 0x22]))
    assert.equal(told(latin)['type'], 'urn:replicator:bad-body')
    assert.deepEqual(fixture.replicator.changes, [])
  })

  it('is not begun for a request that is wrong around its body', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    const rows = [
      [{ 'Content-Type': 'text/plain' }, 415, 'unsupported-media-type'],
      [{ 'Content-Type': 'application/json-patch' }, 415, 'unsupported-media-type'],
      [{}, 415, 'unsupported-media-type'],
      [{ ...OF_JSON, 'Content-Encoding': 'gzip' }, 415, 'unsupported-encoding'],
      [{ ...OF_JSON, Origin: 'http://evil.example' }, 403, 'forbidden'],
      [{ ...OF_JSON, Host: 'evil.example' }, 421, 'misdirected'],
    ] as const
    for (const [headers, status, name] of rows) {
      for (const path of ['/config/changes', '/config/new-epoch']) {
        const answer = await ask(fixture, 'POST', path, headers, '{ "withdraw": true }')
        assert.deepEqual([answer.status, told(answer)['type']], [status, `urn:replicator:${name}`])
      }
    }
    const bad = await change(fixture, { withdraw: true }, '?timeout=1')
    assert.deepEqual([bad.status, told(bad)['parameter']], [400, 'timeout'])
    assert.equal((await change(fixture, ' '.repeat(65_537))).status, 413)
    const shut = await ask(fixture, 'GET', '/config/changes')
    assert.deepEqual([shut.status, shut.headers['allow']], [405, 'POST'])
    assert.deepEqual(fixture.replicator.changes, [])
  })

  it('goes on without a client that hangs up, which is told to the peer', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    const { replicator } = fixture
    replicator.onChange = () => new Promise(() => undefined)
    await using client = new RawClient(fixture.port)
    const body = '{ "withdraw": true }'
    client.write(requestHead('POST', '/config/changes', { ...OF_JSON, 'Content-Length': String(body.length) }) + body)
    await eventually(() => replicator.changes.length === 1, 'the change is asked for')
    const signal = replicator.changes[0]?.signal
    assert.ok(signal !== undefined && !signal.aborted)
    await client.hangUp()
    await eventually(() => signal.aborted, 'the peer is told')
  })
})

describe('who may change the configuration', () => {
  it('is nobody who only reaches HTTP, on this machine or through a proxy on it', async () => {
    await using fixture = await startHttp()
    for (const headers of [{}, { 'X-Forwarded-For': '10.0.0.1' }, { Authorization: 'Basic cm9vdDpyb290' }]) {
      for (const [path, body] of [
        ['/config/changes', '{ "withdraw": true }'],
        ['/config/new-epoch', JSON.stringify({ networkId: NETWORK_ID })],
      ] as const) {
        const answer = await ask(fixture, 'POST', path, { ...OF_JSON, ...headers }, body)
        assert.deepEqual([answer.status, told(answer)['type']], [403, 'urn:replicator:forbidden'])
        assert.match(told(answer)['detail'] as string, /scope "operate".*as the user who runs the peer/)
      }
    }
    assert.equal((await ask(fixture, 'GET', '/config')).status, 200)
    assert.deepEqual(fixture.replicator.changes, [])
  })

  it('is whoever may open the operator socket', async () => {
    await using fixture = await startHttp()
    const directory = await mkdtemp(join(tmpdir(), 'replicator-operator-'))
    try {
      const socketPath = join(directory, 'operator.sock')
      await fixture.server.listen({ path: socketPath })
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      request({ socketPath, method: 'POST', path: '/config/changes', headers: OF_JSON }, (reply) => resolve(reply.resume().statusCode ?? 0))
        .on('error', reject)
        .end('{ "withdraw": true }')
      assert.equal(await promise, 200)
      assert.equal(fixture.replicator.changes.length, 1)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('giving up the network', () => {
  it('names the network, and is answered before the peer starts again', async () => {
    await using fixture = await startHttp({ credentials: ANYBODY_OPERATES })
    const giveUp = (body: string): Promise<RawAnswer> => ask(fixture, 'POST', '/config/new-epoch', OF_JSON, body)
    const done = await giveUp(JSON.stringify({ networkId: NETWORK_ID }))
    assert.deepEqual([done.status, told(done)['outcome'], told(done)['epoch']], [202, 'restarting', 3])
    assert.equal((await giveUp('{ "networkId": "other" }')).status, 409)
    for (const body of ['{}', '{ "networkId": 1 }', '{ "networkId": "a", "force": true }']) {
      const answer = await giveUp(body)
      assert.deepEqual([answer.status, told(answer)['type']], [400, 'urn:replicator:bad-body'])
    }
  })
})
