/**
 * The session of a store in a server of SQL that writes: one transaction a batch. Whatever goes wrong,
 * the session is left, and the next try begins as an opening does: what the old session runs is
 * ended, and counters are set back to where they were with the position.
 */
import { randomBytes } from 'node:crypto'
import { previousIndexOf } from '../../../protocols/log/entry.ts'
import type { Entry } from '../../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { StoreMoved, StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import type { StoreBatch, StoreClaim } from '../../ports/log-store.ts'
import { claimedHead, concluded, concludedAlone, emptyHead, hashOf, headAt, storedOutcome } from '../heads.ts'
import type { Concluded } from '../heads.ts'
import { writeHead } from '../kv-rows.ts'
import type { Head } from '../kv-rows.ts'
import { commandIn, SqlRejected } from './command.ts'
import type { SqlCommand } from './command.ts'
import { Definitions } from './definitions.ts'
import { fill } from './filling.ts'
import { ServerNames } from './names.ts'
import { checkParams, checkStatement } from './policy.ts'
import { ranOutcome, rejectedOutcome } from './result.ts'
import type { Ran } from './result.ts'
import { sessionOf } from './server.ts'
import type { Counters, ServerSession, SqlServer } from './server.ts'

/** For a session that was told to end, in milliseconds; and between looks. */
const ENDED_MS = 10_000
const LOOK_MS = 50

interface Found {
  readonly head: Head
  readonly counters: Counters
  readonly isWhole: boolean
}

export class ServerApplying {
  readonly #server: SqlServer
  readonly #claim: StoreClaim
  readonly #definitions: Definitions
  #session: ServerSession | undefined
  #head: Head
  #warnings: readonly string[] = []
  #isClosed = false

  constructor(server: SqlServer, claim: StoreClaim) {
    this.#server = server
    this.#claim = claim
    this.#head = emptyHead(claim)
    this.#definitions = new Definitions(server)
  }

  /** Where it stood when it was last asked. */
  get head(): Head {
    return this.#head
  }

  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** Claims the store. @throws StoreRefused, StoreUnavailable */
  async open(): Promise<void> {
    await this.#leaving(async () => {
      const session = await this.#begun()
      this.#warnings = await this.#server.warnings(session)
      await this.#lock(session)
      const found = (await this.#found(session)) ?? (await this.#made(session))
      const isDropped = this.#claim.content === 'dropped' && found.head.position.index > 0
      if (!found.isWhole || isDropped) return this.#empty(session)
      // It may have been of an earlier generation.
      if (this.#claim.content === 'carried') await session.ask('update _replicator_head set bytes = ?', [writeHead(found.head)])
      await this.#settle(session, found)
    })
  }

