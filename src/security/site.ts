/**
 * Whether a request is meant for this peer, and sent by nobody's page. A page in a browser can
 * reach what its user can reach: by the address, and by a name of its own that it has lead to this
 * machine afterwards. So without TLS (where the certificate tells) the name that a request was sent
 * to must be one that leads here, and what changes something must come from a page of this peer, of
 * an origin that was allowed, or from no page.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'

export interface SiteRules {
  /** Names, in lower case, that lead to this peer, beside `localhost` and IP addresses. */
  readonly hostNames: readonly string[]
  /** Origins, as browsers write them, whose pages may do what any client may. */
  readonly corsOrigins: readonly string[]
}

/** What a page of any origin may do: the browser keeps the answer from it. */
const SAFE_METHODS = new Set(['GET', 'HEAD'])

/** What pages of allowed origins may send and read, beside what any page may. */
const CORS_REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Replicator-After, Replicator-Since'
const CORS_ANSWER_HEADERS =
  'ETag, Location, Retry-After, WWW-Authenticate, Replicator-Consistency, Replicator-Cursor, Replicator-Leader, Replicator-Role, Replicator-Version'
const NO_HEADERS: readonly string[] = []
/** How long a browser may go by the answer to a preflight. */
const PREFLIGHT_SECONDS = 600

/**
 * Why a request was not meant for this peer; undefined when it was. @param host the header,
 * undefined where HTTP/1.0 has none
 */
export function misdirection({ hostNames }: SiteRules, host: string | undefined): string | undefined {
  if (host === undefined) return undefined
  const name = host.replace(/:\d*$/, '').toLowerCase()
  if (name === 'localhost' || isIPv4(name) || isBracketed(name) || hostNames.includes(name)) return undefined
  return `The Host is ${JSON.stringify(host)}, which any name may be made to be: ask by localhost, by an IP address, or by a name that the peer was started with as -http-host.`
}

function isBracketed(name: string): boolean {
  return name.startsWith('[') && name.endsWith(']') && isIPv6(name.slice(1, -1))
}

/**
 * Why a request is one that the page of somebody else has sent; undefined when none has, or it may.
 */
export function foreignPage({ corsOrigins }: SiteRules, method: string | undefined, headers: IncomingHttpHeaders): string | undefined {
  if (method !== undefined && SAFE_METHODS.has(method)) return undefined
  const { host = '', origin } = headers
  if (origin !== undefined && corsOrigins.includes(origin)) return undefined
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return `It was sent by a page of ${origin}, and not of this peer; -http-cors allows an origin.`
  }
  if (headers['sec-fetch-site'] === 'cross-site') return 'It was sent by a page of another site, and not of this peer.'
  return undefined
}

/**
 * The headers by which a browser lets the page of an allowed origin read an answer; none where no
 * origin is allowed.
 */
export function corsHeaders({ corsOrigins }: SiteRules, { origin }: IncomingHttpHeaders): readonly string[] {
  if (corsOrigins.length === 0) return NO_HEADERS
  // Also for other origins: what a cache keeps for one must not be served to another.
  const vary = ['Vary', 'Origin']
  if (origin === undefined || !corsOrigins.includes(origin)) return vary
  return [...vary, 'Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', CORS_ANSWER_HEADERS]
}

/**
 * True for the question of a browser whether a page of an allowed origin may send what it wants to.
 */
export function isPreflight({ corsOrigins }: SiteRules, method: string | undefined, headers: IncomingHttpHeaders): boolean {
  const { origin } = headers
  return (
    method === 'OPTIONS' && origin !== undefined && corsOrigins.includes(origin) && headers['access-control-request-method'] !== undefined
  )
}

/**
 * The headers that answer a preflight, beside those of each answer. @param methods as `Allow` lists
 * them
 */
export function preflightHeaders(methods: string): string[] {
  return [
    'Access-Control-Allow-Methods',
    methods,
    'Access-Control-Allow-Headers',
    CORS_REQUEST_HEADERS,
    'Access-Control-Max-Age',
    String(PREFLIGHT_SECONDS),
  ]
}

/** Host and port, in lower case; undefined when it is no origin. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
