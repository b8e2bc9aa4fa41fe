/** `replicator replica …` and `replicator kluster …`: databases that Kafka keeps in one order. */
import { isLogName } from '../../protocols/log/birth.ts'
import { OUTPUT } from './asking.ts'
import type { Output } from './asking.ts'
import type { SecretMode } from '../security/private-file.ts'
import type { CommandRow, Operand } from './command-row.ts'
import { once, SECRET_MODE, toggle } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { parseOrder } from './order-url.ts'
import { UsageError } from './usage-error.ts'
import { parseDirectory, parseFile, parseLogOffer, wholeNumber } from './values.ts'

interface Ordered {
  /** A URL; undefined for what the variables of the seed say. */
  readonly order: string | undefined
}

interface Storing {
  /** A URL; undefined for what DATABASE_ADDRESS says. */
  readonly store: string | undefined
  readonly storePassword: string | undefined
  readonly secretMode: SecretMode
}

interface Keeping extends Ordered, Storing {
  readonly directory: string
  /** Undefined for one made of this machine's name and the database. */
  readonly replicaName: string | undefined
}

interface Waiting extends Ordered {
  readonly timeoutMs: number
}

interface Judging extends Ordered {
  /** Though a replica has applied it, or cannot be asked. */
  readonly force: boolean
}

interface Showing extends Ordered {
  readonly output: Output | undefined
}

/** As it was given. */
export type KlusterCommand =
  | ({ readonly name: 'replica'; readonly log: string } & Keeping)
  | ({ readonly name: 'kluster client'; readonly sql: string | undefined } & Waiting)
  | ({ readonly name: 'kluster lag'; readonly log: string } & Showing)
  | ({ readonly name: 'kluster backup' | 'kluster restore'; readonly log: string; readonly file: string } & Storing)
  | ({ readonly name: 'kluster verdict'; readonly log: string; readonly offset: string; readonly verdict: string } & Judging)

const SECOND_MS = 1_000
const TIMEOUT_SECONDS = 30
const TIMEOUT_MAX_SECONDS = 3_600
const parseSeconds = wholeNumber(1, TIMEOUT_MAX_SECONDS, 'seconds')
const DIRECTORY = 'replicator-replica'

const ORDERED: FlagTable<Ordered> = {
  order: {
    ...once<string | undefined>(parseOrderText),
    name: 'order',
    placeholder: 'URL',
    meaning:
      'Who orders the log: kafka://HOST:PORT,HOST:PORT, with ?all=, &one= and &response= where its topics are not NAME-all, NAME-one and NAME-response, &replication=1 for one broker, and &tls=, &sasl=, &user= and &password-file= where brokers ask for them.',
    fallback: { value: undefined, text: 'KAFKA_BOOTSTRAP_SERVERS, with KAFKA_MUTATION_TOPIC, KAFKA_ONE_TOPIC and KAFKA_RESPONSE_TOPIC' },
  },
}

const STORING: FlagTable<Storing> = {
  store: {
    ...once<string | undefined>(parseStoreText),
    name: 'store',
    placeholder: 'URL',
    meaning: 'The database: sqlite:PATH, mysql://USER@HOST:PORT/DB or postgres://USER@HOST:PORT/DB.',
    fallback: { value: undefined, text: 'DATABASE_ADDRESS' },
  },
  storePassword: {
    ...once<string | undefined>(parseFile),
    name: 'store-password',
    placeholder: 'FILE',
    isPrivate: true,
    meaning: 'File with the password of the database. The variable REPLICATOR_STORE_PASSWORD_NAME may hold the password itself.',
    fallback: { value: undefined, text: 'that of the URL' },
  },
  secretMode: SECRET_MODE,
}

