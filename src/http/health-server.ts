/**
 * `-health`: `/healthz`, `/readyz` and `/metrics` on a port of their own. Nothing that clients do
 * at the other port is counted here, so whoever watches the peer sees it at its worst; and nobody
 * needs a token for it.
 */
import { Registry } from 'prom-client'
import type { HttpInit } from './app.ts'
import { healthRoutes } from './routes/health.ts'
import { createHttpServer } from './server.ts'
import type { HttpServer } from './server.ts'

/** For the few that watch a peer; the one that is idle the longest makes room for another. */
const CONNECTIONS_MAX = 64

/** @param init of the peer's HTTP, whose metrics are shown; its own requests are in none */
export function createHealthServer(init: Pick<HttpInit, 'replicator' | 'logger' | 'registry' | 'clock' | 'site'>): HttpServer {
  const { replicator, logger, registry, clock, site } = init
  return createHttpServer(
    {
      replicator,
      logger,
      clock,
      site,
      registry: new Registry(),
      valueBytesMax: 0,
      version: '',
      load: { bounds: { connections: CONNECTIONS_MAX }, clientPart: 1 },
    },
    healthRoutes(registry).routes,
  )
}
