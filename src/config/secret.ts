/** The secret that all members of a network share: made by `replicator secret`, kept in a file. */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { UsageError } from './usage-error.ts'

/** Bytes below which a secret could be guessed. */
const SECRET_BYTES_MIN = 32
/** Bytes above which the file is surely something else. */
const SECRET_BYTES_MAX = 65_536
/** Random bytes of a new secret: 64 characters of text. */
const NEW_SECRET_BYTES = 48
/** As a header takes it. */
const TOKEN = /^[\x21-\x7e]{1,512}$/
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A new secret, as text of 64 characters. */
export function newSecret(): string {
  return randomBytes(NEW_SECRET_BYTES).toString('base64url')
}

/**
 * Reads a secret. Line ends at the end of the file are not part of it, for some editors add them and some stores drop them.
 *
 * @param path of a file or pipe
 * @returns 32 to 65,536 bytes
 * @throws UsageError when it cannot be read, or is too short or too long
 */
export function readSecretFile(path: string): Uint8Array {
  const bytes = withoutLineEnds(readBounded(path))
  if (bytes.length < SECRET_BYTES_MIN) {
    throw new UsageError(
      `the file holds ${bytes.length} bytes and a secret has at least ${SECRET_BYTES_MIN}; replicator secret prints a new one`,
    )
  }
  return bytes
}

/**
 * Reads a token that is shown to a peer. Spaces and line ends around it are not part of it.
 *
 * @throws UsageError when the file cannot be read, or holds no token
 */
export function readTokenFile(path: string): string {
  return parseToken(Buffer.from(readBounded(path)).toString('utf8').trim())
}

/** A token as `replicator token` prints it. The message does not show it. */
export function parseToken(text: string): string {
  if (!TOKEN.test(text))
    throw new UsageError('there is no token: it is one word of visible ASCII characters, as replicator token printed it')
  return text
}

/** Reads by hand, so that a pipe is read as well as a file, and no more than fits. */
function readBounded(path: string): Uint8Array {
  const buffer = new Uint8Array(SECRET_BYTES_MAX + 1)
  let length = 0
  try {
    const file = openSync(path, 'r')
    try {
      for (let read = -1; read !== 0 && length < buffer.length; length += read)
        read = readSync(file, buffer, length, buffer.length - length, null)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw new UsageError(`the file cannot be read (${codeOf(error)}); name a file that this user may read`, { cause: error })
  }
  if (length > SECRET_BYTES_MAX)
    throw new UsageError(`the file holds more than ${SECRET_BYTES_MAX} bytes; name the file that holds the secret alone`)
  return buffer.slice(0, length)
}

function withoutLineEnds(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && (bytes[end - 1] === LINE_FEED || bytes[end - 1] === CARRIAGE_RETURN)) end -= 1
  return bytes.subarray(0, end)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
