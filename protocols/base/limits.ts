import type { Incarnation, PeerId } from './identity.ts'

/** Above every real peer id, which is base58 text. */
export const PEER_ID_HIGHEST: PeerId = '~' as PeerId
/** Not below any real incarnation. */
export const INCARNATION_HIGHEST: Incarnation = 'ffffffffffffffffffffffffffffffff' as Incarnation