const KEEPING: FlagTable<Keeping> = {
  ...ORDERED,
  ...STORING,
  directory: {
    ...once(parseDirectory),
    name: 'data',
    placeholder: 'DIR',
    meaning: 'Where a database in a file without a path lies.',
    fallback: { value: DIRECTORY, text: DIRECTORY },
  },
  replicaName: {
    ...once<string | undefined>(parseName),
    name: 'name',
    placeholder: 'NAME',
    meaning: 'What people call this replica, where its lag is shown: 1 to 64 of letters, digits, ".", "_" and "-".',
    fallback: { value: undefined, text: 'one made of the name of this machine and the database' },
  },
}

const WAITING: FlagTable<Waiting> = {
  ...ORDERED,
  timeoutMs: {
    ...once((text: string) => parseSeconds(text) * SECOND_MS),
    name: 'timeout',
    placeholder: 'SECONDS',
    meaning: 'How long an answer is waited for.',
    fallback: { value: TIMEOUT_SECONDS * SECOND_MS, text: String(TIMEOUT_SECONDS) },
  },
}

const SHOWING: FlagTable<Showing> = { ...ORDERED, output: OUTPUT }

const JUDGING: FlagTable<Judging> = {
  ...ORDERED,
  force: {
    ...toggle(),
    name: 'force',
    meaning: 'Though a replica has applied it, which then halts and is filled anew, or does not say how it stands.',
  },
}

const NAME: Operand = ['log', 'NAME', parseName]
const DUMP: Operand = ['file', 'FILE', parseFile]

export const KLUSTER_COMMANDS: Readonly<Record<KlusterCommand['name'], CommandRow>> = {
  replica: {
    meaning: 'Keeps a database equal to all others of a log that Kafka orders. This is no peer: it needs no network of peers.',
    operands: [NAME],
    flags: KEEPING,
    examples: ['replica orders -order kafka://127.0.0.1:9092 -store sqlite:'],
  },
  'kluster client': {
    meaning: 'Sends a query each 5 seconds, or the one that is given, and says what comes of it.',
    operands: [],
    optional: ['sql', 'SQL', (text) => text],
    flags: WAITING,
  },
  'kluster lag': {
    meaning: 'How far the database of each replica is behind the order, as each said last.',
    operands: [NAME],
    flags: SHOWING,
    examples: ['kluster lag orders -order kafka://127.0.0.1:9092'],
  },
  'kluster backup': {
    meaning: "Writes a dump of one database, by its server's tools. It contains its own position.",
    operands: [NAME, DUMP],
    flags: STORING,
    examples: ['kluster backup orders dump.sql -store postgres://app@db1/orders'],
  },
  'kluster restore': {
    meaning: 'Loads a dump into an empty database. A replica that is started upon it reads on from there.',
    operands: [NAME, DUMP],
    flags: STORING,
    examples: ['kluster restore orders dump.sql -store postgres://app@db2/orders'],
  },
  'kluster verdict': {
    meaning: 'Has a command that databases cannot apply count as rejected. The log of a stalled replica says which.',
    operands: [NAME, ['offset', 'OFFSET', parseOffset], ['verdict', 'VERDICT', parseVerdict]],
    flags: JUDGING,
    examples: ['kluster verdict orders 42 rejected -order kafka://127.0.0.1:9092'],
  },
}

export function isKlusterCommand(command: { readonly name: string }): command is KlusterCommand {
  return Object.hasOwn(KLUSTER_COMMANDS, command.name)
}

/** Looked at, and kept as it is: its topics go by the name of the log. */
export function parseOrderText(text: string): string {
  parseOrder(text, 'log')
  return text
}

function parseStoreText(text: string): string {
  const { kind } = parseLogOffer(`log=${text}`)
  if (kind === 'kv' || kind === 'redis') throw new UsageError('Kafka orders databases of SQL: sqlite:, mysql: or postgres:')
  return text
}

function parseName(text: string): string {
  if (!isLogName(text)) throw new UsageError('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-"')
  return text
}

function parseOffset(text: string): string {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError('write an offset of the topic that orders, as a whole number')
  return text
}

function parseVerdict(text: string): string {
  if (text !== 'rejected') throw new UsageError('the only verdict is rejected')
  return text
}
