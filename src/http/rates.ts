/**
 * `-rate`: how often a client may ask, by its address and by its token. Health and documentation
 * are not counted.
 */
import type { RateLimit } from '../security/rate.ts'
import { sourceOf } from './client-address.ts'
import type { Exchange } from './exchange.ts'
import { methodOf } from './route.ts'
import type { Route } from './route.ts'

/** Goes on with a request that is within the rate, and answers one that is not. */
export function withinRate(exchange: Exchange, limit: RateLimit, route: Route | undefined, goOn: () => void): void {
  const scope = route === undefined ? undefined : methodOf(route, exchange.request.method)?.scope
  if (scope === 'none' || exchange.grant?.proof === 'socket') return goOn()
  exchange.follow(limit.take(holdersOf(exchange)), 0, (seconds) => {
    if (seconds === undefined) return goOn()
    exchange.context.metrics.refusals.rate += 1
    exchange.refuse('too-many-requests', `A client may ask ${limit.perSecond} times a second here. Ask again in ${seconds} s.`)
  })
}

function holdersOf({ client, request, context }: Exchange): string[] {
  const grant = context.credentials.grantOf(request.headers.authorization)
  const address = `address ${sourceOf(client.address)}`
  return typeof grant === 'object' && grant.proof === 'token' ? [address, `token ${grant.name}`] : [address]
}
