/** What MariaDB and MySQL refuse with: what is the same at every replica, and what may pass. */
import { StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import { SqlRejected } from '../sql/command.ts'
import { codeFrom } from '../sql/result.ts'

interface Fault {
  readonly errno?: number
  readonly code?: string
  readonly sqlState?: string
  readonly sqlMessage?: string
}

/** By the first two signs of the SQLSTATE. */
const CLASSES: Readonly<Record<string, SqlRejected['class']>> = { 21: 'type', 22: 'type', 23: 'constraint', 42: 'syntax' }
/** In those classes, and yet of one server: rights, and bounds that an administrator set. */
const OF_ONE_SERVER = new Set([1044, 1045, 1142, 1143, 1203, 1226, 1227, 1370, 1410, 1461])
/** In no class that says so, and yet the same everywhere. */
const EVERYWHERE: ReadonlyMap<number, SqlRejected['class']> = new Map([
  [1093, 'syntax'],
  [1215, 'constraint'],
  [1265, 'type'],
  [1292, 'type'],
  [1295, 'syntax'],
  [1364, 'constraint'],
  [1366, 'type'],
  [1411, 'type'],
  [1553, 'constraint'],
  [1901, 'syntax'],
  [1906, 'constraint'],
  [4025, 'constraint'],
])
/** A table that cannot be made: the number that the engine gives for a foreign key, and for a name that is taken. */
const CANNOT_CREATE = 1005
const CANNOT_CREATE_EVERYWHERE = /errno: (?:150|121)\b/
const CODES: Readonly<Record<string, string>> = {
  1021: 'disk-full',
  1040: 'too-many-connections',
  1044: 'no-permission',
  1045: 'password-wrong',
  1049: 'no-database',
  1114: 'disk-full',
  1142: 'no-permission',
  1205: 'locked',
  1213: 'deadlock',
  1227: 'no-permission',
  1290: 'read-only',
  1317: 'ended',
  1836: 'read-only',
  1927: 'ended',
  1969: 'takes-too-long',
  3024: 'takes-too-long',
  ECONNREFUSED: 'no-connection',
  ENOTFOUND: 'no-connection',
  ETIMEDOUT: 'no-answer',
}
const READ_ONLY = 1792
const NO_SAVEPOINT = 1305
const NO_TABLE = new Set([1146, 1049])

export function rejectionOf(error: unknown): SqlRejected | undefined {
  const { errno = 0, sqlState = '', sqlMessage = '' } = error as Fault
  const byState = OF_ONE_SERVER.has(errno) ? undefined : CLASSES[sqlState.slice(0, 2)]
  const made = errno === CANNOT_CREATE && CANNOT_CREATE_EVERYWHERE.test(sqlMessage) ? 'constraint' : undefined
  const named = byState ?? EVERYWHERE.get(errno) ?? made
  return named && new SqlRejected(named, codeFrom(`${errno} ${sqlMessage}`))
}

export function isWrite(error: unknown): boolean {
  return (error as Fault).errno === READ_ONLY
}

export function isNoSavepoint(error: unknown): boolean {
  return (error as Fault).errno === NO_SAVEPOINT
}

export function isNoTable(error: unknown): boolean {
  return NO_TABLE.has((error as Fault).errno ?? 0)
}

/** What the driver throws is not known to be deterministic. */
export function unavailable(error: unknown): unknown {
  const { errno, code = '' } = error as Fault
  if (error instanceof StoreUnavailable || error instanceof StoreRefused || code.startsWith('ERR_')) return error
  if (errno === undefined && code === '') return error
  const known = CODES[String(errno)] ?? CODES[code]
  const told = (error as Fault).sqlState === undefined ? 'connection-lost' : `mysql-${errno}`
  return new StoreUnavailable(known ?? told, { cause: error })
}
