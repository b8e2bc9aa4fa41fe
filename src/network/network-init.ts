/** What a network is made of, and what it tells of itself. */
import type { PrivateKey } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { Libp2pInit } from 'libp2p'
import type { Logger } from 'pino'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Secrets } from '../ports/secrets.ts'
import type { ForeignHost } from './host.ts'
import type { RememberedPeer } from './known-peers.ts'
import type { Libp2pPeer } from './libp2p-peer.ts'
import type { ListenPorts } from './listening.ts'

export interface NetworkInit {
  /** As libp2p's protobuf bytes, or ready to use. */
  readonly privateKey: Uint8Array | PrivateKey
  readonly codec: Codec
  readonly logger: Logger
  /** Multiaddrs named by the person who starts the peer; empty: all interfaces, a free port. */
  readonly listen: readonly string[]
  /** The ports chosen freely the last time; see `listening.ts`. */
  readonly listenPorts?: ListenPorts | undefined
  /** Multiaddrs told to others instead of those listened on; empty: those. */
  readonly announce: readonly string[]
  /** Prefix of the libp2p protocol ids. */
  readonly protocolId?: string | undefined
  /** What all members share. With none among them anybody who can dial may join. */
  readonly secrets: Secrets
  /** Who may join; undefined: whoever has a secret. */
  readonly admitted?: ReadonlySet<PeerId> | undefined
  /**
   * Somebody else's libp2p to join: then nothing is listened on, and that key is its own. Undefined:
   * one is made.
   */
  readonly host?: ForeignHost | undefined
  /**
   * How peers are found that nobody named: `src/discovery/`. Started and stopped with the network;
   * somebody else's libp2p finds them in its own ways.
   */
  readonly discovery?: PeerDiscovery | undefined
  /** How peers on the local network are found, when that is wanted. */
  readonly localDiscovery?: LocalDiscovery | undefined
  /** Multiaddrs of `-peer` and `-bootstrap`, with or without a peer id. */
  readonly peers: readonly string[]
  /** What `knownPeers()` said in an earlier run. */
  readonly known?: readonly RememberedPeer[]
  readonly events?: Partial<NetworkEvents>
}

/**
 * Makes, from whom to tell of somebody found at these multiaddrs, one of the `peerDiscovery` of
 * libp2p.
 */
export type LocalDiscovery = (
  found: (peerId: string, addresses: readonly string[]) => void,
) => NonNullable<Libp2pInit['peerDiscovery']>[number]

/** What the network asks of `src/discovery/`. */
export interface PeerDiscovery {
  /** For `services.dht` of libp2p; whom it answers and asks is for the network to say. */
  service(door: { readonly isTrusted: (peerId: string) => boolean }): (components: KadDHTComponents) => KadDHT
  start(
    host: Libp2pPeer,
    calls: {
      readonly found: (peerId: string, addresses: readonly string[], isOfOwnCluster: boolean) => void
      readonly isConnected: (peerId: string) => boolean
    },
  ): void
  stop(): void
}

export interface NetworkEvents {
  /**
   * A peer has proved itself and greeted. `address`: where it is connected from, or was dialled.
   * `provedBy`: as in `/status`.
   */
  admitted(remote: Greeting, address: string, provedBy: string): void
  /**
   * The two are set up differently, or one broke the protocol. `provedBy`: undefined where it has
   * proved nothing.
   */
  refused(peerId: PeerId, reason: string, address: string, provedBy: string | undefined): void
  /** A connection was closed that nobody proved anything on. */
  turnedAway(address: string, reason: string): void
  /** `knownPeers()` has changed: worth writing to disk. */
  knownChanged(): void
}

/** Only ever rising. */
export interface NetworkCounters {
  messagesSent: number
  messagesReceived: number
  /** Let go because there was no connection, or too much was waiting. */
  messagesDropped: number
  /** Connections cut because the other end broke the protocol. */
  breaches: number
  refusals: number
  /** Addresses dialled because others spoke of them. */
  hearsayDials: number
  /** Connections turned away before anybody proved anything on them, by reason. */
  readonly turnedAway: ReadonlyMap<string, number>
  /** Answers of repair among the messages sent, and the bytes of their stream. */
  repairAnswersSent: number
  repairBytesSent: number
  /**
   * Values sent to peers of each cluster, repair's apart: to another cluster, one for each put at
   * most while nothing is lost.
   */
  readonly valuesSent: Map<ClusterId, number>
  /** Of whole frames, on all streams. */
  bytesSent: number
  bytesReceived: number
}

/** Everything at 0. @param turnedAway counted by whoever keeps the doors */
export function newCounters(turnedAway: NetworkCounters['turnedAway']): NetworkCounters {
  return {
    messagesSent: 0,
    messagesReceived: 0,
    messagesDropped: 0,
    repairAnswersSent: 0,
    repairBytesSent: 0,
    breaches: 0,
    refusals: 0,
    turnedAway,
    hearsayDials: 0,
    valuesSent: new Map(),
    bytesSent: 0,
    bytesReceived: 0,
  }
}
