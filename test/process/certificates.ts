/** Certificates for tests, made by the machine's openssl and good for a day. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Why there can be none here; undefined when there can. */
export const NO_OPENSSL: string | false = spawnSync('openssl', ['version']).status === 0 ? false : 'there is no openssl here'

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'] as const

/** A root that can sign others. */
export function makeRoot(directory: string, name: string): Certificate {
  const made = pathsOf(directory, name)
  openssl(['req', '-x509', ...NEW_KEY, '-keyout', made.key, '-out', made.cert, '-subj', `/CN=${name}`])
  return made
}

/** A certificate of this machine, or of a client, signed by a root. */
export function makeSigned(directory: string, name: string, root: Certificate): Certificate {
  const made = pathsOf(directory, name)
  const extensions = join(directory, `${name}.extensions`)
  writeFileSync(extensions, 'subjectAltName = DNS:localhost, IP:127.0.0.1\n')
  const request = join(directory, `${name}.request`)
  openssl(['req', ...NEW_KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=${name}`])
  const signing = ['-CA', root.cert, '-CAkey', root.key, '-CAcreateserial', '-days', '1', '-extfile', extensions]
  openssl(['x509', '-req', '-in', request, '-out', made.cert, ...signing])
  return made
}

function pathsOf(directory: string, name: string): Certificate {
  return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) }
}

function openssl(argv: readonly string[]): void {
  execFileSync('openssl', argv, { stdio: 'pipe' })
}
