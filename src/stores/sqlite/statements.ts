/** Runs statements of SQLite, and tells results and faults as a store does. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { StoreUnavailable } from '../../ports/log-store.ts'
import { SqlRejected } from '../sql/command.ts'
import type { SqlStatement, SqlValue } from '../sql/command.ts'
import { codeFrom } from '../sql/result.ts'
import type { SqlResult } from '../sql/result.ts'

/** Primary codes of SQLite that are the same at every replica; all others are not known to be. */
const DETERMINISTIC: ReadonlyMap<number, SqlRejected['class']> = new Map([
  [1, 'syntax'],
  [18, 'constraint'],
  [19, 'constraint'],
  [20, 'type'],
  [23, 'policy'],
  [25, 'syntax'],
])
const PRIMARY = 0xff
const READ_ONLY = 8
/** Codes of a store for those that are seen most. */
const CODES: Readonly<Record<number, string>> = {
  5: 'busy',
  6: 'locked',
  7: 'out-of-memory',
  8: 'read-only',
  10: 'disk-fails',
  11: 'damaged',
  13: 'disk-full',
}

/** @throws whatever SQLite throws: `rejectionOf` says what it is */
export function runStatement(database: DatabaseSync, { sql, params }: SqlStatement): Pick<SqlResult, 'columns' | 'rows'> {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const columns = statement.columns()
  const values = Array.isArray(params) ? params.map(bound) : []
  const named = Array.isArray(params) ? [] : [Object.fromEntries(Object.entries(params).map(([name, value]) => [name, bound(value)]))]
  const all = [...named, ...values] as SQLInputValue[]
  const rows = columns.length > 0 ? (statement.all(...all) as unknown as SQLOutputValue[][]) : []
  if (columns.length === 0) statement.run(...all)
  return {
    columns: columns.map(({ name, type }, place) => ({ name, type: typeOf(type, rows, place) })),
    rows: rows.map((row) => row.map(shown)),
  }
}

/** Undefined for what is not known to be the same at every replica. */
export function rejectionOf(error: unknown): SqlRejected | undefined {
  if (error instanceof SqlRejected) return error
  const { errcode, code, message } = error as { readonly errcode?: number; readonly code?: string; readonly message: string }
  const text = codeFrom(message)
  if (errcode === undefined) return code?.startsWith('ERR_INVALID') ? new SqlRejected('type', text) : undefined
  const named = DETERMINISTIC.get(errcode & PRIMARY)
  return named && new SqlRejected(named, text)
}

/** What only a store that may not be written to throws. */
export function isWrite(error: unknown): boolean {
  return ((error as { readonly errcode?: number }).errcode ?? 0) % (PRIMARY + 1) === READ_ONLY
}

export function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  const primary = ((error as { readonly errcode?: number }).errcode ?? 0) & PRIMARY
  return new StoreUnavailable(CODES[primary] ?? `sqlite-${primary}`, { cause: error })
}

/** The last id is that of an earlier statement, in whatever batch, unless it is set back before each. */
export const FORGET_LAST_ID = 'insert or replace into temp._replicator_last_id values (0)'
export const LAST_ID_TABLE = 'pragma temp_store = memory; create temp table _replicator_last_id (id integer primary key)'

/** What the last statement that changes rows did. */
export function changesOf(database: DatabaseSync, inserts: boolean): Pick<SqlResult, 'rowsAffected' | 'lastInsertId'> {
  const statement = database.prepare('select changes() as count, last_insert_rowid() as id')
  statement.setReadBigInts(true)
  const { count, id } = statement.get() as { readonly count: bigint; readonly id: bigint }
  return { rowsAffected: Number(count), lastInsertId: inserts && count > 0n && id !== 0n ? shown(id) : null }
}

function bound(value: SqlValue): SQLInputValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
}

/** As it is declared; else as the first value is. Bytes are said to be, for they are shown in base64. */
function typeOf(declared: string | null, rows: readonly (readonly SQLOutputValue[])[], place: number): string {
  const values = rows.map((row) => row[place]).filter((value) => value !== null && value !== undefined)
  if (values.some((value) => value instanceof Uint8Array)) return 'blob'
  if (declared !== null) return declared.toLowerCase()
  const [first] = values
  if (first === undefined) return 'null'
  return typeof first === 'bigint' ? 'integer' : typeof first === 'number' ? 'real' : 'text'
}

function shown(value: SQLOutputValue): null | number | string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value
}
