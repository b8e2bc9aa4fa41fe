/**
 * What stands before every route. Whoever is refused here learns nothing of what lies behind it.
 */
import type { TLSSocket } from 'node:tls'
import { corsHeaders, foreignPage, isPreflight, misdirection, preflightHeaders } from '../security/site.ts'
import type { Exchange } from './exchange.ts'
import { faultOfHead } from './head.ts'
import { allowed } from './route.ts'
import type { Route } from './route.ts'

/**
 * Lets a request in, or answers it.
 *
 * @param route that its path belongs to; undefined when nothing lives there
 * @returns false when it is answered
 */
export function enterDoors(exchange: Exchange, route: Route | undefined): boolean {
  const { context, request } = exchange
  const { method, headers, socket } = request
  exchange.extraHeaders = corsHeaders(context.site, headers)
  const fault = faultOfHead(request)
  if (fault !== undefined) {
    exchange.refuse(fault.problem, fault.detail, { header: fault.header })
    return false
  }
  if (headers.host === undefined && request.httpVersion === '1.1') return refused(exchange, 'bad-request', 'The Host header is missing.')
  // Over TLS the certificate has told the client whom it speaks to.
  const misdirected = (socket as TLSSocket).encrypted ? undefined : misdirection(context.site, headers.host)
  if (misdirected !== undefined) {
    context.metrics.refusals.misdirected += 1
    return refused(exchange, 'misdirected', misdirected)
  }
  const foreign = foreignPage(context.site, method, headers)
  if (foreign !== undefined) {
    context.metrics.refusals['foreign-page'] += 1
    return refused(exchange, 'forbidden', foreign)
  }
  if (route !== undefined && isPreflight(context.site, method, headers)) {
    exchange.send({ status: 204, headers: preflightHeaders(allowed(route)), body: undefined })
    return false
  }
  return true
}

function refused(exchange: Exchange, name: 'bad-request' | 'misdirected' | 'forbidden', detail: string): false {
  exchange.refuse(name, detail)
  return false
}
