/**
 * Tells libp2p that what we listen on is ours. Without outside proof it keeps public addresses to
 * itself, and a peer with a public address of its own would tell nobody of it.
 */
import type { Startable } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** For good, as far as a process lives; ten years. */
const CONFIRMED_MS = 315_360_000_000

/** What is used of libp2p's component of that name. */
interface AddressManager {
  getAddressesWithMetadata(): { readonly multiaddr: Multiaddr; readonly type: string; readonly verified: boolean }[]
  confirmObservedAddr(address: Multiaddr, options: { readonly type: 'transport'; readonly ttl: number }): void
}

/** A libp2p service. */
export function announcer(): (components: { readonly addressManager: AddressManager }) => Startable {
  return ({ addressManager }) => ({
    start: () => {},
    afterStart: () => {
      for (const { multiaddr, type, verified } of addressManager.getAddressesWithMetadata()) {
        if (type === 'transport' && !verified) addressManager.confirmObservedAddr(multiaddr, { type: 'transport', ttl: CONFIRMED_MS })
      }
    },
    stop: () => {},
  })
}
