/** The commands that put, get and look: what each takes, what it is for, and lines to copy. */
import { ASKED, OUTPUT, URL_DEFAULT } from './asking.ts'
import type { Asking, Output } from './asking.ts'
import type { CommandRow, Operand } from './command-row.ts'
import { once, repeated, toggle } from './flags.ts'
import type { Flag, FlagTable } from './flags.ts'
import { UsageError } from './usage-error.ts'
import { parseFile, parseUrl, wholeNumber } from './values.ts'

/** Names a put, as the header does. */
const PUT_NAME = /^[\x21-\x7e]{1,128}$/
const CONTENT_TYPE = /^[\x20-\x7e]{1,255}$/
const IN_FLIGHT = 64
/** Three requests of many keys. */
const LINES_IN_FLIGHT = 192
/** What one peer lets begin at a time. */
const IN_FLIGHT_MAX = 512
const KEYS_MAX = 1_000_000_000
const CONSISTENCIES = ['linearizable', 'local'] as const

/** Told to every command for clients: the same as to those for operators, but several peers. */
export interface Speaking extends Omit<Asking, 'url'> {
  /** Of the peers that are asked, the next one when one fails; without a slash at their ends. */
  readonly urls: readonly string[]
}

interface Put extends Speaking {
  /** `key` is the path of the private key of a certificate. */
  readonly storedKey: string
  readonly value: string | undefined
  readonly file: string | undefined
  readonly contentType: string | undefined
  readonly idempotencyKey: string | undefined
}

interface Listing extends Speaking {
  readonly prefix: string | undefined
  readonly after: string | undefined
}

export interface Get extends Speaking {
  readonly keys: readonly string[]
  readonly consistency: (typeof CONSISTENCIES)[number]
}

export interface Limited extends Listing {
  readonly limit: number
}

interface Transferring {
  readonly inFlight: number
}

interface Backup extends Speaking, Transferring {
  readonly file: string
}

export type ClientCommand =
  | ({ readonly name: 'put' } & Put)
  | ({ readonly name: 'get' } & Get)
  | ({ readonly name: 'stat' | 'wait' } & Speaking & { readonly keys: readonly string[] })
  | ({ readonly name: 'ls' } & Limited & { readonly count: boolean })
  | ({ readonly name: 'watch' } & Speaking & { readonly prefix: string | undefined; readonly cursor: string | undefined })
  | ({ readonly name: 'import' } & Speaking & Transferring & { readonly file: string | undefined })
  | ({ readonly name: 'export' } & Listing & { readonly file: string | undefined })
  | ({ readonly name: 'backup' } & Backup)
  | ({ readonly name: 'restore' } & Backup)
  | ({ readonly name: 'status' } & Speaking & { readonly watch: boolean })
  | ({ readonly name: 'doctor' } & Speaking)
  | { readonly name: 'completion'; readonly shell: string; readonly output: Output | undefined }

const { url, ...CREDENTIALS } = ASKED

export const SPEAKING: FlagTable<Speaking> = {
  urls: {
    ...repeated(parseUrl),
    name: url.name,
    placeholder: 'URL',
    meaning: 'HTTP address of a peer that is asked. Where there are several, the next one is asked when one fails.',
    fallback: { value: [URL_DEFAULT], text: URL_DEFAULT },
  },
  ...CREDENTIALS,
}

export function file(meaning: string, text: string): Flag<string | undefined> {
  return { ...once(parseFile), name: 'file', placeholder: 'FILE', meaning, fallback: { value: undefined, text } }
}

const IN_FLIGHT_FLAG: Flag<number> = {
  ...once(wholeNumber(1, IN_FLIGHT_MAX, 'requests')),
  name: 'in-flight',
  placeholder: 'N',
  meaning: 'Requests at a time.',
  fallback: { value: IN_FLIGHT, text: String(IN_FLIGHT) },
}

