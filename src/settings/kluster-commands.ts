/** `replicator replica …` and `replicator kluster …`: databases that Kafka keeps in one order. */
import { isLogName } from '../../protocols/log/birth.ts'
import type { SecretMode } from '../security/private-file.ts'
import type { CommandRow, Operand } from './command-row.ts'
import { once, SECRET_MODE } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { parseOrder } from './order-url.ts'
import { UsageError } from './usage-error.ts'
import { parseDirectory, parseFile, parseLogOffer, wholeNumber } from './values.ts'

interface Ordered {
  /** A URL; undefined for what the variables of the seed say. */
  readonly order: string | undefined
}

interface Keeping extends Ordered {
  /** A URL; undefined for what DATABASE_ADDRESS says. */
  readonly store: string | undefined
  readonly storePassword: string | undefined
  readonly secretMode: SecretMode
  readonly directory: string
}

interface Waiting extends Ordered {
  readonly timeoutMs: number
}

/** As it was given. */
export type KlusterCommand =
  | ({ readonly name: 'replica'; readonly log: string } & Keeping)
  | ({ readonly name: 'kluster client'; readonly sql: string | undefined } & Waiting)
  | ({ readonly name: 'kluster verdict'; readonly log: string; readonly offset: string; readonly verdict: string } & Ordered)

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
      'Who orders the log: kafka://HOST:PORT,HOST:PORT, with ?all=, &one= and &response= where its topics are not NAME-all, NAME-one and NAME-response, and &replication=1 for one broker.',
    fallback: { value: undefined, text: 'KAFKA_BOOTSTRAP_SERVERS, with KAFKA_MUTATION_TOPIC, KAFKA_ONE_TOPIC and KAFKA_RESPONSE_TOPIC' },
  },
}

const KEEPING: FlagTable<Keeping> = {
  ...ORDERED,
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
  directory: {
    ...once(parseDirectory),
    name: 'data',
    placeholder: 'DIR',
    meaning: 'Where a database in a file without a path lies.',
    fallback: { value: DIRECTORY, text: DIRECTORY },
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

const NAME: Operand = ['log', 'NAME', parseName]

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
  'kluster verdict': {
    meaning: 'Has a command that databases cannot apply count as rejected. The log of a stalled replica says which.',
    operands: [NAME, ['offset', 'OFFSET', parseOffset], ['verdict', 'VERDICT', parseVerdict]],
    flags: ORDERED,
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
