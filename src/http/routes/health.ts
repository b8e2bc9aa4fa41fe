/** `/healthz`, `/readyz` and `/metrics`: what whoever watches a peer asks. */
import type { Registry } from 'prom-client'
import { json, text } from '../answers.ts'
import type { Answer } from '../answers.ts'
import type { Exchange } from '../exchange.ts'
import { contentOf, jsonOf } from '../openapi-parts.ts'
import { problem } from '../problems.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { object } from '../schemas.ts'

/** @param registry what `/metrics` prints */
export function healthRoutes(registry: Registry): RouteGroup {
  return {
    routes: [
      {
        path: '/healthz',
        methods: reading({
          scope: 'none',
          handle: answering(health),
          operationId: 'readHealth',
          summary: 'Whether the process can serve',
          responses: { 200: jsonOf('It can', 'Health') },
          refusals: ['unavailable'],
        }),
      },
      {
        path: '/readyz',
        methods: reading({
          scope: 'none',
          handle: answering(readiness),
          operationId: 'readReadiness',
          summary: 'Whether this peer takes puts',
          responses: { 200: jsonOf('It is ready', 'Readiness') },
          refusals: ['not-ready'],
        }),
      },
      {
        path: '/metrics',
        methods: reading({
          scope: 'read',
          handle: answering(async () => text(200, registry.contentType, await registry.metrics())),
          operationId: 'readMetrics',
          summary: 'Metrics for Prometheus',
          responses: { 200: contentOf('The metrics', 'text/plain') },
        }),
      },
    ],
    schemas: { Health: object({ healthy: { const: true } }), Readiness: object({ ready: { const: true } }) },
  }
}

function health({ context }: Exchange): Answer {
  return context.replicator.healthy()
    ? json(200, { healthy: true })
    : problem('unavailable', 'This process can no longer serve; its log says why.')
}

function readiness({ context }: Exchange): Answer {
  if (context.closing) return problem('not-ready', 'This peer is shutting down.')
  const now = context.replicator.readiness()
  return now.ready ? json(200, { ready: true }) : problem('not-ready', now.detail)
}
