/** A client library whose peers answer as a script says. */
import { Client } from '../../src/client/client.ts'

const PEERS = ['http://one.example:1', 'http://two.example:2/']

type Step = Response | Error

export function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
}

export function problem(status: number, name: string, facts: object = {}): Response {
  const body = JSON.stringify({ type: `urn:replicator:${name}`, title: name, status, detail: `because of ${name}`, ...facts })
  return new Response(body, { status, headers: { 'Content-Type': 'application/problem+json' } })
}

export function failure(code: string): Error {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
}

export interface AskedOnce {
  readonly url: string
  readonly init: RequestInit
}

/** A client whose peers answer step by step; the last step is repeated. */
export function scripted(...steps: readonly ((asked: AskedOnce) => Step)[]): { client: Client; asked: AskedOnce[] } {
  const asked: AskedOnce[] = []
  const answer = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const once = { url: String(url), init }
    const step = steps[Math.min(asked.length, steps.length - 1)]?.(once)
    asked.push(once)
    if (step instanceof Response) return step
    throw step ?? new Error('no step')
  }
  return { client: new Client({ peers: PEERS, fetch: answer, token: 't' }), asked }
}
