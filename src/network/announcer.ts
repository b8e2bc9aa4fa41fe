/**
 * Tells libp2p that what we listen on is ours. Without outside proof it keeps public addresses to itself, and a peer
 * with a public address of its own would tell nobody of it.
 */
import type { Startable } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'

/** For good, as far as a process lives; ten years. */
const CONFIRMED_MS = 315_360_000_000

/** A libp2p service. */
export function announcer(): (components: { readonly addressManager: AddressManager }) => Startable {
  return ({ addressManager }) => ({
    start: () => {},
    afterStart: () => {
      for (const { multiaddr, type, verified } of addressManager.getAddressesWithMetadata()) {
        if (type === 'transport' && !verified) addressManager.confirmObservedAddr(multiaddr, { type, ttl: CONFIRMED_MS })
      }
    },
    stop: () => {},
  })
}
