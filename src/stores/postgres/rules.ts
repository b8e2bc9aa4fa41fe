/** What PostgreSQL lets commands do, and how its sessions are set up for it. */
import type { Use } from '../sql/server.ts'
import type { SqlPolicy } from '../sql/policy.ts'
import { tokensOf } from '../sql/tokens.ts'
import type { SqlDialect, SqlToken } from '../sql/tokens.ts'

const DIALECT: SqlDialect = {
  nameQuotes: { '"': '"' },
  stringQuotes: "'",
  backslashes: 'after-e',
  lineComment: /--[^\n\r]*/y,
  nestsComments: true,
  hasDollarQuotes: true,
  // A name that is written by the numbers of its letters.
  disguises: /u&(?=["'])/iy,
}

/** Functions that read a clock, chance, the session or the server, and those that run a text. */
const FUNCTIONS = [
  'age',
  'currval',
  'lastval',
  'current_database',
  'current_query',
  'current_schema',
  'current_schemas',
  'current_setting',
  'set_config',
  'database_to_xml',
  'schema_to_xml',
  'table_to_xml',
  'query_to_xml',
  'cursor_to_xml',
  'query_to_xmlschema',
  'query_to_xml_and_xmlschema',
  'ts_stat',
  'ts_rewrite',
  'gen_random_uuid',
  'gen_random_bytes',
  'uuidv4',
  'uuidv7',
  'random',
  'random_normal',
  'setseed',
  'timeofday',
  'version',
  'txid_current',
  'txid_current_if_assigned',
  'txid_current_snapshot',
  'inet_client_addr',
  'inet_client_port',
  'inet_server_addr',
  'inet_server_port',
]
/** Functions that reach files, and what outlives a transaction: refused in queries too. */
const OUTSIDE = [
  'set_config',
  'dblink',
  'dblink_exec',
  'lo_close',
  'lo_creat',
  'lo_create',
  'lo_export',
  'lo_from_bytea',
  'lo_get',
  'lo_import',
  'lo_open',
  'lo_put',
  'lo_unlink',
  'loread',
  'lowrite',
]
const WORDS = [
  'u&',
  'recursive',
  'tablesample',
  'current_user',
  'session_user',
  'user',
  'current_role',
  'current_catalog',
  'current_schema',
  'current_time',
  'localtime',
  'ctid',
  'xmin',
  'xmax',
  'cmin',
  'cmax',
  'tableoid',
  'information_schema',
  'regclass',
  'regproc',
  'regprocedure',
  'regtype',
  'regrole',
  'regnamespace',
  'regoper',
  'regoperator',
  'regconfig',
]
const IN_DEFINITIONS = [
  'temp',
  'temporary',
  'unlogged',
  'tablespace',
  'partition',
  'inherits',
  'inherit',
  'schema',
  'owner',
  'trigger',
  'enable',
  'disable',
  // What is looked at as a transaction ends would undo all of its batch; a cache of numbers is of one session.
  'deferrable',
  'deferred',
  'cache',
  'concurrently',
]
/** A text that is nothing but one of these words, with a time of day perhaps, may be read as a date. */
const DATE_WORD = /^(?=[^]*\b(?:now|today|tomorrow|yesterday)\b)(?:[\d:.+\-/\s]|\b(?:now|today|tomorrow|yesterday|utc|z|am|pm)\b)*$/i
const OWN_PREFIXES = ['_replicator', 'pg_']
/** Grammar, and no functions: nothing shadows them. */
const CLOCKS: Readonly<Record<string, string>> = {
  current_timestamp: '(now())',
  localtimestamp: '(now()::timestamp)',
  current_date: '(now()::date)',
}
const QUERIES = ['select', 'values', 'with', 'table'].map((verb) => [verb, undefined] as const)

export const POSTGRES_COMMANDS: SqlPolicy = {
  dialect: DIALECT,
  verbs: new Map<string, readonly string[] | undefined>([
    ...QUERIES,
    ...['insert', 'update', 'delete'].map((verb) => [verb, undefined] as const),
    ['create', ['table', 'index', 'view', 'sequence']],
    ['drop', ['table', 'index', 'view', 'sequence']],
    ['alter', ['table', 'sequence']],
    ['truncate', undefined],
  ]),
  words: new Set(WORDS),
  inDefinitions: new Set(IN_DEFINITIONS),
  functions: new Set([...FUNCTIONS, ...OUTSIDE]),
  ownPrefixes: OWN_PREFIXES,
  refuses: refused,
  refusesText: isDateWord,
}

export const POSTGRES_QUERIES: SqlPolicy = {
  dialect: DIALECT,
  verbs: new Map<string, readonly string[] | undefined>([...QUERIES, ['explain', undefined]]),
  words: new Set(['u&']),
  functions: new Set(OUTSIDE),
  ownPrefixes: OWN_PREFIXES,
}

/** The clock of the log in the place of the server's, where grammar reads it. */
export function clocksReplaced(sql: string): string {
  let replaced = ''
  let at = 0
  for (const { kind, text, start, end } of tokensOf(sql, DIALECT) ?? []) {
    const clock = kind === 'word' ? CLOCKS[text] : undefined
    if (clock === undefined) continue
    replaced += sql.slice(at, start) + clock
    at = end
  }
  return replaced + sql.slice(at)
}

function isDateWord(text: string): boolean {
  return DATE_WORD.test(text)
}

function refused(statement: readonly SqlToken[]): string | undefined {
  const verb = statement[0]?.text
  for (const [place, { kind, text }] of statement.entries()) {
    const next = statement[place + 1]
    if (kind === 'string' && isDateWord(text)) return `'${text}'`
    if (kind === 'word' && CLOCKS[text] !== undefined && next?.text === '(') return `${text}(…)`
    if (kind === 'word' && text === 'into' && verb === 'select') return 'select into'
  }
  return undefined
}

/** For a lock that somebody else has, and for a query, in milliseconds. */
const LOCKED_MS = 2_000
const QUERY_MS_MAX = 10_000

/** Of each session; one that cannot be had is refused. */
export function pinned(use: Use): Readonly<Record<string, string>> {
  return {
    // Tables are made in the first; functions of ours are found before those of the server.
    search_path: use === 'applies' ? 'public, _replicator, pg_catalog' : 'public, pg_catalog, _replicator',
    TimeZone: 'UTC',
    DateStyle: 'ISO, MDY',
    IntervalStyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: '1',
    lc_monetary: 'C',
    lc_numeric: 'C',
    lc_time: 'C',
    standard_conforming_strings: 'on',
    backslash_quote: 'safe_encoding',
    transform_null_equals: 'off',
    array_nulls: 'on',
    xmlbinary: 'base64',
    default_text_search_config: 'pg_catalog.simple',
    synchronous_commit: 'on',
    synchronize_seqscans: 'off',
    max_parallel_workers_per_gather: '0',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: 'off',
    client_min_messages: 'warning',
    idle_in_transaction_session_timeout: '0',
    lock_timeout: String(LOCKED_MS),
    statement_timeout: use === 'reads' ? String(QUERY_MS_MAX) : '0',
  }
}
