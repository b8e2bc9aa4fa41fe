/**
 * `@replicator/peer/kluster/pg`: what programs call that speak to PostgreSQL by the package `pg`, over
 * databases that Kafka keeps in one order. Such a program changes its import. Each statement is a
 * command of its own, or a query that reads nothing older than the call.
 *
 * It refuses what it does not do, by its SQLSTATE: transactions that are begun and committed (give
 * `cluster().transaction` all statements at once), cursors, COPY, LISTEN. Values come as JSON has
 * them: whole numbers beyond 2^53, decimals, dates and times are text, bytes are Buffers.
 */
import { cluster } from './cluster.ts'
import type { Cluster, ClusterInit } from './cluster.ts'
import type { Answer, Outcome, SqlResult } from './outcomes.ts'

export interface QueryConfig {
  readonly text: string
  readonly values?: readonly unknown[]
  /** `array` gives each row as a list of its values. */
  readonly rowMode?: 'array'
}

type Row = Readonly<Record<string, unknown>>

export interface QueryResult {
  readonly command: string
  readonly rowCount: number
  readonly rows: readonly (Row | readonly unknown[])[]
  readonly fields: readonly { readonly name: string }[]
}

/** Of a statement that the database refused, or that is not known to have taken effect. */
export class DatabaseError extends Error {
  static override readonly name = 'DatabaseError'
  override readonly name = 'DatabaseError'
  /** A SQLSTATE: the server's, 08007 in doubt, 40001 not ordered, 0A000 not done here. */
  readonly code: string
  /** Of a command that is in doubt: `cluster().exec` with it is safe. */
  readonly id: string | undefined

  constructor(code: string, message: string, id?: string) {
    super(message)
    this.code = code
    this.id = id
  }
}

const IN_DOUBT = '08007'
const NOT_ORDERED = '40001'
const NOT_DONE_HERE = '0A000'
const UNAVAILABLE = '57P03'
/** Of a class of refusals of a database that tells no SQLSTATE. */
const STATES: Readonly<Record<string, string>> = { syntax: '42601', constraint: '23000', type: '22000', policy: NOT_DONE_HERE }
const READS = new Set(['SELECT', 'SHOW', 'VALUES', 'TABLE', 'EXPLAIN'])
const OF_TRANSACTIONS = ['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT', 'SAVEPOINT', 'RELEASE', 'PREPARE']
const OF_SESSIONS = ['DECLARE', 'FETCH', 'MOVE', 'CLOSE', 'COPY', 'LISTEN', 'NOTIFY', 'UNLISTEN', 'LOCK', 'SET', 'RESET']
const NOT_HERE = new Set([...OF_TRANSACTIONS, ...OF_SESSIONS])

export class Client {
  readonly #init: ClusterInit
  #cluster: Cluster | undefined

  /** @param init the brokers; what else a program gives its client of PostgreSQL means nothing here */
  constructor(init: ClusterInit = {}) {
    this.#init = init
  }

  async connect(): Promise<void> {
    this.#cluster ??= cluster(this.#init)
  }

  /** @throws DatabaseError */
  async query(statement: string | QueryConfig, values: readonly unknown[] = []): Promise<QueryResult> {
    const { text, values: given = values, rowMode } = typeof statement === 'string' ? { text: statement } : statement
    const command = /^\s*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? ''
    if (NOT_HERE.has(command))
      throw new DatabaseError(NOT_DONE_HERE, `${command} is not done here: each statement is a transaction of its own`)
    const params = given.map(paramOf)
    const result = READS.has(command)
      ? read(await this.#open.query(text, params, { linearizable: true }))
      : done(await this.#open.exec(text, params))
    return resultOf(command, result, rowMode)
  }

  async end(): Promise<void> {
    const open = this.#cluster
    this.#cluster = undefined
    await open?.close()
  }

  get #open(): Cluster {
    if (this.#cluster === undefined) throw new Error('connect first')
    return this.#cluster
  }
}

/** One client serves all: its calls wait for one another no longer than the order does. */
export class Pool extends Client {
  override async query(statement: string | QueryConfig, values: readonly unknown[] = []): Promise<QueryResult> {
    await this.connect()
    return super.query(statement, values)
  }
}

function read(answer: Answer): SqlResult {
  switch (answer.kind) {
    case 'answered':
      if (answer.isCut) throw new DatabaseError('54000', 'the rows are too many for one answer: ask for fewer')
      return answer.result
    case 'not-a-query':
      throw new DatabaseError(stateIn(answer.detail) ?? '42601', answer.detail)
    case 'unavailable':
      throw new DatabaseError(UNAVAILABLE, 'no database answered in time')
  }
}

function done(outcome: Outcome<SqlResult>): SqlResult {
  switch (outcome.kind) {
    case 'done':
      if (outcome.result === undefined) throw new DatabaseError('54000', 'it took effect; its result was too long to be kept')
      return outcome.result
    case 'rejected':
      throw new DatabaseError(stateIn(outcome.code) ?? STATES[outcome.class] ?? 'XX000', outcome.code)
    case 'in-doubt':
      throw new DatabaseError(IN_DOUBT, 'it may take effect, now or later', outcome.id)
    case 'not-ordered':
      throw new DatabaseError(NOT_ORDERED, 'it was not ordered')
    case 'reused':
    case 'forgotten':
      throw new DatabaseError(IN_DOUBT, 'what its name stands for is not known')
  }
}

/** A PostgreSQL says it first. */
function stateIn(code: string): string | undefined {
  return /(?:^|, )([0-9A-Z]{5}) /.exec(code)?.[1]
}

function resultOf(command: string, { columns, rows, rowsAffected }: SqlResult, rowMode: QueryConfig['rowMode']): QueryResult {
  const cells = rows.map((row) => row.map((cell, place) => valueOf(cell, columns[place]?.type ?? '')))
  return {
    command,
    rowCount: Math.max(rowsAffected, rows.length),
    rows:
      rowMode === 'array' ? cells : cells.map((row) => Object.fromEntries(row.map((cell, place) => [columns[place]?.name ?? '', cell]))),
    fields: columns.map(({ name }) => ({ name })),
  }
}

function valueOf(cell: unknown, type: string): unknown {
  return typeof cell === 'string' && (type === 'bytea' || type === 'blob') ? Buffer.from(cell, 'base64') : cell
}

function paramOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null)
}
