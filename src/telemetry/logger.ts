/** The log: a JSON object a line on standard error, or a readable form when that is a terminal. */
import { createRequire } from 'node:module'
import { isatty } from 'node:tty'
import { destination, pino, stdTimeFunctions } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import type { PrettyOptions } from 'pino-pretty'
import type { LogLevel } from '../settings/settings.ts'

const STANDARD_ERROR = 2
/**
 * Lines that nobody reads wait up to here; later ones are dropped, so that a stuck reader holds up
 * no peer and fills no memory.
 */
const WAITING_BYTES_MAX = 4_194_304

/**
 * Makes the log of this process. Its lines are written in the background; what still waits when the
 * process exits is written then.
 *
 * @param level what is said and all that is graver
 */
export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      // The peer says who it is at its start; process id and host name in each line would say
      // nothing to its reader.
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isatty(STANDARD_ERROR) ? readable() : destination({ fd: STANDARD_ERROR, sync: false, maxLength: WAITING_BYTES_MAX }),
  )
}

/** Loaded only for people, for it takes a while. */
function readable(): DestinationStream {
  const pretty = createRequire(import.meta.url)('pino-pretty') as (options: PrettyOptions) => DestinationStream
  return pretty({ destination: STANDARD_ERROR, sync: true, translateTime: 'SYS:HH:MM:ss.l' })
}
