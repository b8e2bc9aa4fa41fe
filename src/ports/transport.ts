/**
 * How peers reach one another. Adapters: `src/network/` (libp2p), and the simulated one. Contract:
 * `test/contract/transport.ts`.
 */
import type { Identity, PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'

export interface TransportHandlers {
  /**
   * Both have proved themselves and greeted. Called once for each peer until `disconnected`,
   * however many connections there are.
   */
  connected(remote: Greeting): void
  disconnected(peerId: PeerId, reason: string): void
  /** `round`: the highest round its sender knew when the frame was written. */
  message(from: Identity, round: number, message: Message): void
  /** What to say of oneself in the greeting. Asked anew for each connection. */
  greeting(): Greeting
  /**
   * Votes in the config known here: a connection is kept to it however many peers there are. Asked
   * anew for each try.
   */
  isVoter?(peerId: PeerId): boolean
  /** Was removed from the network known here: not worth remembering once it cannot be reached. */
  isRemoved?(peerId: PeerId): boolean
  /** The highest round known here, written into each frame's header. */
  round(): number
}

export interface Transport {
  /**
   * Queues a message; all of one turn leave together, in order. Best effort: with no connection, or
   * when more than a bounded number of bytes is waiting, it is dropped without a word, as a network
   * may drop it. To oneself it is a mistake.
   */
  send(to: PeerId, message: Message): void
  /** Closes the connection to a peer; it may be dialled again later. */
  disconnect(peerId: PeerId, reason: string): void
  /**
   * A peer was heard of at these addresses (multiaddrs in text form). Dialled, and dialled again,
   * as the adapter sees fit; where there are more peers than connections, one that is `wanted`, as
   * those of the own cluster are, is dialled all the same.
   */
  meet(peerId: PeerId, addresses: readonly string[], wanted?: boolean): void
  /** The multiaddrs, with peer id, that others can reach this peer at. */
  addresses(): readonly string[]
}
