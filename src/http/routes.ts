/** Everything but the keys themselves, on Express: small answers about this peer, and its documentation. */
import express from 'express'
import type { Express, NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express'
import type { ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { json, text } from './answers.ts'
import type { Answer } from './answers.ts'
import { beginAnew, changeConfig } from './config-changes.ts'
import type { Exchange } from './exchange.ts'
import { listKeys } from './listing.ts'
import { openApiDocument } from './openapi.ts'
import { methodNotAllowed, problem } from './problems.ts'
import { parseListQuery } from './query.ts'
import { SWAGGER_ASSETS, swaggerPage } from './swagger.ts'
import type { SwaggerAsset } from './swagger.ts'

const READ_METHODS = 'GET, HEAD'
const WRITE_METHOD = 'POST'
const SWAGGER_ASSET_ROUTE = '/swagger/{asset}'

export interface RoutesInit {
  readonly registry: Registry
  readonly version: string
  readonly valueBytesMax: number
}

/** What a path answers to GET, and to HEAD without the body. */
type Read = (exchange: Exchange) => Answer | Promise<Answer>

/** What a path does on POST; it answers by itself. */
type Write = (exchange: Exchange) => void

/** Serves what `/store/` does not, and knows the patterns of its paths for the metrics. */
export interface Routes {
  serve(exchange: Exchange): void
  /** The pattern that a target belongs to; `other` when nothing lives there. */
  route(target: string): string
}

export function createRoutes(init: RoutesInit): Routes {
  const reads = readsByPath(init)
  const exchanges = new WeakMap<ServerResponse, Exchange>()
  const app = createExpress()
  for (const [path, read] of reads) {
    app.get(path, async (_request: ExpressRequest, response: ExpressResponse) => {
      const exchange = exchanges.get(response) as Exchange
      exchange.send(await read(exchange))
    })
    app.all(path, ({ method }: ExpressRequest, response: ExpressResponse) =>
      exchanges.get(response)?.send(methodNotAllowed(method, READ_METHODS)),
    )
  }
  for (const [path, write] of WRITES) {
    app.all(path, ({ method }: ExpressRequest, response: ExpressResponse) => {
      const exchange = exchanges.get(response) as Exchange
      if (method === WRITE_METHOD) write(exchange)
      else exchange.send(methodNotAllowed(method, WRITE_METHOD))
    })
  }
  app.use((_request: ExpressRequest, response: ExpressResponse) => {
    exchanges.get(response)?.refuse('not-found', 'Nothing lives at this path. Keys live below /store/; /openapi.json lists everything.')
  })
  app.use((error: unknown, _request: ExpressRequest, response: ExpressResponse, _next: NextFunction) =>
    exchanges.get(response)?.fail(error),
  )
  return {
    serve(exchange) {
      exchanges.set(exchange.response, exchange)
      app(exchange.request, exchange.response)
    },
    route(target) {
      const path = pathOf(target)
      if (!reads.has(path) && !WRITES.has(path)) return 'other'
      return path.startsWith('/swagger/') ? SWAGGER_ASSET_ROUTE : path
    },
  }
}

const WRITES: ReadonlyMap<string, Write> = new Map([
  ['/config/changes', (exchange) => changeConfig(exchange, queryOf(exchange))],
  ['/config/new-epoch', beginAnew],
])

function createExpress(): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.enable('case sensitive routing')
  app.enable('strict routing')
  return app
}

function readsByPath(init: RoutesInit): ReadonlyMap<string, Read> {
  const document = JSON.stringify(openApiDocument(init.version, init.valueBytesMax))
  const reads = new Map<string, Read>([
    ['/store', list],
    ['/peers', ({ context }) => json(200, context.replicator.peers())],
    ['/clusters', ({ context }) => json(200, context.replicator.clusters())],
    ['/config', ({ context }) => json(200, context.replicator.config())],
    ['/status', ({ context }) => json(200, context.replicator.status())],
    ['/healthz', health],
    ['/readyz', readiness],
    ['/metrics', async () => text(200, init.registry.contentType, await init.registry.metrics())],
    ['/openapi.json', () => text(200, 'application/json', document)],
    ['/swagger', () => swaggerPage()],
  ])
  for (const asset of SWAGGER_ASSETS) reads.set(`/swagger/${asset.name}`, () => serveAsset(asset))
  return reads
}

async function serveAsset(asset: SwaggerAsset): Promise<Answer> {
  const body = await asset.read()
  return {
    status: 200,
    headers: ['Content-Type', asset.contentType, 'Content-Length', String(body.length), 'Cache-Control', 'no-store'],
    body,
  }
}

async function list(exchange: Exchange): Promise<Answer> {
  const query = parseListQuery(queryOf(exchange))
  if ('parameter' in query) return problem('bad-parameter', query.detail, { parameter: query.parameter })
  return listKeys(exchange.context.replicator, query, exchange.signal)
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

function queryOf({ request }: Exchange): string {
  const target = request.url ?? ''
  const cut = target.indexOf('?')
  return cut < 0 ? '' : target.slice(cut + 1)
}

function pathOf(target: string): string {
  const cut = target.indexOf('?')
  return cut < 0 ? target : target.slice(0, cut)
}
