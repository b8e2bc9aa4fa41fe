/**
 * What a client may do, and by what it has shown that it may. Each request that is served has one
 * grant.
 */

export const SCOPES = ['read', 'write', 'operate'] as const
export type Scope = (typeof SCOPES)[number]

export interface Grant {
  /** Of the line in the token file, for the audit and for limits; never a secret. */
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** Paths with their type, as `/store/team/`; undefined for all. */
  readonly prefixes: readonly string[] | undefined
  /** `none`: nothing was shown, and nothing was asked for. */
  readonly proof: 'token' | 'socket' | 'none'
  /** By the wall clock; infinite when it never ends. */
  readonly expiresAtMs: number
}

/**
 * What everybody has where no tokens are asked for. To operate one shows a token, or comes by the
 * operator socket.
 */
export const OPEN: Grant = {
  name: 'anonymous',
  scopes: new Set(['read', 'write']),
  prefixes: undefined,
  proof: 'none',
  expiresAtMs: Number.POSITIVE_INFINITY,
}

/**
 * What whoever may open the operator socket has: the user who runs the peer, to whom its files
 * belong anyway.
 */
export const OPERATOR: Grant = {
  name: 'operator',
  scopes: new Set(SCOPES),
  prefixes: undefined,
  proof: 'socket',
  expiresAtMs: Number.POSITIVE_INFINITY,
}

/**
 * True when a path lies below a prefix. A prefix ends at a segment, written with its slash or
 * without: `/store/team` opens `/store/team` and `/store/team/a`, but not `/store/teammate`.
 *
 * @param path percent-decoded
 */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || prefix.endsWith('/') || path.charAt(prefix.length) === '/'
}

/**
 * True when a grant opens a path. @param path percent-decoded; undefined when it cannot be decoded
 */
export function opens({ prefixes }: Grant, path: string | undefined): boolean {
  if (prefixes === undefined) return true
  return path !== undefined && prefixes.some((prefix) => isBelow(path, prefix))
}

/** True when a grant lets its holder read a path. */
export function mayRead(grant: Grant, path: string): boolean {
  return grant.scopes.has('read') && opens(grant, path)
}
