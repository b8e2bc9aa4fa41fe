/** What is typed at the prompt: how it is sent, and how its answer is shown. */
import type { ReplKind } from '../../settings/repl-command.ts'

/** Statements of SQL that change nothing, by their first word. */
const READING = /^\s*(?:select|show|with|explain|describe|desc|values)\b/i
const OK = 'OK'

/** A result of SQL, as logs give it. */
interface Rows {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

/** One line without what may stand at its end. */
export function statementOf(line: string): string {
  return line.trim().replace(/\s*;$/, '')
}

/** Whether it is asked of a store, and is no command. */
export function isQuery(kind: ReplKind, statement: string): boolean {
  switch (kind) {
    case 'redis':
      // A script says nowhere whether it writes.
      return false
    case 'kv':
      return isKvQuery(statement)
    default:
      return READING.test(statement)
  }
}

/** @param json the result, as it came */
export function shownAs(json: string): string {
  const result: unknown = json === '' ? null : JSON.parse(json)
  if (result === null) return OK
  if (typeof result === 'string') return result
  if (isRows(result)) return result.columns.length === 0 ? OK : table(result)
  return JSON.stringify(result)
}

function isKvQuery(statement: string): boolean {
  try {
    const names = Object.keys(JSON.parse(statement) as object)
    return names.length > 0 && names.every((name) => name === 'get' || name === 'list')
  } catch {
    return false
  }
}

function isRows(result: unknown): result is Rows {
  return typeof result === 'object' && result !== null && 'columns' in result && Array.isArray(result.columns)
}

function table({ columns, rows }: Rows): string {
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map(cellOf))]
  const widths = columns.map((_column, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)))
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const [head = '', ...body] = lines.map((cells) => `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`)
  return [rule, head, rule, ...body, ...(body.length === 0 ? [] : [rule])].join('\n')
}

function cellOf(value: unknown): string {
  if (value === null) return 'NULL'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