export const AFTER: Flag<string | undefined> = {
  ...once(parseKey),
  name: 'after',
  placeholder: 'KEY',
  meaning: 'Begin after this key, in the order of bytes.',
  fallback: { value: undefined, text: 'from the first' },
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
  idempotencyKey: {
    ...once(parsePutName),
    name: 'idempotency-key',
    placeholder: 'NAME',
    meaning: 'Names this put, so that it can be repeated safely after "in doubt".',
    fallback: { value: undefined, text: 'drawn' },
  },
  ...SPEAKING,
}

export const GET: FlagTable<Omit<Get, 'keys'>> = {
  consistency: {
    ...once(parseConsistency),
    name: 'consistency',
    placeholder: 'WHICH',
    meaning: 'linearizable, or local: the own copy of the peer that is asked.',
    fallback: { value: 'linearizable', text: 'linearizable' },
  },
  ...SPEAKING,
}

export const LS: FlagTable<Omit<Limited, 'prefix'>> = {
  after: AFTER,
  limit: {
    ...once(wholeNumber(1, KEYS_MAX, 'keys')),
    name: 'limit',
    placeholder: 'N',
    meaning: 'Most keys that are listed.',
    fallback: { value: KEYS_MAX, text: 'all' },
  },
  ...SPEAKING,
}

const LS_KEYS: FlagTable<Omit<Limited, 'prefix'> & { readonly count: boolean }> = {
  count: { ...toggle(), name: 'count', meaning: 'Only how many they are, whatever -limit says.' },
  ...LS,
}

const WATCH: FlagTable<Speaking & { readonly cursor: string | undefined }> = {
  cursor: {
    ...once(parseFile),
    name: 'cursor',
    placeholder: 'CURSOR',
    meaning: 'Go on from here: the cursor of the last line that was read, at the same peer.',
    fallback: { value: undefined, text: 'from now on' },
  },
  ...SPEAKING,
}

const TRANSFER: FlagTable<Speaking & Transferring> = { inFlight: IN_FLIGHT_FLAG, ...SPEAKING }

const BRINGING: FlagTable<Speaking & Transferring> = {
  ...TRANSFER,
  inFlight: {
    ...IN_FLIGHT_FLAG,
    meaning: 'Lines under way at a time.',
    fallback: { value: LINES_IN_FLIGHT, text: String(LINES_IN_FLIGHT) },
  },
}

const EXPORT: FlagTable<Omit<Listing, 'prefix'> & { readonly file: string | undefined }> = {
  file: file('Written to; one that is there is gone on with after its last whole line.', 'standard output'),
  after: AFTER,
  ...SPEAKING,
}

const STATUS: FlagTable<Speaking & { readonly watch: boolean }> = {
  watch: { ...toggle(), name: 'watch', meaning: 'Again each 2 seconds, until Ctrl-C.' },
  ...SPEAKING,
}

export const KEY: Operand = ['storedKey', 'KEY', parseKey]
export const KEYS: Operand = ['keys', 'KEY', parseKey]
export const PREFIX: Operand = ['prefix', 'PREFIX', (text) => text]

