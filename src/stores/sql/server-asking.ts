/**
 * Sessions of a store in a server of SQL that read: queries, digests and backups, each of one position
 * in a transaction that refuses writes, while batches are applied beside it.
 */
import type { Position } from '../../../protocols/log/entry.ts'
import { sha256, utf8 } from '../../bytes.ts'
import { NotAQuery, StoreBehind, StoreMoved } from '../../ports/log-store.ts'
import type { StoreAnswer } from '../../ports/log-store.ts'
import { readHead } from '../kv-rows.ts'
import { commandIn, SqlRejected } from './command.ts'
import { dumpOf } from './filling.ts'
import { checkParams, checkStatement } from './policy.ts'
import type { SqlResult } from './result.ts'
import { sessionOf } from './server.ts'
import type { ServerSession, SqlServer, Use } from './server.ts'

/** Sessions that read at once, but for backups. */
const READERS_MAX = 4

/** What has no bound in time copies and hashes, however much there is. */
type Reading = Exclude<Use, 'applies'>

export class ServerAsking {
  readonly #server: SqlServer
  readonly #idle: Readonly<Record<Reading, ServerSession[]>> = { reads: [], copies: [] }
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #isClosed = false

  constructor(server: SqlServer) {
    this.#server = server
  }

  /** @throws NotAQuery, StoreBehind, StoreUnavailable */
  query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    return this.#reading('reads', async (session) => {
      const { position } = await headIn(session)
      if (position.index < indexMin) throw new StoreBehind(`it is at ${position.index}, and ${indexMin} is asked for`)
      const result = await this.#results(session, query)
      return { position, result: Uint8Array.from(utf8.encode(JSON.stringify(result))) }
    })
  }

  /** Each row, and each part of the schema, is in one slice by its own hash. */
  digest(slice: number): Promise<string> {
    const digits = slice.toString(16).padStart(2, '0')
    return this.#reading('copies', async (session) => {
      const { tables, before, after } = await this.#server.schema(session)
      const hashes: string[] = [...before, ...after].map((sql) => Buffer.from(sha256(utf8.encode(sql))).toString('hex'))
      const parts = hashes.filter((hash) => hash.startsWith(digits)).toSorted()
      for (const table of tables) {
        const rows = (await session.ask(this.#server.hashes(table, digits))).map(([hash]) => String(hash))
        if (rows.length > 0) parts.push(table.name, ...rows.toSorted())
      }
      return Buffer.from(sha256(utf8.encode(parts.join('\n')))).toString('hex')
    })
  }

  /**
   * A picture that holds still from here on, with its frames. Nothing is to be applied until this is
   * given: tables may be changed after it, and not made otherwise until its end.
   */
  async dump(signal: AbortSignal): Promise<{ readonly position: Position; readonly frames: AsyncIterable<Uint8Array> }> {
    let session: ServerSession | undefined
    try {
      session = await sessionOf(this.#server, 'copies')
      await session.ask(this.#server.picture)
      const { position, bytes } = await headIn(session)
      const schema = await this.#server.schema(session)
      for (const table of schema.tables) await session.ask(`${this.#server.rowsOf(table)} limit 0`)
      return { position, frames: this.#whole(session, dumpOf(this.#server, session, bytes, schema, signal)) }
    } catch (error) {
      await session?.close()
      throw this.#told(error)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const idle = [...this.#idle.reads.splice(0), ...this.#idle.copies.splice(0)]
    await Promise.all(idle.map((session) => session.close()))
  }

  async *#whole(session: ServerSession, frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    try {
      yield* frames
    } finally {
      await session.close()
    }
  }

  async #results(session: ServerSession, query: Uint8Array): Promise<unknown> {
    try {
      const { statements, isList } = commandIn(query)
      const results: SqlResult[] = []
      for (const statement of statements) {
        const { changesRows } = checkStatement(statement.sql, this.#server.queries)
        if (changesRows) throw new SqlRejected('policy', 'it writes')
        checkParams(statement.params, this.#server.queries)
        results.push({ ...(await session.run(statement)), rowsAffected: 0, lastInsertId: null })
      }
      return isList ? results : results[0]
    } catch (error) {
      const rejection = error instanceof SqlRejected ? error : this.#server.rejectionOf(error)
      if (rejection === undefined && !this.#server.isWrite(error)) throw error
      throw new NotAQuery(rejection === undefined ? 'it writes' : `${rejection.class}, ${rejection.code}`)
    }
  }

  async #reading<Value>(use: Reading, run: (session: ServerSession) => Promise<Value>): Promise<Value> {
    while (this.#busy >= READERS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#busy += 1
    let session: ServerSession | undefined
    try {
      session = await this.#opened(use)
      const value = await run(session)
      await session.ask('rollback')
      this.#rest(use, session)
      return value
    } catch (error) {
      await this.#leave(use, session, error)
      if (error instanceof NotAQuery || error instanceof StoreBehind) throw error
      throw this.#told(error)
    } finally {
      this.#busy -= 1
      this.#waiting.shift()?.()
    }
  }

  #told(error: unknown): unknown {
    return this.#server.isNoTable(error) ? new StoreMoved('store-lost', { cause: error }) : this.#server.unavailable(error)
  }

  /** One that was lost since it was last used is found out as its picture is opened. */
  async #opened(use: Reading): Promise<ServerSession> {
    for (;;) {
      const idle = this.#idle[use].pop()
      const session = idle ?? (await sessionOf(this.#server, use))
      try {
        await session.ask(this.#server.picture)
        return session
      } catch (error) {
        await session.close()
        if (idle === undefined) throw error
      }
    }
  }

  #rest(use: Reading, session: ServerSession): void {
    if (this.#isClosed || session.isLost) void session.close()
    else this.#idle[use].push(session)
  }

  /** What refused a question may be asked the next one; after any other fault nothing is known of it. */
  async #leave(use: Reading, session: ServerSession | undefined, error: unknown): Promise<void> {
    if (session === undefined) return
    const isSound = error instanceof NotAQuery || error instanceof StoreBehind
    if (isSound && (await session.ask('rollback').then(...SETTLED))) this.#rest(use, session)
    else await session.close()
  }
}

const SETTLED: readonly [() => boolean, () => boolean] = [() => true, () => false]

async function headIn(session: ServerSession): Promise<{ readonly position: Position; readonly bytes: Buffer }> {
  const [row] = await session.ask('select bytes, filling from _replicator_head where id = 0')
  const bytes = row?.[0] as Buffer | undefined
  const head = bytes && readHead(bytes)
  if (bytes === undefined || head === undefined || Number(row?.[1]) !== 0) throw new StoreMoved('store-lost')
  return { position: head.position, bytes }
}
