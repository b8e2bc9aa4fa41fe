/** A client of one peer over HTTP, on connections that are kept. */
import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { PeerView, StatusView } from '../../src/ports/replicator.ts'

/** No answer may take longer: the longest timeout a request can ask for, and some more. */
const ANSWER_MS = 70_000
const SOCKETS_MAX = 2_048

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Asking {
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

export interface ListedPage {
  readonly keys: readonly { readonly key: string; readonly size: number; readonly etag: string; readonly writtenAt: string }[]
  readonly next?: string
}

/** The address of a peer, or its operator socket. */
type Where = { readonly host: string; readonly port: number } | { readonly socketPath: string }

export class Client {
  readonly #where: Where
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })

  constructor(where: Where) {
    this.#where = where
  }

  /** @throws the error of the connection when there is no answer */
  ask(method: string, path: string, { query = '', headers = {}, body, signal }: Asking = {}): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const options = { ...this.#where, method, path: path + query, agent: this.#agent, timeout: ANSWER_MS }
    const outgoing = request({ ...options, headers: { ...length, ...headers }, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path} in ${ANSWER_MS} ms`)))
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
  }

  put(key: string, body: string | Uint8Array, asking: Asking = {}): Promise<Reply> {
    return this.ask('PUT', `/store/${key}`, { ...asking, body })
  }

  get(key: string, query = ''): Promise<Reply> {
    return this.ask('GET', `/store/${key}`, { query })
  }

  /** This peer's own copy. */
  local(key: string): Promise<Reply> {
    return this.get(key, '?consistency=local')
  }

  /** Every key with the prefix that this peer holds. */
  async keys(prefix = ''): Promise<Set<string>> {
    const keys = new Set<string>()
    let after: string | undefined = ''
    while (after !== undefined) {
      const page: ListedPage = await this.json(`/store?limit=1000&prefix=${encodeURIComponent(prefix)}&after=${encodeURIComponent(after)}`)
      for (const { key } of page.keys) keys.add(key)
      after = page.next
    }
    return keys
  }

  async json<T>(path: string): Promise<T> {
    const reply = await this.ask('GET', path)
    assert.equal(reply.status, 200, `${path}: ${reply.body.toString()}`)
    return JSON.parse(reply.body.toString()) as T
  }

  status(): Promise<StatusView> {
    return this.json('/status')
  }

  peers(): Promise<PeerView[]> {
    return this.json('/peers')
  }

  clusters(): Promise<Record<string, string[]>> {
    return this.json('/clusters')
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** The name of a problem, as `key-exists`; undefined when the reply is none. */
export function problemOf(reply: Reply): string | undefined {
  if (reply.headers['content-type'] !== 'application/problem+json') return undefined
  const { type } = JSON.parse(reply.body.toString()) as { type: string }
  return type.replace('urn:replicator:', '')
}
