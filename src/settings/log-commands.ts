/** `replicator log …`: what each takes, and what it is for. */
import { ASKED } from './asking.ts'
import type { Asking } from './asking.ts'
import type { PeerCalled } from './commands.ts'
import type { CommandRow, Operand } from './command-row.ts'
import { once, toggle } from './flags.ts'
import { parseOrderText } from './kluster-commands.ts'
import type { FlagTable } from './flags.ts'
import { STORE_KINDS } from './settings.ts'
import { UsageError } from './usage-error.ts'
import { parseLogName, parsePeer, parseStoreKind, parseWish } from './values.ts'

interface Creating extends Asking {
  readonly store: string
  readonly place: string | undefined
  /** Its leader may answer reads by lease. */
  readonly lease: boolean
  /** A URL; undefined for the peers themselves. */
  readonly order: string | undefined
}

interface Submitting extends Asking {
  /** Names the command, so that it takes effect once however often it is sent. */
  readonly id: string | undefined
}

interface Querying extends Asking {
  readonly consistency: 'linearizable' | 'lease' | 'local'
}

/** As it was given. */
export type LogCommand =
  | ({ readonly name: 'log ls' } & Asking)
  | ({ readonly name: 'log status'; readonly log: string } & Asking)
  | ({ readonly name: 'log create'; readonly log: string } & Creating)
  | ({ readonly name: 'log submit'; readonly log: string; readonly command: string | undefined } & Submitting)
  | ({ readonly name: 'log query'; readonly log: string; readonly query: string } & Querying)
  | ({ readonly name: 'log verdict'; readonly log: string; readonly index: string; readonly verdict: string } & Asking)
  | ({ readonly name: 'log refill'; readonly log: string } & Asking)
  | ({ readonly name: 'log check'; readonly log: string } & Asking)
  | ({ readonly name: 'log recover'; readonly log: string } & Asking)
  | ({ readonly name: 'log end'; readonly log: string } & Asking)
  | ({ readonly name: 'log place'; readonly log: string; readonly place: string } & Asking)
  | ({ readonly name: 'log add' | 'log remove' | 'log transfer'; readonly log: string; readonly peer: PeerCalled } & Asking)

const CREATING: FlagTable<Creating> = {
  ...ASKED,
  store: {
    ...once(parseStoreKind),
    name: 'store',
    placeholder: 'KIND',
    meaning: `The kind of store that each replica has: ${STORE_KINDS.join(', ')}; or a URL of one.`,
    fallback: { value: 'kv', text: 'kv' },
  },
  place: {
    ...once<string | undefined>(parseWish),
    name: 'place',
    placeholder: 'WISH',
    meaning: 'Where its voters are: cluster:ID, spread:N or peers:ID,ID,ID.',
    fallback: { value: undefined, text: 'the cluster of the peer asked' },
  },
  lease: {
    ...toggle(),
    name: 'lease',
    meaning: 'Its leader may answer reads by lease. It rests on clocks of voters that run at most a tenth apart.',
  },
  order: {
    ...once<string | undefined>(parseOrderText),
    name: 'order',
    placeholder: 'URL',
    meaning:
      'Has Kafka order it: makes its topics, by kafka://HOST:PORT,HOST:PORT. No peer is asked; databases are kept by replicator replica.',
    fallback: { value: undefined, text: 'peers order it' },
  },
}

const SUBMITTING: FlagTable<Submitting> = {
  ...ASKED,
  id: {
    ...once<string | undefined>((text) => text),
    name: 'id',
    placeholder: 'NAME',
    meaning: 'Names the command: it takes effect once, however often it is sent.',
    fallback: { value: undefined, text: 'a name of its own each time' },
  },
}

const QUERYING: FlagTable<Querying> = {
  ...ASKED,
  consistency: {
    ...once(parseConsistency),
    name: 'consistency',
    placeholder: 'HOW',
    meaning: 'linearizable, lease, or local: what the store at hand holds, which may be old.',
    fallback: { value: 'linearizable', text: 'linearizable' },
  },
}

const NAME: Operand = ['log', 'NAME', parseLogName]
const PEER: Operand = ['peer', 'PEER', parsePeer]

/** By name, in the order of the help text. */
export const LOG_COMMANDS: Readonly<Record<LogCommand['name'], CommandRow>> = {
  'log ls': { meaning: 'The logs that the peer knows.', operands: [], flags: ASKED },
  'log status': { meaning: 'How the replicas of a log stand, and who leads.', operands: [NAME], flags: ASKED },
  'log create': { meaning: 'Has a log born. Peers keep a store for it with -log NAME=URL.', operands: [NAME], flags: CREATING },
  'log submit': {
    meaning: 'Orders a command, or what comes on standard input, and prints its result.',
    operands: [NAME],
    optional: ['command', 'COMMAND', (text) => text],
    flags: SUBMITTING,
    examples: [`log submit orders '{"add":{"n":1}}'`],
  },
  'log query': {
    meaning: 'Asks the store of a log.',
    operands: [NAME, ['query', 'QUERY', (text) => text]],
    flags: QUERYING,
    examples: [`log query orders '{"get":["n"]}'`],
  },
  'log add': { meaning: 'Has a peer vote on a log. It is filled first.', operands: [NAME, PEER], flags: ASKED },
  'log remove': { meaning: 'Takes a peer out of a log.', operands: [NAME, PEER], flags: ASKED },
  'log place': {
    meaning: 'Says where the voters of a log are to be; its leader carries it out.',
    operands: [NAME, ['place', 'WISH', parseWish]],
    flags: ASKED,
    examples: ['log place orders spread:3'],
  },
  'log refill': {
    meaning: 'Has the store of the peer asked forget what it holds of a log, and be filled anew from another.',
    operands: [NAME],
    flags: ASKED,
  },
  'log check': {
    meaning: 'Has the contents of all stores of a log compared. One that is not like most others stops.',
    operands: [NAME],
    flags: ASKED,
  },
  'log verdict': {
    meaning: 'Has an entry that stores cannot apply count as rejected. The status says which stalls.',
    operands: [NAME, ['index', 'INDEX', parseIndex], ['verdict', 'VERDICT', parseVerdict]],
    flags: ASKED,
    examples: ['log verdict orders 42 rejected'],
  },
  'log recover': {
    meaning: 'When the majority of a log is gone for good: it goes on from the survivor that has most. Acknowledged commands may be lost.',
    operands: [NAME],
    flags: ASKED,
  },
  'log end': { meaning: 'Ends a log for good. Its name may be created anew, empty.', operands: [NAME], flags: ASKED },
  'log transfer': { meaning: 'Gives the lead of a log to a peer that votes on it.', operands: [NAME, PEER], flags: ASKED },
}

function parseIndex(text: string): string {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new UsageError('write the index of an entry, as a whole number from 1 on')
  return text
}

function parseVerdict(text: string): string {
  if (text !== 'rejected') throw new UsageError('the only verdict is rejected')
  return text
}

function parseConsistency(text: string): Querying['consistency'] {
  if (text !== 'linearizable' && text !== 'lease' && text !== 'local') throw new UsageError('write linearizable, lease or local')
  return text
}

export function isLogCommand(command: { readonly name: string }): command is LogCommand {
  return Object.hasOwn(LOG_COMMANDS, command.name)
}
