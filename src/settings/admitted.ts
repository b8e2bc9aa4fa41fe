/** The file of `-admit`: who may join, by peer id. */
import { readFileSync } from 'node:fs'
import type { PeerId } from '../../protocols/base/identity.ts'
import { isPeerId } from '../peer-id.ts'
import { UsageError } from './usage-error.ts'

/** A file and what it held when the command line was read. */
export interface AdmitFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** @throws UsageError when it cannot be read, or a line of it is no peer id */
export function readAdmitFile(path: string): AdmitFile {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(`the file cannot be read (${code}); name a file that this user may read`, { cause: error })
  }
  parseAdmitted(bytes)
  return Object.freeze({ path, bytes })
}

/**
 * One peer id a line; what follows a `#` is a comment, and empty lines are none.
 *
 * @throws UsageError when a line is no peer id
 */
export function parseAdmitted(bytes: Uint8Array): ReadonlySet<PeerId> {
  const admitted = new Set<PeerId>()
  for (const [index, line] of Buffer.from(bytes).toString('utf8').split('\n').entries()) {
    const text = line.replace(/#.*/s, '').trim()
    if (text === '') continue
    if (!isPeerId(text)) throw new UsageError(`line ${index + 1} is no peer id; a peer prints its own after "Host ID"`)
    admitted.add(text)
  }
  return admitted
}
