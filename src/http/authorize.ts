/**
 * Whether a request may do what its route does. A refusal says what the request lacks, and nothing
 * of what is there.
 */
import { opens } from '../security/grant.ts'
import type { Grant } from '../security/grant.ts'
import type { CredentialFault } from '../security/credentials.ts'
import type { Exchange } from './exchange.ts'
import { percentDecode } from './percent.ts'
import { problem } from './problems.ts'
import { auditedRequest, grantedEvent, tellCredentialRefused } from './refusals.ts'
import type { Route, Scope } from './route.ts'
import { pathOf } from './target.ts'

const HOW = 'Send one as Authorization: Bearer TOKEN.'
export const FAULTS: Readonly<Record<CredentialFault, string>> = {
  missing: `This needs a token. ${HOW}`,
  malformed: `The Authorization is none that is known here. ${HOW}`,
  unknown: 'The token is not one of this peer.',
  expired: 'The time of the token is over.',
}
const OPERATE_HOW =
  ': show a token that has it, or run the command on the machine of the peer, as the user who runs the peer or with the -data of the peer.'
/** What a token that was shown and does not count is answered (RFC 6750, 3.1). */
const CHALLENGE = 'Bearer realm="replicator"'
const CHALLENGE_INVALID = `${CHALLENGE}, error="invalid_token"`

/** What a grant lacks. */
export interface Lack {
  readonly kind: 'scope' | 'prefix'
  readonly detail: string
}

/**
 * Lets a request go on with its grant, or answers it.
 *
 * @param scope that its route asks for on its method
 * @returns false when it is answered
 */
export function authorize(exchange: Exchange, route: Route, scope: Scope): boolean {
  if (scope === 'none') return true
  const { credentials } = exchange.context
  const grant = exchange.grant ?? credentials.grantOf(exchange.request.headers.authorization)
  if (typeof grant === 'string') return challenged(exchange, grant)
  const lack = lackOf(grant, scope, route.isList === true ? undefined : () => route.standsFor ?? decodedPath(exchange))
  if (lack === undefined) {
    exchange.grant = grant
    tellAudit(exchange, scope)
    if (grant.proof === 'token' || credentials.isAsked) exchange.context.lapses.watch(exchange)
    return true
  }
  // A token could do what a request without one may not.
  if (grant.proof === 'none' && credentials.isAsked) return challenged(exchange, 'missing')
  tellCredentialRefused(exchange, lack.kind, grant)
  exchange.refuse('forbidden', lack.detail)
  return false
}

function tellAudit(exchange: Exchange, scope: Scope): void {
  const { audit } = exchange.context
  const event = grantedEvent(audit, scope)
  if (event !== undefined) exchange.whenClosed(() => audit.record({ event, ...auditedRequest(exchange) }))
}

/** Answers a request that shows nothing, or nothing that counts. */
export function challenged(exchange: Exchange, fault: CredentialFault): false {
  tellCredentialRefused(exchange, `token-${fault}`, undefined)
  const answer = problem('unauthorized', FAULTS[fault])
  answer.headers.push('WWW-Authenticate', fault === 'missing' || fault === 'malformed' ? CHALLENGE : CHALLENGE_INVALID)
  exchange.send(answer)
  return false
}

function decodedPath({ request }: Exchange): string | undefined {
  return percentDecode(pathOf(request), false).text
}

/**
 * @param asked what it asks for, decoded, undefined when it cannot be; left out for what shows no
 * more than the grant opens
 */
export function lackOf(grant: Grant, scope: Exclude<Scope, 'none'>, asked?: () => string | undefined): Lack | undefined {
  if (!grant.scopes.has(scope))
    return {
      kind: 'scope',
      detail: `This needs the scope "${scope}", which ${grant.name} does not have${scope === 'operate' ? OPERATE_HOW : '.'}`,
    }
  if (asked === undefined || grant.prefixes === undefined || opens(grant, asked())) return undefined
  return { kind: 'prefix', detail: `This path is below none of the prefixes that ${grant.name} is kept to.` }
}
