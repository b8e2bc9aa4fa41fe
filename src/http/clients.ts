/**
 * The clients of this peer, each with its address, for whoever asks who it was, and its share of
 * the bounds.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { clientAddress, peerAddress, sourceOf } from './client-address.ts'
import type { Proxies } from './client-address.ts'
import type { Load, Share } from './load.ts'

export interface Client {
  /** An IP address, IPv4 wherever it is one; `local` for one that came by a socket file. */
  readonly address: string
  readonly share: Share
}

export class Clients {
  readonly #load: Load
  readonly #proxies: Proxies
  readonly #bySocket = new WeakMap<Socket, Client>()

  constructor(load: Load, proxies: Proxies) {
    this.#load = load
    this.#proxies = proxies
  }

  /**
   * The other end of a connection. A proxy and a socket file stand for many clients, so nothing is
   * kept from them.
   */
  ofSocket(socket: Socket): Client {
    let client = this.#bySocket.get(socket)
    if (client === undefined) {
      const address = peerAddress(socket.remoteAddress)
      const isWhole = socket.remoteAddress === undefined || this.#proxies.has(address)
      client = { address, share: this.#load.shareOf(sourceOf(address), isWhole) }
      this.#bySocket.set(socket, client)
    }
    return client
  }

  /** The client of a request: the other end of its connection, or whom a proxy names. */
  ofRequest(request: Pick<IncomingMessage, 'socket' | 'headers'>): Client {
    const other = this.ofSocket(request.socket)
    if (!other.share.isWhole) return other
    const address = clientAddress(request, this.#proxies)
    return address === other.address ? other : { address, share: this.#load.shareOf(sourceOf(address), false) }
  }
}
