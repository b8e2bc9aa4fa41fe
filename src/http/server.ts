/** The app with its listeners, and an orderly end. */
import type { Server } from 'node:http'
import { setTimeout as setTimeoutAsync } from 'node:timers/promises'
import { createHttpApp } from './app.ts'
import type { HttpApp, HttpInit } from './app.ts'
import { OPERATOR } from '../security/grant.ts'
import type { TlsMaterial } from '../security/tls-files.ts'
import { createListener, listen } from './listener.ts'
import type { Route } from './route.ts'
import type { Bound, ListenAddress } from './listener.ts'
import { renew } from './secured.ts'
import { Sockets } from './sockets.ts'

/** Between looks at whether the requests that were begun are over. */
const DRAIN_LOOK_MS = 20
/** Between looks for connections that have become idle since the end began. */
const SWEEP_MS = 50

export interface HttpServer {
  /** The app, which also works without a socket. */
  readonly app: HttpApp
  /**
   * Starts to accept connections at one more address. Who comes by a socket file is the operator:
   * see that nobody else can open it.
   *
   * @param tls undefined for HTTP without TLS
   * @param routes what is served there: what is served at the others unless given. It counts with
   * theirs in any case
   * @throws the system's error when the address cannot be had; its `code` tells (`EADDRINUSE`)
   */
  listen(address: ListenAddress, tls?: TlsMaterial, routes?: readonly Route[]): Promise<Bound>
  /**
   * Has those with TLS show another certificate from now on; connections that are open go on.
   * @throws what TLS finds wrong with it
   */
  renew(tls: TlsMaterial): void
  /**
   * Waits for the requests that were begun, then closes everything. Begins no further ones: those
   * are told that the peer is not ready, as `/readyz` is, and every answer from now on ends its
   * connection.
   *
   * @param graceMs the longest to wait; what is not finished by then is cut off
   */
  close(graceMs: number): Promise<void>
}

/** @param routes what it serves: all there is unless given */
export function createHttpServer(init: HttpInit, routes?: readonly Route[]): HttpServer {
  const app = createHttpApp(init, routes)
  const { context } = app
  const sockets = new Sockets(context.load, context.clients, { cuts: context.metrics.cuts, full: init.connectionsFull })
  const servers: Server[] = []
  return {
    app,
    listen: async (address, tls, other) => {
      const served = other === undefined ? app : createHttpApp(init, other, context)
      const server = createListener(served, sockets, { tls, grant: 'path' in address ? OPERATOR : undefined })
      const bound = await listen(server, address)
      servers.push(server)
      return bound
    },
    renew: (tls) => {
      for (const server of servers) renew(server, tls)
    },
    close: async (graceMs) => {
      context.closing = true
      for (const end of context.endless) end()
      if (servers.length === 0) return
      const begunAtMs = performance.now()
      // Whoever asks meanwhile is told that this peer goes, which says more than a refused
      // connection.
      while (context.load.requests > 0 && performance.now() - begunAtMs < graceMs) await setTimeoutAsync(DRAIN_LOOK_MS)
      const leftMs = Math.max(0, graceMs - (performance.now() - begunAtMs))
      await Promise.all(servers.splice(0).map((server) => close(server, sockets, leftMs)))
    },
  }
}

async function close(server: Server, sockets: Sockets, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  const closeIdle = (): void => {
    sockets.closeSilent()
    server.closeIdleConnections()
  }
  closeIdle()
  // An answer whose head was sent before the end began did not say that its connection ends, and
  // leaves it idle.
  const sweep = setInterval(closeIdle, SWEEP_MS)
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await promise
  clearInterval(sweep)
  clearTimeout(cut)
}
