/**
 * Peers of one local network find one another by multicast DNS, without being told an address. It
 * finds addresses and nothing else: whoever is found is dialled, and only a greeting makes a peer
 * of it. Off unless asked for, because it speaks to everybody on the link.
 */
import { createHash } from 'node:crypto'
import type { PeerDiscovery, PeerInfo } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import type { MulticastDNSComponents, MulticastDNSInit } from '@libp2p/mdns'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'

/** Between questions to the link. */
const ASK_MS = 10_000
/** Hexadecimal digits of the hash in the name of the service; a label of DNS has room for 63. */
const TAG_DIGITS = 16

/** Tells of somebody found at these multiaddrs. */
export type Found = (peerId: string, addresses: readonly string[]) => void

/** Makes, from whom to tell, one of the `peerDiscovery` of libp2p. */
export type LocalDiscovery = (found: Found) => (components: MulticastDNSComponents) => PeerDiscovery

/**
 * The name that is asked for: those that speak differently, or have another rendezvous, do not
 * meet.
 */
export function serviceTag(protocolId: string, rendezvous: string): string {
  const hash = createHash('sha256').update(`${protocolId}\n${rendezvous}`).digest('hex')
  return `_replicator-${hash.slice(0, TAG_DIGITS)}._udp.local`
}

/** @param create stands for `mdns` of libp2p */
export function localDiscovery(
  protocolId: string,
  rendezvous: string,
  create: (init: MulticastDNSInit) => (components: MulticastDNSComponents) => PeerDiscovery = mdns,
): LocalDiscovery {
  const make = create({ interval: ASK_MS, serviceTag: serviceTag(protocolId, rendezvous) })
  return (found) => (components) => {
    const service = make(components)
    service.addEventListener('peer', ({ detail }: CustomEvent<PeerInfo>) => {
      found(detail.id.toString(), detail.multiaddrs.slice(0, ADDRESSES_MAX).map(String))
    })
    return service
  }
}
