/** The commands that ask a running peer: what each takes, and what it is for. Their flags are rows like those of the peer itself. */
import type { ClusterId, NetworkId, PeerId } from '../../protocols/base/identity.ts'
import { SCOPES } from '../security/grant.ts'
import type { Scope } from '../security/grant.ts'
import type { SecretMode } from '../security/private-file.ts'
import { SECRET_MODE, once, repeated, toggle } from './flags.ts'
import type { AnyFlags, FlagTable } from './flags.ts'
import { parseToken, readTokenFile } from './secret.ts'
import { parseExpires, parsePrefix, parseScopes, parseTokenName } from './tokens.ts'
import { parseClusterId, parseDirectory, parseFile, parseNetworkId, parseNewFile, parsePeerId, parseUrl, wholeNumber } from './values.ts'

/** An hour: a peer that is added may have much to copy first. */
const TIMEOUT_MAX_SECONDS = 3_600
const TIMEOUT_SECONDS = 60
const SECOND_MS = 1_000
const URL_DEFAULT = 'http://127.0.0.1:8000'

const parseTimeout = wholeNumber(1, TIMEOUT_MAX_SECONDS, 'seconds')

/** What every command is told. */
export interface Asking {
  /** Of the peer that is asked, without a slash at its end. */
  readonly url: string
  /** Of the peer that is asked, where it runs on this machine: its operator socket lies there. */
  readonly dataDirectory: string | undefined
  /** Shown to a peer that is asked by its address. */
  readonly token: string | undefined
  /** Path of the certificates that the peer's is checked against; undefined for those that the system trusts. */
  readonly ca: string | undefined
  /** Paths of the certificate that the command shows, and of its key. */
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly secretMode: SecretMode
  /** How long to wait for the end of it. */
  readonly timeoutMs: number
}

interface Forced extends Asking {
  readonly force: boolean
}

/** What `replicator token` is told; it asks no peer. */
export interface NewToken {
  readonly tokenName: string
  readonly scopes: readonly Scope[]
  /** None for all paths. */
  readonly prefixes: readonly string[]
  /** RFC 3339, UTC; undefined for never. */
  readonly expires: string | undefined
  readonly out: string
}

/** A command as it was given. */
export type Command =
  | ({ readonly name: 'members' | 'withdraw' } & Asking)
  | ({ readonly name: 'add' | 'remove'; readonly peerId: PeerId } & Forced)
  | ({ readonly name: 'replace'; readonly peerId: PeerId; readonly successor: PeerId } & Forced)
  | ({ readonly name: 'remove-cluster'; readonly clusterId: ClusterId } & Forced)
  | ({ readonly name: 'leave' } & Forced)
  | ({ readonly name: 'token' } & NewToken)
  | ({ readonly name: 'force-new-epoch'; readonly confirmed: NetworkId | undefined } & Asking)

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
    ...once((text) => parseTimeout(text) * SECOND_MS),
    name: 'timeout',
    placeholder: 'SECONDS',
    meaning: 'How long to wait for the end of it. A change that has begun goes on after that.',
    fallback: { value: TIMEOUT_SECONDS * SECOND_MS, text: String(TIMEOUT_SECONDS) },
  },
}

const FORCED: FlagTable<Forced> = {
  ...ASKED,
  force: {
    ...toggle(),
    name: 'force',
    meaning: 'Also when a quorum of the voters that would be is out of reach now.',
  },
}

const CONFIRMED: FlagTable<Asking & { readonly confirmed: NetworkId | undefined }> = {
  ...ASKED,
  confirmed: {
    ...once(parseNetworkId),
    name: 'confirm',
    placeholder: 'ID',
    meaning: 'The network that is given up, for scripts: nobody is asked then.',
    fallback: { value: undefined, text: 'ask on the terminal' },
  },
}

const NEW_TOKEN: FlagTable<Omit<NewToken, 'tokenName'>> = {
  scopes: {
    ...once(parseScopes),
    name: 'scopes',
    placeholder: 'LIST',
    meaning: `What it opens: some of ${SCOPES.join(',')}.`,
    fallback: 'required',
  },
  prefixes: {
    ...repeated(parsePrefix),
    name: 'prefix',
    placeholder: 'PATH',
    meaning: 'Keep it to what lies below a path with its type, like /store/team/.',
    fallback: { value: [], text: 'all paths' },
  },
  expires: {
    ...once(parseExpires),
    name: 'expires',
    placeholder: 'DATE',
    meaning: 'When its time is over: a date (00:00 UTC) or a time, like 2027-01-31T12:00:00Z.',
    fallback: { value: undefined, text: 'never' },
  },
  out: {
    ...once(parseFile),
    name: 'out',
    placeholder: 'FILE',
    meaning: 'The token file that gets the line, made when it is not there. It holds no token, only its hash.',
    fallback: 'required',
  },
}

/** What follows the name of a command, each with its name and how it is read. */
export type Operands = readonly (readonly [field: string, placeholder: string, parse: (text: string) => string])[]

export interface CommandRow {
  readonly meaning: string
  readonly operands: Operands
  /** One more, that may be left away. */
  readonly optional?: Operands[number]
  /** One or more at the end, all read alike. */
  readonly rest?: Operands[number]
  readonly flags: AnyFlags
}

/** The command that asks no peer. */
export const SECRET_COMMAND = 'secret'
export const SECRET: CommandRow & { readonly flags: FlagTable<{ readonly out: string | undefined }> } = {
  meaning: 'A new secret, which all members of a network share.',
  operands: [],
  flags: {
    out: {
      ...once(parseNewFile),
      name: 'out',
      placeholder: 'FILE',
      meaning: 'The file to make for it, readable by its owner alone. One that is there is never overwritten.',
      fallback: { value: undefined, text: 'printed' },
    },
  },
}

const PEER: Operands[number] = ['peerId', 'PEER', parsePeerId]

/** By name, in the order of the help text. */
export const COMMANDS: Readonly<Record<Command['name'], CommandRow>> = {
  members: { meaning: 'Who votes, who learns, how they are, and the change in flight.', operands: [], flags: ASKED },
  add: { meaning: 'PEER gets a vote in its cluster. It runs already, as a learner.', operands: [PEER], flags: FORCED },
  remove: { meaning: 'PEER loses its vote and is no member any more.', operands: [PEER], flags: FORCED },
  replace: {
    meaning: 'NEW gets the place of OLD, in one change.',
    operands: [
      ['peerId', 'OLD', parsePeerId],
      ['successor', 'NEW', parsePeerId],
    ],
    flags: FORCED,
  },
  'remove-cluster': {
    meaning: 'All of the cluster lose their votes and are no members any more.',
    operands: [['clusterId', 'CID', parseClusterId]],
    flags: FORCED,
  },
  leave: { meaning: 'The peer that is asked is removed, and may be switched off afterwards.', operands: [], flags: FORCED },
  withdraw: { meaning: 'The change in flight is undone.', operands: [], flags: ASKED },
  token: {
    meaning: 'Makes a token called NAME for clients, adds its line to a token file, and prints it once.',
    operands: [['tokenName', 'NAME', parseTokenName]],
    flags: NEW_TOKEN,
  },
  'force-new-epoch': {
    meaning:
      'When no quorum is left anywhere: the peer that is asked begins a new network with what it holds. What only others held is lost. It says what, and asks.',
    operands: [],
    flags: CONFIRMED,
  },
}

export function isCommandName(text: string | undefined): text is Command['name'] {
  return text !== undefined && Object.hasOwn(COMMANDS, text)
}
