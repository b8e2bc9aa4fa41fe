/**
 * Which brokers order a log, and how they are reached: the parameters of `-order` that say whether by
 * TLS, and who asks. Others of the machine can read a URL in the list of processes, so it names the
 * files that hold secrets, and never a secret.
 */
import { SECRET_MODES } from '../security/private-file.ts'
import type { SecretMode } from '../security/private-file.ts'
import { UsageError } from './usage-error.ts'

export interface Brokers {
  /** `HOST:PORT`, one or more. */
  readonly addresses: readonly string[]
  readonly access: BrokerAccess
}

export interface BrokerAccess {
  /** Undefined for none: all is in the clear. */
  readonly tls: BrokerTls | undefined
  /** Undefined where the brokers ask nobody who he is. */
  readonly sasl: BrokerSasl | undefined
  /** Of the files of the key and the password. */
  readonly secretMode: SecretMode
}

export interface BrokerTls {
  /** A file of certificates; undefined for those that this machine trusts. */
  readonly trusted: string | undefined
  /** Files of this client's own certificate, where the brokers ask for one. */
  readonly own: { readonly cert: string; readonly key: string } | undefined
}

export interface BrokerSasl {
  readonly mechanism: SaslMechanism
  readonly user: string
  readonly passwordFile: string
}

type SaslMechanism = (typeof MECHANISMS)[number]

const MECHANISMS = ['scram-sha-256', 'scram-sha-512', 'plain'] as const
const SYSTEM = 'system'
export const ACCESS_PARAMETERS = ['tls', 'cert', 'key', 'sasl', 'user', 'password-file', 'secret-mode'] as const

/** @param given the parameters of a URL: others are left to whoever knows them */
export function parseAccess(given: URLSearchParams): BrokerAccess {
  const { tls, cert, key, sasl, user, 'password-file': passwordFile, 'secret-mode': mode = 'private' } = Object.fromEntries(given)
  const secretMode = SECRET_MODES.find((each) => each === mode)
  if (secretMode === undefined) throw new UsageError(`secret-mode is ${SECRET_MODES.join(' or ')}`)
  return Object.freeze({ tls: parseTls(tls, cert, key), sasl: parseSasl(sasl, user, passwordFile), secretMode })
}

function parseTls(tls: string | undefined, cert: string | undefined, key: string | undefined): BrokerTls | undefined {
  if (tls === '') throw new UsageError(`tls is ${SYSTEM}, or a file of the certificates to trust`)
  if (!cert !== !key) throw new UsageError('cert and key are two files that go together')
  if (tls === undefined && cert !== undefined) throw new UsageError(`cert and key are for TLS: add tls=${SYSTEM}, or tls=FILE`)
  if (tls === undefined) return undefined
  return Object.freeze({ trusted: tls === SYSTEM ? undefined : tls, own: cert && key ? Object.freeze({ cert, key }) : undefined })
}

function parseSasl(sasl: string | undefined, user: string | undefined, passwordFile: string | undefined): BrokerSasl | undefined {
  if (sasl === undefined && user === undefined && passwordFile === undefined) return undefined
  const mechanism = MECHANISMS.find((each) => each === sasl)
  if (mechanism === undefined)
    throw new UsageError(`sasl, which says how a user is known to the brokers, is one of ${MECHANISMS.join(', ')}`)
  if (!user || !passwordFile) throw new UsageError('sasl needs user=NAME and password-file=FILE')
  return Object.freeze({ mechanism, user, passwordFile })
}

/** What an operator must know of what others on the way can read. */
export function accessWarnings({ tls, sasl }: BrokerAccess): readonly string[] {
  if (tls !== undefined || sasl === undefined) return []
  const seen = sasl.mechanism === 'plain' ? 'is read by whoever listens' : 'can be guessed at by whoever listens'
  return [`the brokers are reached without TLS: the password of user ${sasl.user} ${seen}; add tls=${SYSTEM}, or tls=FILE`]
}
