/** The name of a set, as it stands in a path. */
import { isSetName } from '../../set-name.ts'
import type { Exchange } from '../exchange.ts'
import { percentDecode } from '../percent.ts'
import { pathOf } from '../target.ts'

export const SETS_PREFIX = '/sets/'

/**
 * The set that the path of a request names. @returns undefined for one that can be none; the
 * request is then answered
 */
export function setOfPath(exchange: Exchange): string | undefined {
  const [segment = ''] = pathOf(exchange.request).slice(SETS_PREFIX.length).split('/')
  const { text } = percentDecode(segment, false)
  if (text !== undefined && isSetName(text)) return text
  exchange.refuse('bad-name', 'The name of a set is 1 to 64 of letters, digits, ".", "_" and "-", and not "." or "..".')
  return undefined
}
