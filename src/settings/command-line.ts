/**
 * The command line: arguments and variables in, settings or the reason why not out. Nothing is
 * printed, created or ended here.
 *
 * The arguments are paired by hand. A flag takes the next argument whatever that begins with, so
 * one cannot tell which arguments are flags, and mend their dashes, without pairing them all; after
 * that nothing is left for a library to do.
 */
import { exposure, tampering } from '../security/private-file.ts'
import { ALL_COMMANDS, isCommandName } from './all-commands.ts'
import type { Command } from './all-commands.ts'
import type { CommandRow } from './command-row.ts'
import { SECRET, SECRET_COMMAND } from './commands.ts'
import { SOURCES, printedConfig } from './config-file.ts'
import type { ConfigFile } from './config-file.ts'
import type { Settings } from './settings.ts'
import { FLAGS, variableOf } from './flags.ts'
import type { AnyFlags, Flag, FlagTable } from './flags.ts'
import { commandHelp, helpText } from './help.ts'
import { didYouMean } from './nearest.ts'
import { newSecret } from './secret.ts'
import { UsageError } from './usage-error.ts'
import { parseSwitch } from './values.ts'
import { VERSION } from './version.ts'

/**
 * What the command line asks for. Texts have no line end after their last line; a message is one
 * line.
 */
export type CommandLine =
  | { readonly kind: 'run'; readonly config: Settings }
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'help' | 'version'; readonly text: string }
  /** A new secret, and the file to make for it; undefined where it is printed. */
  | { readonly kind: 'secret'; readonly text: string; readonly out: string | undefined }
  | { readonly kind: 'usage-error'; readonly message: string }

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The texts given for each flag, by its name; the empty text for one that has no value. */
type Flags = Map<string, string[]>

/** What is left of the arguments when they are paired. */
interface Given {
  readonly flags: Flags
  /** What is no flag and no value of one. */
  readonly operands: readonly string[]
}

const HELP_HINT = 'replicator --help lists all flags'
/** As an operand: standard input, or standard output. */
const STANDARD_STREAM = '-'
/** How much of a wrong value is repeated in the message. */
const SHOWN_CHARACTERS_MAX = 80

/**
 * Reads the command line. The secret's file is read too, so that the settings are complete.
 *
 * @param argv what follows the name of the program
 * @param environment the variables
 * @returns what to do; it never throws for what a user wrote
 */
export function parseCommandLine(argv: readonly string[], environment: Environment): CommandLine {
  try {
    const [first] = argv
    if (isCommandName(first)) return readCommand(first, ALL_COMMANDS[first], argv.slice(1), environment)
    if (isNoun(first)) return readNounCommand(first, argv, environment)
    if (first === SECRET_COMMAND) return readSecretCommand(argv.slice(1), environment)
    assertNoUnknownCommand(first)
    const given = pair(argv, { ...FLAGS, ...SOURCES }, 0)
    if (given === 'help') return { kind: 'help', text: helpText() }
    if (given === 'version') return { kind: 'version', text: VERSION }
    const { configFile, printConfig } = readFields(SOURCES, given.flags, environment, undefined)
    const config = readFields(FLAGS, given.flags, environment, configFile)
    assertBoth(config, 'httpCert', 'httpKey', '-http-cert', '-http-key')
    if (config.httpCa !== undefined && config.httpCert === undefined)
      throw new UsageError('-http-ca is there without -http-cert; clients show certificates over TLS alone')
    assertKafkaOrders(config)
    if (printConfig) return { kind: 'help', text: printedConfig(FLAGS, given.flags, environment, configFile) }
    return { kind: 'run', config: Object.freeze(config) }
  } catch (error) {
    if (error instanceof UsageError) return { kind: 'usage-error', message: error.message }
    throw error
  }
}

/** Said of the first word alone: what follows a flag may be the value of one. */
function assertNoUnknownCommand(first: string | undefined): void {
  if (first === undefined || !/^[a-z][a-z-]*$/.test(first)) return
  const hint = didYouMean(first, [...Object.keys(ALL_COMMANDS), SECRET_COMMAND])
  if (hint !== '') throw new UsageError(`there is no command ${show(first)}${hint} ${HELP_HINT}`)
}

function isNoun(word: string | undefined): word is string {
  return word !== undefined && verbsOf(word).length > 0
}

function verbsOf(noun: string): string[] {
  return Object.keys(ALL_COMMANDS).flatMap((known) => (known.startsWith(`${noun} `) ? [known.slice(noun.length + 1)] : []))
}

function readNounCommand(noun: string, argv: readonly string[], environment: Environment): CommandLine {
  const name = `${noun} ${argv[1] ?? ''}`
  if (isCommandName(name)) return readCommand(name, ALL_COMMANDS[name], argv.slice(2), environment)
  if (argv[1] === '-help' || argv[1] === '--help') return { kind: 'help', text: helpText() }
  const hint = argv[1] === undefined ? '' : didYouMean(argv[1], verbsOf(noun)).replace(/\?$/, '')
  throw new UsageError(`replicator ${noun} needs one of ${verbsOf(noun).join(', ')}${hint}; ${HELP_HINT}`)
}

