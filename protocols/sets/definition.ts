/** Sets, as a peer is given them. */
import type { TypeContext, TypeDefinition } from '../data-type.ts'
import { SETS_SETTINGS } from './context.ts'
import type { SetsSettings } from './context.ts'
import type { DecideOnce } from './deciding.ts'
import { SETS_CODE } from './messages.ts'
import { SETS } from './requests.ts'
import { Sets } from './sets.ts'

/** The protocol version that knows sets. */
const SINCE = 2

/**
 * @param settings what is not as usual
 * @param decide what has a write-once name decided; without it nothing is ever forgotten
 */
export function setsType(settings: Partial<SetsSettings> = {}, decide?: (context: TypeContext) => DecideOnce): TypeDefinition {
  const never: DecideOnce = (_name, _bytes, _deadlineMs, settled) => settled(undefined)
  return {
    name: SETS,
    code: SETS_CODE,
    since: SINCE,
    create: (context) => new Sets(context, { ...SETS_SETTINGS, ...settings }, decide?.(context) ?? never),
  }
}
