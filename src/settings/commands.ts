/**
 * The commands that operate a network: what each takes, and what it is for. Their flags are rows
 * like those of the peer itself.
 */
import type { ClusterId, NetworkId, PeerId, PeerName } from '../../protocols/base/identity.ts'
import { SCOPES } from '../security/grant.ts'
import type { Scope } from '../security/grant.ts'
import { ASKED } from './asking.ts'
import type { Asking } from './asking.ts'
import type { CommandRow, Operand } from './command-row.ts'
import { once, repeated, toggle } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { parseExpires, parsePrefix, parseScopes, parseTokenName } from './tokens.ts'
import { parseClusterId, parseFile, parseNetworkId, parseNewFile, parsePeer } from './values.ts'

/** By its id, or by what people call it. */
export type PeerCalled = PeerId | PeerName

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

/** A command that operates a network, as it was given. */
export type OperatorCommand =
  | ({ readonly name: 'members' | 'withdraw' } & Asking)
  | ({ readonly name: 'add' | 'remove'; readonly peer: PeerCalled } & Forced)
  | ({ readonly name: 'replace'; readonly peer: PeerCalled; readonly successor: PeerCalled } & Forced)
  | ({ readonly name: 'remove-cluster'; readonly clusterId: ClusterId } & Forced)
  | ({ readonly name: 'leave' } & Forced)
  | ({ readonly name: 'token' } & NewToken)
  | ({ readonly name: 'force-new-epoch'; readonly confirmed: NetworkId | undefined } & Asking)

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

const PEER: Operand = ['peer', 'PEER', parsePeer]

/** By name, in the order of the help text. */
export const COMMANDS: Readonly<Record<OperatorCommand['name'], CommandRow>> = {
  members: { meaning: 'Who votes, who learns, how they are, and the change in flight.', operands: [], flags: ASKED },
  add: { meaning: 'PEER gets a vote in its cluster. It runs already, as a learner.', operands: [PEER], flags: FORCED },
  remove: { meaning: 'PEER loses its vote and is no member any more.', operands: [PEER], flags: FORCED },
  replace: {
    meaning: 'NEW gets the place of OLD, in one change.',
    operands: [
      ['peer', 'OLD', parsePeer],
      ['successor', 'NEW', parsePeer],
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
