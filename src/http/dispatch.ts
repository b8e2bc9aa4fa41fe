/** From a request whose route is known to the handler of its method. */
import { authorize } from './authorize.ts'
import type { Exchange } from './exchange.ts'
import { methodNotAllowed } from './problems.ts'
import { parseNoQuery } from './query.ts'
import { allowed, methodOf, takesQuery } from './route.ts'
import type { Route } from './route.ts'
import { queryOf } from './target.ts'

/**
 * Has a request served by its row, or says which methods the row allows, or what the request lacks.
 */
export function dispatch(exchange: Exchange, route: Route): void {
  const { method } = exchange.request
  const row = methodOf(route, method)
  if (row === undefined) return exchange.send(methodNotAllowed(method, allowed(route)))
  if (!authorize(exchange, route, row.scope)) return
  const query = queryOf(exchange.request)
  const bad = query === '' || takesQuery(row) ? undefined : parseNoQuery(query)
  if (bad === undefined) row.handle(exchange)
  else exchange.refuse('bad-parameter', bad.detail, { parameter: bad.parameter })
}
