/** `replicator kv …`: commands for registers, keys that change. */
import type { CommandRow } from './command-row.ts'
import { file, GET, KEY, KEYS, LS, parseContentType, parsePutName, PREFIX, SPEAKING } from './client-commands.ts'
import type { Get, Limited, Speaking } from './client-commands.ts'
import { once, toggle } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { UsageError } from './usage-error.ts'
import { parseFile, wholeNumber } from './values.ts'

/** A year. */
const TTL_SECONDS_MAX = 31_536_000
/** Peers take no version above. */
const VERSION_MAX = 2 ** 52 - 1

/** What must be there. */
export type When = number | 'live' | 'absent'

export interface Writing extends Speaking {
  readonly when: When | undefined
  readonly idempotencyKey: string | undefined
  readonly after: number | undefined
}

interface Put extends Writing {
  /** `key` is the path of the private key of a certificate. */
  readonly storedKey: string
  readonly value: string | undefined
  readonly file: string | undefined
  readonly contentType: string | undefined
  readonly ttlSeconds: number | undefined
}

interface Watch extends Speaking {
  readonly prefix: string | undefined
  readonly isFromStart: boolean
  readonly cursor: string | undefined
  readonly values: boolean
}

export type RegisterCommand =
  | ({ readonly name: 'kv get' } & Get)
  | ({ readonly name: 'kv put' } & Put)
  | ({ readonly name: 'kv rm'; readonly keys: readonly string[] } & Writing)
  | ({ readonly name: 'kv ls' } & Limited)
  | ({ readonly name: 'kv watch' } & Watch)

const WRITING: FlagTable<Writing> = {
  when: {
    ...once<When | undefined>(parseWhen),
    name: 'when',
    placeholder: 'WHAT',
    meaning: 'Only where this is there: a version, "live" for any, "absent" for none.',
    fallback: { value: undefined, text: 'whatever is there' },
  },
  idempotencyKey: {
    ...once(parsePutName),
    name: 'idempotency-key',
    placeholder: 'NAME',
    meaning: 'Names this write, so that it can be repeated safely after "in doubt"; with -after.',
    fallback: { value: undefined, text: 'drawn' },
  },
  after: {
    ...once<number | undefined>(parseVersion),
    name: 'after',
    placeholder: 'VERSION',
    meaning: 'Of a write that is repeated: the version that was there before its first try.',
    fallback: { value: undefined, text: 'asked for' },
  },
  ...SPEAKING,
}

const PUT: FlagTable<Omit<Put, 'storedKey' | 'value'>> = {
  file: file('The value is what this file holds; "-" is standard input.', 'standard input, where no VALUE is given'),
  contentType: {
    ...once(parseContentType),
    name: 'type',
    placeholder: 'TYPE',
    meaning: 'Content type, kept with the value.',
    fallback: { value: undefined, text: 'text/plain; charset=utf-8 for a VALUE, else application/octet-stream' },
  },
  ttlSeconds: {
    ...once<number | undefined>(wholeNumber(1, TTL_SECONDS_MAX, 'seconds')),
    name: 'ttl',
    placeholder: 'SECONDS',
    meaning: 'It is deleted after this time, unless it is written again.',
    fallback: { value: undefined, text: 'it stays' },
  },
  ...WRITING,
}

const WATCH: FlagTable<Omit<Watch, 'prefix'>> = {
  isFromStart: { ...toggle(), name: 'start', meaning: 'Tell first what is live.' },
  cursor: {
    ...once<string | undefined>(parseFile),
    name: 'cursor',
    placeholder: 'CURSOR',
    meaning: 'Go on from here: the cursor of the last line that was read. Where its peer is gone, what is live is told.',
    fallback: { value: undefined, text: 'from now on' },
  },
  values: { ...toggle(), name: 'values', meaning: 'With the values, for -o json.' },
  ...SPEAKING,
}

/** By name, in the order of the help text. */
export const REGISTER_COMMANDS: Readonly<Record<RegisterCommand['name'], CommandRow>> = {
  'kv put': {
    meaning: 'Writes the register KEY, over what is there: VALUE, a file, or what comes on standard input. Prints its new version.',
    operands: [KEY],
    optional: ['value', 'VALUE', (text) => text],
    flags: PUT,
    examples: [
      'kv put config/limit 10',
      'kv put config/limit 11 -when 1',
      'kv put shift/berlin ada -when absent -ttl 30',
      'kv put config/app -file app.json -type application/json',
    ],
  },
  'kv get': {
    meaning: 'The value of each register KEY, as it is; with -o json its version too.',
    operands: [],
    rest: KEYS,
    flags: GET,
    examples: ['kv get config/limit', 'kv get config/limit config/app -o json'],
  },
  'kv rm': {
    meaning: 'Deletes each register KEY. Its versions go on where they were when it is written again.',
    operands: [],
    rest: KEYS,
    flags: WRITING,
    examples: ['kv rm config/limit', 'kv rm config/limit -when 3'],
  },
  'kv ls': {
    meaning: 'The live registers that begin with PREFIX, of those that the peer holds.',
    operands: [],
    optional: PREFIX,
    flags: LS,
    examples: ['kv ls config/', 'kv ls -o raw -limit 10'],
  },
  'kv watch': {
    meaning:
      'Tells of each change of registers that begin with PREFIX, until Ctrl-C. It goes on at the next -url when its peer is lost, and tells what it missed.',
    operands: [],
    optional: PREFIX,
    flags: WATCH,
    examples: ['kv watch config/ -start', 'kv watch -values -o json -url http://a:8000 -url http://b:8000'],
  },
}

export function isRegisterCommand(command: { readonly name: string }): command is RegisterCommand {
  return Object.hasOwn(REGISTER_COMMANDS, command.name)
}

function parseWhen(text: string): When {
  return text === 'live' || text === 'absent' ? text : parseVersion(text, 'write a version in digits alone, live, or absent')
}

function parseVersion(text: string, why = 'write a version in digits alone'): number {
  if (!/^\d{1,16}$/.test(text) || Number(text) > VERSION_MAX) throw new UsageError(why)
  return Number(text)
}
