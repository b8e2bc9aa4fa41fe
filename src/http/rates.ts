/**
 * `-rate`: how often a client may ask, by its address and by its token. Health and documentation
 * are not counted.
 */
import type { RateLimit } from '../security/rate.ts'
import { sourceOf } from './client-address.ts'
import type { HttpContext } from './context.ts'
import type { Exchange } from './exchange.ts'
import { methodOf } from './route.ts'
import type { Route } from './route.ts'

/** Goes on with a request that is within the rate, and answers one that is not. */
export function withinRate(exchange: Exchange, limit: RateLimit, route: Route | undefined, goOn: () => void): void {
  const scope = route === undefined ? undefined : methodOf(route, exchange.request.method)?.scope
  if (scope === 'none' || exchange.grant?.proof === 'socket') return goOn()
  const { context, client, request } = exchange
  exchange.follow(overRate(context, limit, client.address, request.headers.authorization), 0, (detail) =>
    detail === undefined ? goOn() : exchange.refuse('too-many-requests', detail),
  )
}

/**
 * Counts one request, over whatever protocol.
 *
 * @returns what is told of one that is too many; undefined for one within the rate
 */
export async function overRate(
  { credentials, metrics }: HttpContext,
  limit: RateLimit,
  address: string,
  authorization: string | undefined,
): Promise<string | undefined> {
  const grant = credentials.grantOf(authorization)
  const token = typeof grant === 'object' && grant.proof === 'token' ? [`token ${grant.name}`] : []
  const seconds = await limit.take([`address ${sourceOf(address)}`, ...token])
  if (seconds === undefined) return undefined
  metrics.refusals.rate += 1
  return `A client may ask ${limit.perSecond} times a second here. Ask again in ${seconds} s.`
}
