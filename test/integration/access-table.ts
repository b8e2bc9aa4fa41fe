/**
 * Who may do what, as a table: each route and method with what it needs, and tokens of each kind.
 */
import { hashOf, newToken } from '../../src/security/token-file.ts'

export interface Line {
  readonly scopes: readonly string[]
  readonly prefixes?: readonly string[]
  readonly expires?: string
}

/** Tokens by name. */
export type Tokens = Readonly<Record<string, string>>

export const LINES: Readonly<Record<string, Line>> = {
  reader: { scopes: ['read'] },
  writer: { scopes: ['write'] },
  operator: { scopes: ['operate'] },
  all: { scopes: ['read', 'write', 'operate'] },
  expired: { scopes: ['read', 'write', 'operate'], expires: '2020-01-01' },
  team: { scopes: ['read', 'write'], prefixes: ['/store/team/'] },
}

export function fileOf(lines: Readonly<Record<string, Line>>, tokens: Tokens): Buffer {
  const rows = Object.entries(lines).map(([name, line]) => {
    const token = tokens[name]
    return JSON.stringify({ name, ...(token !== undefined && { hash: hashOf(token) }), ...line })
  })
  return Buffer.from(rows.join('\n'))
}

export function tokensFor(lines: Readonly<Record<string, Line>>): Tokens {
  return Object.fromEntries(
    Object.keys(lines)
      .filter((name) => name !== 'anonymous')
      .map((name) => [name, newToken()]),
  )
}

export const OF_JSON = { 'Content-Type': 'application/json' }
export const WHO = ['reader', 'writer', 'operator', 'all', 'expired', 'team', 'wrong', undefined] as const

/** What a route asks for, and how it is asked: a row for each route and method. */
export const TABLE: Readonly<
  Record<string, { readonly needs: string; readonly target?: string; readonly headers?: object; readonly body?: string }>
