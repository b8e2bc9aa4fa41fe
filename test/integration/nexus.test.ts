/** The port of `-nexus`: the calls of the system that has it, and what stands before them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type * as Grpc from '@grpc/grpc-js'
import type { PeerId } from '../../protocols/base/identity.ts'
import { utf8 } from '../../src/bytes.ts'
import { mended } from '../../src/facades/nexus/descriptors.ts'
import { nodeIdOf } from '../../src/facades/nexus/nodes.ts'
import type { SubmitAnswer } from '../../src/ports/logs.ts'
import type { AuditEvent } from '../../src/security/audit.ts'
import { Credentials } from '../../src/security/credentials.ts'
import { RateLimit } from '../../src/security/rate.ts'
import { parseMaterial } from '../../src/security/tls-files.ts'
import { parseTokenFile } from '../../src/security/token-file.ts'
import { makeRoot, makeSigned, NO_OPENSSL } from '../process/certificates.ts'
import { fileOf, tokensFor } from './access-table.ts'
import { DRAWN_SUBMIT, FakeLogs, LOG_VIEW, PEER } from './fake-logs.ts'
import { ANYBODY_OPERATES, eventually } from './http-fixture.ts'
import { call, clientOf, PACKAGES, startNexus } from './nexus-fixture.ts'
import type { Ended, NexusFixture } from './nexus-fixture.ts'

const OTHER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const SELF = '12D3KooWSelf'
const OK = { code: 0, message: '' }
const status: Readonly<Record<keyof typeof PACKAGES.grpc.status, number>> = PACKAGES.grpc.status

function text(value: unknown): string {
  return utf8.decode(value as Uint8Array)
}

function args(given: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, utf8.encode(value)]))
}

/** All that is counted for what is under way. */
function counted({ http }: NexusFixture): number {
  const { load } = http.server.app.context
  return load.requests + load.used('bodyBytes') + load.used('answerBytes')
}

