/**
 * A store in PostgreSQL: the schema `public` of a database. What is ours lies in a schema beside it,
 * with functions that give the log's clock, which sessions that apply find before the server's.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import { StoreRefused } from '../../ports/log-store.ts'
import type { LogStore, StoreClaim } from '../../ports/log-store.ts'
import type { ServerStoreInit } from '../drivers.ts'
import { openServerStore } from '../sql/server-store.ts'
import type { ServerSession, ServerTable, SqlServer, Use } from '../sql/server.ts'
import { isNoSavepoint, isNoTable, isWrite, rejectionOf, unavailable } from './faults.ts'
import { connectPostgres } from './link.ts'
import { pinned, POSTGRES_COMMANDS, POSTGRES_QUERIES } from './rules.ts'
import { clear, countersOf, quoted, schemaOf, setCounters } from './schema.ts'

const AT = `'select pg_catalog.to_timestamp(pg_catalog.current_setting(''replicator.at'', true)::numeric / 1000)'`
const CLOCKS = ['now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp']
const OWN_TABLES = [
  'create schema if not exists _replicator',
  'create table if not exists _replicator._replicator_names (id bytea primary key, place bigint not null, bytes bytea not null)',
  'create index if not exists _replicator_places on _replicator._replicator_names (place)',
  ...CLOCKS.map((name) => `create or replace function _replicator.${name}() returns timestamptz language sql stable as ${AT}`),
  'create table if not exists _replicator._replicator_head (id int primary key, bytes bytea not null, filling int not null, counters text not null, intent text)',
]
const FOREIGN = `
  select relname from pg_class where relnamespace = 'public'::regnamespace
  union all select proname from pg_proc where pronamespace = 'public'::regnamespace
  union all select typname from pg_type where typnamespace = 'public'::regnamespace limit 1`
/** Of all databases of a server it is this one's by itself. */
const LOCK = '1380273228, 0'
const HOLDER = `
  select pid from pg_locks where locktype = 'advisory' and classid = 1380273228 and objid = 0 and granted
  and database = (select oid from pg_database where datname = current_database())`
const SETTINGS = `
  select t.name, s.setting from unnest(?::text[]) as t (name) left join pg_settings s on lower(s.name) = lower(t.name)`

/** @throws StoreRefused, StoreUnavailable */
export async function openPostgresStore({ url, password, scratchPath }: ServerStoreInit, claim: StoreClaim): Promise<LogStore> {
  return openServerStore(serverAt(url, password), scratchPath, claim)
}

function serverAt(url: string, password: string | undefined): SqlServer {
  return {
    commands: POSTGRES_COMMANDS,
    queries: POSTGRES_QUERIES,
    ownTables: OWN_TABLES,
    picture: 'begin isolation level repeatable read read only',
    commitsDefinitions: false,
    connect: (use) => connectPostgres(url, password, use),
    setUp,
    warnings,
    hasOwnTables: async (session) => {
      const [row] = await session.ask(`select to_regclass('_replicator._replicator_head') is not null`)
      return row?.[0] === 't'
    },
    foreign: async (session) => {
      const [row] = await session.ask(FOREIGN)
      return row && String(row[0])
    },
    lock: async (session) => {
      const [row] = await session.ask(`select pg_try_advisory_lock(${LOCK}), (${HOLDER})`)
      return row?.[0] === 't' ? undefined : String(row?.[1] ?? '')
    },
    end: async (session, holder) => {
      if (holder !== '') await session.ask(`select pg_terminate_backend(${Number(holder)})`)
    },
    begin: async (session: ServerSession, { atMs }: Entry) => {
      await session.ask(`select set_config('replicator.at', ?, false)`, [String(atMs)])
    },
    counters: countersOf,
    setCounters,
    schema: schemaOf,
    clear,
    rowsOf: ({ name, columns }) => `select ${columns.map((column) => `${quoted(column)}::text`).join(', ')} from ${quoted(name)}`,
    writing: ({ name, columns }) => `insert into ${quoted(name)} (${columns.map(quoted).join(', ')}) overriding system value`,
    hashes,
    rejectionOf,
    isWrite,
    isNoSavepoint,
    isNoTable,
    unavailable,
  }
}

/** Sets all, and looks again. */
async function setUp(session: ServerSession, use: Use): Promise<void> {
  const settings = pinned(use)
  for (const [name, value] of Object.entries(settings)) await session.ask('select set_config(?, ?, false)', [name, value])
  const names = Object.keys(settings)
  for (const [name, setting] of await session.ask(SETTINGS, [`{${names.join(',')}}`])) {
    if (setting !== settings[String(name)])
      throw new StoreRefused('store-settings', `${String(name)} is ${String(setting)} and cannot be set to ${settings[String(name)]}`)
  }
}

async function warnings(session: ServerSession): Promise<readonly string[]> {
  const [row = []] = await session.ask(
    `select current_setting('fsync'), current_setting('server_encoding'), datcollate, current_setting('is_superuser') from pg_database where datname = current_database()`,
  )
  const [fsync, encoding, collation, isSuperuser] = row.map(String)
  if (fsync !== 'on') throw new StoreRefused('store-settings', 'fsync is off: a crash of the machine would lose what was acknowledged')
  if (encoding !== 'UTF8') throw new StoreRefused('store-settings', `its database is in ${encoding}, and UTF8 is needed`)
  const isByBytes = collation === 'C' || collation === 'POSIX'
  return [
    ...(isByBytes ? [] : [`it orders text as ${collation} does, which may differ between machines: make its database with locale C`]),
    ...(isSuperuser === 'on' ? ['its user is a superuser: give it one that owns its database alone'] : []),
  ]
}

function hashes({ name, columns }: ServerTable, digits: string): string {
  const row = `row(${columns.map(quoted).join(', ')})::text`
  return `select digest from (select md5(${row}) as digest from ${quoted(name)}) as hashed where digest like '${digits}%'`
}
