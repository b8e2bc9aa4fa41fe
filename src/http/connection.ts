/**
 * What is open on one client connection. Node tells of a lost connection only through the answer that is being written, so
 * pipelined requests behind it would never learn of it; and it hands over pipelined requests all at once, though a put must
 * be finished before what follows it begins (RFC 9112, 9.3.2).
 */
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'

const connections = new WeakMap<Socket, Connection>()

export class Connection {
  readonly #open: Exchange[] = []
  readonly #waiting: (() => void)[] = []

  /** The connection of a socket; the same one for each of its requests. */
  static of(socket: Socket): Connection {
    let connection = connections.get(socket)
    if (connection === undefined) {
      connection = new Connection()
      connections.set(socket, connection)
      const lost = connection
      socket.once('close', () => lost.#close())
    }
    return connection
  }

  /** The requests without a complete answer, in the order of their arrival. */
  get open(): readonly Exchange[] {
    return this.#open
  }

  /** Takes a request in and starts it, now or as soon as what it must come after is finished. */
  begin(exchange: Exchange, start: () => void): void {
    const alone = this.#open.length === 0
    const mayOverlap = alone || (this.#waiting.length === 0 && exchange.isSafe && this.#open.every((other) => other.isSafe))
    this.#open.push(exchange)
    if (mayOverlap) start()
    else this.#waiting.push(start)
  }

  /** Lets go of a request that is finished. Those that wait go one by one: they came in a burst, which is rare. */
  end(exchange: Exchange): void {
    const index = this.#open.indexOf(exchange)
    if (index >= 0) this.#open.splice(index, 1)
    if (this.#waiting.length > 0 && this.#open.length === this.#waiting.length) this.#waiting.shift()?.()
  }

  #close(): void {
    this.#waiting.length = 0
    for (const exchange of this.#open.splice(0)) exchange.close()
  }
}
