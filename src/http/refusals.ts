/**
 * What is told of requests in the audit: of those that may do much, and of credentials that did not
 * count. What the doors refuse is counted by kind.
 */
import type { Audit, AuditedRequest } from '../security/audit.ts'
import type { Grant } from '../security/grant.ts'
import { sourceOf } from './client-address.ts'
import type { Exchange } from './exchange.ts'
import type { RefusalKind } from './refusal-metrics.ts'
import type { Scope } from './route.ts'
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

/** What operators do is told, and where it is wished each write; undefined for what is not told. */
export function grantedEvent(audit: Audit, scope: Scope): 'operator-request' | 'write' | undefined {
  if (scope === 'operate') return 'operator-request'
  return scope === 'write' && audit.tellsWrites ? 'write' : undefined
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
