/** A server over a made-up replicator, and a client that sends exactly the bytes it is given. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { ClusterId, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { equalContents } from '../../protocols/base/record.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { HttpInit } from '../../src/http/app.ts'
import { createHttpServer } from '../../src/http/server.ts'
import type { HttpServer } from '../../src/http/server.ts'
import type { ChangeOutcome } from '../../protocols/effects.ts'
import { FakeLogs } from './fake-logs.ts'
import { FakeRegisters } from './fake-registers.ts'
import { FakeSets } from './fake-sets.ts'
import { Credentials } from '../../src/security/credentials.ts'
import { OPERATOR } from '../../src/security/grant.ts'
import type {
  AnewOutcome,
  ChangeInit,
  GetInit,
  GetOutcome,
  PutInit,
  PutOutcome,
  Readiness,
  Replicator,
} from '../../src/ports/replicator.ts'

export const WRITTEN_AT_MS: number = Date.parse('2026-11-20T10:11:12.345Z')
const DEADLINE_MS = 5000
export const NETWORK_ID: NetworkId = '0123456789abcdef0123456789abcdef' as NetworkId

/** Keeps keys in a map; a test may put its own answer in front of `put` and `get`. */
export class FakeReplicator implements Replicator {
  readonly records: Map<string, ValueRecord> = new Map()
  readonly puts: PutInit[] = []
  readonly gets: GetInit[] = []
  readonly changes: ChangeInit[] = []
  onPut: ((init: PutInit) => Promise<PutOutcome> | undefined) | undefined
  onGet: ((init: GetInit) => Promise<GetOutcome> | undefined) | undefined
  onChange: (() => Promise<ChangeOutcome>) | undefined
  ready: Readiness = { ready: true }
  isHealthy: boolean = true

  async put(init: PutInit): Promise<PutOutcome> {
    this.puts.push(init)
    const scripted = this.onPut?.(init)
    if (scripted !== undefined) return scripted
    const record = this.records.get(init.key)
    const made = { writeId: init.writeId ?? 'drawn-0001', value: init.value, contentType: init.contentType, writtenAtMs: WRITTEN_AT_MS }
    if (record === undefined) {
      this.records.set(init.key, made)
      return { kind: 'created', record: made }
    }
    if (record.writeId !== init.writeId) return { kind: 'conflict', record }
    return equalContents(record, made) ? { kind: 'stored-before', record } : { kind: 'reused', record }
  }

  async get(init: GetInit): Promise<GetOutcome> {
    this.gets.push(init)
    const scripted = this.onGet?.(init)
    if (scripted !== undefined) return scripted
    const record = this.records.get(init.key)
    return record === undefined
      ? { kind: 'absent', consistency: init.consistency }
      : { kind: 'found', record, consistency: init.consistency }
  }

  valueBytes(key: string): number {
    return this.records.get(key)?.value.length ?? 0
  }

  list(prefix: string, after: string, limit: number): ReturnType<Replicator['list']> {
    const bytes = (text: string): Buffer => Buffer.from(text)
    const keys = [...this.records.keys()].filter((key) => key.startsWith(prefix) && Buffer.compare(bytes(key), bytes(after)) > 0)
    keys.sort((a, b) => Buffer.compare(bytes(a), bytes(b)))
    const page = keys.slice(0, limit).map((key) => ({ key, record: this.records.get(key) as ValueRecord }))
    return { keys: page, more: keys.length > limit }
  }

  count(prefix: string, after: string, limit: number): ReturnType<Replicator['count']> {
    const { keys, more } = this.list(prefix, after, limit)
    return { count: keys.length, last: keys.at(-1)?.key, more }
  }

  peers(): ReturnType<Replicator['peers']> {
    const addresses = ['/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWSelf']
    return [
      {
        id: '12D3KooWSelf' as PeerId,
        name: null,
        clusterId: 'cluster-1' as ClusterId,
        addresses,
        role: 'voter',
        state: 'self',
        rttMs: null,
        lastSeenAt: null,
      },
    ]
  }

  clusters(): Record<string, readonly string[]> {
    return { 'cluster-1': ['12D3KooWSelf'] }
  }

  status(): ReturnType<Replicator['status']> {
    return {
      peerId: '12D3KooWSelf' as PeerId,
      name: null,
      clusterId: 'cluster-1' as ClusterId,
      version: '1.2.3',
      networkId: NETWORK_ID,
      epoch: 2,
      role: 'voter',
      ready: true,
      config: { clusters: { 'cluster-1': ['12D3KooWSelf'] } },
      changing: false,
      quorum: { 'cluster-1': { voters: 1, up: 1, needed: 1 } },
      keys: { count: 0, bytes: 0, root: '00', clusters: { 'cluster-1': 'equal' }, behind: { 'cluster-1': { keys: 0, seconds: 0 } } },
      inDoubt: 0,
      tokens: null,
      secrets: ['none'],
      provedBy: {},
      warnings: [],
    }
  }

