/**
 * `fetch` for the client library, by whatever way a command has to its peers: an operator socket,
 * an address, certificates. Connections are kept for the next request. What no other try can mend
 * is answered as a refusal that says how to mend it.
 */
import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { mendable } from './unanswered.ts'
import type { Way } from './way.ts'

/** A status of no peer, for what stands in the way of any request. */
export const NOT_TO_BE_HAD = 495
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** @param ways by what the client calls their peers */
export function fetchBy(ways: ReadonlyMap<string, Way>): typeof fetch {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  return async (input, init = {}) => {
    const url = input instanceof Request ? input.url : input.toString()
    const [base, way] = [...ways].find(([name]) => url.startsWith(`${name}/`)) ?? []
    if (base === undefined || way === undefined) throw new TypeError(`nobody named ${url}`)
    try {
      return await send(way, url.slice(base.length), init, agents)
    } catch (error) {
      init.signal?.throwIfAborted()
      const how = mendable(way.name, error)
      if (how === undefined) throw new TypeError('fetch failed', { cause: error })
      const body = JSON.stringify({ type: 'urn:replicator:not-to-be-had', title: 'Not to be had', status: NOT_TO_BE_HAD, detail: how })
      return new Response(body, { status: NOT_TO_BE_HAD, headers: { 'Content-Type': 'application/problem+json' } })
    }
  }
}

async function send(way: Way, path: string, init: RequestInit, agents: Readonly<Record<'http' | 'https', HttpAgent>>): Promise<Response> {
  const { body } = init
  const length = body instanceof Uint8Array ? { 'Content-Length': String(body.length) } : {}
  const options = {
    ...way.target,
    method: init.method ?? 'GET',
    path: way.pathBefore + path,
    headers: { ...(init.headers as Record<string, string>), ...way.headers, ...length },
    ...(init.signal instanceof AbortSignal && { signal: init.signal }),
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = way.isSecure
    ? requestHttps({ ...options, agent: agents.https as HttpsAgent })
    : requestHttp({ ...options, agent: agents.http })
  outgoing.on('response', resolve)
  outgoing.on('error', reject)
  outgoing.end(body instanceof Uint8Array ? body : undefined)
  return responseOf(await promise, options.method)
}

/**
 * A body whose length is told is read whole, which costs less than a stream; any other is a stream.
 */
async function responseOf(reply: IncomingMessage, method: string): Promise<Response> {
  const status = reply.statusCode ?? 0
  const headers = new Headers()
  for (let index = 0; index + 1 < reply.rawHeaders.length; index += 2)
    headers.append(reply.rawHeaders[index] ?? '', reply.rawHeaders[index + 1] ?? '')
  if (WITHOUT_BODY.has(status) || method === 'HEAD') {
    reply.resume()
    return new Response(null, { status, headers })
  }
  const body = headers.has('content-length') ? await wholeOf(reply) : (Readable.toWeb(reply) as ReadableStream<Uint8Array>)
  return new Response(body, { status, headers })
}

async function wholeOf(reply: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = []
  for await (const part of reply) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
