/** A session of a MariaDB or a MySQL, by the package mysql2. */
import type * as Mysql from 'mysql2'
import { loadDriver } from '../../driver.ts'
import { withPassword } from '../drivers.ts'
import type { SqlStatement, SqlValue } from '../sql/command.ts'
import type { SqlCell, SqlResult } from '../sql/result.ts'
import type { ServerCell, ServerSession } from '../sql/server.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** Statements with parameters that the server keeps for a session. */
const PREPARED_MAX = 100
/** A column of bytes, and not of text, has this for its character set. */
const BINARY = 63
/** Names as statements have them; those of columns of text by their names of bytes. */
const TYPES: Readonly<Record<string, string>> = {
  TINY: 'tinyint',
  SHORT: 'smallint',
  INT24: 'mediumint',
  LONG: 'int',
  LONGLONG: 'bigint',
  NEWDECIMAL: 'decimal',
  VAR_STRING: 'varchar',
  STRING: 'char',
}
const TEXTS: Readonly<Record<string, string>> = { varchar: 'varbinary', char: 'binary', blob: 'blob' }

interface Field {
  readonly name: string
  readonly columnType?: number
  readonly characterSet?: number
}

export async function connectMysql(url: string, password: string | undefined): Promise<MysqlSession> {
  // Names that the module makes up as it is asked for them are only in its default.
  const load = async (): Promise<typeof Mysql> => ((await import('mysql2')) as unknown as { readonly default: typeof Mysql }).default
  const driver = await loadDriver('mysql2', 'a store in MariaDB or MySQL', load)
  const connection = driver.createConnection({
    uri: withPassword(url, password),
    charset: 'UTF8MB4_BIN',
    connectTimeout: CONNECT_TIMEOUT_MS,
    dateStrings: true,
    enableKeepAlive: true,
    jsonStrings: true,
    maxPreparedStatements: PREPARED_MAX,
    multipleStatements: false,
    supportBigNumbers: true,
  })
  const session = new MysqlSession(connection, driver.Types as unknown as Readonly<Record<number, string>>)
  await session.connected()
  return session
}

export class MysqlSession implements ServerSession {
  readonly #connection: Mysql.Connection
  readonly #types: Readonly<Record<number, string>>
  #isLost = false

  constructor(connection: Mysql.Connection, types: Readonly<Record<number, string>>) {
    this.#connection = connection
    this.#types = types
    // Whoever asked is told.
    connection.on('error', () => {
      this.#isLost = true
    })
    connection.on('end', () => {
      this.#isLost = true
    })
  }

  get isLost(): boolean {
    return this.#isLost
  }

  async connected(): Promise<void> {
    await this.#connection.promise().connect()
  }

  async ask(sql: string, values: readonly SqlValue[] = []): Promise<readonly (readonly ServerCell[])[]> {
    const { rows } = await this.#answered(sql, values)
    return rows as readonly (readonly ServerCell[])[]
  }

  async run({ sql, params }: SqlStatement): Promise<SqlResult> {
    const { rows, fields, header } = await this.#answered(sql, params as readonly SqlValue[])
    // A statement that gives back the rows that it changed says nowhere how many those are. None of
    // them begins with `with`.
    const isChange = /^\s*(?:insert|replace|delete|update)\b/i.test(sql)
    return {
      columns: fields.map((field) => ({ name: field.name, type: this.#typeOf(field) })),
      rows: rows.map((row) => row.map(shown)),
      rowsAffected: header?.affectedRows ?? (isChange ? rows.length : 0),
      lastInsertId: header === undefined || header.insertId === 0 ? null : header.insertId,
    }
  }

  async *each(sql: string): AsyncIterable<readonly ServerCell[]> {
    // Prepared, because numbers with a floating point are whole then, and not as they are written.
    const query = this.#connection.execute({ sql, rowsAsArray: true })
    for await (const row of query.stream()) yield row as readonly ServerCell[]
  }

  async close(): Promise<void> {
    this.#isLost = true
    this.#connection.destroy()
    // The socket is closed in the next turn.
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #answered(
    sql: string,
    values: readonly SqlValue[],
  ): Promise<{
    readonly rows: readonly (readonly unknown[])[]
    readonly fields: readonly Field[]
    readonly header: Mysql.ResultSetHeader | undefined
  }> {
    const connection = this.#connection.promise()
    const [found, fields] = await (values.length === 0
      ? connection.query({ sql, rowsAsArray: true })
      : connection.execute({ sql, rowsAsArray: true, values: values.map(bound) }))
    if (Array.isArray(found)) return { rows: found as unknown[][], fields, header: undefined }
    return { rows: [], fields: [], header: found as Mysql.ResultSetHeader }
  }

  #typeOf({ columnType = 0, characterSet }: Field): string {
    const named = this.#types[columnType] ?? ''
    const type = TYPES[named] ?? (named.endsWith('BLOB') ? 'blob' : named.toLowerCase())
    const ofBytes = TEXTS[type]
    if (ofBytes === undefined) return type
    return characterSet === BINARY ? ofBytes : type === 'blob' ? 'text' : type
  }
}

function bound(value: SqlValue): null | number | string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

function shown(value: unknown): SqlCell {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  return value === null || typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value)
}
