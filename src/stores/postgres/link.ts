/** A session of a PostgreSQL, by the package pg: one statement a message. */
import type * as Pg from 'pg'
import { loadDriver } from '../../driver.ts'
import { withPassword } from '../drivers.ts'
import type { SqlStatement, SqlValue } from '../sql/command.ts'
import type { SqlCell, SqlResult } from '../sql/result.ts'
import type { ServerCell, ServerSession, Use } from '../sql/server.ts'
import { clocksReplaced } from './rules.ts'

const CONNECT_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 1_000
/** Rows that are fetched at once: as many as have so many bytes. */
const FETCH_BYTES = 262_144
const FETCH_ROWS_MAX = 1_000
const BYTEA = 17
const NUMBERS = new Set([20, 21, 23, 26, 700, 701])
const BOOLEAN = 16
const PLACES = /"[^"]*"|\?/g
/** What says how many rows it changed; a query says how many it gave. */
const CHANGING = new Set(['INSERT', 'UPDATE', 'DELETE'])

type Parser = (text: string) => unknown

export async function connectPostgres(url: string, password: string | undefined, use: Use): Promise<PostgresSession> {
  const driver = await loadDriver<typeof Pg>('pg', 'a store in PostgreSQL', () => import('pg'))
  const client = new driver.Client({
    connectionString: withPassword(url, password),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'replicator',
  })
  const names = new Map(Object.entries(driver.types.builtins).map(([name, oid]) => [oid as number, name.toLowerCase()]))
  const session = new PostgresSession(client, names, use)
  await client.connect()
  return session
}

export class PostgresSession implements ServerSession {
  readonly #client: Pg.Client
  /** Types by their numbers. */
  readonly #names: ReadonlyMap<number, string>
  readonly #use: Use
  #isLost = false

  constructor(client: Pg.Client, names: ReadonlyMap<number, string>, use: Use) {
    this.#client = client
    this.#names = names
    this.#use = use
    // Whoever asked is told.
    client.on('error', () => {
      this.#isLost = true
    })
    client.on('end', () => {
      this.#isLost = true
    })
  }

  get isLost(): boolean {
    return this.#isLost
  }

  async ask(sql: string, values: readonly SqlValue[] = []): Promise<readonly (readonly ServerCell[])[]> {
    const { rows } = await this.#answered(values.length === 0 ? sql : numbered(sql), values, (oid) =>
      oid === BYTEA ? bytesIn : (text) => text,
    )
    return rows as ServerCell[][]
  }

  async run({ sql, params }: SqlStatement): Promise<SqlResult> {
    const text = this.#use === 'applies' ? clocksReplaced(sql) : sql
    const { rows, fields, rowCount, command } = await this.#answered(text, params as readonly SqlValue[], parserOf)
    return {
      columns: fields.map(({ name, dataTypeID }) => ({ name, type: this.#names.get(dataTypeID) ?? `oid:${dataTypeID}` })),
      rows: rows as SqlCell[][],
      rowsAffected: CHANGING.has(command) ? (rowCount ?? 0) : 0,
      lastInsertId: null,
    }
  }

  async *each(sql: string): AsyncIterable<readonly ServerCell[]> {
    await this.ask(`declare replicator_rows no scroll cursor for ${sql}`)
    let count = 1
    for (;;) {
      const rows = await this.ask(`fetch ${count} from replicator_rows`)
      yield* rows
      if (rows.length < count) break
      const bytes = rows.flat().reduce((sum: number, cell) => sum + String(cell).length, 0)
      count = Math.max(1, Math.min(FETCH_ROWS_MAX, bytes < FETCH_BYTES ? count * 2 : Math.floor((count * FETCH_BYTES) / bytes)))
    }
    await this.ask('close replicator_rows')
  }

  async close(): Promise<void> {
    this.#isLost = true
    // What it runs is not waited for: the next session ends that.
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)
    await Promise.race([promise, this.#client.end().catch(() => {})])
    clearTimeout(timer)
  }

  async #answered(text: string, values: readonly SqlValue[], parser: (oid: number) => Parser): Promise<Pg.QueryArrayResult> {
    return this.#client.query({
      text,
      values: values.map(bound),
      rowMode: 'array',
      queryMode: 'extended',
      types: { getTypeParser: (oid: number) => parser(oid) },
    } as unknown as Pg.QueryArrayConfig)
  }
}

/** Our own statements have `?` for a value; what a schema is made by may have it for itself. */
function numbered(sql: string): string {
  let count = 0
  return sql.replace(PLACES, (found) => {
    if (found !== '?') return found
    count += 1
    return `$${count}`
  })
}

function bound(value: SqlValue): null | number | string | Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

function bytesIn(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex')
}

function parserOf(oid: number): (text: string) => SqlCell {
  if (oid === BYTEA) return (text) => bytesIn(text).toString('base64')
  if (oid === BOOLEAN) return (text) => text === 't'
  if (NUMBERS.has(oid)) return numberIn
  return (text) => text
}

/** What a number does not hold whole stays a text. */
function numberIn(text: string): number | string {
  const number = Number(text)
  const isWhole = /^-?\d+$/.test(text)
  return Number.isFinite(number) && (!isWhole || Number.isSafeInteger(number)) ? number : text
}
