/** The name of a log, as it stands in a path. */
import { isLogName } from '../../../protocols/log/birth.ts'
import type { Exchange } from '../exchange.ts'
import { percentDecode } from '../percent.ts'
import { pathOf } from '../target.ts'

export const LOGS_PREFIX = '/logs/'

/**
 * The log that the path of a request names. @returns undefined for one that can be none; the
 * request is then answered
 */
export function logOfPath(exchange: Exchange): string | undefined {
  const [segment = ''] = pathOf(exchange.request).slice(LOGS_PREFIX.length).split('/')
  const { text } = percentDecode(segment, false)
  if (text !== undefined && isLogName(text)) return text
  exchange.refuse('bad-name', 'The name of a log is 1 to 64 of letters, digits, ".", "_" and "-", and not "." or "..".')
  return undefined
}