describe('the calls of Nexus', () => {
  it('order commands and ask stores, by the arguments that are known', async () => {
    await using nexus = await startNexus()
    const { client, logs } = nexus
    const saved = await call(
      client,
      'Save',
      { data: utf8.encode('{"add":{"n":1}}'), args: args({ id: 'first', 'db.index': '3' }) },
      {},
      5_000,
    )
    assert.deepEqual([saved.code, saved.message?.['status'], text(saved.message?.['reqData'])], [0, OK, '{"add":{"n":1}}'])
    assert.equal(text(saved.message?.['resData']), '{"add":{"n":1}}')
    assert.equal(saved.metadata['replicator-since'], '7')
    assert.equal((await call(client, 'Save', { data: utf8.encode('x') }, { 'replicator-since': '9' })).code, 0)
    const loaded = await call(client, 'Load', { data: utf8.encode('{"get":["k"]}') })
    assert.deepEqual([loaded.code, text(loaded.message?.['resData'])], [0, '{"k":"v"}'])
    assert.equal((await call(client, 'Load', { data: utf8.encode('q'), args: args({ consistency: 'local' }) })).code, 0)
    const asked = logs.asked.map((each) => ({ ...(each as object), timeoutMs: 0 }))
    const submitted = { log: 'orders', timeoutMs: 0 }
    assert.deepEqual(asked, [
      { ...submitted, submitId: 'first', isNamedByClient: true, since: 0, command: '{"add":{"n":1}}' },
      { ...submitted, submitId: DRAWN_SUBMIT, isNamedByClient: false, since: 9, command: 'x' },
      { ...submitted, query: '{"get":["k"]}', consistency: 'linearizable' },
      { ...submitted, query: 'q', consistency: 'local' },
    ])
    const { timeoutMs } = logs.asked[0] as { readonly timeoutMs: number }
    assert(timeoutMs > 1_000 && timeoutMs <= 5_000, `the deadline of the call counts: ${timeoutMs}`)
  })

  it('refuse arguments that would be left aside', async () => {
    await using nexus = await startNexus()
    const { client, logs } = nexus
    const rows: readonly [string, Record<string, string>][] = [
      ['Save', { 'db.index': '4' }],
      ['Save', { consistency: 'local' }],
      ['Save', { id: '' }],
      ['Load', { id: 'first' }],
      ['Load', { consistency: 'lease' }],
    ]
    for (const [method, given] of rows) {
      const { code } = await call(client, method, { data: utf8.encode('x'), args: args(given) })
      assert.equal(code, status.INVALID_ARGUMENT, JSON.stringify(given))
    }
    assert.equal((await call(client, 'Load', { data: utf8.encode('x') }, { 'replicator-since': 'x' })).code, status.INVALID_ARGUMENT)
    assert.deepEqual(logs.asked, [])
  })

  it('tell by their status whether a command can have been ordered', async () => {
    await using nexus = await startNexus()
    const { client, logs } = nexus
    const position = { term: 1, index: 2 }
    const rows: readonly [SubmitAnswer, number, string][] = [
      [{ kind: 'not-ordered', why: 'no-leader' }, status.UNAVAILABLE, 'not-ordered'],
      [{ kind: 'not-ordered', why: 'stalled' }, status.UNAVAILABLE, 'stalled'],
      [{ kind: 'not-ordered', why: 'overloaded' }, status.UNAVAILABLE, 'overloaded'],
      [{ kind: 'not-ordered', why: 'too-large' }, status.RESOURCE_EXHAUSTED, 'too-large'],
      [{ kind: 'in-doubt' }, status.DEADLINE_EXCEEDED, 'in-doubt'],
      [
        { kind: 'outcome', position, outcome: { kind: 'rejected', class: 'syntax', code: 'no-lua', isPartial: true } },
        status.FAILED_PRECONDITION,
        'rejected',
      ],
      [{ kind: 'outcome', position, outcome: { kind: 'reused' } }, status.ALREADY_EXISTS, 'idempotency-key-reused'],
      [{ kind: 'outcome', position, outcome: { kind: 'forgotten' } }, status.ABORTED, 'outcome-forgotten'],
      [{ kind: 'unknown-log' }, status.UNAVAILABLE, 'unknown-log'],
    ]
    for (const [answer, code, name] of rows) {
      logs.onSubmit = answer
      const ended = await call(client, 'Save', { data: utf8.encode('x') })
      assert.deepEqual([ended.code, ended.metadata['replicator-problem']], [code, name], ended.details)
      if (name === 'in-doubt') assert.equal(ended.metadata['replicator-submitid'], DRAWN_SUBMIT)
      if (name === 'rejected')
        assert.deepEqual([ended.metadata['replicator-code'], ended.metadata['replicator-partial']], ['no-lua', 'true'])
    }
    logs.onQuery = { kind: 'not-a-query', detail: 'it writes' }
    assert.equal((await call(client, 'Load', { data: utf8.encode('x') })).code, status.INVALID_ARGUMENT)
    logs.onQuery = { kind: 'unavailable', why: 'stalled' }
    assert.equal((await call(client, 'Load', { data: utf8.encode('x') })).code, status.UNAVAILABLE)
  })

  it('answer Replicate as the first version has it', async () => {
    await using nexus = await startNexus()
    const { message } = await call(nexus.client, 'Replicate', { data: utf8.encode('x') })
    assert.deepEqual(message, { code: 0, message: '{"add":{"n":1}}' })
  })

  it('list the members, and find those to add and to remove by id and by address', async () => {
    await using nexus = await startNexus({ credentials: ANYBODY_OPERATES })
    const { client, logs } = nexus
    const { message } = await call(client, 'ListNodes', {})
    assert.equal(message?.['leader'], nodeIdOf(PEER.peerId))
    const [node] = Object.values(message?.['nodes'] as Record<string, object>)
    assert.deepEqual(node, { nodeUrl: PEER.peerId, nodeId: nodeIdOf(PEER.peerId), status: 'LEADER', nodeName: PEER.peerId })
    logs.onChange = { kind: 'changed' }
    const urls = [
      OTHER,
      `/ip4/127.0.0.1/tcp/9024/p2p/${OTHER}`,
      '/ip4/127.0.0.1/tcp/4001',
      'http://127.0.0.1:4001',
      'http://localhost:4001',
    ]
    for (const nodeUrl of urls) assert.deepEqual((await call(client, 'AddNode', { nodeUrl })).message, OK, nodeUrl)
    assert.deepEqual((await call(client, 'RemoveNode', { nodeUrl: OTHER })).message, OK)
    const change = { kind: 'change', log: 'orders', isForced: false }
    assert.deepEqual(logs.asked, [
      ...[OTHER, OTHER, SELF, SELF, SELF].map((peerId) => ({ ...change, add: [peerId], remove: [] })),
      { ...change, add: [], remove: [OTHER] },
    ])
    for (const nodeUrl of ['', 'http://127.0.0.1:4002', 'nobody', '/ip4/127.0.0.1'])
      assert.equal((await call(client, 'AddNode', { nodeUrl })).code, status.INVALID_ARGUMENT, nodeUrl)
    logs.onChange = { kind: 'not-changed', why: 'change-in-flight' }
    assert.equal((await call(client, 'AddNode', { nodeUrl: OTHER })).code, status.ABORTED)
  })

  it('wait until a member is in force', async () => {
    await using nexus = await startNexus({ credentials: ANYBODY_OPERATES })
    const { client, logs } = nexus
    let isOver = false
    const adding = call(client, 'AddNode', { nodeUrl: OTHER }).then((ended) => {
      isOver = true
      return ended
    })
    await eventually(() => logs.asked.length === 1, 'the change is asked for')
    assert.equal(isOver, false)
    const joined = { ...PEER, peerId: OTHER as PeerId }
    logs.onStatus = { kind: 'status', log: { ...LOG_VIEW, voters: [PEER, joined] }, replicas: [] }
    assert.deepEqual((await adding).message, OK)
    const short = await call(client, 'RemoveNode', { nodeUrl: OTHER }, {}, 500)
    assert(short.code === status.DEADLINE_EXCEEDED || short.message?.['message'] === 'The change is under way.')
  })

  it('serve while the log can be served, and say so by the usual health too', async () => {
    await using nexus = await startNexus()
    const { client, logs } = nexus
    const serving = async (service: string): Promise<unknown> => (await call(client, 'Check', { service })).message?.['status']
    assert.deepEqual([await serving(''), await serving('nexus.api.Nexus'), await serving('other')], ['SERVING', 'SERVING', 'UNKNOWN'])
    logs.onRole = { kind: 'unknown-log' }
    assert.equal(await serving(''), 'NOT_SERVING')
  })
})

