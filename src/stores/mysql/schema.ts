/** How the tables of a MariaDB or a MySQL are made again: as the server itself tells it. */
import type { Counters, ServerSchema, ServerSession, ServerTable } from '../sql/server.ts'
import { OWN_PREFIX, SQL_MODE } from './rules.ts'

const TABLES = `select table_name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'`
const COLUMNS = `select table_name, column_name, extra from information_schema.columns where table_schema = database() order by table_name, ordinal_position`
const COUNTERS = `select table_name, auto_increment from information_schema.tables where table_schema = database() and auto_increment is not null`
/** The next number is a counter, and not a part of how a table is made. */
const COUNTER = /^(\) ENGINE=\w+) AUTO_INCREMENT=\d+/m

export async function schemaOf(session: ServerSession): Promise<ServerSchema> {
  const names = await tablesOf(session)
  const columns = await session.ask(COLUMNS)
  const tables: ServerTable[] = names.map((name) => ({
    name,
    columns: columns
      .filter(([table, , extra]) => table === name && !String(extra).toUpperCase().includes('GENERATED'))
      .map(([, column]) => String(column)),
  }))
  const made: string[] = []
  for (const name of names) {
    const [row] = await session.ask(`show create table ${quoted(name)}`)
    made.push(String(row?.[1]).replace(COUNTER, '$1'))
  }
  return {
    tables,
    before: [`set sql_mode = '${SQL_MODE},NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0`, ...made],
    after: [`set sql_mode = '${SQL_MODE}', foreign_key_checks = 1`],
  }
}

export async function clear(session: ServerSession): Promise<void> {
  await session.ask('set foreign_key_checks = 0')
  for (const name of await tablesOf(session)) await session.ask(`drop table if exists ${quoted(name)}`)
  await session.ask('set foreign_key_checks = 1')
}

export async function countersOf(session: ServerSession): Promise<Counters> {
  const rows = await session.ask(COUNTERS)
  return Object.fromEntries(rows.map(([name, next]) => [String(name), String(next)]))
}

export async function setCounters(session: ServerSession, counters: Counters): Promise<void> {
  const found = await countersOf(session)
  for (const [name, next] of Object.entries(counters))
    if (found[name] !== undefined && found[name] !== next) await session.ask(`alter table ${quoted(name)} auto_increment = ${Number(next)}`)
}

/** In an order that no server chooses. */
async function tablesOf(session: ServerSession): Promise<readonly string[]> {
  const rows = await session.ask(TABLES)
  return rows
    .map(([name]) => String(name))
    .filter((name) => !name.startsWith(OWN_PREFIX))
    .toSorted()
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
