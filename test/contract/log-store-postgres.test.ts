/**
 * The store of logs in a real PostgreSQL, held to the contract; and what only such a server shows: the
 * log's clock in the place of its own, sequences that no transaction holds, and sessions that outlive
 * their peer.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { Client } from 'pg'
import { NotAQuery, StoreMoved, StoreRefused, StoreUnavailable } from '../../src/ports/log-store.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { openPostgresStore } from '../../src/stores/postgres/postgres-store.ts'
import { DatabaseServer, whyNo } from '../integration/sql-servers.ts'
import { until } from '../process/network.ts'
import { claim, peer, storeContract } from './log-store.ts'
import { Applying, MADE, slicesOf, speechOf } from './sql-speech.ts'

const skip = whyNo('postgres')
const scratchPath = join(tmpdir(), `replicator-postgres-outgoing-${process.pid}`)
const UPSERT = 'insert into items values ($1, $2) on conflict (k) do update set v = excluded.v'

const SPEECH = speechOf({
  first: [{ command: 'create table if not exists items (k text primary key, v text)' }],
  set: (key, value) => ({ command: UPSERT, params: [key, value] }),
  wasSet: () => ({ ...MADE, rowsAffected: 1 }),
  add: 'insert into items values ($1, $2) on conflict (k) do update set v = (items.v::bigint + excluded.v::bigint)::text returning v::bigint as sum',
  sumType: 'int8',
  mark: (place) => `$${place}`,
})

suite('in PostgreSQL', { skip }, () => {
  let server: DatabaseServer
  let count = 0

  const made = (): string => {
    count += 1
    server.ask(`create database d${count} template template0`)
    return `d${count}`
  }
  const dropped = (database: string): void => void server.ask(`drop database if exists ${database} with (force)`)

  before(async () => {
    server = await DatabaseServer.start('postgres')
  })
  after(() => server[Symbol.asyncDispose]())

  storeContract('in a PostgreSQL', SPEECH, async () => {
    const database = made()
    return {
      open: (by) => openPostgresStore({ url: server.url(database), password: undefined, scratchPath }, by),
      spoil: async () => void server.ask('create table x (y int)', database),
      hinder: () => locked(server.url(database), '_replicator._replicator_head'),
      hinderPosition: async () => {
        const fail = `create function _replicator.fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$`
        server.ask(`${fail}; create trigger x before update on _replicator._replicator_head execute function _replicator.fail()`, database)
        return async () => void server.ask('drop function _replicator.fail() cascade', database)
      },
      crash: async () => {
        await server.kill()
        await server.start()
      },
      remove: async () => dropped(database),
    }
  })

  suite('a store of a log in a PostgreSQL, and no other', () => {
    let database: string
    let on: Applying

    const open = (by = claim, at = database): Promise<LogStore> =>
      openPostgresStore({ url: server.url(at), password: undefined, scratchPath }, by)

    beforeEach(async () => {
      database = made()
      on = new Applying(await open())
    })
    afterEach(async () => {
      await on.store.close()
      dropped(database)
    })

    test('a result has columns with types, rows and rows changed', async () => {
      assert.deepEqual(
        await on.result('create table t (id serial primary key, name text, data bytea, n bigint, d numeric(5,2), b boolean)'),
        MADE,
      )
      const written = await on.result(
        JSON.stringify({
          command: 'insert into t (name, data, n, d, b) values ($1, $2, $3, 1.5, true)',
          params: ['a', { base64: '/w==' }, '9007199254740993'],
        }),
      )
      assert.deepEqual([written.columns, written.rowsAffected, written.lastInsertId], [[], 1, null])
      assert.deepEqual(await on.result('select * from t'), {
        columns: [
          { name: 'id', type: 'int4' },
          { name: 'name', type: 'text' },
          { name: 'data', type: 'bytea' },
          { name: 'n', type: 'int8' },
          { name: 'd', type: 'numeric' },
          { name: 'b', type: 'bool' },
        ],
        rows: [[1, 'a', '/w==', '9007199254740993', '1.50', true]],
        rowsAffected: 0,
        lastInsertId: null,
      })
      assert.deepEqual([(await on.result(`update t set name = 'c'`)).rowsAffected, (await on.result('drop table t')).rowsAffected], [1, 0])
    })

    test('the clock is that of the entry, in statements and in defaults alike', async () => {
      await on.result(
        'create table t (id int, at timestamptz default current_timestamp, day date default current_date, x timestamptz default now())',
      )
      await on.result('insert into t (id) values (1)')
      assert.deepEqual((await on.query('select * from t')).rows, [[1, '2023-11-14 22:13:22+00', '2023-11-14', '2023-11-14 22:13:22+00']])
      const { rows } = await on.result(
        `select now(), clock_timestamp(), statement_timestamp(), transaction_timestamp(), current_timestamp, localtimestamp, current_date, 'current_date'`,
      )
      assert.deepEqual(rows[0], [
        ...Array.from({ length: 5 }, () => '2023-11-14 22:13:23+00'),
        '2023-11-14 22:13:23',
        '2023-11-14',
        'current_date',
      ])
    })

    test('what could differ between replicas, or leave the transaction, is refused by name', async () => {
      await on.result('create table t (id int primary key, v text)')
      await on.refuses({
        begin: 'begin',
        commit: 'commit',
        'set search_path = pg_catalog': 'set',
        'do $$ begin commit; end $$': 'do',
        'call x()': 'call',
        'vacuum t': 'vacuum',
        [`copy t from program 'id'`]: 'copy',
        'lock table t': 'lock',
        'select random()': 'random',
        'select "random" ()': 'random',
        'select /* /* */ */ gen_random_uuid()': 'gen_random_uuid',
        'select 1 -- a\r, random()': 'random',
        [`select /* /* */ ' */ random() --'`]: 'random',
        [`select u&"r\\0061ndom"()`]: 'u&',
        'select pg_sleep(1)': 'pg_sleep',
        'select pg_catalog.now()': 'pg_catalog',
        [`select set_config('a.b', 'c', false)`]: 'set_config',
        [`select query_to_xml('select random()', true, true, '')`]: 'query_to_xml',
        [`select nextval('s'), lastval()`]: 'lastval',
        [`select 'now'::timestamptz`]: `'now'`,
        [`insert into t values (1, 'today 10:00')`]: `'today 10:00'`,
        [JSON.stringify({ command: 'insert into t values (1, $1)', params: [' TOMORROW '] })]: `' TOMORROW '`,
        'select current_timestamp(3)': 'current_timestamp(…)',
        'select current_user': 'current_user',
        [`select 't'::regclass::oid`]: 'regclass',
        'select ctid from t': 'ctid',
        'create sequence x cache 10': 'create cache',
        'create table x (a int references t deferrable initially deferred)': 'create deferrable',
        'create unlogged table x (a int)': 'create unlogged',
        'create function x() returns int language sql as $$ select 1 $$': 'create function',
        'create trigger x after insert on t execute function y()': 'create trigger',
        'create index concurrently on t (v)': 'create concurrently',
        'select * into x from t': 'select into',
        'delete from _replicator._replicator_head': '_replicator',
        'update "_replicator_head" set filling = 1': '_replicator_head',
      })
      assert.equal(await on.code('select 1; commit'), 'syntax several-statements')
      for (const sql of [
        `insert into t values (1, 'random() -- ; commit')`,
        `insert into t values (2, E'a\\'; commit; \\'')`,
        'insert into t values (3, $x$ commit; random() $x$)',
        `insert into t values (4, 'now is the time')`,
      ])
        assert.match(await on.code(sql), /"done"/, sql)
      assert.deepEqual((await on.query('select count(*) from t')).rows, [[4]])
    })

    test('numbers of sequences go on where they were after an attempt that was undone, and after a crash', async () => {
      await on.result('create table t (id serial primary key, n int generated by default as identity, v int unique)')
      await on.result('insert into t (v) values (1)')
      const allow = await locked(server.url(database), 't')
      await assert.rejects(on.applied('insert into t (v) values (2)'), StoreUnavailable)
      await allow()
      on.index -= 1
      server.ask(`select nextval('t_id_seq'), nextval('t_n_seq')`, database)
      await on.store.close()
      await server.kill()
      await server.start()
      on.store = await open()
      assert.deepEqual((await on.result('insert into t (v) values (2) returning id, n')).rows, [[2, 2]])
    })

    test('a backup carries the schema, sequences and values as they are, and its slices are equal', async () => {
      await on.result('create sequence s start 10 increment 5')
      await on.result(
        `create table a (id serial primary key, n int generated always as identity, f real default 0.1, g double precision check (g > 0), b bytea, j jsonb, t timestamptz default now(), d numeric(20,5), x int generated always as (2 * 3) stored, "odd ""name" text collate "C" not null default 'a''b?', l int[], s bigint default nextval('s'))`,
      )
      await on.result('create table c (id int primary key, a int references a (id) on delete cascade, unique (a, id))')
      await on.result('create index on a (d desc) where d > 1')
      await on.result('create view w as select id, g from a order by id')
      await on.result(`insert into a (g, b, j, d, l) values (0.1, '\\xff00', '{"k": [1]}', 12345.6789, '{1,null}')`)
      await on.result('insert into c values (1, 1)')
      await on.code('insert into a (g) values (-1)')
      const { stream } = await on.store.backup(new AbortController().signal)
      const beside = new Applying(await open({ ...claim, owner: peer('b') }, made()))
      await beside.result('create table stale (id serial)')
      await beside.store.restore(stream)
      beside.index = on.index
      assert.deepEqual(await slicesOf(beside.store), await slicesOf(on.store))
      const insert = 'insert into a (g) values (2) returning id, n, s, f, "odd ""name"'
      assert.deepEqual(await on.result(insert), await beside.result(insert))
      for (const wrong of [
        'insert into a (g) values (-1)',
        'insert into c values (2, 9)',
        `insert into a (g, "odd ""name") values (1, null)`,
      ])
        assert.match(await beside.code(wrong), /^constraint 23/, wrong)
      await beside.store.close()
    })

    test('a row that is changed by hand makes a slice differ', async () => {
      await on.result('create table t (id int primary key, v int)')
      await on.result('insert into t values (1, 1), (2, 2)')
      for (const change of [
        'update t set v = 3 where id = 2',
        'delete from t where id = 1',
        'alter table t add column w int',
        'create index on t (v)',
      ]) {
        const unchanged = await slicesOf(on.store)
        server.ask(change, database)
        assert.notDeepEqual(await slicesOf(on.store), unchanged, change)
      }
    })

    test('a session that the one before left running is ended before anything is applied', async () => {
      await on.result('create table t (id int primary key)')
      const left = on.store
      const holder = server.ask(`select pid from pg_locks where locktype = 'advisory'`, database)
      on.store = await open()
      assert.equal(server.ask(`select count(*) from pg_stat_activity where pid = ${holder}`, database), '0')
      assert.match(await on.code('insert into t values (1)'), /"done"/)
      await left.close()
    })

    test('a store that was emptied, goes back, or was taken by another is to be opened again', async () => {
      await on.result('create table t (id int primary key)')
      await on.result('insert into t values (1)')
      const bytes = server.ask('select bytes from _replicator._replicator_head', database)
      await on.result('insert into t values (2)')
      server.ask(`update _replicator._replicator_head set bytes = '${bytes}'`, database)
      await assert.rejects(on.applied('insert into t values (3)'), StoreMoved)
      on.index -= 1
      server.ask('drop schema _replicator cascade', database)
      await assert.rejects(on.applied('insert into t values (3)'), StoreMoved)
      await assert.rejects(open(), (error) => error instanceof StoreRefused && error.code === 'store-not-empty')
    })

    test('the end of the server is no outcome, and neither is a wrong user', async () => {
      await on.result('create table t (id int primary key)')
      await server.kill()
      await assert.rejects(on.applied('insert into t values (1)'), StoreUnavailable)
      await assert.rejects(on.query('select 1'), StoreUnavailable)
      await server.start()
      on.index -= 1
      await until('it is applied again', async () => /"done"/.test(await on.code('insert into t values (1)')))
      const url = server.url(database).replace('postgres@', 'nobody@')
      await assert.rejects(openPostgresStore({ url, password: 'x', scratchPath }, claim), StoreUnavailable)
    })

    test('a server that stands still is no outcome, and goes on where it was', async () => {
      await on.result('create table t (id int primary key)')
      server.pause()
      try {
        const noAnswer = (error: Error): boolean => error instanceof StoreUnavailable && error.code === 'no-answer'
        await Promise.all([
          assert.rejects(on.applied('insert into t values (1)'), noAnswer),
          assert.rejects(on.query('select 1'), StoreUnavailable),
        ])
      } finally {
        server.resume()
      }
      on.index -= 1
      await until('it is applied again', async () => /"done"/.test(await on.code('insert into t values (1)')))
      assert.deepEqual((await on.query('select count(*) from t')).rows, [[1]])
    })

    test('a query refuses what writes, waits or reads files, and its clock is the server’s', async () => {
      await on.result('create table t (id int primary key)')
      for (const query of [
        'select pg_sleep(9)',
        `select pg_read_file('/etc/passwd')`,
        `select nextval('s')`,
        'select 1 into x',
        'show all',
      ])
        await assert.rejects(on.query(query), NotAQuery, query)
      assert.equal((await on.query(`select now() > '2024-01-01'`)).rows[0]?.[0], true)
    })

    test('a database of another encoding is refused, and a locale is warned of', async () => {
      server.ask(`create database ascii template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`)
      await assert.rejects(open(claim, 'ascii'), (error) => error instanceof StoreRefused && error.code === 'store-settings')
      assert.match(on.store.warnings.join(), /superuser/)
    })
  })
})

/** Somebody else's session that holds a lock until what this gives is called. */
async function locked(url: string, table: string): Promise<() => Promise<void>> {
  const other = new Client({ connectionString: url })
  await other.connect()
  await other.query(`begin; lock table ${table} in access exclusive mode`)
  return () => other.end()
}