function readCommand(name: Command['name'], row: CommandRow, argv: readonly string[], environment: Environment): CommandLine {
  const { operands, optional, rest, flags } = row
  const one = optional ?? rest
  const operandsMax = rest === undefined ? operands.length + (optional === undefined ? 0 : 1) : Number.POSITIVE_INFINITY
  const given = pair(argv, flags, operandsMax)
  if (given === 'help') return { kind: 'help', text: commandHelp(name) }
  if (given === 'version') return { kind: 'version', text: VERSION }
  const fields: Record<string, unknown> = {}
  const read = ([, placeholder, parseOperand]: CommandRow['operands'][number], text: string | undefined): string => {
    if (text === undefined) throw new UsageError(`replicator ${name} needs ${placeholder}; replicator ${name} --help says more`)
    return told(() => parseOperand(text), `${placeholder} ${show(text)}: `)
  }
  for (const [index, operand] of operands.entries()) fields[operand[0]] = read(operand, given.operands[index])
  const [next, ...others] = given.operands.slice(operands.length)
  if (one !== undefined) {
    const isLeftAway = next === undefined && rest === undefined
    const first = isLeftAway ? undefined : read(one, next)
    fields[one[0]] = rest === undefined ? first : [first, ...others.map((text) => read(one, text))]
  }
  const command = { name, ...fields, ...readFields(flags, given.flags, environment, undefined) } as unknown as Command
  if ('cert' in command) assertBoth(command, 'cert', 'key', '-cert', '-key')
  const fault = row.fault?.(fields)
  if (fault !== undefined) throw new UsageError(`replicator ${name}: ${fault}`)
  return { kind: 'command', command }
}

function readSecretCommand(argv: readonly string[], environment: Environment): CommandLine {
  const given = pair(argv, SECRET.flags, 0)
  if (given === 'help') return { kind: 'help', text: commandHelp(SECRET_COMMAND) }
  if (given === 'version') return { kind: 'version', text: VERSION }
  return { kind: 'secret', text: newSecret(), ...readFields(SECRET.flags, given.flags, environment, undefined) }
}

/** Of a certificate and its key, both or neither are there. */
function assertBoth<Name extends string>(
  fields: Readonly<Partial<Record<Name, unknown>>>,
  one: Name,
  other: Name,
  ...flags: readonly [string, string]
): void {
  if ((fields[one] === undefined) === (fields[other] === undefined)) return
  const [there, missing] = fields[one] === undefined ? flags.toReversed() : flags
  throw new UsageError(`${there} is there without ${missing}; give both or neither`)
}

/** What Kafka orders lands in databases of SQL, which are named. */
function assertKafkaOrders({ logs, logOrders }: Settings): void {
  for (const { log } of logOrders) {
    const kind = logs.find((each) => each.log === log)?.kind
    if (kind === undefined) throw new UsageError(`-log-order names the log ${log}, and no -log does`)
    if (kind === 'kv' || kind === 'redis')
      throw new UsageError(`Kafka orders databases of SQL: -log ${log}= has to be sqlite:, mysql: or postgres:`)
  }
}

/** Pairs flags with their values; `help` or `version` when one of these comes first. */
function pair(argv: readonly string[], table: AnyFlags, operandsMax: number): Given | 'help' | 'version' {
  const flags: Flags = new Map()
  const operands: string[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? ''
    // What follows it is no flag, whatever it begins with.
    if (argument === '--' && operandsMax > 0) {
      operands.push(...argv.slice(index + 1))
      if (operands.length > operandsMax) throw new UsageError(`stray argument ${show(operands.at(-1) ?? '')}; ${HELP_HINT}`)
      break
    }
    if ((argument === STANDARD_STREAM || !argument.startsWith('-')) && operands.length < operandsMax) {
      operands.push(argument)
      continue
    }
    const { name, value } = split(argument)
    const flag = name === 'help' || name === 'version' ? undefined : findFlag(name, table)
    if (flag?.placeholder === undefined && value !== undefined) {
      throw new UsageError(`-${name} takes no value; leave away what follows the "="`)
    }
    if (flag === undefined) return name as 'help' | 'version'
    if (flag.placeholder !== undefined && value === undefined) index += 1
    const text = flag.placeholder === undefined ? '' : (value ?? argv[index])
    if (text === undefined) throw new UsageError(`-${name} needs a value: -${name} ${flag.placeholder}; ${HELP_HINT}`)
    const texts = flags.get(name) ?? []
    if (texts.length > 0 && !flag.repeatable) throw new UsageError(`-${name} is there twice; give it once`)
    flags.set(name, [...texts, text])
  }
  return { flags, operands }
}

