import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The version in the package's own description, which lies a folder further up once the sources are
 * compiled.
 */
export const VERSION: string = readVersion(import.meta.dirname)

function readVersion(directory: string): string {
  const path = join(directory, 'package.json')
  if (!existsSync(path)) return directory === dirname(directory) ? 'unknown' : readVersion(dirname(directory))
  const description = JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: string }
  return description.version ?? 'unknown'
}
