/**
 * The store of logs in SQLite, held to the contract; and what only SQL can show: results, statements
 * with parameters, what the policy refuses, and what is replaced so that replicas do the same.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, suite, test } from 'node:test'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { NotAQuery } from '../../src/ports/log-store.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { rejectionOf, unavailable } from '../../src/stores/sqlite/statements.ts'
import { claim, command, peer, storeContract } from './log-store.ts'
import type { Speech } from './log-store.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()
const NONE: ReadonlyMap<number, string> = new Map()
const TABLE = { command: 'create table if not exists items (k text primary key, v text) without rowid' }
/** Far above what a query of these tests takes. */
const QUERY_MS_MAX = 4_000
const UPSERT = 'insert into items values (?, ?) on conflict (k) do update set v = excluded.v'

interface Result {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
  readonly rowsAffected: number
  readonly lastInsertId: number | null
}

const statements = (...list: readonly object[]): string => JSON.stringify({ statements: [TABLE, ...list] })
const MADE = { columns: [], rows: [], rowsAffected: 0, lastInsertId: null }

const SPEECH: Speech = {
  set: (values) => statements(...Object.entries(values).map((pair) => ({ command: UPSERT, params: pair }))),
  wasSet: (values) => JSON.stringify([MADE, ...Object.keys(values).map(() => ({ ...MADE, rowsAffected: 1 }))]),
  add: (key, by) =>
    statements({
      command: `insert into items values (?, ?) on conflict (k) do update set v = cast(v as integer) + excluded.v returning cast(v as integer) as sum`,
      params: [key, String(by)],
    }),
  wasAdded: (_, sum) =>
    JSON.stringify([MADE, { columns: [{ name: 'sum', type: 'integer' }], rows: [[sum]], rowsAffected: 1, lastInsertId: null }]),
  replace: (key, expected, value) =>
    statements({ command: 'update items set v = ? where k = ? and v = ?', params: [value, key, expected], rows: 1 }),
  halfway: statements({ command: UPSERT, params: ['half', '1'] }, { command: `insert into items values ('half', '2')` }),
  isUndone: true,
  isLinked: true,
  nonsense: ['no sql', '{"command":1}', '{', '', 'select 1; select 2', 'insert into nowhere values (1)', `select 'open`],
  noQueries: [
    statements({ command: `update items set v = '9'` }),
    'pragma query_only = off',
    `attach 'x' as x`,
    `with t as (select 1) delete from items`,
    'no sql',
  ],
  query: 'select 1',
  read: async (store, keys) => {
    const marks = keys.map(() => '?').join(', ')
    const asked = JSON.stringify({ command: `select k, v from items where k in (${marks})`, params: keys })
    const rows = await store.query(utf8.encode(asked), 0).then(
      ({ result }) => (JSON.parse(text.decode(result)) as Result).rows,
      (error: Error) => {
        if (error instanceof NotAQuery && error.message.includes('no such table')) return []
        throw error
      },
    )
    return Object.fromEntries(keys.map((key) => [key, (rows.find(([name]) => name === key)?.[1] ?? null) as string | null]))
  },
}

/** A batch as the contract has it, by a process of its own that is killed. */
async function crashed(path: string): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sqlite-crash.ts'), path, SPEECH.add('n', 1)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let lines = 0
  for await (const piece of child.stdout) {
    lines += String(piece).split('\n').length - 1
    if (lines >= 5) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

storeContract('in SQLite', SPEECH, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-sqlite-'))
  const path = join(directory, 'store.sqlite')
  return {
    open: (by) => openSqliteStore(path, by),
    spoil: async () => {
      const other = new DatabaseSync(path)
      other.exec('create table x (y)')
      other.close()
    },
    hinder: async () => {
      const other = new DatabaseSync(path)
      other.exec('begin immediate')
      return async () => other.close()
    },
    hinderPosition: async () => {
      const run = (sql: string): void => {
        const other = new DatabaseSync(path)
        other.exec(sql)
        other.close()
      }
      run(`create trigger x before insert on _replicator_head begin select raise(abort, 'no'); end`)
      return async () => run('drop trigger x')
    },
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  }
})

