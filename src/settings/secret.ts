/**
 * The secrets that all members of a network share: made by `replicator secret`, kept in a file. A
 * file of ASCII text holds one a line: the first is proved, any is accepted, and `none` stands for
 * no secret. So secrets are changed while peers go on: the new one is added everywhere, moved to
 * the front everywhere, and the old one is removed everywhere. Any other file is one secret.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { Secrets } from '../ports/secrets.ts'
import { UsageError } from './usage-error.ts'

/** Bytes below which a secret could be guessed. */
const SECRET_BYTES_MIN = 32
/** Bytes above which the file is surely something else. */
const SECRET_BYTES_MAX = 65_536
/** Random bytes of a new secret: 64 characters of text. */
const NEW_SECRET_BYTES = 48
/** As a header takes it. */
const TOKEN = /^[\x21-\x7e]{1,512}$/
/** Secrets of one file: each costs a hash for each proof. */
const SECRETS_MAX = 16
/** The line that stands for no secret. */
const NO_SECRET = 'none'
const ASCII_TEXT = /^[\t\r\n\x20-\x7e]*$/
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** A new secret, as text of 64 characters. */
export function newSecret(): string {
  return randomBytes(NEW_SECRET_BYTES).toString('base64url')
}

/** A file and what it held when the command line was read. */
export interface SecretFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Reads a file of secrets.
 *
 * @param path of a file or pipe
 * @throws UsageError when it cannot be read, or what it holds is no secret
 */
export function readSecretFile(path: string): SecretFile {
  const bytes = readBounded(path)
  parseSecrets(bytes)
  return Object.freeze({ path, bytes })
}

/**
 * The secrets of a file. Line ends, and empty lines, are no part of them, for some editors add them
 * and some stores drop them.
 *
 * @throws UsageError when there is none, too many, or one is too short or too long
 */
export function parseSecrets(bytes: Uint8Array): Secrets {
  if (bytes.length > SECRET_BYTES_MAX) throw tooLong()
  const text = Buffer.from(bytes).toString('latin1')
  if (!ASCII_TEXT.test(text)) return [longEnough(withoutLineEnds(bytes), 'the file holds')]
  const lines = text.split(/\r*\n/).map((line) => line.replace(/\r+$/, ''))
  const named = [...lines.entries()].filter(([, line]) => line !== '')
  const [first, ...others] = named.map(([index, line]): Uint8Array | undefined => {
    const where = named.length === 1 ? 'the file holds' : `line ${index + 1} of the file holds`
    return line === NO_SECRET ? undefined : longEnough(new Uint8Array(Buffer.from(line, 'latin1')), where)
  })
  if (named.length === 0) longEnough(new Uint8Array(0), 'the file holds')
  if (named.length > SECRETS_MAX)
    throw new UsageError(`the file holds ${named.length} secrets, and a peer takes ${SECRETS_MAX}; remove old ones`)
  return [first, ...others]
}

function longEnough(secret: Uint8Array, where: string): Uint8Array {
  if (secret.length >= SECRET_BYTES_MIN) return secret
  throw new UsageError(`${where} ${secret.length} bytes and a secret has at least ${SECRET_BYTES_MIN}; replicator secret prints a new one`)
}

function tooLong(): UsageError {
  return new UsageError(`the file holds more than ${SECRET_BYTES_MAX} bytes; name the file that holds the secret alone`)
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
  if (length > SECRET_BYTES_MAX) throw tooLong()
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
