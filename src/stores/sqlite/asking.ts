/**
 * The connection of a store in SQLite that reads: queries, backups and digests, each of one position,
 * while batches are applied beside it. It runs in a worker of its own, which can be ended.
 */
import { backup, DatabaseSync } from 'node:sqlite'
import type { SQLOutputValue } from 'node:sqlite'
import { sha256, utf8 } from '../../bytes.ts'
import { NotAQuery, STORE_SLICES, StoreBehind } from '../../ports/log-store.ts'
import type { StoreAnswer } from '../../ports/log-store.ts'
import { readHead } from '../kv-rows.ts'
import type { Head } from '../kv-rows.ts'
import { commandIn, SqlRejected } from '../sql/command.ts'
import { checkStatement } from '../sql/policy.ts'
import type { SqlPolicy } from '../sql/policy.ts'
import { OWN_PREFIX, SQLITE_POLICY } from './rules.ts'
import { isWrite, rejectionOf, runStatement, unavailable } from './statements.ts'

const LOCKED_MS = 500
/** All pages at once: a backup in steps begins again at each write beside it. */
const PAGES_TOGETHER = 2_147_483_647
const QUERIES: SqlPolicy = {
  ...SQLITE_POLICY,
  verbs: new Map(['select', 'values', 'with'].map((verb) => [verb, undefined])),
  words: new Set(),
}

export class SqliteAsking {
  readonly #database: DatabaseSync
  /** Of the last position whose content was hashed. */
  #digests: { readonly version: string; readonly slices: readonly string[] } | undefined

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: LOCKED_MS, readOnly: true })
  }

  /** @throws NotAQuery, StoreBehind, StoreUnavailable */
  query(query: Uint8Array, indexMin: number): StoreAnswer {
    return this.#picture(() => {
      const { position } = this.#head()
      if (position.index < indexMin) throw new StoreBehind(`it is at ${position.index}, and ${indexMin} is asked for`)
      const results = this.#results(query)
      return { position, result: Uint8Array.from(utf8.encode(JSON.stringify(results))) }
    })
  }

  /** Copies the store into a file. @returns where the copy stands */
  async backup(path: string): Promise<Head['position']> {
    await backup(this.#database, path, { rate: PAGES_TOGETHER })
    const copy = new DatabaseSync(path)
    try {
      return headIn(copy).position
    } finally {
      copy.close()
    }
  }

  digest(slice: number): string {
    return this.#picture(() => {
      const version = `${this.#head().position.index} ${String(this.#database.prepare('pragma data_version').get()?.['data_version'])}`
      if (this.#digests?.version !== version) this.#digests = { version, slices: this.#slices() }
      return this.#digests.slices[slice] as string
    })
  }

  close(): void {
    this.#database.close()
  }

  #results(query: Uint8Array): unknown {
    try {
      const { statements, isList } = commandIn(query)
      const results = statements.map((statement) => {
        const { changesRows } = checkStatement(statement.sql, QUERIES)
        if (changesRows) throw new SqlRejected('policy', 'it writes')
        return { ...runStatement(this.#database, statement), rowsAffected: 0, lastInsertId: null }
      })
      return isList ? results : results[0]
    } catch (error) {
      const rejection = rejectionOf(error)
      if (rejection === undefined && !isWrite(error)) throw error
      throw new NotAQuery(rejection === undefined ? 'it writes' : `${rejection.class}, ${rejection.code}`)
    }
  }

  /** Each row, and each part of the schema, is in one slice by its own hash. */
  #slices(): readonly string[] {
    const hashes: string[][] = Array.from({ length: STORE_SLICES }, () => [])
    const add = (table: string, values: readonly (SQLOutputValue | undefined)[]): void => {
      const hash = sha256(utf8.encode(JSON.stringify([table, ...values.map(canonical)])))
      hashes[hash[0] as number]?.push(Buffer.from(hash).toString('hex'))
    }
    const schema = this.#database.prepare(`select type, name, sql from sqlite_master where substr(tbl_name, 1, ?) <> ? order by name`)
    for (const { type, name, sql } of schema.all(OWN_PREFIX.length, OWN_PREFIX)) {
      add('', [type, name, sql])
      if (type !== 'table') continue
      const rows = this.#database.prepare(`select * from "${String(name).replaceAll('"', '""')}"`)
      rows.setReadBigInts(true)
      rows.setReturnArrays(true)
      for (const row of rows.iterate()) add(String(name), row as unknown as SQLOutputValue[])
    }
    return hashes.map((slice) => Buffer.from(sha256(utf8.encode(slice.toSorted().join('')))).toString('hex'))
  }

  #head(): Head {
    return headIn(this.#database)
  }

  #picture<Value>(run: () => Value): Value {
    try {
      this.#database.exec('begin')
      return run()
    } catch (error) {
      throw error instanceof NotAQuery || error instanceof StoreBehind ? error : unavailable(error)
    } finally {
      if (this.#database.isTransaction) this.#database.exec('rollback')
    }
  }
}

function headIn(database: DatabaseSync): Head {
  return readHead(database.prepare('select bytes from _replicator_head').get()?.['bytes'] as Uint8Array) as Head
}

/** Values of different types are different. */
function canonical(value: SQLOutputValue | undefined): string | null {
  if (typeof value === 'bigint') return `i${value}`
  if (typeof value === 'number') return `r${value}`
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`
  return typeof value === 'string' ? `t${value}` : null
}