> = {
  'GET /store/{key}': { needs: 'read', target: '/store/k' },
  'HEAD /store/{key}': { needs: 'read', target: '/store/k' },
  'PUT /store/{key}': { needs: 'write', target: '/store/new', body: 'v' },
  // Whoever is kept to a prefix gets a list that is cut.
  'GET /store': { needs: 'read, cut' },
  'HEAD /store': { needs: 'read, cut' },
  'POST /puts': { needs: 'write, cut', headers: OF_JSON, body: '{"puts":[]}' },
  'GET /kv/{key}': { needs: 'read', target: '/kv/k' },
  'HEAD /kv/{key}': { needs: 'read', target: '/kv/k' },
  'PUT /kv/{key}': { needs: 'write', target: '/kv/k', body: 'v' },
  'DELETE /kv/{key}': { needs: 'write', target: '/kv/k' },
  'GET /kv': { needs: 'read, cut' },
  'HEAD /kv': { needs: 'read, cut' },
  'GET /sets': { needs: 'read, cut' },
  'HEAD /sets': { needs: 'read, cut' },
  'GET /sets/{name}/': { needs: 'read', target: '/sets/s/' },
  'HEAD /sets/{name}/': { needs: 'read', target: '/sets/s/' },
  'POST /sets/{name}/insert': { needs: 'write', target: '/sets/s/insert', headers: OF_JSON, body: '[1]' },
  'POST /sets/{name}/delete': { needs: 'write', target: '/sets/s/delete', headers: OF_JSON, body: '[1]' },
  'GET /sets/{name}/updates': { needs: 'read', target: '/sets/s/updates?since=0' },
  'HEAD /sets/{name}/updates': { needs: 'read', target: '/sets/s/updates?since=0' },
  'POST /sets/{name}/update': { needs: 'write', target: '/sets/s/update', headers: OF_JSON, body: '{"add-set":[[1,0]]}' },
  'GET /sets/{name}/contains': { needs: 'read', target: '/sets/s/contains?element=7' },
  'HEAD /sets/{name}/contains': { needs: 'read', target: '/sets/s/contains?element=7' },
  'GET /sets/{name}/watch': { needs: 'read', target: '/sets/s/watch' },
  'HEAD /sets/{name}/watch': { needs: 'read', target: '/sets/s/watch' },
  'GET /logs': { needs: 'read, cut' },
  'HEAD /logs': { needs: 'read, cut' },
  'GET /logs/{name}': { needs: 'read', target: '/logs/l?q=x' },
  'HEAD /logs/{name}': { needs: 'read', target: '/logs/l?q=x' },
  'PUT /logs/{name}': { needs: 'operate', target: '/logs/l', headers: OF_JSON, body: '{"store":"kv"}' },
  'POST /logs/{name}': { needs: 'write', target: '/logs/l', body: '{}' },
  'POST /logs/{name}/query': { needs: 'read', target: '/logs/l/query', body: '{}' },
  'POST /logs/{name}/change': {
    needs: 'operate',
    target: '/logs/l/change',
    headers: OF_JSON,
    body: '{"add":["12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"]}',
  },
  'POST /logs/{name}/transfer': {
    needs: 'operate',
    target: '/logs/l/transfer',
    headers: OF_JSON,
    body: '{"to":"12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"}',
  },
  'POST /logs/{name}/verdict': { needs: 'operate', target: '/logs/l/verdict', headers: OF_JSON, body: '{"index":2}' },
  'POST /logs/{name}/refill': { needs: 'operate', target: '/logs/l/refill', headers: OF_JSON, body: '{}' },
  'POST /logs/{name}/check': { needs: 'operate', target: '/logs/l/check', headers: OF_JSON, body: '{}' },
  'POST /logs/{name}/recover': { needs: 'operate', target: '/logs/l/recover', headers: OF_JSON, body: '{}' },
  'POST /logs/{name}/end': { needs: 'operate', target: '/logs/l/end', headers: OF_JSON, body: '{}' },
  'GET /logs/{name}/status': { needs: 'read', target: '/logs/l/status' },
  'HEAD /logs/{name}/status': { needs: 'read', target: '/logs/l/status' },
  'GET /logs/{name}/role': { needs: 'read', target: '/logs/l/role' },
  'HEAD /logs/{name}/role': { needs: 'read', target: '/logs/l/role' },
  'GET /peers': { needs: 'read' },
  'HEAD /peers': { needs: 'read' },
  'GET /clusters': { needs: 'read' },
  'HEAD /clusters': { needs: 'read' },
  'GET /status': { needs: 'read' },
  'HEAD /status': { needs: 'read' },
  'GET /config': { needs: 'read' },
  'HEAD /config': { needs: 'read' },
  'POST /config/changes': { needs: 'operate', headers: OF_JSON, body: '{ "withdraw": true }' },
  'POST /config/new-epoch': { needs: 'operate', headers: OF_JSON, body: '{ "networkId": "0123456789abcdef0123456789abcdef" }' },
  'GET /healthz': { needs: 'none' },
  'HEAD /healthz': { needs: 'none' },
  'GET /readyz': { needs: 'none' },
  'HEAD /readyz': { needs: 'none' },
  'GET /metrics': { needs: 'read' },
  'HEAD /metrics': { needs: 'read' },
  'GET /openapi.json': { needs: 'none' },
  'HEAD /openapi.json': { needs: 'none' },
  'GET /swagger': { needs: 'none' },
  'HEAD /swagger': { needs: 'none' },
  'GET /swagger/{asset}': { needs: 'none', target: '/swagger/start.js' },
  'HEAD /swagger/{asset}': { needs: 'none', target: '/swagger/start.js' },
  'GET /console': { needs: 'none' },
  'HEAD /console': { needs: 'none' },
  'GET /console/{folder}/{file}': { needs: 'none', target: '/console/console/main.js' },
  'HEAD /console/{folder}/{file}': { needs: 'none', target: '/console/console/main.js' },
}

/** What somebody is answered by a route that needs this; 0 stands for being served. */
export function expected(who: (typeof WHO)[number], needs: string): 0 | 401 | 403 {
  if (needs === 'none') return 0
  if (who === undefined || who === 'wrong' || who === 'expired') return 401
  if (who === 'team') return needs.endsWith(', cut') ? 0 : 403
  const scope = needs.split(',')[0] ?? ''
  return LINES[who]?.scopes.includes(scope) === true ? 0 : 403
}