describe('before the calls of Nexus', () => {
  const LINES = {
    reader: { scopes: ['read'] },
    writer: { scopes: ['write'], prefixes: ['/logs/orders'] },
    elsewhere: { scopes: ['write'], prefixes: ['/logs/other'] },
    operator: { scopes: ['operate'] },
  }
  const tokens = tokensFor(LINES)
  const bearer = (name: string): Record<string, string> => ({ authorization: `Bearer ${tokens[name]}` })
  const credentials = (): Credentials => new Credentials(() => Date.now(), parseTokenFile(fileOf(LINES, tokens)))

  it('tokens open what their scopes and prefixes say, and the audit tells of the rest', async () => {
    const events: AuditEvent[] = []
    const audit = {
      tellsWrites: true,
      record: (event: AuditEvent) => void events.push(event),
      recordRefusal: (_: string, event: AuditEvent) => void events.push(event),
    }
    await using nexus = await startNexus({ credentials: credentials(), audit })
    nexus.logs.onChange = { kind: 'changed' }
    const rows: readonly [string, string | undefined, number, object | undefined][] = [
      ['Save', 'writer', 0, { event: 'write', name: 'writer', status: 200 }],
      ['Load', 'reader', 0, undefined],
      ['AddNode', 'operator', 0, { event: 'operator-request', name: 'operator', status: 200 }],
      ['Check', undefined, 0, undefined],
      ['Save', undefined, status.UNAUTHENTICATED, { event: 'credential-refused', kind: 'token-missing', name: null, status: 401 }],
      ['Save', 'reader', status.PERMISSION_DENIED, { event: 'credential-refused', kind: 'scope', name: 'reader', status: 403 }],
      ['Replicate', 'elsewhere', status.PERMISSION_DENIED, { event: 'credential-refused', kind: 'prefix', name: 'elsewhere', status: 403 }],
      ['ListNodes', 'writer', status.PERMISSION_DENIED, { event: 'credential-refused', kind: 'scope', name: 'writer', status: 403 }],
      ['RemoveNode', 'writer', status.PERMISSION_DENIED, { event: 'credential-refused', kind: 'scope', name: 'writer', status: 403 }],
    ]
    for (const [method, name, code, event] of rows) {
      events.length = 0
      const request = method.endsWith('Node') ? { nodeUrl: OTHER } : { data: utf8.encode('x') }
      const ended = await call(nexus.client, method, request, name === undefined ? {} : bearer(name))
      assert.equal(ended.code, code, `${method} as ${name}: ${ended.details}`)
      if (event === undefined) continue
      await eventually(() => events.length === 1, `the audit of ${method} as ${name}`)
      const line = { ...event, proof: 'name' in event && event.name !== null ? 'token' : 'none', address: '127.0.0.1', method: 'POST' }
      assert.deepEqual(events, [{ ...line, path: `/nexus.api.Nexus/${method}` }])
    }
    assert.equal(nexus.logs.asked.length, 3)
    await eventually(() => counted(nexus) === 0, 'nothing is counted any more')
  })

  it('nobody changes members who has shown nothing, where no tokens are asked for', async () => {
    await using nexus = await startNexus()
    assert.equal((await call(nexus.client, 'AddNode', { nodeUrl: OTHER })).code, status.PERMISSION_DENIED)
    assert.deepEqual(nexus.logs.asked, [])
  })

  it('a name that leads elsewhere, and a foreign page, are refused', async () => {
    await using nexus = await startNexus()
    const misled = clientOf(nexus.port, undefined, { 'grpc.default_authority': 'rebound.example' })
    const request = { data: utf8.encode('x') }
    assert.equal((await call(misled, 'Save', request)).code, status.PERMISSION_DENIED)
    misled.close()
    assert.equal((await call(nexus.client, 'Save', request, { origin: 'https://evil.example' })).code, status.PERMISSION_DENIED)
    assert.deepEqual(nexus.logs.asked, [])
  })

  it('a client asks as often as the rate lets it', async () => {
    await using nexus = await startNexus({ limit: new RateLimit(2) })
    const codes = await Promise.all(Array.from({ length: 5 }, async () => (await call(nexus.client, 'ListNodes', {})).code))
    assert.equal(codes.filter((code) => code === status.RESOURCE_EXHAUSTED).length, 3)
    assert.equal((await call(nexus.client, 'Check', { service: '' })).code, 0)
  })

  it('a message beyond a command is refused, and many at once on one connection are all served', async () => {
    await using nexus = await startNexus()
    const large = await call(nexus.client, 'Save', { data: Buffer.alloc(1_200_000) })
    assert.equal(large.code, status.RESOURCE_EXHAUSTED)
    const whole = await call(nexus.client, 'Save', { data: Buffer.alloc(1_048_576, 'x') })
    assert.equal(whole.code, 0)
    const each = (): Promise<Ended> => call(nexus.client, 'Save', { data: Buffer.alloc(50_000, 'x') })
    const ended = await Promise.all(Array.from({ length: 200 }, each))
    assert.deepEqual([...new Set(ended.map(({ code }) => code))], [0])
    await eventually(() => counted(nexus) === 0, 'nothing is counted any more')
  })

  it('calls count with the requests of HTTP, and those beyond the bound are refused at once', async () => {
    await using nexus = await startNexus({ load: { bounds: { requests: 1 }, clientPart: 1 } })
    const { promise, resolve } = Promise.withResolvers<void>()
    nexus.logs.submit = async (request) => {
      await promise
      return FakeLogs.prototype.submit.call(nexus.logs, request, 0)
    }
    const first = call(nexus.client, 'Save', { data: utf8.encode('x') })
    await eventually(() => nexus.http.server.app.context.load.used('requests') === 1, 'the first is under way')
    const second = await call(nexus.client, 'Save', { data: utf8.encode('x') })
    assert.deepEqual([second.code, second.metadata['replicator-problem']], [status.UNAVAILABLE, 'overloaded'])
    resolve()
    assert.equal((await first).code, 0)
  })

  it('a connection beyond the bound is closed, and one that is idle makes room', async () => {
    await using nexus = await startNexus({ load: { bounds: { connections: 2 }, clientPart: 1 } })
    const idle = connect({ host: '127.0.0.1', port: nexus.port }).resume()
    const ended = once(idle, 'close')
    await once(idle, 'connect')
    const others = [clientOf(nexus.port), clientOf(nexus.port, undefined, { 'grpc.use_local_subchannel_pool': 1 })]
    for (const other of others) assert.equal((await call(other, 'Check', { service: '' })).code, 0)
    await ended
    for (const other of others) other.close()
  })
})