/** Takes a flag apart: `-name`, `--name`, `-name=value`, `--name=value`. */
function split(argument: string): { readonly name: string; readonly value: string | undefined } {
  const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument)
  if (match?.[1] !== undefined) return { name: match[1], value: match[2] }
  if (/^--?[^-]/.test(argument)) throw new UsageError(`unknown flag ${show(argument)}; ${HELP_HINT}`)
  throw new UsageError(`stray argument ${show(argument)}; what follows is a flag or its value; ${HELP_HINT}`)
}

function findFlag(name: string, table: AnyFlags): Flag<unknown> {
  const flag = Object.values<Flag<unknown>>(table).find((known) => known.name === name)
  if (flag === undefined) throw new UsageError(`unknown flag ${show(`-${name}`)}${nearestFlag(name, table)}; ${HELP_HINT}`)
  return flag
}

function nearestFlag(name: string, table: AnyFlags): string {
  const known = Object.values<Flag<unknown>>(table).map((flag) => `-${flag.name}`)
  return didYouMean(`-${name}`, known).replace(/\?$/, '')
}

function readFields<Fields extends object>(
  table: FlagTable<Fields>,
  given: Flags,
  environment: Environment,
  file: ConfigFile | undefined,
): Fields {
  const { secretMode } = table as AnyFlags
  const isPrivate = secretMode === undefined || readValue(secretMode, given, environment, file, true) !== 'any'
  const fields = Object.entries<Flag<unknown>>(table).map(([field, flag]) => [field, readValue(flag, given, environment, file, isPrivate)])
  // Every field has its row in the table, typed as the field is; only the detour through entries
  // loses sight of it.
  return Object.fromEntries(fields) as Fields
}

/**
 * The value of a flag: from the flag, else from its variable, else from the file of -config, else
 * its default.
 *
 * @param isPrivate files that hold secrets must be their owner's alone, and those that say who may
 * do what for it alone to write
 */
function readValue<T>(flag: Flag<T>, given: Flags, environment: Environment, file: ConfigFile | undefined, isPrivate: boolean): T {
  const texts = given.get(flag.name)
  if (texts !== undefined) return parse(flag, texts, `-${flag.name} `, isPrivate)
  const variable = variableOf(flag.name)
  const ofSwitch = flag.hasVariable === true ? (environment[variable] ?? '') : ''
  if (ofSwitch !== '') return told(() => parseSwitch(ofSwitch), `${variable}=${show(ofSwitch)}: `) ? flag.parse([]) : fallbackOf(flag)
  const ofVariable = flag.placeholder === undefined ? [] : textsOfVariable(flag, environment[variable] ?? '')
  if (ofVariable.length > 0) return parse(flag, ofVariable, `${variable}=`, isPrivate)
  const content = environment[flag.content?.variable ?? ''] ?? ''
  if (flag.content !== undefined && content !== '') return told(() => flag.content?.parse(content) as T, `${flag.content.variable}: `)
  const ofFile = file?.texts.get(flag.name)
  if (file === undefined || ofFile === undefined) return fallbackOf(flag)
  if (flag.placeholder !== undefined) return parse(flag, ofFile, `${file.path}: ${flag.name} = `, isPrivate)
  return told(() => parseSwitch(ofFile[0] ?? ''), `${file.path}: ${flag.name} = `) ? flag.parse([]) : fallbackOf(flag)
}

function fallbackOf<T>(flag: Flag<T>): T {
  if (flag.fallback !== 'required') return flag.fallback.value
  const example =
    flag === FLAGS.clusterId ? 'name the cluster to join, for example -cid cluster-1' : `say -${flag.name} ${flag.placeholder}`
  throw new UsageError(`-${flag.name} is missing; ${example}; ${HELP_HINT}`)
}

function textsOfVariable(flag: Flag<unknown>, text: string): string[] {
  const texts = flag.repeatable ? text.split(',').map((part) => part.trim()) : [text]
  return texts.filter((part) => part !== '')
}

function parse<T>(flag: Flag<T>, texts: readonly string[], shownBefore: string, isPrivate: boolean): T {
  const read = (): T => {
    const faultOf = flag.isPrivate ? exposure : flag.isOwn ? tampering : undefined
    const fault = isPrivate && faultOf !== undefined ? texts.map((text) => faultOf(text)).find((why) => why !== undefined) : undefined
    if (fault !== undefined) throw new UsageError(fault)
    return flag.parse(texts)
  }
  return told(read, `${shownBefore}${texts.map(show).join(', ')}: `)
}

/** Says in front of what is wrong where it stands. */
function told<T>(read: () => T, where: string): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`${where}${error.message}`, { cause: error })
  }
}

/** A text as it can stand in one line. */
function show(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text)
}
