/** The token file, and what `replicator token` is told, as the command line has them. */
import { readFileSync } from 'node:fs'
import { SCOPES } from '../security/grant.ts'
import type { Scope } from '../security/grant.ts'
import { ANONYMOUS, isPrefix, isTokenName, parseExpiry, parseTokenFile } from '../security/token-file.ts'
import { UsageError } from './usage-error.ts'

/** The path of a token file that is good now. */
export function parseTokensPath(path: string): string {
  try {
    parseTokenFile(readFileSync(path))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined) throw new UsageError(`the file cannot be read (${code}); "replicator token" makes one`, { cause: error })
    throw new UsageError(`the file is bad: ${message}`, { cause: error })
  }
  return path
}

/** The name of a token: for people, for the audit and for limits. */
export function parseTokenName(text: string): string {
  if (!isTokenName(text) || text === ANONYMOUS) {
    throw new UsageError(`a token is called by 1 to 64 of letters, digits, ".", "_" and "-", and not ${ANONYMOUS}`)
  }
  return text
}

/** `read,write`. */
export function parseScopes(text: string): readonly Scope[] {
  const scopes = text.split(',').map((scope) => scope.trim())
  if (!scopes.every((scope) => SCOPES.includes(scope as Scope)) || new Set(scopes).size < scopes.length) {
    throw new UsageError(`write some of ${SCOPES.join(',')}, each once, with commas between`)
  }
  return scopes as Scope[]
}

/** A path with its type. */
export function parsePrefix(text: string): string {
  if (!isPrefix(text)) throw new UsageError('write a path with its type, not percent-encoded, like /store/team/')
  return text
}

/** A date or a time, as RFC 3339 in UTC. */
export function parseExpires(text: string): string {
  const ms = parseExpiry(text)
  if (ms === undefined) throw new UsageError('write a date, which begins at 00:00 UTC, or a time: 2027-01-31 or 2027-01-31T12:00:00Z')
  return new Date(ms).toISOString()
}
