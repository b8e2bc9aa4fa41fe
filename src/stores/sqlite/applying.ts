/** The connection of a store in SQLite that writes: one transaction a batch. It runs in a worker. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { previousIndexOf } from '../../../protocols/log/entry.ts'
import type { Entry } from '../../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { StoreMoved, StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import type { StoreBatch, StoreClaim } from '../../ports/log-store.ts'
import { claimedHead, concluded, concludedAlone, emptyHead, hashOf, headAt, isTooOld, storedOutcome } from '../heads.ts'
import type { Concluded } from '../heads.ts'
import { readHead, readRemembered, writeHead, writeRemembered } from '../kv-rows.ts'
import type { Head, Remembered } from '../kv-rows.ts'
import { commandIn, SqlRejected } from '../sql/command.ts'
import { checkStatement } from '../sql/policy.ts'
import { SQLITE_POLICY, SqliteRules } from './rules.ts'
import { ranOutcome, rejectedOutcome } from '../sql/result.ts'
import type { Ran, SqlResult } from '../sql/result.ts'
import { changesOf, FORGET_LAST_ID, LAST_ID_TABLE, rejectionOf, runStatement, unavailable } from './statements.ts'

/** For a lock that somebody else has. */
const LOCKED_MS = 500
const TABLES = `
  create table _replicator_head (id integer primary key check (id = 0), bytes blob not null);
  create table _replicator_names (id text primary key, place integer not null, bytes blob not null) without rowid;
  create index _replicator_places on _replicator_names (place);`

export interface Applied {
  readonly head: Head
  readonly outcomes: readonly StoreOutcome[]
}

export class SqliteApplying {
  readonly #path: string
  readonly #claim: StoreClaim
  #database: DatabaseSync
  #rules: SqliteRules

  /** @throws StoreRefused, StoreUnavailable */
  constructor(path: string, claim: StoreClaim) {
    this.#path = path
    this.#claim = claim
    this.#database = open(path)
    this.#rules = new SqliteRules(this.#database)
  }

