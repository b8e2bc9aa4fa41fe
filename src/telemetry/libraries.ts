/**
 * What libraries print on the console goes to the log: standard error holds a JSON object a line,
 * and nothing between.
 */
import { format } from 'node:util'
import type { Logger } from 'pino'

/** From now on, in this process. */
export function logWhatLibrariesPrint(logger: Logger): void {
  Object.assign(globalThis.console, {
    error: (...said: unknown[]) => logger.error({ said: format(...said) }, 'a library reports an error'),
    warn: (...said: unknown[]) => logger.warn({ said: format(...said) }, 'a library warns'),
  })
}
