/** What PostgreSQL refuses with: what is the same at every replica, and what may pass. */
import { StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import { SqlRejected } from '../sql/command.ts'
import { codeFrom } from '../sql/result.ts'

interface Fault {
  /** A SQLSTATE, or a word of the way there. */
  readonly code?: string
  /** Only the server says it. */
  readonly severity?: string
  readonly message: string
}

/** By the first two signs of the SQLSTATE. */
const CLASSES: Readonly<Record<string, SqlRejected['class']>> = {
  '0A': 'syntax',
  '21': 'type',
  '22': 'type',
  '23': 'constraint',
  '2B': 'constraint',
  '3F': 'syntax',
  '42': 'syntax',
  '44': 'constraint',
}
/** In those classes, and yet of one server: rights. */
const OF_ONE_SERVER = new Set(['42501'])
const CODES: Readonly<Record<string, string>> = {
  '08P01': 'connection-lost',
  '25006': 'read-only',
  '28000': 'password-wrong',
  '28P01': 'password-wrong',
  '3D000': 'no-database',
  '40P01': 'deadlock',
  '42501': 'no-permission',
  '53100': 'disk-full',
  '53200': 'out-of-memory',
  '53300': 'too-many-connections',
  '55P03': 'locked',
  '57014': 'takes-too-long',
  '57P01': 'ended',
  '57P02': 'ended',
  '57P03': 'loading',
  ECONNREFUSED: 'no-connection',
  ENOTFOUND: 'no-connection',
}
const READ_ONLY = '25006'
const NO_SAVEPOINT = new Set(['3B001', '25P01'])
const NO_TABLE = new Set(['42P01', '3F000'])

export function rejectionOf(error: unknown): SqlRejected | undefined {
  const state = stateOf(error)
  const named = OF_ONE_SERVER.has(state) ? undefined : CLASSES[state.slice(0, 2)]
  return named && new SqlRejected(named, codeFrom(`${state} ${(error as Fault).message}`))
}

export function isWrite(error: unknown): boolean {
  return stateOf(error) === READ_ONLY
}

export function isNoSavepoint(error: unknown): boolean {
  return NO_SAVEPOINT.has(stateOf(error))
}

export function isNoTable(error: unknown): boolean {
  return NO_TABLE.has(stateOf(error))
}

/** What the driver throws is not known to be deterministic. */
export function unavailable(error: unknown): unknown {
  const { code = '', message } = error as Fault
  if (error instanceof StoreUnavailable || error instanceof StoreRefused || code.startsWith('ERR_')) return error
  const state = stateOf(error)
  if (state !== '') return new StoreUnavailable(CODES[state] ?? `postgres-${state}`, { cause: error })
  if (code !== '') return new StoreUnavailable(CODES[code] ?? 'connection-lost', { cause: error })
  // The driver has no code for what it finds of the way itself.
  return /connection|timeout/i.test(message) ? new StoreUnavailable('connection-lost', { cause: error }) : error
}

function stateOf(error: unknown): string {
  const { severity, code = '' } = error as Fault
  return severity === undefined ? '' : code
}
