/**
 * A store in MariaDB or MySQL: a database of its own. Rows, outcomes and position change in one
 * transaction; what defines tables commits by itself there, and is a command alone.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import { sha256, utf8 } from '../../bytes.ts'
import { StoreRefused } from '../../ports/log-store.ts'
import type { LogStore, StoreClaim } from '../../ports/log-store.ts'
import type { ServerStoreInit } from '../drivers.ts'
import { openServerStore } from '../sql/server-store.ts'
import type { ServerSession, ServerTable, SqlServer, Use } from '../sql/server.ts'
import { isNoSavepoint, isNoTable, isWrite, rejectionOf, unavailable } from './faults.ts'
import { connectMysql } from './link.ts'
import { MYSQL_COMMANDS, MYSQL_QUERIES, OWN_PREFIX, PINNED, REQUIRED } from './rules.ts'
import { clear, countersOf, quoted, schemaOf, setCounters } from './schema.ts'

/** Seconds that a query may take. */
const QUERY_SECONDS_MAX = 10
const OWN_TABLES = [
  // A text is compared by its bytes, unless its table says otherwise: the same in every version.
  'alter database character set utf8mb4 collate utf8mb4_bin',
  'create table if not exists _replicator_names (id varbinary(255) primary key, place bigint not null, bytes blob not null, key (place)) engine = InnoDB',
  'create table if not exists _replicator_head (id int primary key, bytes mediumblob not null, filling int not null, counters mediumtext not null, intent mediumtext) engine = InnoDB',
]
const LOCK = `concat('replicator.', left(sha1(database()), 40))`
const FOREIGN = `
  select table_name from information_schema.tables where table_schema = database()
  union all select routine_name from information_schema.routines where routine_schema = database()
  union all select event_name from information_schema.events where event_schema = database()`
/** What `kill` says of a session that is gone. */
const NO_SESSION = 1094
const SEEDS = 2 ** 30

/** @throws StoreRefused, StoreUnavailable */
export async function openMysqlStore({ url, password, scratchPath }: ServerStoreInit, claim: StoreClaim): Promise<LogStore> {
  return openServerStore(serverAt(url, password), scratchPath, claim)
}

function serverAt(url: string, password: string | undefined): SqlServer {
  return {
    commands: MYSQL_COMMANDS,
    queries: MYSQL_QUERIES,
    ownTables: OWN_TABLES,
    picture: 'start transaction with consistent snapshot, read only',
    commitsDefinitions: true,
    connect: () => connectMysql(url, password),
    setUp,
    warnings,
    hasOwnTables: async (session) => (await tables(session)).includes(`${OWN_PREFIX}head`),
    foreign: async (session) => (await tables(session)).find((name) => !name.startsWith(OWN_PREFIX)),
    lock,
    end,
    begin,
    counters: countersOf,
    setCounters,
    schema: schemaOf,
    clear,
    rowsOf: ({ name, columns }) => `select ${columns.map(quoted).join(', ')} from ${quoted(name)}`,
    writing: ({ name, columns }) => `insert into ${quoted(name)} (${columns.map(quoted).join(', ')})`,
    hashes,
    rejectionOf,
    isWrite,
    isNoSavepoint,
    isNoTable,
    unavailable,
  }
}

/** Sets what differs, and looks again. */
async function setUp(session: ServerSession, use: Use): Promise<void> {
  await session.ask('set names utf8mb4 collate utf8mb4_bin')
  for (const name of await differing(session)) {
    const value = PINNED[name] as string | number
    await session.ask(`set session ${name} = ${typeof value === 'number' ? value : `'${value}'`}`)
  }
  const [other] = await differing(session)
  if (other !== undefined) throw new StoreRefused('store-settings', `${other} cannot be set to ${PINNED[other]}`)
  await session.ask('set session transaction isolation level repeatable read')
  const [row] = await session.ask('select version()')
  const isMariadb = String(row?.[0]).includes('MariaDB')
  if (!isMariadb) await session.ask('set session information_schema_stats_expiry = 0')
  const seconds = use === 'reads' ? QUERY_SECONDS_MAX : 0
  await session.ask(isMariadb ? `set session max_statement_time = ${seconds}` : `set session max_execution_time = ${seconds * 1_000}`)
}

async function differing(session: ServerSession): Promise<readonly string[]> {
  const names = Object.keys(PINNED)
  const [row = []] = await session.ask(`select ${names.map((name) => `@@session.${name}`).join(', ')}`)
  return names.filter((name, place) => canonical(row[place]) !== canonical(PINNED[name]))
}

/** A list in whatever order. */
function canonical(value: unknown): string {
  return String(value).split(',').toSorted().join()
}

async function warnings(session: ServerSession): Promise<readonly string[]> {
  for (const [name, { value, why }] of Object.entries(REQUIRED)) {
    const [row] = await session.ask(`select @@global.${name}`)
    if (Number(row?.[0]) !== value) throw new StoreRefused('store-settings', `${name} is ${String(row?.[0])}: ${why}; set ${value}`)
  }
  const rights = (await session.ask('show grants')).map(([grant]) => String(grant)).join('\n')
  return /\bALL PRIVILEGES ON \*\.\*|\b(?:FILE|SUPER)\b.* ON \*\.\*/.test(rights)
    ? ['its user has rights on the whole server: give it those on its database alone']
    : []
}

async function tables(session: ServerSession): Promise<readonly string[]> {
  return (await session.ask(FOREIGN)).map(([name]) => String(name))
}

async function lock(session: ServerSession): Promise<string | undefined> {
  const [row] = await session.ask(`select get_lock(${LOCK}, 0), is_used_lock(${LOCK})`)
  return Number(row?.[0]) === 1 ? undefined : String(row?.[1] ?? '')
}

async function end(session: ServerSession, holder: string): Promise<void> {
  // It may have ended since it was looked for.
  if (holder === '') return
  try {
    await session.ask(`kill ${Number(holder)}`)
  } catch (error) {
    if ((error as { readonly errno?: number }).errno !== NO_SESSION) throw error
  }
}

/** The clock is the log's, and chance that of the entry's place in it. */
async function begin(session: ServerSession, { index, atMs }: Entry): Promise<void> {
  const seeds = Buffer.from(sha256(utf8.encode(`${index} ${atMs}`)))
  const [first, second] = [seeds.readUInt32BE(0) % SEEDS, seeds.readUInt32BE(4) % SEEDS]
  await session.ask(`set timestamp = ${(atMs / 1_000).toFixed(3)}, rand_seed1 = ${first}, rand_seed2 = ${second}`)
}

function hashes({ name, columns }: ServerTable, digits: string): string {
  const values = columns.map((column) => `ifnull(md5(${quoted(column)}), '-')`).join(', ')
  return `select digest from (select md5(concat_ws(',', ${values})) as digest from ${quoted(name)}) as hashed where digest like '${digits}%'`
}
