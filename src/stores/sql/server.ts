/**
 * What a store in a server of SQL needs of that server. One server speaks through a driver of its
 * own, and has its own ways to set a session up, to keep its schema and its counters, and to tell
 * faults; all else is common to servers of SQL.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import type { SqlRejected, SqlStatement, SqlValue } from './command.ts'
import type { SqlPolicy } from './policy.ts'
import type { SqlResult } from './result.ts'
import { WatchedSession } from './watched-session.ts'

/** Of a row as the driver has it: whole numbers that may be large are text. */
export type ServerCell = null | boolean | number | string | Buffer

/** What a session is for: to apply commands, to answer queries in a bounded time, or to copy all there is. */
export type Use = 'applies' | 'reads' | 'copies'

/** A connection whose session is set up as replicas need it. What it throws is the driver's. */
export interface ServerSession {
  /** A statement of ours; `?` stands for a value. */
  ask(sql: string, values?: readonly SqlValue[]): Promise<readonly (readonly ServerCell[])[]>
  /** A statement of a command or a query. */
  run(statement: SqlStatement): Promise<SqlResult>
  /** Rows of a statement of ours, a few at a time, however many there are. */
  each(sql: string): AsyncIterable<readonly ServerCell[]>
  /** Nothing more can be asked of it. */
  readonly isLost: boolean
  close(): Promise<void>
}

/** Numbers that the server gives out next, by what they belong to. */
export type Counters = Readonly<Record<string, string | null>>

/** A table whose rows are copied or hashed. */
export interface ServerTable {
  readonly name: string
  /** Those that are written, and not made from others. */
  readonly columns: readonly string[]
}

/** How a database is made again from nothing. */
export interface ServerSchema {
  readonly tables: readonly ServerTable[]
  /** Statements before the rows are there, and those after it. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export interface SqlServer {
  /** Of commands, and of queries. */
  readonly commands: SqlPolicy
  readonly queries: SqlPolicy
  /** Statements that make what is ours; each may be run again. */
  readonly ownTables: readonly string[]
  /** Opens a transaction that reads one position and refuses writes. */
  readonly picture: string
  /** What defines tables commits by itself: such a statement is a command alone. */
  readonly commitsDefinitions: boolean

  connect(use: Use): Promise<ServerSession>
  /** Pins what results depend on. @throws StoreRefused for settings that cannot be had */
  setUp(session: ServerSession, use: Use): Promise<void>
  /** @returns what an operator must know. @throws StoreRefused for settings that break what a log promises */
  warnings(session: ServerSession): Promise<readonly string[]>
  hasOwnTables(session: ServerSession): Promise<boolean>
  /** @returns the name of something that is not ours */
  foreign(session: ServerSession): Promise<string | undefined>
  /** Takes the lock of this store for as long as the session lasts. @returns who has it, if not this session */
  lock(session: ServerSession): Promise<string | undefined>
  /** Ends the session that has the lock, with whatever it runs. */
  end(session: ServerSession, holder: string): Promise<void>
  /** Sets the clock, and what else is of the entry. */
  begin(session: ServerSession, entry: Entry): Promise<void>
  counters(session: ServerSession): Promise<Counters>
  setCounters(session: ServerSession, counters: Counters): Promise<void>
  schema(session: ServerSession): Promise<ServerSchema>
  /** Drops all content that is not ours. */
  clear(session: ServerSession): Promise<void>
  /** What reads rows so that they can be written again. */
  rowsOf(table: ServerTable): string
  /** The beginning of what writes them: up to `values`. */
  writing(table: ServerTable): string
  /** Selects hashes of rows, as hexadecimal digits, that begin with these two. */
  hashes(table: ServerTable, digits: string): string

  /** Undefined for what is not known to be the same at every replica. */
  rejectionOf(error: unknown): SqlRejected | undefined
  /** What only a transaction that may not write throws. */
  isWrite(error: unknown): boolean
  /** A savepoint that is not there: the text of a command has ended our transaction. */
  isNoSavepoint(error: unknown): boolean
  /** A table of ours that is not there. */
  isNoTable(error: unknown): boolean
  /** StoreUnavailable for what the driver throws, and else what it is given. */
  unavailable(error: unknown): unknown
}

/** A session as replicas need it. @throws StoreRefused, and what the driver throws */
export async function sessionOf(server: SqlServer, use: Use): Promise<ServerSession> {
  const session = new WatchedSession(await server.connect(use), () => answers(server))
  try {
    await server.setUp(session, use)
    return session
  } catch (error) {
    await session.close()
    throw error
  }
}

/** Whether the server says anything at all to whoever comes now: a refusal is an answer. */
async function answers(server: SqlServer): Promise<void> {
  const session = await server.connect('reads')
  try {
    await session.ask('select 1')
  } finally {
    await session.close()
  }
}
