/**
 * What is told of a request that the doors refuse: counted by kind, and where a credential did not
 * count, in the audit.
 */
import type { AuditedRequest } from '../security/audit.ts'
import type { Grant } from '../security/grant.ts'
import { sourceOf } from './client-address.ts'
import type { Exchange } from './exchange.ts'
import type { RefusalKind } from './refusal-metrics.ts'
import { pathOf } from './target.ts'

/** A path may have 32 kB, and an audit line need not. */
const PATH_CHARACTERS_MAX = 1_200

/**
 * Tells of a credential that did not count, once its answer is written. @param shown the grant of a
 * token that is known, where one was shown
 */
export function tellCredentialRefused(exchange: Exchange, kind: RefusalKind, shown: Grant | undefined): void {
  const { context, client } = exchange
  context.metrics.refusals[kind] += 1
  exchange.whenClosed(() =>
    context.audit.recordRefusal(sourceOf(client.address), { event: 'credential-refused', kind, ...auditedRequest(exchange, shown) }),
  )
}

/** A request for the audit. */
export function auditedRequest({ request, response, client, grant: given }: Exchange, grant: Grant | undefined = given): AuditedRequest {
  return {
    name: grant?.name ?? null,
    proof: grant?.proof ?? 'none',
    address: client.address,
    method: request.method ?? '',
    path: pathOf(request).slice(0, PATH_CHARACTERS_MAX),
    status: response.headersSent ? response.statusCode : 0,
  }
}
