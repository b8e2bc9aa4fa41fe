/** How the tables of a PostgreSQL are made again: from its catalogue, by what it can tell itself. */
import type { Counters, ServerCell, ServerSchema, ServerSession } from '../sql/server.ts'

const SEQUENCES = `
  select c.relname, format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, d.deptype, t.relname, a.attname
  from pg_sequence s join pg_class c on c.oid = s.seqrelid
  left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
  left join pg_class t on t.oid = d.refobjid
  left join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
  where c.relnamespace = 'public'::regnamespace order by c.relname collate "C"`
const TABLES = `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by relname collate "C"`
const COLUMNS = `
  select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
    (select quote_ident(l.collname) from pg_collation l join pg_type y on y.oid = a.atttypid where l.oid = a.attcollation and a.attcollation <> y.typcollation)
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by c.relname collate "C", a.attnum`
/** Foreign keys come last. */
const CONSTRAINTS = `
  select c.relname, k.conname, pg_get_constraintdef(k.oid)
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and k.contype in ('p', 'u', 'x', 'c', 'f')
  order by k.contype = 'f', c.relname collate "C", k.conname collate "C"`
const INDEXES = `
  select pg_get_indexdef(i.indexrelid)
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = 'public'::regnamespace and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
  order by c.relname collate "C"`
/** One that reads another was made after it. */
const VIEWS = `select relname, pg_get_viewdef(oid) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v' order by oid`
const COUNTERS = `select sequencename, last_value from pg_sequences where schemaname = 'public'`
const SET_COUNTER = `
  select setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(?::bigint, start_value), ?::bigint is not null)
  from pg_sequences where schemaname = 'public' and sequencename = ?`
const KINDS: Readonly<Record<string, string>> = { r: 'table', v: 'view', S: 'sequence' }
/** Views go before the tables that they read. */
const HELD = `
  select relkind, relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'S')
  order by case relkind when 'v' then 0 when 'r' then 1 else 2 end, oid desc`
/** A sequence that a column alone uses is a part of that column. */
const IDENTITY = 'i'

export async function schemaOf(session: ServerSession): Promise<ServerSchema> {
  const sequences = await session.ask(SEQUENCES)
  const columns = await session.ask(COLUMNS)
  const names = (await session.ask(TABLES)).map(([name]) => String(name))
  const constraints = await session.ask(CONSTRAINTS)
  const indexes = await session.ask(INDEXES)
  const views = await session.ask(VIEWS)
  const isAlone = (row: readonly ServerCell[]): boolean => row[7] !== IDENTITY
  const ofTable = (name: string): readonly (readonly ServerCell[])[] => columns.filter(([table]) => table === name)
  return {
    tables: names.map((name) => ({
      name,
      columns: ofTable(name)
        .filter((row) => row[6] === '')
        .map(([, column]) => String(column)),
    })),
    before: [
      ...sequences.filter(isAlone).map((row) => `create sequence ${quoted(row[0])} as ${String(row[1])} ${sequenceOf(row)}`),
      ...names.map(
        (name) =>
          `create table ${quoted(name)} (${ofTable(name)
            .map((row) => columnOf(row, sequences))
            .join(', ')})`,
      ),
      ...sequences
        .filter((row) => isAlone(row) && row[8] !== null)
        .map((row) => `alter sequence ${quoted(row[0])} owned by ${quoted(row[8])}.${quoted(row[9])}`),
    ],
    after: [
      ...constraints.map(([table, name, made]) => `alter table ${quoted(table)} add constraint ${quoted(name)} ${String(made)}`),
      ...indexes.map(([made]) => String(made)),
      ...views.map(([name, made]) => `create view ${quoted(name)} as ${String(made).trim().replace(/;$/, '')}`),
    ],
  }
}

export async function clear(session: ServerSession): Promise<void> {
  for (const [kind, name] of await session.ask(HELD)) await session.ask(`drop ${KINDS[String(kind)]} if exists ${quoted(name)} cascade`)
}

export async function countersOf(session: ServerSession): Promise<Counters> {
  const rows = await session.ask(COUNTERS)
  return Object.fromEntries(rows.map(([name, last]) => [String(name), last === null ? null : String(last)]))
}

export async function setCounters(session: ServerSession, counters: Counters): Promise<void> {
  const found = await countersOf(session)
  for (const [name, last] of Object.entries(counters))
    if (found[name] !== undefined && found[name] !== last) await session.ask(SET_COUNTER, [last, last, name])
}

function columnOf(row: readonly ServerCell[], sequences: readonly (readonly ServerCell[])[]): string {
  const [table, name, type, isNotNull, made, identity, generated, collation] = row
  const parts = [quoted(name), String(type)]
  if (collation !== null) parts.push(`collate ${String(collation)}`)
  if (generated === 's') parts.push(`generated always as (${String(made)}) stored`)
  else if (made !== null) parts.push(`default ${String(made)}`)
  if (identity !== '') {
    const sequence = sequences.find((each) => each[7] === IDENTITY && each[8] === table && each[9] === name) ?? []
    const when = identity === 'a' ? 'always' : 'by default'
    parts.push(`generated ${when} as identity (sequence name ${quoted(sequence[0] ?? '')} ${sequenceOf(sequence)})`)
  }
  if (isNotNull === 't') parts.push('not null')
  return parts.join(' ')
}

function sequenceOf([, , start, increment, least, most, cycles]: readonly ServerCell[]): string {
  const bounds = `minvalue ${String(least)} maxvalue ${String(most)}`
  return `start ${String(start)} increment ${String(increment)} ${bounds}${cycles === 't' ? ' cycle' : ''}`
}

export function quoted(name: ServerCell | undefined): string {
  return `"${String(name).replaceAll('"', '""')}"`
}
