/** The one list of the further types of data that a peer has beside write-once keys. */
import type { TypeDefinition } from '../../protocols/data-type.ts'

export const TYPES: readonly TypeDefinition[] = []
