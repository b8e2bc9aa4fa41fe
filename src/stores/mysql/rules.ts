/** What MariaDB and MySQL let commands do, and how their sessions are set up for it. */
import type { SqlPolicy } from '../sql/policy.ts'
import type { SqlDialect, SqlToken } from '../sql/tokens.ts'

const DIALECT: SqlDialect = {
  nameQuotes: { '`': '`' },
  stringQuotes: `'"`,
  backslashes: 'always',
  lineComment: /--(?=\s|$)[^\n]*|#[^\n]*/y,
  nestsComments: false,
  hasDollarQuotes: false,
  // Their comments are run.
  disguises: /\/\*M?!/iy,
}

/** Of a server, a session or a file, and what waits: refused in queries too. */
const OUTSIDE = [
  '@',
  '/*!',
  '/*m!',
  'outfile',
  'dumpfile',
  'sleep',
  'benchmark',
  'load_file',
  'get_lock',
  'release_lock',
  'release_all_locks',
  'is_free_lock',
  'is_used_lock',
  'master_pos_wait',
  'master_gtid_wait',
]
/** What differs between servers, sessions or tries. */
const REFUSED = [
  'uuid',
  'uuid_short',
  'uuid_v4',
  'uuid_v7',
  'sys_guid',
  'random_bytes',
  'sysdate',
  'current_user',
  'session_user',
  'system_user',
  'user',
  'current_role',
  'connection_id',
  'database',
  'schema',
  'version',
  'last_insert_id',
  'found_rows',
  'row_count',
  'last_value',
  'lastval',
  'row_start',
  'aes_encrypt',
  'encrypt',
]
const WORDS = ['recursive', 'information_schema', 'performance_schema', 'delayed']
/** What is no table of rows that can be copied, or is two things at once. */
const IN_DEFINITIONS = [
  'select',
  'temporary',
  'partition',
  'tablespace',
  'versioning',
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
]
/** Behind these a name with a dot in it is a table of another database; behind some, in definitions alone. */
const BEFORE_TABLES = new Set(['from', 'join', 'into', 'table', 'truncate'])
const BEFORE_TABLES_DEFINED = new Set(['references', 'on', 'exists', 'like', 'to', 'as'])
export const OWN_PREFIX = '_replicator_'

const CHANGES = ['select', 'values', 'with', 'insert', 'replace', 'update', 'delete'].map((verb) => [verb, undefined] as const)

export const MYSQL_COMMANDS: SqlPolicy = {
  dialect: DIALECT,
  verbs: new Map<string, readonly string[] | undefined>([
    ...CHANGES,
    ['create', ['table', 'index']],
    ['drop', ['table', 'index']],
    ['alter', ['table']],
    ['truncate', undefined],
  ]),
  words: new Set([...OUTSIDE, ...WORDS]),
  inDefinitions: new Set(IN_DEFINITIONS),
  functions: new Set(REFUSED),
  ownPrefixes: [OWN_PREFIX],
  refuses: refused,
}

export const MYSQL_QUERIES: SqlPolicy = {
  dialect: DIALECT,
  verbs: new Map<string, readonly string[] | undefined>([
    ...['select', 'values', 'with', 'desc', 'describe', 'explain'].map((verb) => [verb, undefined] as const),
    ['show', ['tables', 'full', 'columns', 'fields', 'index', 'indexes', 'keys', 'create', 'table']],
  ]),
  words: new Set(OUTSIDE),
  functions: new Set(),
  ownPrefixes: [OWN_PREFIX],
}

/** A statement that defines something is of one table, in the one engine that has transactions. */
function refused(statement: readonly SqlToken[]): string | undefined {
  const verb = statement[0]?.text ?? ''
  const isDefinition = verb === 'create' || verb === 'alter' || verb === 'drop'
  for (const [place, { text, kind }] of statement.entries()) {
    const next = statement[place + 1]
    const isBefore = BEFORE_TABLES.has(text) || (isDefinition && BEFORE_TABLES_DEFINED.has(text)) || (place === 0 && text === 'update')
    if (kind === 'word' && isBefore && next?.kind !== 'sign' && statement[place + 2]?.text === '.') return 'another database'
    const value = next?.text === '=' ? statement[place + 2] : next
    if (isDefinition && kind === 'word' && text === 'engine' && value?.text.toLowerCase() !== 'innodb') return `engine ${value?.text ?? ''}`
    if (verb === 'drop' && text === ',') return 'drop of several'
  }
  return undefined
}

export const SQL_MODE = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'
/** For a lock that somebody else has, in seconds. */
const LOCKED_SECONDS = 2

/** Of each session; one that cannot be had is refused. */
export const PINNED: Readonly<Record<string, string | number>> = {
  sql_mode: SQL_MODE,
  time_zone: '+00:00',
  autocommit: 1,
  auto_increment_increment: 1,
  auto_increment_offset: 1,
  foreign_key_checks: 1,
  unique_checks: 1,
  innodb_lock_wait_timeout: LOCKED_SECONDS,
  lock_wait_timeout: LOCKED_SECONDS,
  group_concat_max_len: 1_048_576,
  div_precision_increment: 4,
  default_week_format: 0,
  default_storage_engine: 'InnoDB',
  lc_time_names: 'en_US',
  sql_auto_is_null: 0,
  sql_safe_updates: 0,
  sql_big_selects: 1,
  completion_type: 'NO_CHAIN',
  max_sort_length: 1_024,
  collation_connection: 'utf8mb4_bin',
}

/** Of the server. */
export const REQUIRED: Readonly<Record<string, { readonly value: number; readonly why: string }>> = {
  innodb_flush_log_at_trx_commit: { value: 1, why: 'a crash of the machine would lose what was acknowledged' },
  lower_case_table_names: { value: 0, why: 'names of tables would be others than at other replicas' },
}
