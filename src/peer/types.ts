/** The one list of the further types of data that a peer has beside write-once keys. */
import type { TypeDefinition } from '../../protocols/data-type.ts'
import type { Settings } from '../config/settings.ts'

/** As the settings want them, in the order in which a peer hands things to them. */
export function furtherTypes(_settings: Settings): readonly TypeDefinition[] {
  return []
}
