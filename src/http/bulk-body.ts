/** The body of `POST /puts`: many puts in JSON, each read by itself. */
import { isContentType } from '../../protocols/base/record.ts'
import { utf8 } from '../bytes.ts'
import type { Answer } from './answers.ts'
import { keyFault } from './keys.ts'
import { problem } from './problems.ts'
import { readPutHeaders } from './put-headers.ts'

/** The bytes of a whole body: some values of the usual largest size, as base64. */
export const PUTS_BYTES_MAX = 8_388_608
/** What one request has at most: as a page of a list. */
export const PUTS_MAX = 1_000

/** One put that may be made. */
export interface BulkPut {
  readonly key: string
  readonly value: Uint8Array
  readonly contentType: string
  readonly writeId: string | undefined
}

export type ReadPut = BulkPut | { readonly refused: Answer }

const FIELDS: ReadonlySet<string> = new Set(['key', 'value', 'valueBase64', 'contentType', 'idempotencyKey'])
const TEXT_TYPE = 'text/plain; charset=utf-8'
const BYTES_TYPE = 'application/octet-stream'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const EXAMPLE = '{ "puts": [{ "key": "a", "value": "text" }] }'

/**
 * @param valueBytesMax the largest value that is taken
 * @returns a sentence where the body is no list of puts
 */
export function readPuts(body: Uint8Array, valueBytesMax: number): readonly ReadPut[] | string {
  const puts = putsOf(body)
  if (puts === undefined) return `It is no list of puts in JSON; send one like ${EXAMPLE}.`
  if (puts.length > PUTS_MAX) return `It has ${puts.length} puts; a request has ${PUTS_MAX} at most.`
  const odd = puts.findIndex((put) => !isPut(put))
  if (odd >= 0)
    return `Number ${odd + 1} of "puts" is no put: it has "key", "value" or "valueBase64", and perhaps "contentType" and "idempotencyKey".`
  return puts.map((put) => readPut(put as Fields, valueBytesMax))
}

type Fields = Readonly<Record<string, string | undefined>>

function putsOf(body: Uint8Array): readonly unknown[] | undefined {
  try {
    const said: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    const puts = typeof said === 'object' && said !== null && Object.keys(said).length === 1 ? (said as { puts?: unknown }).puts : undefined
    return Array.isArray(puts) ? puts : undefined
  } catch {
    return undefined
  }
}

function isPut(put: unknown): put is Fields {
  if (typeof put !== 'object' || put === null) return false
  if (!Object.entries(put).every(([name, field]) => FIELDS.has(name) && typeof field === 'string')) return false
  const { key, value, valueBase64 } = put as Fields
  if (key === undefined || (value === undefined) === (valueBase64 === undefined)) return false
  // Half of a character has no bytes.
  return key.isWellFormed() && (value ?? '').isWellFormed() && BASE64.test(valueBase64 ?? '')
}

function readPut({ key = '', value, valueBase64 = '', contentType, idempotencyKey }: Fields, valueBytesMax: number): ReadPut {
  const fault = keyFault(key)
  if (fault !== undefined) return { refused: problem('bad-key', `The key is bad: ${fault}.`) }
  const type = contentType ?? (value === undefined ? BYTES_TYPE : TEXT_TYPE)
  if (!isContentType(type)) return { refused: problem('bad-header', 'No header can hold the contentType.', { header: 'Content-Type' }) }
  const headers = readPutHeaders({ 'content-type': type, ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }) })
  if ('problem' in headers) return { refused: problem(headers.problem, headers.detail, { header: headers.header }) }
  const bytes = value === undefined ? new Uint8Array(Buffer.from(valueBase64, 'base64')) : utf8.encode(value)
  if (bytes.length > valueBytesMax)
    return { refused: problem('too-large', `A value may have at most ${valueBytesMax} bytes here. It was not stored.`, { valueBytesMax }) }
  return { key, value: bytes, contentType: headers.contentType, writeId: headers.writeId }
}
