/**
 * Has the audit hear which peers are let in, and which are refused or turned away, and where they
 * came from.
 */
import { withoutPeerId } from '../network/addresses.ts'
import type { NetworkEvents } from '../network/network-init.ts'
import { sourceOf } from '../network/sources.ts'
import type { Audit } from '../security/audit.ts'

/**
 * Refusals are bounded by where they come from: a stranger has as many peer ids and ports as it
 * likes.
 */
export function peerAudit(audit: Audit): Pick<NetworkEvents, 'admitted' | 'refused' | 'turnedAway'> {
  const refused = (peerId: string | null, address: string, reason: string, provedBy: string | null): void =>
    audit.recordRefusal(sourceOf(address) ?? address, { event: 'peer-refused', peerId, address: withoutPeerId(address), reason, provedBy })
  return {
    admitted: ({ identity, clusterId }, address, provedBy) =>
      audit.record({ event: 'peer-admitted', peerId: identity.peerId, clusterId, address: withoutPeerId(address), provedBy }),
    refused: (peerId, reason, address, provedBy) => refused(peerId, address, reason, provedBy ?? null),
    turnedAway: (address, reason) => refused(null, address, reason, null),
  }
}