suite('a store of a log in SQLite, and no other', () => {
  let directory: string
  let store: LogStore
  let index = 0

  const applied = async (...texts: readonly string[]): Promise<readonly StoreOutcome[]> =>
    store.apply({ entries: texts.map((each) => command((index += 1), each, { atMs: 1_700_000_000_000 + index })), verdicts: NONE })
  const result = async (each: string): Promise<Result> => {
    const [outcome] = await applied(each)
    if (outcome?.kind !== 'done') throw new Error(JSON.stringify(outcome))
    return JSON.parse(text.decode(outcome.result)) as Result
  }
  const code = async (each: string): Promise<string> => {
    const [outcome] = await applied(each)
    return outcome?.kind === 'rejected' ? `${outcome.class} ${outcome.code}` : JSON.stringify(outcome)
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'replicator-sqlite-'))
    index = 0
    store = await openSqliteStore(join(directory, 'store.sqlite'), claim, QUERY_MS_MAX)
  })
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('a process that is killed in a batch leaves all of it or nothing', async () => {
    const path = join(directory, 'killed.sqlite')
    await crashed(path)
    const found = await openSqliteStore(path, claim)
    const at = found.at.position.index
    assert(at >= 5 * 16 && at % 16 === 0, `it stands at ${at}`)
    assert.deepEqual(await SPEECH.read(found, ['n']), { n: String(at) })
    await found.close()
  })

  test('a result has columns with types, rows, rows changed and the last id; integers beyond 2^53 are text, bytes are base64', async () => {
    assert.deepEqual(await result('create table t (id integer primary key, name text, data blob, n)'), MADE)
    const written = await result(
      JSON.stringify({
        command: 'insert into t (name, data, n) values (?, ?, :n)',
        params: ['a', { base64: '/w==' }, 9007199254740991],
      }).replace(':n', '?'),
    )
    assert.deepEqual([written.rowsAffected, written.lastInsertId], [1, 1])
    assert.deepEqual(await result("insert into t (name, n) values ('b', 9007199254740993) returning id, name, data, n"), {
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'name', type: 'text' },
        { name: 'data', type: 'blob' },
        { name: 'n', type: 'integer' },
      ],
      rows: [[2, 'b', null, '9007199254740993']],
      rowsAffected: 1,
      lastInsertId: 2,
    })
    assert.deepEqual((await result('select data, 1.5 as r, null as z from t where id = 1')).rows, [['/w==', 1.5, null]])
    assert.deepEqual((await result(JSON.stringify({ command: 'select :a + :b as s', params: { a: 1, b: 2 } }))).rows, [[3]])
    assert.deepEqual([(await result(`update t set name = 'c'`)).rowsAffected, (await result('drop table t')).rowsAffected], [2, 0])
  })

  test('clocks and chance are those of the entry, in statements and in defaults alike', async () => {
    await applied(
      `create table t (id integer primary key, at text default current_timestamp, r integer default (random()), b blob default (randomblob(4)))`,
    )
    await applied('insert into t (id) values (1)')
    const { rows } = await result(
      `select at, r, hex(b), date(), time('now'), datetime('now', '+1 day'), strftime('%s', 'now'), unixepoch(), julianday('2000-01-01'), date('2001-02-03'), current_date, timediff('now', '2023-11-14') from t where id = 1`,
    )
    const other = await openSqliteStore(join(directory, 'other.sqlite'), { ...claim, owner: peer('b') })
    const again = async (at: number, each: string): Promise<StoreOutcome | undefined> =>
      (await other.apply({ entries: [command(at, each, { atMs: 1_700_000_000_000 + at })], verdicts: NONE }))[0]
    await again(
      1,
      `create table t (id integer primary key, at text default current_timestamp, r integer default (random()), b blob default (randomblob(4)))`,
    )
    await again(2, 'insert into t (id) values (1)')
    const same = await again(3, 'select at, r, hex(b) from t where id = 1')
    assert(same?.kind === 'done')
    assert.deepEqual((JSON.parse(text.decode(same.result)) as Result).rows[0], rows[0]?.slice(0, 3))
    await other.close()
    assert.deepEqual(rows[0]?.slice(3), [
      '2023-11-14',
      '22:13:20',
      '2023-11-15 22:13:20',
      '1700000000',
      1700000000,
      2451544.5,
      '2001-02-03',
      '2023-11-14',
      '+0000-00-00 22:13:20.003',
    ])
    assert.equal(rows[0]?.[0], '2023-11-14 22:13:20')
  })

  test('what could differ between replicas, or leave the transaction, is refused by name', async () => {
    await applied('create table t (id integer primary key, v text)', `insert into t values (1, 'a'), (2, 'b')`)
    const refused: Readonly<Record<string, string>> = {
      'pragma user_version = 5': 'pragma',
      begin: 'begin',
      commit: 'commit',
      'savepoint x': 'savepoint',
      vacuum: 'vacuum',
      analyze: 'analyze',
      'explain select 1': 'explain',
      'with n(i) as (select 1 union all select i + 1 from n) select count(*) from n': 'recursive',
      [`attach 'x' as x`]: 'attach',
      'insert or rollback into t values (1, 2)': 'rollback',
      'create table x (a unique on conflict rollback)': 'rollback',
      'create table x (a references t deferrable initially deferred)': 'deferrable',
      'create trigger x after insert on t begin select 1; end': '',
      'create trigger x after insert on t begin select 1': 'create trigger',
      'create virtual table x using fts5(a)': 'create virtual',
      'create temp table x (a)': 'create temp',
      'select * from _replicator_head': '_replicator_head',
      'select * from "_Replicator_head"': '_Replicator_head',
      'delete from [_replicator_names]': '_replicator_names',
      'select * from pragma_compile_options': 'pragma_compile_options',
      'select * from sqlite_master': 'sqlite_master',
      'insert into t (v) select v from t': 'insert … select without order by',
      'create table x as select * from t': 'create … select without order by',
      'select last_insert_rowid()': 'last_insert_rowid',
      'select changes() /* changes */': 'changes',
      'select total_changes()': 'total_changes',
      'select sqlite_version()': 'sqlite_version',
      [`select datetime('now', 'localtime')`]: 'localtime',
      [`select load_extension('x')`]: 'load_extension',
    }
    for (const [sql, name] of Object.entries(refused)) {
      const told = await code(sql)
      if (name === '') assert.match(told, /several-statements/, sql)
      else assert.equal(told, `policy not-allowed:${name}`, sql)
    }
    for (const sql of [
      `select 'pragma; commit' as "begin" -- rollback`,
      `/* begin; */ insert into t values (3, 'rollback');`,
      'insert into t (v) select v from t order by id',
    ])
      assert.match(await code(sql), /"done"/, sql)
    assert.equal((await result('select count(*) from t')).rows[0]?.[0], 6)
  })

  test('what one file alone is refused with is no outcome: busy, locked, no memory, a full disk, and whatever is not known', () => {
    const rejected = Array.from({ length: 256 }, (_, errcode) => errcode).filter(
      (errcode) => rejectionOf(Object.assign(new Error('it fails'), { errcode })) !== undefined,
    )
    // What is written, a text that is too long, a constraint, a type, the authorizer, a number of a parameter.
    assert.deepEqual(rejected, [1, 18, 19, 20, 23, 25])
    const extended = Object.assign(new Error('it fails'), { errcode: 5 + 256 })
    assert.deepEqual([rejectionOf(extended), (unavailable(extended) as { code: string }).code], [undefined, 'busy'])
  })

  test('ids go on where they were after an attempt that was undone', async () => {
    await applied('create table t (id integer primary key autoincrement, v text unique)')
    await applied(`insert into t (v) values ('a')`)
    await applied(
      JSON.stringify({ statements: [{ command: `insert into t (v) values ('b')` }, { command: `insert into t (v) values ('a')` }] }),
    )
    assert.equal((await result(`insert into t (v) values ('c')`)).lastInsertId, 2)
  })

  test('the last id is that of the statement itself, and of no other in its batch', async () => {
    await applied('create table t (id integer primary key, k text unique, v text)', `insert into t (k) values ('a')`)
    const upsert = `insert into t (k) values ('a') on conflict (k) do update set v = 'x'`
    const alone = await result(upsert)
    const [, inBatch] = await applied(`insert into t (k) values ('b')`, upsert)
    assert(inBatch?.kind === 'done')
    assert.deepEqual([alone.lastInsertId, JSON.parse(text.decode(inBatch.result))], [null, alone])
  })

  test('rows that a statement must change are a guard of all of the command', async () => {
    await applied('create table t (id integer primary key, v integer)', 'insert into t values (1, 5)')
    const move = (id: number): string =>
      JSON.stringify({
        statements: [
          { command: 'update t set v = v - 1 where id = 1' },
          { command: 'update t set v = v + 1 where id = ?', params: [id], rows: 1 },
        ],
      })
    assert.equal(await code(move(2)), 'constraint rows-differ')
    assert.deepEqual((await result('select v from t')).rows, [[5]])
  })

  test('a query that does not end costs its own process, and nothing that is applied', async () => {
    await applied('create table t (v)')
    const endless = store.query(utf8.encode('with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n'), 0)
    await applied('insert into t values (1)')
    await assert.rejects(endless, /unavailable/)
    assert.deepEqual(JSON.parse(text.decode((await store.query(utf8.encode('select v from t'), 0)).result)).rows, [[1]])
  })
})
