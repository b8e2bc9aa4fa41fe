/**
 * What all commands that ask a running peer are told: whom, by what credentials, for how long, and
 * how to say the answer.
 */
import type { SecretMode } from '../security/private-file.ts'
import { SECRET_MODE, once } from './flags.ts'
import type { Flag, FlagTable } from './flags.ts'
import { parseToken, readTokenFile } from './secret.ts'
import { UsageError } from './usage-error.ts'
import { parseDirectory, parseFile, parseUrl, wholeNumber } from './values.ts'

/** An hour: a peer that is added may have much to copy first. */
const TIMEOUT_MAX_SECONDS = 3_600
const TIMEOUT_SECONDS = 60
const SECOND_MS = 1_000
export const URL_DEFAULT = 'http://127.0.0.1:8000'

const parseTimeoutSeconds = wholeNumber(1, TIMEOUT_MAX_SECONDS, 'seconds')

/** Seconds as milliseconds. */
export function parseTimeout(text: string): number {
  return parseTimeoutSeconds(text) * SECOND_MS
}

/**
 * `table` for people, `json` a JSON value a line, `raw` values alone: bytes, or what a table has,
 * between tabs.
 */
export const OUTPUTS = ['json', 'table', 'raw'] as const
export type Output = (typeof OUTPUTS)[number]

export const OUTPUT: Flag<Output | undefined> = {
  ...once(parseOutput),
  name: 'o',
  placeholder: 'FORMAT',
  meaning: 'How to say it: table for people, json for programs, a value a line, or raw, values alone.',
  fallback: { value: undefined, text: 'what suits the command' },
}

function parseOutput(text: string): Output {
  const output = OUTPUTS.find((known) => known === text)
  if (output === undefined) throw new UsageError(`write ${OUTPUTS.join(', ')}`)
  return output
}

/** What every command is told. */
export interface Asking {
  /** Of the peer that is asked, without a slash at its end. */
  readonly url: string
  /** Of the peer that is asked, where it runs on this machine: its operator socket lies there. */
  readonly dataDirectory: string | undefined
  /** Shown to a peer that is asked by its address. */
  readonly token: string | undefined
  /**
   * Path of the certificates that the peer's is checked against; undefined for those that the
   * system trusts.
   */
  readonly ca: string | undefined
  /** Paths of the certificate that the command shows, and of its key. */
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly secretMode: SecretMode
  /** How long to wait for the end of it. */
  readonly timeoutMs: number
  /** How to say it; undefined for what suits the command. */
  readonly output: Output | undefined
}

export const ASKED: FlagTable<Asking> = {
  url: {
    ...once(parseUrl),
    name: 'url',
    placeholder: 'URL',
    meaning: 'HTTP address of the peer that is asked; any of the network will do.',
    fallback: { value: URL_DEFAULT, text: URL_DEFAULT },
  },
  dataDirectory: {
    ...once(parseDirectory),
    name: 'data',
    placeholder: 'DIR',
    meaning: 'Data directory of the peer that is asked, when it runs on this machine; for who may enter it, in the place of -url.',
    fallback: { value: undefined, text: 'the peer of this user at the port of -url, if there is one' },
  },
  token: {
    ...once(readTokenFile),
    name: 'token-file',
    placeholder: 'FILE',
    isPrivate: true,
    content: { variable: 'REPLICATOR_TOKEN', parse: parseToken },
    meaning: 'Token to show, where the peer is asked by its address. The variable REPLICATOR_TOKEN may hold the token itself.',
    fallback: { value: undefined, text: 'none' },
  },
  ca: {
    ...once(parseFile),
    name: 'ca',
    placeholder: 'FILE',
    meaning: 'Certificates, as PEM, that the certificate of an https address is checked against.',
    fallback: { value: undefined, text: 'those that the system trusts' },
  },
  cert: {
    ...once(parseFile),
    name: 'cert',
    placeholder: 'FILE',
    meaning: 'Certificate to show to a peer that was started with -http-ca, as PEM; with -key.',
    fallback: { value: undefined, text: 'none' },
  },
  key: {
    ...once(parseFile),
    name: 'key',
    placeholder: 'FILE',
    isPrivate: true,
    meaning: 'Private key of -cert, as PEM.',
    fallback: { value: undefined, text: 'none' },
  },
  secretMode: SECRET_MODE,
  timeoutMs: {
    ...once(parseTimeout),
    name: 'timeout',
    placeholder: 'SECONDS',
    meaning: 'How long to wait for the end of it. A change that has begun goes on after that.',
    fallback: { value: TIMEOUT_SECONDS * SECOND_MS, text: String(TIMEOUT_SECONDS) },
  },
  output: OUTPUT,
}