  /** Claims the store. @throws StoreRefused */
  open(): Head {
    const head = this.#opened()
    if (head !== undefined) return head
    this.close()
    for (const ending of ['', '-wal', '-shm']) rmSync(this.#path + ending, { force: true })
    this.#database = open(this.#path)
    this.#rules = new SqliteRules(this.#database)
    return this.#transaction(() => this.#begun())
  }

  /** Undefined for what is to be dropped first. */
  #opened(): Head | undefined {
    return this.#transaction(() => {
      if (!this.#isOurs()) return this.#begun()
      const head = this.#head(this.#claim)
      if (head !== undefined) this.#write(head)
      return head
    })
  }

  #begun(): Head {
    const [found] = this.#rows(`select name from sqlite_master`)
    if (found !== undefined) throw new StoreRefused('store-not-empty', `it holds ${String(found['name'])}, and no position`)
    this.#database.exec(TABLES)
    const head = emptyHead(this.#claim)
    this.#write(head)
    return head
  }

  apply({ entries, verdicts }: StoreBatch): Applied {
    return this.#transaction(() => {
      let head = this.#ownHead()
      const outcomes: StoreOutcome[] = []
      for (const entry of entries) {
        if (entry.index <= head.position.index) outcomes.push(storedOutcome(entry, this.#known(entry)))
        else {
          if (previousIndexOf(entry) !== head.position.index) throw new StoreMoved('store-went-back')
          const applied = this.#entry(head, entry, verdicts.get(entry.index))
          head = applied.head
          outcomes.push(applied.outcome)
        }
      }
      this.#write(head)
      return { head, outcomes }
    })
  }

  /** Puts a backup, which lies whole in a file, in place of the store. */
  replace(incoming: string): Head {
    const { logId, generation, owner } = this.#claim
    const database = open(incoming)
    let head: Head
    try {
      const found = readHead(database.prepare('select bytes from _replicator_head').get()?.['bytes'] as Uint8Array)
      if (found?.logId !== logId || found.generation !== generation) throw new StoreUnavailable('backup-of-another-log')
      head = { ...found, owner }
      writeTo(database, head)
      database.exec('pragma wal_checkpoint(truncate)')
    } finally {
      database.close()
    }
    this.close()
    for (const ending of ['-wal', '-shm']) rmSync(this.#path + ending, { force: true })
    renameSync(incoming, this.#path)
    syncFolder(dirname(this.#path))
    this.#database = open(this.#path)
    this.#rules = new SqliteRules(this.#database)
    return head
  }

  close(): void {
    this.#rules.close()
    this.#database.close()
  }

  #entry(before: Head, entry: Entry, verdict: string | undefined): Concluded {
    const { index, atMs, body } = entry
    const head = this.#forget(headAt(before, entry))
    const alone = concludedAlone(head, entry, this.#known(entry))
    if (alone !== undefined || body.kind !== 'command') return alone as Concluded
    const hash = hashOf(body.command)
    const { outcome, rows } =
      verdict === undefined ? this.#command(entry, body.command) : rejectedOutcome(new SqlRejected('constraint', verdict))
    this.#database
      .prepare('insert into _replicator_names (id, place, bytes) values (?, ?, ?)')
      .run(body.submitId, BigInt(index), writeRemembered({ index, atMs, hash, outcome }))
    return concluded({ ...head, remembered: head.remembered + 1 }, outcome, rows)
  }

  /** Its effects are undone when it is rejected. */
  #command(entry: Entry, command: Uint8Array): Ran {
    this.#database.exec('savepoint command')
    this.#rules.begin(entry)
    try {
      const { statements, isList } = commandIn(command)
      const results = statements.map((statement) => {
        const result = this.#statement(statement)
        if (statement.rows !== undefined && statement.rows !== result.rowsAffected) throw new SqlRejected('constraint', 'rows-differ')
        return result
      })
      this.#database.exec('release command')
      return ranOutcome(results, isList)
    } catch (error) {
      const rejection = this.#rules.refused ?? rejectionOf(error)
      if (!this.#database.isTransaction) throw new StoreUnavailable('transaction-ended', { cause: error })
      if (rejection === undefined) throw error
      this.#database.exec('rollback to command; release command')
      return rejectedOutcome(rejection)
    }
  }

  #statement(statement: Parameters<typeof runStatement>[1]): SqlResult {
    const { changesRows, inserts } = checkStatement(statement.sql, SQLITE_POLICY)
    if (inserts) this.#database.exec(FORGET_LAST_ID)
    this.#rules.isForeign = true
    try {
      const found = runStatement(this.#database, statement)
      this.#rules.isForeign = false
      return { ...found, ...(changesRows ? changesOf(this.#database, inserts) : { rowsAffected: 0, lastInsertId: null }) }
    } finally {
      this.#rules.isForeign = false
    }
  }

  /** Drops names that are too old by the log's clock, and the oldest of too many. */
  #forget(head: Head): Head {
    let { remembered, forgottenIndex } = head
    for (;;) {
      const [oldest] = this.#rows('select id, bytes from _replicator_names order by place limit 1')
      if (oldest === undefined) break
      const { index, atMs } = readRemembered(oldest['bytes'] as Uint8Array)
      if (!isTooOld({ atMs }, { ...head, remembered })) break
      this.#database.prepare('delete from _replicator_names where id = ?').run(oldest['id'] as string)
      remembered -= 1
      forgottenIndex = index
    }
    return { ...head, remembered, forgottenIndex }
  }

  #known({ body }: Entry): Remembered | undefined {
    if (body.kind !== 'command') return undefined
    const row = this.#database.prepare('select bytes from _replicator_names where id = ?').get(body.submitId)
    return row && readRemembered(row['bytes'] as Uint8Array)
  }

  #rows(sql: string): Record<string, unknown>[] {
    return this.#database.prepare(sql).all()
  }

  #isOurs(): boolean {
    return this.#rows(`select 1 from sqlite_master where name = '_replicator_head'`).length > 0
  }

  #head(claim: StoreClaim): Head | undefined {
    return claimedHead(this.#rows('select bytes from _replicator_head')[0]?.['bytes'] as Uint8Array, claim)
  }

  /** @throws StoreMoved for what another has put in its place */
  #ownHead(): Head {
    try {
      const head = this.#head({ ...this.#claim, content: undefined })
      if (head !== undefined) return head
    } catch (error) {
      throw error instanceof StoreRefused ? new StoreMoved('store-lost', { cause: error }) : error
    }
    throw new StoreMoved('store-lost')
  }

  #write(head: Head): void {
    writeTo(this.#database, head)
  }

  #transaction<Value>(run: () => Value): Value {
    try {
      this.#database.exec('begin immediate')
      const value = run()
      this.#database.exec('commit')
      return value
    } catch (error) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('rollback')
      throw error instanceof StoreRefused ? error : unavailable(error)
    }
  }
}

function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: LOCKED_MS, defensive: true })
    database.exec(`pragma journal_mode = wal; pragma synchronous = full; ${LAST_ID_TABLE}`)
    return database
  } catch (error) {
    throw unavailable(error)
  }
}

function writeTo(database: DatabaseSync, head: Head): void {
  database.prepare('insert or replace into _replicator_head (id, bytes) values (0, ?)').run(writeHead(head))
}

/** A renamed file is there for good once its folder is on disk. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