describe('what reflection tells of Nexus', () => {
  it('is whole: every name has its package, every file names those it needs, maps are named as compilers name them', () => {
    const { FileDescriptorProto } = PACKAGES.descriptor
    const definition = mended(PACKAGES.definition, PACKAGES.descriptor) as unknown as Record<string, { fileDescriptorProtos: Buffer[] }>
    const bytes = definition['nexus.api.SaveRequest']?.fileDescriptorProtos ?? []
    const files = bytes.map((each) => FileDescriptorProto.toObject(FileDescriptorProto.decode(each)))
    const own = files.find((file) => file['package'] === 'nexus.api') ?? {}
    assert.deepEqual((own['dependency'] as string[]).toSorted(), ['google_protobuf.proto', 'models.proto'])
    const messages = own['messageType'] as {
      name: string
      field: { name: string; typeName?: string }[]
      nestedType?: { name: string }[]
    }[]
    const save = messages.find(({ name }) => name === 'SaveRequest')
    assert.deepEqual(
      save?.nestedType?.map(({ name }) => name),
      ['ArgsEntry'],
    )
    assert.equal(save?.field.find(({ name }) => name === 'args')?.typeName, '.nexus.api.SaveRequest.ArgsEntry')
    const named = messages.flatMap(({ field }) => field ?? []).flatMap(({ typeName }) => (typeName === undefined ? [] : [typeName]))
    assert(
      named.every((name) => name.startsWith('.')),
      named.join(' '),
    )
  })
})

