/**
 * What SQLite lets commands do. Functions that read a clock or chance are replaced by ones that are
 * fed from the entry; an authorizer refuses what reads the session, the machine or our own tables,
 * also where a statement comes by it on a way that its text does not show.
 */
import { createHash } from 'node:crypto'
import { constants, DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { SqlRejected } from '../sql/command.ts'
import type { SqlPolicy } from '../sql/policy.ts'
import { SQLITE_DIALECT } from '../sql/tokens.ts'

/** Tables of ours begin so. */
export const OWN_PREFIX = '_replicator_'
const BLOB_BYTES_MAX = 1_048_576

export const SQLITE_POLICY: SqlPolicy = {
  dialect: SQLITE_DIALECT,
  verbs: new Map<string, readonly string[] | undefined>([
    ...['select', 'values', 'with', 'insert', 'replace', 'update', 'delete'].map((verb) => [verb, undefined] as const),
    ['create', ['table', 'index', 'view']],
    ['drop', ['table', 'index', 'view']],
    ['alter', ['table']],
  ]),
  // A conflict that rolls back would end the transaction of the whole batch, and a constraint that is
  // looked at as that ends would undo it.
  words: new Set(['rollback', 'deferrable']),
  // The authorizer sees them.
  functions: new Set(),
  ownPrefixes: [OWN_PREFIX, 'pragma_', 'sqlite_', 'dbstat', 'bytecode', 'tables_used'],
}

/** Of functions: what reads the session or the library. */
const REFUSED_FUNCTIONS = new Set([
  'changes',
  'total_changes',
  'last_insert_rowid',
  'load_extension',
  'sqlite_version',
  'sqlite_source_id',
  'sqlite_offset',
  'sqlite_log',
  'sqlite_compileoption_get',
  'sqlite_compileoption_used',
])
const REFUSED_ACTIONS = new Set([
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  // It need not end, and nothing ends it.
  constants.SQLITE_RECURSIVE,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VTABLE,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
])
/** Functions of time, each with the place of its first argument that is a time, and of all that are. */
const CLOCKS: Readonly<Record<string, { readonly at: number; readonly times: number }>> = {
  date: { at: 0, times: 1 },
  time: { at: 0, times: 1 },
  datetime: { at: 0, times: 1 },
  julianday: { at: 0, times: 1 },
  unixepoch: { at: 0, times: 1 },
  strftime: { at: 1, times: 1 },
  timediff: { at: 0, times: 2 },
}
const CURRENT: Readonly<Record<string, string>> = { current_date: 'date', current_time: 'time', current_timestamp: 'datetime' }

/** The entry that is applied: its place in the log feeds chance, and the log's clock the time. */
export interface SqliteEntry {
  readonly index: number
  readonly atMs: number
}

export class SqliteRules {
  /** Functions as SQLite has them, to ask with a time that is given. */
  readonly #plain: DatabaseSync = new DatabaseSync(':memory:')
  #entry: SqliteEntry = { index: 0, atMs: 0 }
  #drawn = 0
  /** What a replaced function refused: SQLite passes on no more than that it failed. */
  refused: SqlRejected | undefined
  /** Whether a statement of a command is run, and not one of ours. */
  isForeign = false

  constructor(database: DatabaseSync) {
    database.function('random', { useBigIntArguments: true }, () => this.#bytes(8).readBigInt64LE())
    database.function('randomblob', (count) => this.#blob(Number(count)))
    for (const [name, { at, times }] of Object.entries(CLOCKS))
      database.function(name, { varargs: true }, (...values) => this.#clock(name, at, times, values))
    for (const [name, real] of Object.entries(CURRENT)) database.function(name, () => this.#clock(real, 0, 1, []))
    database.setAuthorizer((action, first, second) =>
      this.isForeign && this.#refuses(action, first, second) ? constants.SQLITE_DENY : constants.SQLITE_OK,
    )
  }

  begin(entry: SqliteEntry): void {
    this.#entry = entry
    this.#drawn = 0
    this.refused = undefined
  }

  close(): void {
    this.#plain.close()
  }

  #refuses(action: number, first: string | null, second: string | null): boolean {
    const name = action === constants.SQLITE_FUNCTION ? (second ?? '').toLowerCase() : ''
    const isOwn = (first ?? '').toLowerCase().startsWith(OWN_PREFIX)
    if (!REFUSED_ACTIONS.has(action) && !REFUSED_FUNCTIONS.has(name) && !isOwn) return false
    this.refused ??= new SqlRejected(
      'policy',
      `not-allowed:${name === '' ? (action === constants.SQLITE_RECURSIVE ? 'recursive' : (first ?? 'statement').toLowerCase()) : name}`,
    )
    return true
  }

  #clock(name: string, at: number, times: number, given: readonly SQLOutputValue[]): SQLInputValue {
    const values: SQLInputValue[] = given.length <= at ? [...given, 'now'] : [...given]
    const isLocal = values.some((value) => typeof value === 'string' && /^\s*(localtime|utc)\s*$/i.test(value))
    if (isLocal) {
      this.refused ??= new SqlRejected('policy', 'not-allowed:localtime')
      throw this.refused
    }
    for (let place = at; place < at + times; place += 1) {
      const value = values[place]
      if (typeof value === 'string' && value.toLowerCase() === 'now') values[place] = this.#now
    }
    const asked = this.#plain.prepare(`select ${name}(${values.map(() => '?').join(', ')}) as value`)
    return asked.get(...values)?.['value'] ?? null
  }

  get #now(): string {
    return new Date(this.#entry.atMs).toISOString().replace('Z', '')
  }

  #blob(count: number): Buffer {
    if (!(count <= BLOB_BYTES_MAX)) {
      this.refused ??= new SqlRejected('policy', 'not-allowed:randomblob of so much')
      throw this.refused
    }
    return this.#bytes(Math.max(1, Math.floor(count)))
  }

  /** The same for the same entry and the same number of draws before. */
  #bytes(count: number): Buffer {
    const parts: Buffer[] = []
    for (let have = 0; have < count; have += 64) {
      this.#drawn += 1
      parts.push(createHash('sha512').update(`${this.#entry.index} ${this.#entry.atMs} ${this.#drawn}`).digest())
    }
    return Buffer.concat(parts).subarray(0, count)
  }
}
