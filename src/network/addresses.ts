/** Multiaddrs in text form, with and without the peer id at their end. */
import type { PeerId } from '../../protocols/base/identity.ts'

/**
 * Without peer ids; those that lead nowhere but to the machine itself, where another peer may have
 * the same port, last.
 */
export function cleaned(addresses: readonly string[]): string[] {
  const clean = addresses.map(withoutPeerId).filter((address) => address !== '')
  return clean.sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
}

/** True for a multiaddr that leads to the machine itself. */
export function isLoopback(address: string): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/')
}

/** The multiaddr without its last `/p2p/…`. */
export function withoutPeerId(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '')
}

/** The peer id that the multiaddr ends with. */
export function peerIdOfAddress(address: string): PeerId | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1] as PeerId | undefined
}
