/** Sets, as a peer is given them. */
import type { TypeDefinition } from '../data-type.ts'
import { SETS_SETTINGS } from './context.ts'
import type { SetsSettings } from './context.ts'
import { SETS_CODE } from './messages.ts'
import { SETS } from './requests.ts'
import { Sets } from './sets.ts'

/** The protocol version that knows sets. */
const SINCE = 2

/** @param settings what is not as usual */
export function setsType(settings: Partial<SetsSettings> = {}): TypeDefinition {
  return { name: SETS, code: SETS_CODE, since: SINCE, create: (context) => new Sets(context, { ...SETS_SETTINGS, ...settings }) }
}
