/** What a command of SQL gives, and what becomes of it as an outcome. */
import { CODE_BYTES_MAX } from '../../../protocols/log/limits.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { utf8 } from '../../bytes.ts'
import { RESULT_KEPT_MAX, TRUNCATED } from '../kv-rows.ts'
import type { SqlRejected } from './command.ts'

/** Integers beyond 2^53 and decimals are text. Bytes are base64, and the type of their column says so. */
export type SqlCell = null | boolean | number | string

export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly SqlCell[])[]
  readonly rowsAffected: number
  readonly lastInsertId: number | string | null
}

/** An outcome, and the rows that were changed, which stores compare. */
export interface Ran {
  readonly outcome: StoreOutcome
  readonly rows: number
}

/** Characters of a code. */
const CODE_CHARACTERS_MAX = 200

export function ranOutcome(results: readonly SqlResult[], isList: boolean): Ran {
  const rows = results.reduce((sum, { rowsAffected }) => sum + rowsAffected, 0)
  const result = Uint8Array.from(utf8.encode(JSON.stringify(isList ? results : results[0])))
  return { outcome: { kind: 'done', result: result.length <= RESULT_KEPT_MAX ? result : TRUNCATED }, rows }
}

export function rejectedOutcome({ class: named, code }: SqlRejected): Ran {
  return { outcome: { kind: 'rejected', class: named, code, isPartial: false }, rows: 0 }
}

/** As much of a message as whoever reads the code takes. */
export function codeFrom(message: string): string {
  let text = message.slice(0, CODE_CHARACTERS_MAX)
  while (utf8.encode(text).length > CODE_BYTES_MAX) text = text.slice(0, -1)
  return text.toWellFormed()
}
