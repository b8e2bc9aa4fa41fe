/**
 * What a client of brokers needs to be let in: certificates to trust, its own one, and its password.
 * Certificates are read once, when the brokers are first reached. The password is read for each
 * connection, so that it can be changed while a program runs.
 */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import type { ConnectionOptions, SASLOptions } from '@platformatic/kafka'
import { readPassword, readPrivateFile } from '../../security/private-file.ts'
import type { SecretMode } from '../../security/private-file.ts'
import { certificatesOf, parseMaterial } from '../../security/tls-files.ts'
import type { BrokerAccess, Brokers, BrokerSasl, BrokerTls } from '../../settings/brokers.ts'
import { AccessRefused } from './refusals.ts'

export type AccessSettings = Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'>

/** How a file that others can read is taken all the same. */
const BY_URL = 'secret-mode=any in the URL'
const MECHANISMS = { 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512', plain: 'PLAIN' } as const

/** @throws AccessRefused when a file cannot be read, holds something else, or others can read what is secret */
export async function accessOf(brokers: Brokers): Promise<AccessSettings> {
  try {
    return await accessIn(brokers)
  } catch (error) {
    throw new AccessRefused(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function accessIn({ addresses, access }: Brokers): Promise<AccessSettings> {
  const { tls, sasl, secretMode } = access
  return {
    ...(tls !== undefined && {
      tls: { secureContext: await contextFor(tls, secretMode) },
      // Brokers behind a proxy are told apart by their names. An address is no name.
      tlsServerName: !addresses.some((address) => isIP(hostOf(address)) > 0),
    }),
    ...(sasl !== undefined && { sasl: await saslFor(sasl, access) }),
  }
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}

/** Some hundred certificates take 50 ms to read: brokers that are away are tried often. */
let ofMachine: SecureContext | undefined

async function contextFor(tls: BrokerTls, secretMode: SecretMode): Promise<SecureContext> {
  const { trusted, own } = tls
  if (trusted === undefined && own === undefined) return (ofMachine ??= createSecureContext({ ca: trustedByMachine() }))
  const ca = trusted === undefined ? trustedByMachine() : await trustedIn(trusted)
  return createSecureContext({ ca, ...(own !== undefined && (await ownIn(own, secretMode))) })
}

/** A machine may have none of its own, so those that Node brings are taken too. */
function trustedByMachine(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}

async function ownIn({ cert, key }: NonNullable<BrokerTls['own']>, secretMode: SecretMode): Promise<SecureContextOptions> {
  const own = parseMaterial([await readFile(cert), await readPrivateFile(key, secretMode, BY_URL)])
  return { cert: own.cert, key: own.key }
}

async function trustedIn(path: string): Promise<Buffer> {
  const pem = await readFile(path)
  certificatesOf(pem, path)
  return pem
}

async function saslFor({ mechanism, user, passwordFile }: BrokerSasl, { secretMode }: BrokerAccess): Promise<SASLOptions> {
  const password = (): Promise<string> => readPassword(passwordFile, secretMode, BY_URL)
  // What is wrong with the file is said here, and not as a failure of a connection.
  await password()
  return { mechanism: MECHANISMS[mechanism], username: user, password }
}
