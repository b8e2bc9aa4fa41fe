/** Sessions of stores in servers of SQL, and what becomes of them: with a server that is made up. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { StoreMoved, StoreUnavailable } from '../../src/ports/log-store.ts'
import { emptyHead } from '../../src/stores/heads.ts'
import { writeHead } from '../../src/stores/kv-rows.ts'
import { ServerNames } from '../../src/stores/sql/names.ts'
import type { ServerCell, ServerSession, SqlServer, Use } from '../../src/stores/sql/server.ts'
import { openServerStore } from '../../src/stores/sql/server-store.ts'
import { WatchedSession } from '../../src/stores/sql/watched-session.ts'
import { claim, command, peer } from '../contract/log-store.ts'

const SOON = { lastsMs: 5, answeredMs: 5 }
const NONE: ReadonlyMap<number, string> = new Map()
const never = <Value>(): Promise<Value> => new Promise<Value>(() => {})

class FakeSession implements ServerSession {
  isLost = false
  readonly asked: string[] = []
  readonly answers: (sql: string) => Promise<readonly (readonly ServerCell[])[]>

  constructor(answers: (sql: string) => Promise<readonly (readonly ServerCell[])[]>) {
    this.answers = answers
  }

  ask(sql: string): Promise<readonly (readonly ServerCell[])[]> {
    this.asked.push(sql)
    return this.answers(sql)
  }

  run(): Promise<never> {
    return never()
  }

  async *each(sql: string): AsyncIterable<readonly ServerCell[]> {
    yield* await this.ask(sql)
  }

  async close(): Promise<void> {
    this.isLost = true
  }
}

/** A server that holds a store, and whatever else is asked of it is empty. */
class FakeServer {
  readonly sessions: FakeSession[] = []
  readonly uses: Use[] = []
  head: Uint8Array = writeHead(emptyHead(claim))
  warnings: readonly string[] = []
  /** Before a connection is there. */
  connecting: Promise<void> = Promise.resolve()

  get asSql(): SqlServer {
    const own = {
      picture: 'begin',
      commitsDefinitions: false,
      connect: async (use: Use) => {
        this.uses.push(use)
        await this.connecting
        const session = new FakeSession(async (sql) => (sql.includes('_replicator_head') ? [[Buffer.from(this.head), 0, '{}']] : []))
        this.sessions.push(session)
        return session
      },
      setUp: async () => {},
      warnings: async () => this.warnings,
      hasOwnTables: async () => true,
      lock: async () => undefined,
      counters: async () => ({}),
      setCounters: async () => {},
      schema: async () => ({ tables: [], before: [], after: [] }),
      isNoTable: () => false,
      unavailable: (error: unknown) => error,
    }
    return own as unknown as SqlServer
  }

  get openCount(): number {
    return this.sessions.filter(({ isLost }) => !isLost).length
  }

  /** As a server does that is started anew. */
  drop(): void {
    for (const session of this.sessions) session.isLost = true
  }
}

suite('a session of a server of SQL', () => {
  test('is dropped, and whoever waits is told, where a statement lasts and the server says nothing to others', async () => {
    const session = new WatchedSession(new FakeSession(never), never, SOON)
    const told = (error: Error): boolean => error instanceof StoreUnavailable && error.code === 'no-answer'
    await Promise.all([
      assert.rejects(session.ask('select 1'), told),
      assert.rejects(session.run({ sql: 'select 1', params: [], rows: undefined }), told),
      assert.rejects(session.each('select 1')[Symbol.asyncIterator]().next(), told),
    ])
    assert.equal(session.isLost, true)
  })

  test('is kept for as long as a statement lasts, where the server says anything to others', async () => {
    let looks = 0
    const end = Promise.withResolvers<readonly (readonly ServerCell[])[]>()
    const look = async (): Promise<void> => {
      looks += 1
      if (looks === 5) end.resolve([[1]])
      throw new Error('too many connections')
    }
    const session = new WatchedSession(new FakeSession(() => end.promise), look, SOON)
    assert.deepEqual(await session.ask('select 1'), [[1]])
    assert.equal(session.isLost, false)
  })

  test('tells whoever waits when it is closed', async () => {
    const session = new WatchedSession(new FakeSession(never), never)
    const asked = session.ask('select 1')
    await session.close()
    await assert.rejects(asked, (error) => error instanceof StoreUnavailable && error.code === 'closed')
  })
})

suite('a store in a server of SQL', () => {
  test('leaves no session where it is closed while it connects again', async () => {
    const server = new FakeServer()
    const store = await openServerStore(server.asSql, '', claim)
    server.drop()
    const { promise, resolve } = Promise.withResolvers<void>()
    server.connecting = promise
    const applied = assert.rejects(store.apply({ entries: [command(1, 'x')], verdicts: NONE }), StoreUnavailable)
    while (server.uses.length < 2) await new Promise(setImmediate)
    await store.close()
    resolve()
    await applied
    assert.equal(server.openCount, 0)
  })

  test('that another has taken, or whose server has other settings, is to be opened again', async () => {
    for (const change of [
      (server: FakeServer) => (server.head = writeHead(emptyHead({ ...claim, owner: peer('b') }))),
      (server: FakeServer) => (server.warnings = ['its user is a superuser']),
    ]) {
      const server = new FakeServer()
      const store = await openServerStore(server.asSql, '', claim)
      server.drop()
      change(server)
      await assert.rejects(store.apply({ entries: [command(1, 'x')], verdicts: NONE }), StoreMoved)
      await store.close()
    }
  })

  test('is hashed by a session without a bound in time, and asked by one with a bound', async () => {
    const server = new FakeServer()
    const store = await openServerStore(server.asSql, '', claim)
    await store.digest(0)
    assert.deepEqual(server.uses, ['applies', 'copies'])
    await store.close()
    assert.equal(server.openCount, 0)
  })

  test('looks at one name alone while none is too old', async () => {
    const session = new FakeSession(async () => [])
    const names = await ServerNames.of(session, [])
    await names.forget(emptyHead(claim))
    assert.match(session.asked.join(), /limit 1$/)
  })
})
