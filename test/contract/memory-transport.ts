/**
 * The port Transport within one process: messages pass by reference, a turn later. For tests of
 * what sits on a transport.
 */
import { assert } from '../../protocols/base/assert.ts'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { Transport, TransportHandlers } from '../../src/ports/transport.ts'

/** All peers that can reach one another. */
export class MemoryHub {
  readonly #peers = new Map<PeerId, MemoryTransport>()

  join(peerId: PeerId, handlers: TransportHandlers): MemoryTransport {
    const transport = new MemoryTransport(this.#peers, peerId, handlers)
    this.#peers.set(peerId, transport)
    return transport
  }
}

class MemoryTransport implements Transport {
  readonly #peers: ReadonlyMap<PeerId, MemoryTransport>
  readonly #peerId: PeerId
  readonly #handlers: TransportHandlers
  readonly #connected = new Set<PeerId>()

  constructor(peers: ReadonlyMap<PeerId, MemoryTransport>, peerId: PeerId, handlers: TransportHandlers) {
    this.#peers = peers
    this.#peerId = peerId
    this.#handlers = handlers
  }

  send(to: PeerId, message: Message): void {
    assert(to !== this.#peerId, `a message to oneself: ${message.kind}`)
    if (!this.#connected.has(to)) return
    const round = this.#handlers.round()
    const from = this.#handlers.greeting().identity
    setImmediate(() => {
      const receiver = this.#peers.get(to)
      if (receiver !== undefined && receiver.#connected.has(this.#peerId)) receiver.#handlers.message(from, round, message)
    })
  }

  disconnect(peerId: PeerId, reason: string): void {
    this.#part(peerId, reason)
    const other = this.#peers.get(peerId)
    if (other !== undefined) other.#part(this.#peerId, 'closed by the other side')
  }

  meet(peerId: PeerId, _addresses: readonly string[]): void {
    const other = this.#peers.get(peerId)
    if (peerId === this.#peerId || other === undefined) return
    setImmediate(() => {
      if (this.#connected.has(peerId)) return
      this.#connected.add(peerId)
      other.#connected.add(this.#peerId)
      this.#handlers.connected(other.#greeting())
      other.#handlers.connected(this.#greeting())
    })
  }

  addresses(): readonly string[] {
    return [`/memory/${this.#peerId}/p2p/${this.#peerId}`]
  }

  #greeting(): Greeting {
    return { ...this.#handlers.greeting() }
  }

  #part(peerId: PeerId, reason: string): void {
    if (this.#connected.delete(peerId)) this.#handlers.disconnected(peerId, reason)
  }
}
