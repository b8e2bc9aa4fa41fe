/**
 * The token file: a JSON object a line, `{ name, hash, scopes, prefixes?, expires? }`. It holds
 * hashes and no tokens, so whoever reads it can do nothing with it. The line `anonymous` has no
 * hash: it holds for requests without a token.
 */
import { createHash, randomBytes } from 'node:crypto'
import { SCOPES } from './grant.ts'
import type { Grant, Scope } from './grant.ts'

/** The name of the line for requests without a token. */
export const ANONYMOUS = 'anonymous'
/** Random bytes of a token. */
const TOKEN_BYTES = 32
const LINES_MAX = 10_000
const PREFIXES_MAX = 64
const PREFIX_CHARACTERS_MAX = 1_100
const FIELDS = ['name', 'hash', 'scopes', 'prefixes', 'expires']
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const HASH = /^[0-9a-f]{64}$/
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** A line, read. */
export interface TokenLine {
  readonly grant: Grant
  /** SHA-256 of the token, in hexadecimal; undefined for `anonymous` alone. */
  readonly hash: string | undefined
}

/** Why a file will not do: one line, without anything secret. */
class BadLine extends Error {
  override readonly name = 'BadLine'
}

/** A new token. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url')
}

/** What stands for a token in the file. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

export function isTokenName(text: string): boolean {
  return NAME.test(text)
}

/** True for a path with its type: it begins with a slash, and has something to name behind it. */
export function isPrefix(text: string): boolean {
  return /^\/[^/]/.test(text) && text.length <= PREFIX_CHARACTERS_MAX && !text.includes('\0')
}

/**
 * Milliseconds since 1970 of a date, whose day begins at 00:00 UTC, or of a time; undefined when it
 * is neither.
 */
export function parseExpiry(text: string): number | undefined {
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

/** Reads a token file. @throws Error of one line, which names the line that is bad */
export function parseTokenFile(contents: Uint8Array): readonly TokenLine[] {
  const lines: TokenLine[] = []
  const rows = decode(contents).split('\n')
  for (const [index, row] of rows.entries()) {
    if (row.trim() === '') continue
    try {
      lines.push(parseLine(row, lines))
    } catch (error) {
      if (!(error instanceof BadLine)) throw error
      throw new Error(`line ${index + 1}: ${error.message}`, { cause: error })
    }
    if (lines.length > LINES_MAX) throw new Error(`it has more than ${LINES_MAX} lines`)
  }
  return lines
}

function decode(contents: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(contents)
  } catch (error) {
    throw new Error('it is not UTF-8', { cause: error })
  }
}

function parseLine(row: string, before: readonly TokenLine[]): TokenLine {
  const fields = fieldsOf(row)
  const { name } = fields
  if (typeof name !== 'string' || !isTokenName(name)) throw new BadLine('"name" must be 1 to 64 of letters, digits, ".", "_" and "-"')
  const hash = hashField(fields['hash'], name)
  if (before.some((line) => line.hash === hash)) throw new BadLine(`the token of ${JSON.stringify(name)} has a line before this one`)
  const grant: Grant = {
    name,
    scopes: scopesField(fields['scopes']),
    prefixes: prefixesField(fields['prefixes']),
    proof: hash === undefined ? 'none' : 'token',
    expiresAtMs: expiryField(fields['expires']),
  }
  return { grant, hash }
}

function fieldsOf(row: string): Readonly<Record<string, unknown>> {
  let fields: unknown
  try {
    fields = JSON.parse(row)
  } catch (error) {
    throw new BadLine('it is no JSON', { cause: error })
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new BadLine('it is no JSON object')
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) throw new BadLine(`${JSON.stringify(unknown.slice(0, 80))} is no field of it; they are ${FIELDS.join(', ')}`)
  return fields as Readonly<Record<string, unknown>>
}

function hashField(hash: unknown, name: string): string | undefined {
  if (name === ANONYMOUS) {
    if (hash !== undefined) throw new BadLine(`"${ANONYMOUS}" is for requests without a token and has no hash`)
    return undefined
  }
  const text = typeof hash === 'string' ? hash.toLowerCase() : ''
  if (!HASH.test(text)) throw new BadLine('"hash" must be the SHA-256 of the token, in 64 hexadecimal digits')
  return text
}

function scopesField(scopes: unknown): ReadonlySet<Scope> {
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every((scope) => SCOPES.includes(scope as Scope))) {
    throw new BadLine(`"scopes" must be a list of some of ${SCOPES.join(', ')}`)
  }
  return new Set(scopes as Scope[])
}

function prefixesField(prefixes: unknown): readonly string[] | undefined {
  if (prefixes === undefined) return undefined
  const isGood = Array.isArray(prefixes) && prefixes.length > 0 && prefixes.length <= PREFIXES_MAX
  if (!isGood || !prefixes.every((prefix) => typeof prefix === 'string' && isPrefix(prefix))) {
    throw new BadLine(`"prefixes" must be a list of 1 to ${PREFIXES_MAX} paths with their type, like "/store/team/"`)
  }
  return prefixes as string[]
}

function expiryField(expires: unknown): number {
  if (expires === undefined) return Number.POSITIVE_INFINITY
  const ms = typeof expires === 'string' ? parseExpiry(expires) : undefined
  if (ms === undefined) throw new BadLine('"expires" must be a date or a time with its zone, like "2027-01-31" or "2027-01-31T12:00:00Z"')
  return ms
}