  /** @throws StoreUnavailable, StoreMoved */
  async apply({ entries, verdicts }: StoreBatch): Promise<readonly StoreOutcome[]> {
    return this.#leaving(async () => {
      const session = await this.#connected()
      const outcomes: StoreOutcome[] = []
      let some: Entry[] = []
      const applySome = async (): Promise<void> => {
        if (some.length > 0) outcomes.push(...(await this.#transaction(session, some, verdicts)))
        some = []
      }
      for (const entry of entries) {
        if (!this.#commits(entry, verdicts)) some.push(entry)
        else {
          await applySome()
          outcomes.push(await this.#definition(session, entry))
        }
      }
      await applySome()
      return outcomes
    })
  }

  /** Puts what a backup holds in place of all that is there. */
  async replace(frames: AsyncIterable<Buffer>): Promise<void> {
    await this.#leaving(async () => {
      const session = await this.#connected()
      await this.#empty(session, 'stays-marked')
      const { head, counters } = await this.#filled(session, frames)
      const { logId, generation, owner } = this.#claim
      if (head.logId !== logId || head.generation !== generation) throw new StoreUnavailable('backup-of-another-log')
      await this.#server.setCounters(session, counters)
      // The position comes last, with the end of the mark.
      await this.#write(session, { ...head, owner }, counters)
      this.#head = { ...head, owner }
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#leave()
  }

  async #leave(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close()
  }

  async #begun(): Promise<ServerSession> {
    const session = await sessionOf(this.#server, 'applies')
    this.#session = session
    // Whoever closed it meanwhile found none.
    if (this.#isClosed) throw new StoreUnavailable('closed')
    return session
  }

  async #connected(): Promise<ServerSession> {
    if (this.#session !== undefined && !this.#session.isLost) return this.#session
    await this.#leave()
    const session = await this.#begun()
    try {
      await this.#connectedAnew(session)
    } catch (error) {
      // As it is opened again it is refused, and its operator told.
      throw error instanceof StoreRefused ? new StoreMoved('store-lost', { cause: error }) : error
    }
    return session
  }

  /** The server may have been started anew, with other settings, or hold another store. */
  async #connectedAnew(session: ServerSession): Promise<void> {
    const warnings = await this.#server.warnings(session)
    if (warnings.join() !== this.#warnings.join()) throw new StoreMoved('settings-changed')
    await this.#lock(session)
    const found = await this.#found(session)
    if (found === undefined || !found.isWhole) throw new StoreMoved('store-lost')
    await this.#settle(session, found)
  }

  /** What an earlier session of this replica still runs is ended, and waited for. */
  async #lock(session: ServerSession): Promise<void> {
    // Of another replica it is refused before anybody is ended.
    const isOurs = (await this.#found(session)) !== undefined
    const deadline = performance.now() + ENDED_MS
    for (;;) {
      const holder = await this.#server.lock(session)
      if (holder === undefined) return
      if (!isOurs || performance.now() > deadline) throw new StoreUnavailable('locked')
      await this.#server.end(session, holder)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** @throws StoreRefused for a head that is not the claimant's */
  async #found(session: ServerSession, forUpdate: '' | ' for update' = ''): Promise<Found | undefined> {
    if (forUpdate === '' && !(await this.#server.hasOwnTables(session))) return undefined
    const [row] = await session.ask(`select bytes, filling, counters from _replicator_head where id = 0${forUpdate}`)
    if (row === undefined) return undefined
    const [bytes, filling, counters] = row
    const content = this.#claim.content === 'carried' ? 'carried' : undefined
    const head = claimedHead(bytes as Buffer, { ...this.#claim, content })
    // What is of an earlier generation, and not carried over, is emptied as what is half filled.
    const isWhole = head !== undefined && Number(filling) === 0
    return { head: head ?? emptyHead(this.#claim), counters: JSON.parse(String(counters)) as Counters, isWhole }
  }

  async #made(session: ServerSession): Promise<Found> {
    const foreign = await this.#server.foreign(session)
    if (foreign !== undefined) throw new StoreRefused('store-not-empty', `it holds ${foreign}, and no position`)
    for (const sql of this.#server.ownTables) await session.ask(sql)
    const head = emptyHead(this.#claim)
    await session.ask('insert into _replicator_head (id, bytes, filling, counters) values (0, ?, 0, ?)', [writeHead(head), '{}'])
    return { head, counters: {}, isWhole: true }
  }

  async #settle(session: ServerSession, { head, counters }: Found): Promise<void> {
    await this.#server.setCounters(session, counters)
    this.#head = head
  }

  /** The mark comes first: what is half emptied or half filled is emptied as it is opened. */
  async #empty(session: ServerSession, after: 'stays-marked' | 'is-whole' = 'is-whole'): Promise<void> {
    const head = emptyHead(this.#claim)
    await session.ask('update _replicator_head set bytes = ?, counters = ?, intent = null, filling = 1', [writeHead(head), '{}'])
    this.#head = head
    await this.#server.clear(session)
    await session.ask('delete from _replicator_names')
    if (after === 'is-whole') await session.ask('update _replicator_head set filling = 0')
  }

  async #filled(session: ServerSession, frames: AsyncIterable<Buffer>): Promise<{ readonly head: Head; readonly counters: Counters }> {
    try {
      return await fill(this.#server, session, frames)
    } catch (error) {
      if (session.isLost) throw error
      throw error instanceof StoreUnavailable ? error : new StoreUnavailable('backup-damaged', { cause: error })
    }
  }

  async #transaction(session: ServerSession, entries: readonly Entry[], verdicts: StoreBatch['verdicts']): Promise<StoreOutcome[]> {
    await session.ask('begin')
    let head = await this.#ownHead(session)
    const names = await ServerNames.of(session, entries)
    const outcomes: StoreOutcome[] = []
    for (const entry of entries) {
      if (entry.index <= head.position.index) {
        outcomes.push(storedOutcome(entry, names.known(entry)))
        continue
      }
      if (previousIndexOf(entry) !== head.position.index) throw new StoreMoved('store-went-back')
      const applied = await this.#entry(session, names, head, entry, verdicts.get(entry.index))
      head = applied.head
      outcomes.push(applied.outcome)
    }
    await names.write()
    await this.#write(session, head, await this.#server.counters(session))
    await session.ask('commit')
    this.#head = head
    return outcomes
  }

  async #entry(session: ServerSession, names: ServerNames, before: Head, entry: Entry, verdict: string | undefined): Promise<Concluded> {
    const { index, atMs, body } = entry
    const head = await names.forget(headAt(before, entry))
    const alone = concludedAlone(head, entry, names.known(entry))
    if (alone !== undefined || body.kind !== 'command') return alone as Concluded
    const { outcome, rows } =
      verdict === undefined ? await this.#command(session, entry, body.command) : rejectedOutcome(new SqlRejected('constraint', verdict))
    names.add(body.submitId, { index, atMs, hash: hashOf(body.command), outcome })
    return concluded({ ...head, remembered: head.remembered + 1 }, outcome, rows)
  }

  /** Its effects are undone when it is rejected. */
  async #command(session: ServerSession, entry: Entry, bytes: Uint8Array): Promise<Ran> {
    const savepoint = `replicator_${randomBytes(8).toString('hex')}`
    let ran: Ran
    try {
      const command = checked(bytes, this.#server)
      await this.#server.begin(session, entry)
      await session.ask(`savepoint ${savepoint}`)
      try {
        ran = await runAll(session, command)
      } catch (error) {
        const rejection = this.#rejection(error)
        await this.#atSavepoint(session, `rollback to savepoint ${savepoint}`)
        ran = rejectedOutcome(rejection)
      }
    } catch (error) {
      if (!(error instanceof SqlRejected)) throw error
      return rejectedOutcome(error)
    }
    await this.#atSavepoint(session, `release savepoint ${savepoint}`)
    return ran
  }

  #rejection(error: unknown): SqlRejected {
    const rejection = error instanceof SqlRejected ? error : this.#server.rejectionOf(error)
    if (rejection === undefined) throw error
    return rejection
  }

  /** A text that ended our transaction has left effects without a position: nothing there counts any more. */
  async #atSavepoint(session: ServerSession, sql: string): Promise<void> {
    try {
      await session.ask(sql)
    } catch (error) {
      if (!this.#server.isNoSavepoint(error)) throw error
      await session.ask('rollback')
      await session.ask('update _replicator_head set filling = 1')
      throw new StoreMoved('transaction-ended', { cause: error })
    }
  }

  #commits({ index, body }: Entry, verdicts: StoreBatch['verdicts']): boolean {
    return this.#server.commitsDefinitions && body.kind === 'command' && !verdicts.has(index) && this.#definitions.isOne(body.command)
  }

  /** A statement that commits by itself: what it was to do is written before it, and what came of it after it. */
  async #definition(session: ServerSession, entry: Entry): Promise<StoreOutcome> {
    const head = await this.#ownHead(session)
    const { body } = entry
    const names = await ServerNames.of(session, [entry])
    if (entry.index <= head.position.index) return storedOutcome(entry, names.known(entry))
    if (previousIndexOf(entry) !== head.position.index) throw new StoreMoved('store-went-back')
    const next = await names.forget(headAt(head, entry))
    let end = concludedAlone(next, entry, names.known(entry))
    if (end === undefined && body.kind === 'command') {
      const { outcome, rows } = await this.#definitions.run(session, entry, body.command)
      names.add(body.submitId, { index: entry.index, atMs: entry.atMs, hash: hashOf(body.command), outcome })
      end = concluded({ ...next, remembered: next.remembered + 1 }, outcome, rows)
    }
    const { head: after, outcome } = end as Concluded
    await session.ask('begin')
    await names.write()
    await this.#write(session, after, await this.#server.counters(session))
    await session.ask('commit')
    this.#head = after
    return outcome
  }

  /** @throws StoreMoved for what another has put in its place */
  async #ownHead(session: ServerSession): Promise<Head> {
    let found: Found | undefined
    try {
      found = await this.#found(session, ' for update')
    } catch (error) {
      if (error instanceof StoreRefused || this.#server.isNoTable(error)) throw new StoreMoved('store-lost', { cause: error })
      throw error
    }
    if (found === undefined || !found.isWhole) throw new StoreMoved('store-lost')
    return found.head
  }

  async #write(session: ServerSession, head: Head, counters: Counters): Promise<void> {
    await session.ask('update _replicator_head set bytes = ?, counters = ?, intent = null, filling = 0', [
      writeHead(head),
      JSON.stringify(counters),
    ])
  }

  async #leaving<Value>(run: () => Promise<Value>): Promise<Value> {
    try {
      return await run()
    } catch (error) {
      await this.#leave().catch(() => {})
      throw error instanceof StoreRefused ? error : this.#server.unavailable(error)
    }
  }
}

/** @throws SqlRejected */
function checked(bytes: Uint8Array, { commands, commitsDefinitions }: SqlServer): SqlCommand {
  const command = commandIn(bytes)
  for (const { sql, params } of command.statements) {
    const { defines } = checkStatement(sql, commands)
    if (defines && commitsDefinitions) throw new SqlRejected('policy', 'not-allowed:a definition among other statements')
    checkParams(params, commands)
  }
  return command
}

async function runAll(session: ServerSession, { statements, isList }: SqlCommand): Promise<Ran> {
  const results = []
  for (const statement of statements) {
    const result = await session.run(statement)
    if (statement.rows !== undefined && statement.rows !== result.rowsAffected) throw new SqlRejected('constraint', 'rows-differ')
    results.push(result)
  }
  return ranOutcome(results, isList)
}
