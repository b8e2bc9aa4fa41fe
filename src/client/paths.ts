/** Where a key lives. */

const DOTS: ReadonlySet<string> = new Set(['.', '..'])

/** What the paths of each type begin with. */
export type Base = '/store/' | '/kv/'

/**
 * The path of a key, each segment encoded.
 *
 * @returns undefined for a key that no URL can carry: a segment `.` or `..` is resolved before it
 * is sent, and a lone surrogate is no text
 */
export function pathOfKey(key: string, base: Base = '/store/'): string | undefined {
  const segments = key.split('/')
  if (!key.isWellFormed() || segments.some((segment) => DOTS.has(segment))) return undefined
  return `${base}${segments.map(encodeURIComponent).join('/')}`
}

/** A query of those that are given, with its question mark; empty when none is. */
export function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '') query.set(name, String(value))
  return query.size === 0 ? '' : `?${query.toString()}`
}
