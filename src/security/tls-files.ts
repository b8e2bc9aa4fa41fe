/**
 * The certificate of HTTP, its key, and whom it asks certificates of: read from files that are
 * renewed while the peer runs.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { readPrivateFile } from './private-file.ts'
import type { SecretMode } from './private-file.ts'
import { WatchedFiles } from './watched-files.ts'

export interface TlsPaths {
  readonly cert: string
  readonly key: string
  /** Of those who sign the certificates of clients; undefined when clients need none. */
  readonly ca: string | undefined
  readonly secretMode: SecretMode
}

/** What a TLS server is given: PEM. */
export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
}

export interface TlsFilesInit {
  readonly paths: TlsPaths
  /** Puts renewed ones in force. */
  readonly changed: (material: TlsMaterial) => void
  readonly warn: (warning: string | undefined) => void
  readonly logger: Logger
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** @throws Error of one line when they cannot be read or used: there is no good one then */
export function openTlsFiles({ paths, ...init }: TlsFilesInit): Promise<WatchedFiles<TlsMaterial>> {
  const { cert, key, ca, secretMode } = paths
  return WatchedFiles.open({
    ...init,
    name: 'the certificate of HTTP',
    paths: [cert, key, ...(ca === undefined ? [] : [ca])],
    read: (path) => (path === key ? readPrivateFile(path, secretMode) : readFile(path)),
    parse: parseMaterial,
  })
}

/**
 * Checks what a TLS server would notice, and what it would find out with its first client only.
 *
 * @param contents the certificate with those that lead to its root, its key, and perhaps the roots
 * of clients
 * @throws Error of one line
 */
export function parseMaterial([cert, key, ca]: readonly Uint8Array[]): TlsMaterial {
  const material = { cert: Buffer.from(cert ?? []), key: Buffer.from(key ?? []), ca: ca === undefined ? undefined : Buffer.from(ca) }
  const [own] = certificatesOf(material.cert, 'the certificate')
  if (ca !== undefined) certificatesOf(Buffer.from(ca), 'the file of -http-ca')
  if (own?.checkPrivateKey(keyOf(material.key)) !== true) throw new Error('the key is not that of the certificate')
  return material
}

export function certificatesOf(pem: Buffer, what: string): X509Certificate[] {
  const blocks = pem.toString('latin1').match(PEM) ?? []
  if (blocks.length === 0) throw new Error(`${what} is no PEM: it has no BEGIN CERTIFICATE`)
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    throw new Error(`${what} cannot be parsed`, { cause: error })
  }
}

function keyOf(pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new Error('the key cannot be parsed: it is no private key as PEM without a password', { cause: error })
  }
}
