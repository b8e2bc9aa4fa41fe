/** Logs, as a peer is given them. */
import type { TypeDefinition } from '../data-type.ts'
import { LOG_LIMITS } from './limits.ts'
import type { LogLimits } from './limits.ts'
import { Logs } from './logs.ts'
import { LOGS } from './placing.ts'

/** Of its messages. */
const CODE = 3
/** The protocol version from which on builds know logs. */
const SINCE = 3

/** @param minPeers that offer a store, for a log to be born by itself */
export function logsType(minPeers: number, limits: LogLimits = LOG_LIMITS): TypeDefinition {
  return { name: LOGS, code: CODE, since: SINCE, create: (context) => new Logs(context, minPeers, limits) }
}