/** By name, in the order of the help text. */
export const CLIENT_COMMANDS: Readonly<Record<ClientCommand['name'], CommandRow>> = {
  put: {
    meaning: 'Stores a value under KEY, once and for all: VALUE, a file, or what comes on standard input.',
    operands: [KEY],
    optional: ['value', 'VALUE', (text) => text],
    flags: PUT,
    examples: [
      'put names/ada "claimed by lisbon"',
      'put config/v7 -file config.json -type application/json',
      'put -url http://10.0.0.7:8000 greeting hello',
    ],
  },
  get: {
    meaning: 'The value of each KEY, as it is; with -o json its facts too.',
    operands: [],
    rest: KEYS,
    flags: GET,
    examples: ['get names/ada', 'get names/ada names/bob -o json'],
  },
  ls: {
    meaning: 'The keys that begin with PREFIX, of those that the peer holds.',
    operands: [],
    optional: PREFIX,
    flags: LS_KEYS,
    examples: ['ls names/', 'ls names/ -o raw -limit 10', 'ls names/ -count'],
  },
  stat: {
    meaning: 'Size, type, ETag and time of each KEY, without its value.',
    operands: [],
    rest: KEYS,
    flags: SPEAKING,
    examples: ['stat names/ada'],
  },
  wait: {
    meaning: 'Waits until every KEY is there, and tells of each when it is.',
    operands: [],
    rest: KEYS,
    flags: SPEAKING,
    examples: ['wait config/v7 -timeout 600'],
  },
  watch: {
    meaning: 'Tells of each key that begins with PREFIX as it becomes known at the peer, until Ctrl-C.',
    operands: [],
    optional: PREFIX,
    flags: WATCH,
    examples: ['watch names/', 'watch -o raw'],
  },
  import: {
    meaning:
      'Puts a key a line of a file, or of standard input: {"key", "value" or "valueBase64", "contentType"?}. When it is interrupted, the same line goes on; a key that holds the same already is left as it is.',
    operands: [],
    optional: ['file', 'FILE', parseFile],
    flags: BRINGING,
    examples: ['import keys.jsonl', 'import keys.jsonl -url http://10.0.0.7:8000 -url http://b:8000'],
  },
  export: {
    meaning: 'The keys that begin with PREFIX, with their values, as import takes them.',
    operands: [],
    optional: PREFIX,
    flags: EXPORT,
    examples: ['export -file keys.jsonl', 'export names/ > names.jsonl'],
  },
  backup: {
    meaning:
      'Writes all that one peer holds into FILE ("-": standard output): keys, registers and sets, each as it was at one moment. The file tells whether it is whole.',
    operands: [['file', 'FILE', parseFile]],
    flags: TRANSFER,
    examples: ['backup monday.backup', 'backup - > monday.backup'],
  },
  restore: {
    meaning:
      'Writes what a backup holds into a network, new or running. What is there with the same content counts as done, what is there with other content stays and is told. When it is interrupted, give it again.',
    operands: [['file', 'FILE', parseFile]],
    flags: BRINGING,
    examples: ['restore monday.backup', 'restore - -url http://10.0.0.7:8000'],
  },
  status: {
    meaning: 'The network on one screen, as one peer sees it.',
    operands: [],
    flags: STATUS,
    examples: ['status -watch', 'status -o json'],
  },
  doctor: {
    meaning:
      'Asks every peer that is named, and looks at this machine: networks, versions, clocks, who is behind, warnings, modes of files. Says what is wrong and what to do; exit code 1 when something is.',
    operands: [],
    flags: SPEAKING,
    examples: ['doctor -url http://10.0.0.7:8000 -url http://10.0.0.8:8000', 'doctor -o json'],
  },
  completion: {
    meaning: 'Prints what lets bash, zsh or fish complete commands and flags.',
    operands: [['shell', 'SHELL', parseShell]],
    flags: { output: OUTPUT },
    examples: ['completion bash > /etc/bash_completion.d/replicator', 'completion fish > ~/.config/fish/completions/replicator.fish'],
  },
}

export function isClientCommand(command: { readonly name: string }): command is ClientCommand {
  return Object.hasOwn(CLIENT_COMMANDS, command.name)
}

/** What peers refuse is left to them; this only finds what can be no key at all. */
export function parseKey(text: string): string {
  if (text === '' || !text.isWellFormed()) throw new UsageError('a key is 1 to 1024 bytes of UTF-8')
  return text
}

export function parseContentType(text: string): string {
  if (!CONTENT_TYPE.test(text)) throw new UsageError('a content type is 1 to 255 visible characters, like application/json')
  return text
}

export function parsePutName(text: string): string {
  if (!PUT_NAME.test(text)) throw new UsageError('write 1 to 128 visible ASCII characters')
  return text
}

function parseConsistency(text: string): (typeof CONSISTENCIES)[number] {
  const consistency = CONSISTENCIES.find((known) => known === text)
  if (consistency === undefined) throw new UsageError(`write ${CONSISTENCIES.join(' or ')}`)
  return consistency
}

function parseShell(text: string): string {
  if (!['bash', 'zsh', 'fish'].includes(text)) throw new UsageError('write bash, zsh or fish')
  return text
}
