/**
 * The store of logs in a real MariaDB, held to the contract; and what only such a server shows: tables
 * that are made outside of a transaction, counters, clocks, and sessions that outlive their peer.
 */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { createConnection } from 'mysql2/promise'
import { NotAQuery, StoreMoved, StoreRefused, StoreUnavailable } from '../../src/ports/log-store.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import { openMysqlStore } from '../../src/stores/mysql/mysql-store.ts'
import { DatabaseServer, whyNo } from '../integration/sql-servers.ts'
import { until } from '../process/network.ts'
import { claim, peer, storeContract } from './log-store.ts'
import { Applying, MADE, slicesOf, speechOf } from './sql-speech.ts'

const skip = whyNo('mysql')
const scratchPath = join(tmpdir(), `replicator-mysql-outgoing-${process.pid}`)
const ITEMS = 'create table if not exists items (k varchar(255) primary key, v mediumtext)'
const UPSERT = 'insert into items values (?, ?) on duplicate key update v = values(v) returning k'

const SPEECH = speechOf({
  first: [],
  set: (key, value) => ({ command: UPSERT, params: [key, value] }),
  wasSet: (key) => ({ columns: [{ name: 'k', type: 'varchar' }], rows: [[key]], rowsAffected: 1, lastInsertId: null }),
  add: 'insert into items values (?, ?) on duplicate key update v = cast(v as signed) + values(v) returning cast(v as signed) as sum',
  sumType: 'bigint',
  mark: () => '?',
})

