/**
 * What the scripts tell of a command, as JSON. A part is a text by its length in bytes, a number, a
 * list by its count, or nothing: `s3:abc`, `n-5;`, `a2:`, `z`; `t` stands for a result that was too
 * long to be kept.
 */
import { utf8 } from '../../bytes.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { RESULT_KEPT_MAX, TRUNCATED } from '../kv-rows.ts'

const NOTHING = new Uint8Array()
const SHOWN = /^r([01])([^\n]*)\n([^]*)$/

/** @throws Error for what no script says */
export function outcomeIn(bytes: Buffer): StoreOutcome {
  switch (String.fromCharCode(bytes[0] ?? 0)) {
    case 'd':
      return { kind: 'done', result: keptResult(bytes.subarray(1)) }
    case 'r': {
      const [, partial = '', named = '', code = ''] = SHOWN.exec(bytes.toString('latin1')) ?? []
      return { kind: 'rejected', class: named, code, isPartial: partial === '1' }
    }
    case 'u':
      return { kind: 'reused' }
    case 'f':
      return { kind: 'forgotten' }
    default:
      throw new Error(`a script said ${bytes.toString('latin1', 0, 20)}`)
  }
}

function keptResult(bytes: Buffer): Uint8Array {
  if (bytes.length === 0) return NOTHING
  const result = bytes.toString('latin1') === 't' ? TRUNCATED : jsonIn(bytes)
  return result.length <= RESULT_KEPT_MAX ? result : TRUNCATED
}

/** @throws Error for what no script says */
export function jsonIn(bytes: Buffer): Uint8Array {
  const { value } = partAt(bytes, 0)
  return Uint8Array.from(utf8.encode(JSON.stringify(value)))
}

function partAt(bytes: Buffer, at: number): { readonly value: unknown; readonly end: number } {
  const kind = String.fromCharCode(bytes[at] ?? 0)
  if (kind === 'z') return { value: null, end: at + 1 }
  const close = bytes.indexOf(kind === 'n' ? ';' : ':', at)
  if (close < 0 || !'nsa'.includes(kind)) throw new Error(`no part of a result at ${at}`)
  const digits = bytes.toString('latin1', at + 1, close)
  const number = Number(digits)
  if (kind === 'n') return { value: Number.isSafeInteger(number) ? number : digits, end: close + 1 }
  if (kind === 's') return { value: textOf(bytes.subarray(close + 1, close + 1 + number)), end: close + 1 + number }
  const values: unknown[] = []
  let end = close + 1
  for (let place = 0; place < number; place += 1) {
    const part = partAt(bytes, end)
    values.push(part.value)
    end = part.end
  }
  return { value: values, end }
}

/** Bytes that are no UTF-8 are told in base64, and said to be. */
function textOf(bytes: Buffer): unknown {
  try {
    return utf8.decode(bytes)
  } catch {
    return { base64: bytes.toString('base64') }
  }
}