  config(): ReturnType<Replicator['config']> {
    return {
      networkId: NETWORK_ID,
      epoch: 2,
      clusters: { 'cluster-1': { voters: [{ id: '12D3KooWSelf' as PeerId, name: null, state: 'self' }], learners: [] } },
      removed: { peers: [], clusters: [] },
      change: null,
    }
  }

  async change(init: ChangeInit): Promise<ChangeOutcome> {
    this.changes.push(init)
    return (await this.onChange?.()) ?? { kind: 'changed', epoch: 4 }
  }

  beginAnew(confirmed: string): AnewOutcome {
    return confirmed === NETWORK_ID
      ? { kind: 'restarting', networkId: 'fedcba9876543210fedcba9876543210' as NetworkId, epoch: 3 }
      : { kind: 'change-refused', detail: 'another network' }
  }

  readiness(): Readiness {
    return this.ready
  }

  healthy(): boolean {
    return this.isHealthy
  }
}

export interface Fixture {
  readonly replicator: FakeReplicator
  readonly sets: FakeSets
  readonly registers: FakeRegisters
  readonly server: HttpServer
  readonly url: string
  readonly port: number
  /** Lines of the log, parsed. */
  readonly log: Record<string, unknown>[]
  [Symbol.asyncDispose](): Promise<void>
}

/** Tokens by which whoever asks may change the configuration too. */
export const ANYBODY_OPERATES: Credentials = new Credentials(() => 0, [{ hash: undefined, grant: { ...OPERATOR, proof: 'none' } }])

/** A server on a free port of the loopback, closed with `await using`. */
export async function startHttp(options: Partial<HttpInit> = {}): Promise<Fixture> {
  const replicator = new FakeReplicator()
  const sets = new FakeSets()
  const registers = new FakeRegisters()
  const log: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) })
  const clock = { nowMs: () => performance.now(), wallMs: () => Date.now() }
  const server = createHttpServer({
    replicator,
    sets,
    registers,
    logs: new FakeLogs(),
    logger,
    registry: new Registry(),
    clock,
    valueBytesMax: 1_048_576,
    site: { hostNames: [], corsOrigins: [] },
    version: '1.2.3',
    ...options,
  })
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { replicator, sets, registers, server, url, port: Number(new URL(url).port), log, [Symbol.asyncDispose]: () => server.close(0) }
}

export interface RawAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A connection whose bytes are written and read by hand. */
export class RawClient {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => undefined

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    const end = (): void => {
      this.#ended = true
      this.#wake()
    }
    this.socket.on('close', end).on('end', end).on('error', end)
  }

  /** What came and was not read as an answer. */
  get received(): Buffer {
    return this.#received
  }

  /** Text stands for one byte a character. */
  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** The next answer. @param hasBody false after HEAD */
  async answer(hasBody = true): Promise<RawAnswer> {
    await this.until(() => this.#received.includes('\r\n\r\n'))
    const cut = this.#received.indexOf('\r\n\r\n')
    const [first, ...lines] = this.#received.subarray(0, cut).toString('latin1').split('\r\n')
    const headers: Record<string, string> = {}
    for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim()
    const status = Number((first as string).split(' ')[1])
    const size = hasBody && status !== 304 && status >= 200 ? Number(headers['content-length'] ?? 0) : 0
    await this.until(() => this.#received.length >= cut + 4 + size)
    const body = this.#received.subarray(cut + 4, cut + 4 + size)
    this.#received = this.#received.subarray(cut + 4 + size)
    return { status, headers, body }
  }

  /**
   * Resolves when the server ended the connection; what came and was not read as an answer is
   * returned.
   */
  async end(): Promise<Buffer> {
    await this.until(() => this.#ended)
    return this.#received
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (!condition()) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw new Error(`not in time; received so far: ${this.#received.toString('latin1').slice(0, 500)}`)
      if (this.#ended) throw new Error(`the connection ended; received: ${this.#received.toString('latin1').slice(0, 500)}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, leftMs)
      this.#wake = resolve
      await promise
      clearTimeout(timer)
    }
  }

  /** Goes away, and says so in both directions. */
  async hangUp(): Promise<void> {
    this.socket.resetAndDestroy()
    await once(this.socket, 'close')
  }

  async close(): Promise<void> {
    if (this.socket.closed) return
    this.socket.destroy()
    await once(this.socket, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Sends one request as it is, on a connection of its own, and reads the answer. `target` is not
 * touched.
 */
export async function ask(
  fixture: Fixture,
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body?: string | Uint8Array,
): Promise<RawAnswer> {
  await using client = new RawClient(fixture.port)
  client.write(requestHead(method, target, body === undefined ? headers : { 'Content-Length': String(body.length), ...headers }))
  if (body !== undefined) client.write(body)
  return await client.answer(method !== 'HEAD')
}

/** The head of a request, as bytes on the wire. */
export function requestHead(method: string, target: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** The value that the replicator holds for a key. */
export function bytesOf(fixture: Fixture, key: string): Buffer {
  return Buffer.from(fixture.replicator.records.get(key)?.value ?? 'no such key')
}

/** Waits for something that is brought about elsewhere. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
