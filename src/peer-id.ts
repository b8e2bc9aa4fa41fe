/** Peer ids as people write them. */
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '../protocols/base/identity.ts'

/** No peer id is longer; to read longer text takes time that grows with its square. */
const CHARACTERS_MAX = 128

/** True for a peer id in its usual text form; one in another form would pass for somebody else. */
export function isPeerId(text: string): text is PeerId {
  if (text.length > CHARACTERS_MAX) return false
  try {
    return peerIdFromString(text).toString() === text
  } catch {
    return false
  }
}
