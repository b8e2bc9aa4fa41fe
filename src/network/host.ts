/**
 * The libp2p that peers of this network are reached by: one of their own, or that of a program which
 * is something else besides. There what is not ours is left alone: connections carry streams of
 * others, strangers come for other reasons, and who is let in is for the program to say.
 */
import type { Connection, PeerId, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What is used of a libp2p, whoever made it. */
export interface Host {
  /** @returns the connection that is there, where there is one */
  dial(addresses: Multiaddr[], options: { readonly signal: AbortSignal }): Promise<Connection>
  getConnections(peerId?: PeerId): Connection[]
  /** Where it can be reached, with its peer id. */
  getMultiaddrs(): Multiaddr[]
  handle(protocol: string, handler: StreamHandler, options: StreamHandlerOptions): Promise<void>
}

/** A libp2p that is started and stopped by somebody else. */
export interface ForeignHost extends Host {
  unhandle(protocol: string): Promise<void>
  /** Tells of peers that speak a protocol, however they were met. @returns what `unregister` takes */
  register(protocol: string, topology: Topology): Promise<string>
  unregister(id: string): void
}
