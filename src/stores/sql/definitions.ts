/**
 * Statements that define tables, in a server where each commits by itself. What such a statement is to
 * do is written down before it, with how the schema looked. After a crash, and once the old session
 * has surely ended, a schema that looks otherwise says that the statement was done; else it is run
 * again, which gives the same.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import { sha256, utf8 } from '../../bytes.ts'
import { commandIn, SqlRejected } from './command.ts'
import type { SqlStatement } from './command.ts'
import { checkStatement } from './policy.ts'
import { ranOutcome, rejectedOutcome } from './result.ts'
import type { Ran, SqlResult } from './result.ts'
import type { ServerSession, SqlServer } from './server.ts'

interface Intent {
  readonly index: number
  /** Of the schema before it. */
  readonly schema: string
}

const DEFINED: SqlResult = { columns: [], rows: [], rowsAffected: 0, lastInsertId: null }

export class Definitions {
  readonly #server: SqlServer

  constructor(server: SqlServer) {
    this.#server = server
  }

  /** Whether the command is one statement that is allowed, and defines something. */
  isOne(command: Uint8Array): boolean {
    try {
      return this.#statementIn(command) !== undefined
    } catch (error) {
      if (error instanceof SqlRejected) return false
      throw error
    }
  }

  async run(session: ServerSession, entry: Entry, command: Uint8Array): Promise<Ran> {
    const { statement, isList } = this.#statementIn(command) as { readonly statement: SqlStatement; readonly isList: boolean }
    const schema = await this.#schema(session)
    const intended = await this.#intent(session)
    if (intended?.index === entry.index && intended.schema !== schema) return ranOutcome([DEFINED], isList)
    const intent: Intent = { index: entry.index, schema }
    await session.ask('update _replicator_head set intent = ?', [JSON.stringify(intent)])
    await this.#server.begin(session, entry)
    try {
      await session.run(statement)
    } catch (error) {
      const rejection = this.#server.rejectionOf(error)
      if (rejection === undefined) throw error
      return rejectedOutcome(rejection)
    }
    return ranOutcome([DEFINED], isList)
  }

  #statementIn(command: Uint8Array): { readonly statement: SqlStatement; readonly isList: boolean } | undefined {
    const { statements, isList } = commandIn(command)
    const [statement] = statements
    if (statement === undefined || statements.length > 1 || statement.rows !== undefined || !Array.isArray(statement.params))
      return undefined
    if (statement.params.length > 0 || !checkStatement(statement.sql, this.#server.commands).defines) return undefined
    return { statement, isList }
  }

  async #intent(session: ServerSession): Promise<Intent | undefined> {
    const [row] = await session.ask('select intent from _replicator_head where id = 0')
    const text = row?.[0] ?? null
    return text === null ? undefined : (JSON.parse(String(text)) as Intent)
  }

  async #schema(session: ServerSession): Promise<string> {
    const { before, after } = await this.#server.schema(session)
    return Buffer.from(sha256(utf8.encode([...before, ...after].join('\n')))).toString('hex')
  }
}
