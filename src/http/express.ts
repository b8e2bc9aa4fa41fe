/** Everything but the keys themselves, on Express: its table is made from the rows. */
import express from 'express'
import type { Express, NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express'
import type { ServerResponse } from 'node:http'
import { elsewhere } from './answers.ts'
import { dispatch } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import type { Route } from './route.ts'
import { expressPaths } from './routes.ts'

/** What the bare address can be answered with; the first where a client takes any. */
const PROBLEM_OR_PAGE = ['application/json', 'application/problem+json', 'text/html']

/**
 * @returns what serves a request by the row that its path belongs to, or says that nothing lives
 * there
 */
export function createExpressTable(routes: readonly Route[]): (exchange: Exchange) => void {
  const exchanges = new WeakMap<ServerResponse, Exchange>()
  const app = createExpress()
  for (const route of routes) {
    for (const path of expressPaths(route)) {
      app.all(path, (_request: ExpressRequest, response: ExpressResponse) => dispatch(exchanges.get(response) as Exchange, route))
    }
  }
  app.use((request: ExpressRequest, response: ExpressResponse) => {
    const exchange = exchanges.get(response)
    if (isBrowserAtStart(request)) exchange?.send(elsewhere('/console'))
    else exchange?.refuse('not-found', 'Nothing lives at this path. Keys live below /store/; /openapi.json lists everything.')
  })
  app.use((error: unknown, _request: ExpressRequest, response: ExpressResponse, _next: NextFunction) => {
    const exchange = exchanges.get(response)
    // Express decodes what stands for a name in braces, whether or not somebody asks for it.
    if (error instanceof URIError)
      exchange?.refuse('bad-request', 'A percent sign in the path is followed by no two digits that make text.')
    else exchange?.fail(error)
  })
  return (exchange) => {
    exchanges.set(exchange.response, exchange)
    app(exchange.request, exchange.response)
  }
}

/**
 * Somebody typed the address of the peer alone. Whatever else asks for that path is told that
 * nothing lives there.
 */
function isBrowserAtStart(request: ExpressRequest): boolean {
  const { method, url } = request
  return (method === 'GET' || method === 'HEAD') && url === '/' && request.accepts(PROBLEM_OR_PAGE) === 'text/html'
}

function createExpress(): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)
  app.enable('case sensitive routing')
  app.enable('strict routing')
  return app
}