describe('the end of a gRPC port', () => {
  it('waits for a call that was begun, refuses later ones, and ends those that would never', async () => {
    const nexus = await startNexus()
    const { promise, resolve } = Promise.withResolvers<void>()
    nexus.logs.submit = async (request) => {
      await promise
      return FakeLogs.prototype.submit.call(nexus.logs, request, 0)
    }
    const { grpc, health } = PACKAGES
    const { path, requestSerialize, responseDeserialize } = health.service.Watch as unknown as Grpc.MethodDefinition<object, object>
    const watch = nexus.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' }, new grpc.Metadata())
    const first = once(watch, 'data')
    const over = once(watch, 'error')
    await first
    const call1 = call(nexus.client, 'Save', { data: utf8.encode('x') })
    await eventually(() => nexus.http.server.app.context.load.used('requests') === 1, 'a call is under way')
    const closing = nexus.server.close(10_000)
    assert.equal(((await over)[0] as Grpc.ServiceError).code, status.UNAVAILABLE)
    resolve()
    const first1 = await call1
    assert.equal(first1.code, 0, first1.details)
    await closing
    assert.notEqual((await call(nexus.client, 'Save', { data: utf8.encode('x') }, {}, 500)).code, 0)
    nexus.client.close()
    await nexus.http.server.close(0)
    assert.equal(counted(nexus), 0)
  })
})

describe('a gRPC port over TLS', { skip: NO_OPENSSL }, () => {
  it('shows the certificate of the peer, and another once it is renewed', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-nexus-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    const roots = ['one', 'two'].map((name) => makeRoot(directory, name))
    const materials = roots.map((root, index) => {
      const { cert, key } = makeSigned(directory, `own-${index}`, root)
      return parseMaterial([readFileSync(cert), readFileSync(key)])
    })
    await using nexus = await startNexus()
    const port = await nexus.server.listen({ host: '127.0.0.1', port: 0 }, materials[0])
    const trusting = (index: number): Grpc.Client =>
      clientOf(port, PACKAGES.grpc.credentials.createSsl(readFileSync((roots[index] as { cert: string }).cert)), {
        'grpc.use_local_subchannel_pool': 1,
      })
    const clients = [trusting(0), trusting(1), trusting(1)] as const
    const check = async (client: Grpc.Client): Promise<number> => (await call(client, 'Check', { service: '' }, {}, 2_000)).code
    assert.equal(await check(clients[0]), 0)
    assert.notEqual(await check(clients[1]), 0)
    nexus.server.renew(materials[1] as (typeof materials)[number])
    assert.equal(await check(clients[2]), 0)
    assert.equal(await check(clients[0]), 0, 'a connection that is open goes on')
    for (const client of clients) client.close()
  })
})