suite('in MariaDB', { skip }, () => {
  let server: DatabaseServer
  let count = 0

  const made = (): string => {
    count += 1
    server.ask(`create database d${count}`)
    return `d${count}`
  }

  before(async () => {
    server = await DatabaseServer.start('mysql')
  })
  after(() => server[Symbol.asyncDispose]())

  storeContract('in a MariaDB', SPEECH, async () => {
    const database = made()
    return {
      // What makes a table is a command alone, and these of the contract are not.
      open: async (by) => {
        const store = await openMysqlStore({ url: server.url(database), password: undefined, scratchPath }, by)
        server.ask(ITEMS, database)
        return store
      },
      spoil: async () => void server.ask('create table x (y int)', database),
      hinder: () => locked(server.url(database)),
      hinderPosition: async () => {
        server.ask(`create trigger x before update on _replicator_head for each row signal sqlstate '45000'`, database)
        return async () => void server.ask('drop trigger x', database)
      },
      crash: async () => {
        await server.kill()
        await server.start()
      },
      remove: async () => void server.ask(`drop database if exists ${database}`),
    }
  })

  suite('a store of a log in a MariaDB, and no other', () => {
    let database: string
    let on: Applying

    const open = (by = claim, at = database): Promise<LogStore> =>
      openMysqlStore({ url: server.url(at), password: undefined, scratchPath }, by)
    const reopen = async (): Promise<void> => {
      await on.store.close()
      on.store = await open()
    }

    beforeEach(async () => {
      database = made()
      on = new Applying(await open())
    })
    afterEach(async () => {
      await on.store.close()
      server.ask(`drop database if exists ${database}`)
    })

    test('a result has columns with types, rows, rows changed and the last id', async () => {
      assert.deepEqual(
        await on.result('create table t (id bigint primary key auto_increment, name varchar(9), data blob, n bigint, d decimal(5,2))'),
        MADE,
      )
      const written = await on.result(
        JSON.stringify({
          command: `insert into t (name, data, n, d) values (?, ?, ?, 1.5)`,
          params: ['a', { base64: '/w==' }, '9007199254740993'],
        }),
      )
      assert.deepEqual([written.columns, written.rowsAffected, written.lastInsertId], [[], 1, 1])
      assert.deepEqual(await on.result('select * from t'), {
        columns: [
          { name: 'id', type: 'bigint' },
          { name: 'name', type: 'varchar' },
          { name: 'data', type: 'blob' },
          { name: 'n', type: 'bigint' },
          { name: 'd', type: 'decimal' },
        ],
        rows: [[1, 'a', '/w==', '9007199254740993', '1.50']],
        rowsAffected: 0,
        lastInsertId: null,
      })
      assert.deepEqual([(await on.result(`update t set name = 'c'`)).rowsAffected, (await on.result('drop table t')).rowsAffected], [1, 0])
    })

    test('clocks and chance are those of the entry, in statements and in defaults alike', async () => {
      const beside = new Applying(await open({ ...claim, owner: peer('b') }, made()))
      const seen: unknown[] = []
      for (const each of [on, beside]) {
        await each.result(
          'create table t (id int primary key auto_increment, data varchar(50) not null, ts timestamp(3) default current_timestamp(3) on update current_timestamp(3))',
        )
        await each.result(`insert into t (data) values ('a'), ('b')`)
        await each.result(`update t set data = rand() where id = 2`)
        seen.push((await each.query('select * from t')).rows)
      }
      assert.deepEqual(seen[0], seen[1])
      assert.deepEqual((seen[0] as unknown[][])[0], [1, 'a', '2023-11-14 22:13:22.000'])
      await beside.store.close()
    })

    test('what could differ between replicas, or leave the transaction, is refused by name', async () => {
      await on.result('create table t (id int primary key, v varchar(99))')
      await on.refuses({
        'set autocommit = 1': 'set',
        begin: 'begin',
        commit: 'commit',
        'savepoint x': 'savepoint',
        'lock tables t read': 'lock',
        'flush tables': 'flush',
        'call x()': 'call',
        'do sleep(1)': 'do',
        [`prepare x from 'commit'`]: 'prepare',
        [`execute immediate 'commit'`]: 'execute',
        'select 1 /*! , uuid() */': '/*!',
        'select 1 /*M!100000 , uuid() */': '/*m!',
        'select uuid()': 'uuid',
        'select UUID /* */ ()': 'uuid',
        'select 1 --uuid()': 'uuid',
        'create table x (a varchar(99) default (uuid()))': 'uuid',
        'select sysdate()': 'sysdate',
        'select last_insert_id()': 'last_insert_id',
        'select @a := 1': '@',
        'select @@hostname': '@',
        [`select * from t into outfile '/tmp/x'`]: 'outfile',
        [`select load_file('/etc/passwd')`]: 'load_file',
        'create table x (a int) engine = MyISAM': 'engine myisam',
        'alter table t engine=Aria': 'engine aria',
        'create table x as select 1': 'create select',
        'create temporary table x (a int)': 'create temporary',
        'create trigger x after insert on t for each row set @a = 1': 'create trigger',
        'create view x as select 1': 'create view',
        'create table x (a int) partition by hash (a)': 'create partition',
        'drop table a, b': 'drop of several',
        'insert into mysql.user values (1)': 'another database',
        'delete from t limit 1': 'limit without order by',
        'insert into t select * from t': 'insert … select without order by',
        'select * from _replicator_head': '_replicator_head',
        'update `_replicator_head` set filling = 1': '_replicator_head',
      })
      assert.equal(await on.code('select 1; commit'), 'syntax several-statements')
      for (const sql of [
        `insert into t values (1, 'uuid() -- ; commit')`,
        `insert into t values (2, 'a\\'; commit; \\'')`,
        `select v from t # uuid()`,
      ])
        assert.match(await on.code(sql), /"done"/, sql)
    })

    test('what makes a table among other statements is refused: it would commit what is before it', async () => {
      const statements = [{ command: 'create table a (b int)' }, { command: 'create table c (d int)' }]
      assert.equal(await on.code(JSON.stringify({ statements })), 'policy not-allowed:a definition among other statements')
      assert.equal(server.ask('show tables', database), '_replicator_head\n_replicator_names')
    })

    test('a batch goes on after what makes a table, and after what could not be made', async () => {
      const outcomes = await on.applied(
        'create table t (id int primary key auto_increment, v int)',
        'insert into t (v) values (1)',
        'create table t (id int)',
        'alter table t add column w int default 7',
        'insert into t (v) values (2)',
      )
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['done', 'done', 'rejected', 'done', 'done'],
      )
      assert.deepEqual((await on.query('select * from t order by id')).rows, [
        [1, 1, 7],
        [2, 2, 7],
      ])
      assert.equal(on.store.at.position.index, 5)
    })

    test('what made a table and was cut off before it was recorded is not run again', async () => {
      await on.result('create table t (id int primary key, v int)')
      // As a crash leaves it: what was to be done is written, and the server has done it.
      const intent = { index: on.index + 1, schema: 'of before' }
      server.ask('alter table t add column w int', database)
      server.ask(`update _replicator_head set intent = '${JSON.stringify(intent)}'`, database)
      await reopen()
      assert.match(await on.code('alter table t add column w int'), /"done"/)
      assert.match(await on.code('alter table t add column w int'), /^syntax 1060/)
    })

    test('ids go on where they were after an attempt that was undone, and after a crash', async () => {
      await on.result('create table t (id int primary key auto_increment, v int unique)')
      await on.result('insert into t (v) values (1)')
      const allow = await locked(server.url(database), 'lock tables t write')
      await assert.rejects(on.applied('insert into t (v) values (2)'), StoreUnavailable)
      await allow()
      on.index -= 1
      server.ask('insert into t (v) values (99); delete from t where v = 99', database)
      await on.store.close()
      await server.kill()
      await server.start()
      on.store = await open()
      assert.equal((await on.result('insert into t (v) values (2)')).lastInsertId, 2)
    })

    test('a backup carries counters, types and bytes as they are, and its slices are equal', async () => {
      await on.result(
        'create table a (id int primary key auto_increment, f float, g double, b varbinary(9), j json, e enum("x", "y"), t datetime(6), n decimal(20,5), x int as (length(b) * 2) stored)',
      )
      await on.result(`create table c (id int primary key, a int, foreign key (a) references a (id) on delete cascade)`)
      await on.result(`insert into a (f, g, b, j, e, t, n) values (0.1, 0.1, x'ff00', '{"k": 1}', 'y', now(6), 12345.67890)`)
      await on.result(`insert into c values (1, 1)`)
      await on.code(`insert into a (id) values (1)`)
      await on.result(`insert into a (f) values (1e-20)`)
      await on.result(`delete from a where id > 1`)
      const { stream } = await on.store.backup(new AbortController().signal)
      const beside = new Applying(await open({ ...claim, owner: peer('b') }, made()))
      await beside.store.restore(stream)
      beside.index = on.index
      assert.deepEqual(await slicesOf(beside.store), await slicesOf(on.store))
      const ids = [await on.result('insert into a (f) values (2)'), await beside.result('insert into a (f) values (2)')]
      assert.equal(ids[0]?.lastInsertId, ids[1]?.lastInsertId)
      assert.deepEqual([await slicesOf(beside.store), beside.store.at.outcomeDigest], [await slicesOf(on.store), on.store.at.outcomeDigest])
      await beside.store.close()
    })

    test('a row that is changed by hand makes a slice differ', async () => {
      await on.result('create table t (id int primary key, v int)')
      await on.result('insert into t values (1, 1), (2, 2)')
      for (const change of ['update t set v = 3 where id = 2', 'delete from t where id = 1', 'alter table t add column w int']) {
        const unchanged = await slicesOf(on.store)
        server.ask(change, database)
        assert.notDeepEqual(await slicesOf(on.store), unchanged, change)
      }
    })

    test('a session that the one before left running is ended before anything is applied', async () => {
      await on.result('create table t (id int primary key, v int)')
      const left = on.store
      const holder = server.ask(`select is_used_lock(concat('replicator.', left(sha1(database()), 40)))`, database)
      on.store = await open()
      assert.equal(server.ask(`select count(*) from information_schema.processlist where id = ${holder}`), '0')
      assert.match(await on.code('insert into t values (1, 1)'), /"done"/)
      await left.close()
    })

    test('a store that was emptied, goes back, or was taken by another is to be opened again', async () => {
      await on.result('create table t (id int primary key)')
      await on.result('insert into t values (1)')
      const [bytes] = server.ask('select hex(bytes) from _replicator_head', database).split('\n')
      await on.result('insert into t values (2)')
      server.ask(`update _replicator_head set bytes = unhex('${bytes}')`, database)
      await assert.rejects(on.applied('insert into t values (3)'), StoreMoved)
      on.index -= 1
      server.ask('delete from _replicator_head', database)
      await assert.rejects(on.applied('insert into t values (3)'), StoreMoved)
      await assert.rejects(open(), (error) => error instanceof StoreRefused && error.code === 'store-not-empty')
    })

    test('the end of the server is no outcome, and neither is a wrong password', async () => {
      await on.result('create table t (id int primary key)')
      await server.kill()
      await assert.rejects(on.applied('insert into t values (1)'), StoreUnavailable)
      await assert.rejects(on.query('select 1'), StoreUnavailable)
      await server.start()
      on.index -= 1
      await until('it is applied again', async () => /"done"/.test(await on.code('insert into t values (1)')))
      const url = server.url(database).replace('root@', 'nobody@')
      await assert.rejects(
        openMysqlStore({ url, password: 'x', scratchPath }, claim),
        (error) => error instanceof StoreUnavailable && error.code === 'password-wrong',
      )
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

    test('what reads says that it changed no rows, however it begins', async () => {
      assert.equal((await on.result('with x as (select 1 as a) select a from x')).rowsAffected, 0)
    })

    test('a query refuses what writes, waits or reads files, and says what tables there are', async () => {
      await on.result('create table t (id int primary key)')
      for (const query of [
        'select sleep(9)',
        `select load_file('/etc/passwd')`,
        'select * from t into outfile "/tmp/x"',
        'show grants',
        'kill 1',
      ])
        await assert.rejects(on.query(query), NotAQuery, query)
      assert.match(JSON.stringify((await on.query('show tables')).rows), /"t"/)
    })

    test('a server that may lose what it acknowledged is refused', async () => {
      await on.store.close()
      server.ask('set global innodb_flush_log_at_trx_commit = 2')
      await assert.rejects(open(), (error) => error instanceof StoreRefused && error.code === 'store-settings')
      server.ask('set global innodb_flush_log_at_trx_commit = 1')
      on.store = await open()
      assert.match(on.store.warnings.join(), /rights on the whole server/)
    })
  })
})

/** Somebody else's session that holds a lock until what this gives is called. */
async function locked(url: string, sql = 'lock tables _replicator_head write'): Promise<() => Promise<void>> {
  const other = await createConnection(url)
  await other.query(sql)
  return () => other.end()
}
