/** The headers that decide about a put, read before any of its body is. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ProblemName } from './problems.ts'

const CONTENT_TYPE_BYTES_MAX = 255
const CONTENT_TYPE_DEFAULT = 'application/octet-stream'
const IDEMPOTENCY_KEY_LENGTH_MAX = 128

const QUOTE = 0x22
const VISIBLE_MIN = 0x21
const VISIBLE_MAX = 0x7e

export interface PutHeaders {
  readonly contentType: string
  /** The Idempotency-Key without its quotes. */
  readonly writeId: string | undefined
  /** True with `If-Match`: an absent key is then refused. */
  readonly mustExist: boolean
}

export interface BadHeader {
  readonly problem: ProblemName
  readonly header: string
  readonly detail: string
}

/** @returns what the put needs, or the first header that will not do */
export function readPutHeaders(headers: IncomingHttpHeaders): PutHeaders | BadHeader {
  if (headers['content-range'] !== undefined) {
    return { problem: 'bad-header', header: 'Content-Range', detail: 'Content-Range is not allowed: a value is put whole.' }
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && !isIdentity(encoding)) {
    return {
      problem: 'unsupported-encoding',
      header: 'Content-Encoding',
      detail: 'Only the content encoding "identity" is taken: values are kept as they are.',
    }
  }
  const contentType = headers['content-type'] || CONTENT_TYPE_DEFAULT
  // Headers come as one character a byte. Peers pass the type on as UTF-8, in which some of those
  // take two.
  if (contentType.length > CONTENT_TYPE_BYTES_MAX || Buffer.byteLength(contentType) > CONTENT_TYPE_BYTES_MAX) {
    return { problem: 'bad-header', header: 'Content-Type', detail: `Content-Type may have at most ${CONTENT_TYPE_BYTES_MAX} bytes.` }
  }
  if (isWildcard(contentType)) {
    const detail = 'Content-Type names what the value is, for as long as the key lives: a type with * in it names none.'
    return { problem: 'bad-header', header: 'Content-Type', detail }
  }
  const given = headers['idempotency-key']
  const writeId = typeof given === 'string' ? readIdempotencyKey(given) : undefined
  if (given !== undefined && writeId === undefined) {
    const detail = `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_LENGTH_MAX} visible ASCII characters.`
    return { problem: 'bad-header', header: 'Idempotency-Key', detail }
  }
  return { contentType, writeId, mustExist: headers['if-match'] !== undefined }
}

/**
 * True for a range of types, which says what somebody takes and not what something is: `*` followed
 * by a slash, or one after it.
 */
function isWildcard(contentType: string): boolean {
  return contentType.includes('*') && /^\s*(\*|[^\s/;]+\/\*)\s*(;|$|\/)/.test(contentType)
}

function isIdentity(encoding: string): boolean {
  return encoding.split(',').every((item) => item.trim().toLowerCase() === 'identity' || item.trim() === '')
}

/**
 * Undefined when it will not do. Quotes are taken off in pairs: the header's draft standard writes
 * it as a quoted string.
 */
function readIdempotencyKey(raw: string): string | undefined {
  const isQuoted = raw.length >= 2 && raw.charCodeAt(0) === QUOTE && raw.charCodeAt(raw.length - 1) === QUOTE
  const key = isQuoted ? raw.slice(1, -1) : raw
  if (key.length === 0 || key.length > IDEMPOTENCY_KEY_LENGTH_MAX) return undefined
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index)
    if (code < VISIBLE_MIN || code > VISIBLE_MAX) return undefined
  }
  return key
}
