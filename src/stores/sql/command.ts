/**
 * A command of a store of SQL: a text, or JSON with parameters, or several statements as one. A
 * text of SQL never begins with a brace.
 */

export type SqlValue = null | number | string | Uint8Array

export interface SqlStatement {
  readonly sql: string
  readonly params: readonly SqlValue[] | Readonly<Record<string, SqlValue>>
  /** Rows that it must change: else all of the command is undone. */
  readonly rows: number | undefined
}

export interface SqlCommand {
  readonly statements: readonly SqlStatement[]
  /** Its result is a list, one a statement. */
  readonly isList: boolean
}

/** What is no command, the same everywhere. */
export class SqlRejected extends Error {
  readonly class: 'syntax' | 'policy' | 'constraint' | 'type'
  readonly code: string

  constructor(named: SqlRejected['class'], code: string) {
    super(code)
    this.class = named
    this.code = code
  }
}

const STATEMENTS_MAX = 1_000

/** @throws SqlRejected */
export function commandIn(bytes: Uint8Array): SqlCommand {
  const text = textOf(bytes)
  if (!/^\s*\{/.test(text)) return { statements: [{ sql: text, params: [], rows: undefined }], isList: false }
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new SqlRejected('syntax', 'not-json')
  }
  if (!('statements' in fields)) return { statements: [statementIn(fields)], isList: false }
  const { statements, ...others } = fields
  if (!Array.isArray(statements) || statements.length === 0 || statements.length > STATEMENTS_MAX || Object.keys(others).length > 0)
    throw new SqlRejected('syntax', 'statements-is-a-list-alone')
  return { statements: statements.map(statementIn), isList: true }
}

function statementIn(value: unknown): SqlStatement {
  if (typeof value !== 'object' || value === null) throw new SqlRejected('syntax', 'a-statement-is-an-object')
  const { command, params = [], rows, ...others } = value as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw new SqlRejected('syntax', `unknown-field:${unknown.slice(0, 64)}`)
  if (typeof command !== 'string') throw new SqlRejected('syntax', 'command-is-a-text')
  if (rows !== undefined && !(Number.isSafeInteger(rows) && (rows as number) >= 0)) throw new SqlRejected('syntax', 'rows-is-a-number')
  return { sql: command, params: paramsIn(params), rows: rows as number | undefined }
}

function paramsIn(params: unknown): SqlStatement['params'] {
  if (Array.isArray(params)) return params.map(valueIn)
  if (typeof params !== 'object' || params === null) throw new SqlRejected('syntax', 'params-is-a-list-or-an-object')
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, valueIn(value)]))
}

function valueIn(value: unknown): SqlValue {
  if (value === null || typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'object' && 'base64' in value && typeof value.base64 === 'string')
    return new Uint8Array(Buffer.from(value.base64, 'base64'))
  throw new SqlRejected('type', 'parameter')
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SqlRejected('syntax', 'not-utf-8')
  }
}
