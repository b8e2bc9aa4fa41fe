/** From a request whose route is known to the handler of its method. */
import { authorize } from './authorize.ts'
import type { Exchange } from './exchange.ts'
import { methodNotAllowed } from './problems.ts'
import { allowed, methodOf } from './route.ts'
import type { Route } from './route.ts'

/** Has a request served by its row, or says which methods the row allows, or what the request lacks. */
export function dispatch(exchange: Exchange, route: Route): void {
  const { method } = exchange.request
  const row = methodOf(route, method)
  if (row === undefined) return exchange.send(methodNotAllowed(method, allowed(route)))
  if (authorize(exchange, route, row.scope)) row.handle(exchange)
}
