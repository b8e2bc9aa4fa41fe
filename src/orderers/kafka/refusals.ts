/**
 * Why brokers did not let a client in, as one line for whoever set it up. A driver wraps what happened
 * in errors that say that something failed.
 */
import type { BrokerAccess } from '../../settings/brokers.ts'

/** The brokers let nobody in with what there is, or there is not what it takes: nothing was sent. */
export class AccessRefused extends Error {
  static override readonly name = 'AccessRefused'
  override readonly name = 'AccessRefused'
}

/** Codes of the protocol: UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED. */
const NO_SUCH_MECHANISM = 33
const NOT_AUTHENTICATED = 58
/** Of OpenSSL and Node: what is wrong with the certificate of a server. */
const NOT_TRUSTED = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_|ERR_TLS_CERT_)/
const CERTIFICATE_ASKED = /^ERR_SSL_.*ALERT_(?:.*CERTIFICATE.*|HANDSHAKE_FAILURE|UNKNOWN_CA)$/
/** Of the driver, which has no codes for these. */
const TLS_ASKED = /requires TLS/
const NO_TLS = /verify the broker supports TLS/
const CLOSED = /^Connection closed/

interface Failure extends Error {
  readonly code?: unknown
  readonly apiCode?: unknown
  readonly errors?: readonly unknown[]
}

/** @returns what to throw: `error` itself where it says nothing of access */
export function refusalIn(error: unknown, access: BrokerAccess): unknown {
  for (const failure of failuresIn(error)) {
    const why = whyIn(failure, access)
    if (why !== undefined) return new AccessRefused(why, { cause: error })
  }
  // One that is ending closes connections too, so this is no more than a guess.
  if (access.sasl === undefined && error instanceof Error && CLOSED.test(error.message))
    return new Error('a broker closed the connection at once: where it asks for a user, add sasl, user and password-file', { cause: error })
  return error
}

function whyIn({ code, apiCode, message }: Failure, { tls, sasl }: BrokerAccess): string | undefined {
  if (apiCode === NOT_AUTHENTICATED && sasl !== undefined)
    return `the brokers refuse user ${sasl.user} with the password in ${sasl.passwordFile}, by ${sasl.mechanism}`
  if (apiCode === NO_SUCH_MECHANISM && sasl !== undefined) return `the brokers know no users by ${sasl.mechanism}: another sasl is needed`
  if (TLS_ASKED.test(message)) return 'the brokers ask for TLS: add tls=system to the URL, or tls=FILE with the certificates to trust'
  if (tls === undefined) return undefined
  if (NO_TLS.test(message)) return 'the brokers speak no TLS at this port: name another port, or leave tls out'
  if (typeof code !== 'string') return undefined
  if (NOT_TRUSTED.test(code)) return `the certificate of a broker is not trusted by tls=${tls.trusted ?? 'system'}: ${message}`
  if (!CERTIFICATE_ASKED.test(code)) return undefined
  return tls.own === undefined
    ? 'the brokers ask for a certificate: add cert=FILE&key=FILE'
    : `the brokers refuse the certificate in ${tls.own.cert}`
}

/** Itself, and all that it was made of. */
function* failuresIn(error: unknown): Generator<Failure> {
  if (!(error instanceof Error)) return
  yield error
  const { cause, errors = [] } = error as Failure
  for (const inner of [cause, ...errors]) yield* failuresIn(inner)
}
