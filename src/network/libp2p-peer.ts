/**
 * The libp2p under us, set up for a private network of servers. The only file that knows which
 * encryption and which multiplexer are used. Why each setting is as it is stands beside it.
 */
import type { Identify } from '@libp2p/identify'
import type { ConnectionGater, PeerId as Libp2pPeerId, PrivateKey, Startable } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import type { Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2p, Libp2pInit } from 'libp2p'
import { announcer } from './announcer.ts'
import { frugalNoise } from './encryption.ts'
import { guardedIdentify } from './identifying.ts'
import { steadyYamux } from './muxer.ts'
import { boundPeerStore } from './peer-store.ts'
import { ADDRESS_LONGEST_MS } from './retrying.ts'

/**
 * libp2p's own bounds on connections are lifted: they count members and strangers alike, so that
 * strangers could shut members out, or have their connections pruned. `doors.ts` bounds those of
 * strangers.
 */
const UNBOUNDED = Number.MAX_SAFE_INTEGER
/**
 * What encryption and multiplexer of an inbound connection may take; `doors.ts` cuts it sooner, and
 * says why.
 */
const INBOUND_UPGRADE_TIMEOUT_MS = 15_000
/**
 * A connection that is silent for this long is dropped; the multiplexer says something every 30 s.
 */
const SOCKET_INACTIVITY_MS = 300_000

export type PeerServices = { identify: Identify; ping: Ping; dht: KadDHT; announcer: Startable }
export type Libp2pPeer = Libp2p<PeerServices>

export interface Libp2pPeerInit {
  readonly privateKey: PrivateKey
  /** Multiaddrs in text form. */
  readonly listen: readonly string[]
  /** Told to others instead of what is listened on; empty: what is listened on. */
  readonly announce: readonly string[]
  readonly dht: (components: KadDHTComponents) => KadDHT
  /** How else than by the DHT peers are found. */
  readonly peerDiscovery?: Libp2pInit['peerDiscovery'] | undefined
  /** False: it is not dialled, whichever part of libp2p asks for it. */
  readonly isDialled: (peerId: string) => boolean
  /**
   * False: it is not told where this peer listens and what it speaks; all are when it is not given.
   */
  readonly isTold?: (peerId: string) => boolean
  /** Which connections are let in; all when it is not given. */
  readonly gater?: ConnectionGater | undefined
}

/** Makes the libp2p peer; it neither listens nor dials before its `start`. */
export async function createLibp2pPeer(init: Libp2pPeerInit): Promise<Libp2pPeer> {
  const libp2p = await createLibp2p<PeerServices>({
    start: false,
    privateKey: init.privateKey,
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    transports: [tcp({ inboundSocketInactivityTimeout: SOCKET_INACTIVITY_MS, outboundSocketInactivityTimeout: SOCKET_INACTIVITY_MS })],
    connectionEncrypters: [frugalNoise()],
    streamMuxers: [steadyYamux()],
    connectionManager: {
      maxConnections: UNBOUNDED,
      inboundConnectionThreshold: UNBOUNDED,
      maxIncomingPendingConnections: UNBOUNDED,
      inboundUpgradeTimeout: INBOUND_UPGRADE_TIMEOUT_MS,
      // The connector ends a try sooner, but for the most patient one.
      addressDialTimeout: ADDRESS_LONGEST_MS,
      // In the order that is given: what worked before comes first, and each has its turn.
      addressSorter: () => 0,
      // The connector redials; libp2p would give up after a few tries and untag the peer.
      reconnectRetries: 0,
    },
    connectionGater: { ...init.gater, denyDialPeer: (peerId: Libp2pPeerId) => !init.isDialled(peerId.toString()) },
    // One missed ping would cut a connection whose other end is merely busy; the protocol has
    // heartbeats of its own.
    connectionMonitor: { enabled: false },
    // By default addresses are forgotten after an hour, and with them the DHT's knowledge of a live
    // peer.
    peerStore: { maxAddressAge: Number.POSITIVE_INFINITY, maxPeerAge: Number.POSITIVE_INFINITY },
    peerDiscovery: init.peerDiscovery ?? [],
    services: { identify: guardedIdentify(init.isTold ?? (() => true)), ping: ping(), dht: init.dht, announcer: announcer() },
  })
  boundPeerStore(libp2p.peerStore, { self: libp2p.peerId, isConnected: (peerId) => libp2p.getConnections(peerId).length > 0 })
  return libp2p
}
