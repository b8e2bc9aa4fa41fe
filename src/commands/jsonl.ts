/**
 * A key with its value as a line of JSON: text where the bytes are UTF-8, else base64. Import reads
 * what export writes.
 */
import { CommandFailed } from './failed.ts'

export interface KeyLine {
  readonly key: string
  readonly value: Uint8Array
  readonly contentType: string
}

const BYTES_TYPE = 'application/octet-stream'
const TEXT_TYPE = 'text/plain; charset=utf-8'

/** A value of the largest size stays on a line that can be read again. */
const MOSTLY_CONTROLS = 0.2
/** Of these JSON makes six characters each. */
const CONTROLS = /[\u0000-\u001f]/g // eslint-disable-line no-control-regex

/** The fields of a value. */
export function valueFields(value: Uint8Array): { readonly value: string } | { readonly valueBase64: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
    const controls = text.match(CONTROLS)?.length ?? 0
    if (controls > value.length * MOSTLY_CONTROLS) throw new Error('it is no text for people')
    return { value: text }
  } catch {
    return { valueBase64: Buffer.from(value).toString('base64') }
  }
}

/** @throws CommandFailed when it is no such line */
export function parseLine(text: string, number: number): KeyLine {
  const fields = parse(text, number)
  const { key, value, valueBase64, contentType } = fields
  const isOne = (typeof value === 'string') !== (typeof valueBase64 === 'string')
  if (typeof key !== 'string' || !isOne || !['string', 'undefined'].includes(typeof contentType))
    throw new CommandFailed(`line ${number}: a line has "key", "value" or "valueBase64", and perhaps "contentType"`)
  const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(String(valueBase64), 'base64')
  return { key, value: bytes, contentType: (contentType as string | undefined) ?? (typeof value === 'string' ? TEXT_TYPE : BYTES_TYPE) }
}

function parse(text: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said === 'object' && said !== null) return said as Record<string, unknown>
  } catch (error) {
    throw new CommandFailed(`line ${number} is no JSON: ${(error as Error).message}`, { cause: error })
  }
  throw new CommandFailed(`line ${number} is no JSON object`)
}
