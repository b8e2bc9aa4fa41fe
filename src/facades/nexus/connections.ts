/**
 * Where the clients of Nexus come in: an address, with TLS or without, or a socket file. Connections
 * are let in and counted here, as those of HTTP are, and then handed to the package that speaks
 * gRPC.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { ListenAddress } from '../../http/listener.ts'
import { pairHandshakes, renew, tlsOptions } from '../../http/secured.ts'
import type { Sockets, Watched } from '../../http/sockets.ts'
import type { TlsMaterial } from '../../security/tls-files.ts'

/** A connection that has not said a word for so long from its start is closed. */
const SILENT_MS = 10_000

/** A connection with its calls. */
export class CallConnection implements Watched {
  readonly socket: Socket
  onBusy: (() => void) | undefined
  onIdle: (() => void) | undefined
  #calls = 0

  constructor(socket: Socket) {
    this.socket = socket
  }

  begin(): void {
    this.#calls += 1
    if (this.#calls === 1) this.onBusy?.()
  }

  end(): void {
    this.#calls -= 1
    if (this.#calls === 0) this.onIdle?.()
  }
}

export interface Entrance {
  readonly sockets: Sockets
  readonly tls: TlsMaterial | undefined
  /** Takes a connection on which HTTP/2 begins. */
  readonly take: (socket: Socket) => void
}

export class Connections {
  readonly #server: Server
  readonly #open = new Set<Socket>()
  /** By the address of their other end; by the empty text where that has none. */
  readonly #byEnd = new Map<string, CallConnection>()

  constructor({ sockets, tls, take }: Entrance) {
    const admitted = (raw: Socket): boolean => {
      if (!sockets.admit(raw)) return false
      this.#open.add(raw)
      raw.once('close', () => this.#open.delete(raw))
      raw.on('error', () => raw.destroy())
      closeIfSilent(raw)
      return true
    }
    const begin = (socket: Socket, raw: Socket): void => {
      const end = endOf(socket)
      const connection = new CallConnection(socket)
      this.#byEnd.set(end, connection)
      raw.once('close', () => {
        if (this.#byEnd.get(end) === connection) this.#byEnd.delete(end)
      })
      sockets.watch(connection, raw)
      take(socket)
    }
    if (tls === undefined) {
      this.#server = createServer({ noDelay: true })
      this.#server.on('connection', (raw: Socket) => void (admitted(raw) ? begin(raw, raw) : raw.destroy()))
    } else {
      this.#server = createTlsServer({ ...tlsOptions(tls), ALPNProtocols: ['h2'], noDelay: true })
      pairHandshakes(this.#server, admitted, begin)
    }
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy())
  }

  /** @throws the system's error when the address cannot be had */
  async listen(address: ListenAddress): Promise<number> {
    this.#server.listen(address)
    await once(this.#server, 'listening')
    const bound = this.#server.address() as AddressInfo | string
    return typeof bound === 'string' ? 0 : bound.port
  }

  /** @param end the other end of its connection, as `ADDRESS:PORT` */
  of(end: string): CallConnection | undefined {
    return this.#byEnd.get(end) ?? this.#byEnd.get('')
  }

  /** Has another certificate shown from now on; connections that are open go on. */
  renew(tls: TlsMaterial): void {
    renew(this.#server, tls)
  }

  /** Lets nobody in any more, and resolves when those who are in have gone. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy()
    await promise
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }
}

/** A socket file has no other end that is told apart: whoever comes by it is one. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`
}

function closeIfSilent(socket: Socket): void {
  const timer = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy()
  }, SILENT_MS)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}
