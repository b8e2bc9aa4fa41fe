/** What is told of requests in the audit and the metrics, and how often a client may ask. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Audit, AuditEvent } from '../../src/security/audit.ts'
import { Credentials } from '../../src/security/credentials.ts'
import { RateLimit } from '../../src/security/rate.ts'
import { newToken, parseTokenFile } from '../../src/security/token-file.ts'
import { fileOf, LINES, OF_JSON, tokensFor } from './access-table.ts'
import { ask, eventually, startHttp } from './http-fixture.ts'
import type { RawAnswer } from './http-fixture.ts'

const CHANGE = '{ "withdraw": true }'
const tokens = tokensFor(LINES)

function credentials(): Credentials {
  return new Credentials(() => Date.now(), parseTokenFile(fileOf(LINES, tokens)))
}

function bearer(name: string): Record<string, string> {
  return { Authorization: `Bearer ${tokens[name]}` }
}

function auditInto(events: AuditEvent[], tellsWrites: boolean): Audit {
  return { tellsWrites, record: (event) => void events.push(event), recordRefusal: (_source, event) => void events.push(event) }
}

describe('the audit', () => {
  it('tells of each operator’s request, however it ended, and of each credential that did not count', async () => {
    const events: AuditEvent[] = []
    await using fixture = await startHttp({ credentials: credentials(), audit: auditInto(events, false) })
    const rows = [
      [bearer('operator'), 'operator-request', undefined, 'operator', 200],
      [{ ...bearer('operator'), 'Content-Type': 'text/plain' }, 'operator-request', undefined, 'operator', 415],
      [bearer('reader'), 'credential-refused', 'scope', 'reader', 403],
      [bearer('team'), 'credential-refused', 'scope', 'team', 403],
      [bearer('expired'), 'credential-refused', 'token-expired', null, 401],
      [{ Authorization: `Bearer ${newToken()}` }, 'credential-refused', 'token-unknown', null, 401],
      [{ Authorization: 'Basic YTpi' }, 'credential-refused', 'token-malformed', null, 401],
      [{}, 'credential-refused', 'token-missing', null, 401],
    ] as const
    for (const [headers, event, kind, name, status] of rows) {
      events.length = 0
      await ask(fixture, 'POST', '/config/changes?timeout=5000', { ...OF_JSON, ...headers }, CHANGE)
      await eventually(() => events.length === 1, 'the line')
      assert.deepEqual(events, [
        {
          event,
          ...(kind !== undefined && { kind }),
          name,
          proof: name === null ? 'none' : 'token',
          address: '127.0.0.1',
          method: 'POST',
          path: '/config/changes',
          status,
        },
      ])
    }
  })

  it('tells of writes where it is wished, and never of a token or a value', async () => {
    const events: AuditEvent[] = []
    await using fixture = await startHttp({ credentials: credentials(), audit: auditInto(events, true) })
    await ask(fixture, 'PUT', '/store/team/k?timeout=1000', bearer('team'), 'the value')
    await ask(fixture, 'PUT', '/store/other', bearer('team'), 'the value')
    await ask(fixture, 'GET', '/store/team/k', bearer('team'))
    await eventually(() => events.length === 2, 'two lines')
    const [write, refused] = events
    assert.deepEqual(write, {
      event: 'write',
      name: 'team',
      proof: 'token',
      address: '127.0.0.1',
      method: 'PUT',
      path: '/store/team/k',
      status: 201,
    })
    assert.ok(refused?.event === 'credential-refused' && refused.kind === 'prefix' && refused.name === 'team' && refused.proof === 'token')
    const told = JSON.stringify(events)
    for (const secret of [...Object.values(tokens), 'the value', 'timeout']) assert.ok(!told.includes(secret))
  })
})

describe('requests that the doors refuse', () => {
  it('are counted in the metrics by kind', async () => {
    await using fixture = await startHttp({ credentials: credentials(), rate: new RateLimit(1_000) })
    await ask(fixture, 'GET', '/status', { Host: 'evil.example' })
    await ask(fixture, 'PUT', '/store/k', { Origin: 'http://evil.example' }, 'v')
    for (const headers of [{}, { Authorization: 'x' }, { Authorization: 'Bearer x' }, bearer('expired')])
      await ask(fixture, 'GET', '/status', { ...headers })
    await ask(fixture, 'GET', '/store/k', bearer('writer'))
    await ask(fixture, 'GET', '/store/k', bearer('team'))
    const text = (await ask(fixture, 'GET', '/metrics', bearer('reader'))).body.toString()
    for (const kind of [
      'misdirected',
      'foreign-page',
      'token-missing',
      'token-malformed',
      'token-unknown',
      'token-expired',
      'scope',
      'prefix',
    ])
      assert.match(text, new RegExp(`^replicator_http_denied_total\\{kind="${kind}"\\} 1$`, 'm'))
    assert.match(text, /^replicator_http_denied_total\{kind="rate"\} 0$/m)
  })
})

describe('a rate', () => {
  /** Asks many times at once, which may fall into two seconds. */
  async function burst(count: number, one: () => Promise<RawAnswer>): Promise<{ served: number; refused: RawAnswer[] }> {
    const answers = await Promise.all(Array.from({ length: count }, one))
    const refused = answers.filter(({ status }) => status === 429)
    return { served: answers.length - refused.length, refused }
  }

  it('holds for a client address on every route but health and documentation, keys too', async () => {
    await using fixture = await startHttp({ rate: new RateLimit(5) })
    for (const target of ['/store/k', '/status', '/nowhere']) {
      const { served, refused } = await burst(60, () => ask(fixture, 'GET', target))
      assert.ok(served <= 20, `${served} of ${target}`)
      const [answer] = refused
      assert.ok(answer !== undefined)
      assert.deepEqual(
        [(JSON.parse(answer.body.toString()) as { type: string }).type, answer.headers['retry-after']],
        ['urn:replicator:too-many-requests', '1'],
      )
    }
    assert.equal((await burst(60, () => ask(fixture, 'GET', '/healthz'))).served, 60)
  })

  it('holds for a token from wherever it comes', async () => {
    const proxies = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' as const }]
    await using fixture = await startHttp({ credentials: credentials(), rate: new RateLimit(5), proxies })
    let last = 0
    const asking = (name: string) => (): Promise<RawAnswer> =>
      ask(fixture, 'GET', '/status', { ...bearer(name), 'X-Forwarded-For': `10.0.0.${(last += 1)}` })
    assert.ok((await burst(60, asking('reader'))).served <= 20)
    assert.ok((await asking('all')()).status === 200)
  })

  it('is over for whoever waits as long as it was told', async () => {
    await using fixture = await startHttp({ rate: new RateLimit(2) })
    const { refused } = await burst(30, () => ask(fixture, 'GET', '/status'))
    assert.ok(refused.length > 0)
    const untilMs = performance.now() + 3_000
    let status = 429
    while (status === 429 && performance.now() < untilMs) ({ status } = await ask(fixture, 'GET', '/status'))
    assert.equal(status, 200)
  })
})
