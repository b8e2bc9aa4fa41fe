/**
 * The command line: arguments and variables in, a Config or the reason why not out. Nothing is printed, created or ended here.
 *
 * The arguments are paired by hand. A flag takes the next argument whatever that begins with, so one cannot tell which
 * arguments are flags, and mend their dashes, without pairing them all; after that nothing is left for a library to do.
 */
import type { Config } from './config.ts'
import { FLAGS, variableOf } from './flags.ts'
import type { Flag } from './flags.ts'
import { helpText } from './help.ts'
import { newSecret } from './secret.ts'
import { UsageError } from './usage-error.ts'
import { VERSION } from './version.ts'

/** What the command line asks for. Texts have no line end after their last line; a message is one line. */
export type CommandLine =
  | { readonly kind: 'run'; readonly config: Config }
  | { readonly kind: 'help' | 'version' | 'secret'; readonly text: string }
  | { readonly kind: 'usage-error'; readonly message: string }

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The texts given for each flag, by its name. */
type Given = Map<string, string[]>

const SECRET_COMMAND = 'secret'
const HELP_HINT = 'replicator -help lists all flags'
/** How much of a wrong value is repeated in the message. */
const SHOWN_CHARACTERS_MAX = 80

/**
 * Reads the command line. The secret's file is read too, so that the Config is complete.
 *
 * @param argv what follows the name of the program
 * @param environment the variables
 * @returns what to do; it never throws for what a user wrote
 */
export function parseCommandLine(argv: readonly string[], environment: Environment): CommandLine {
  try {
    const given = pair(argv[0] === SECRET_COMMAND ? argv.slice(1) : argv)
    if (given === 'help') return { kind: 'help', text: helpText() }
    if (given === 'version') return { kind: 'version', text: VERSION }
    if (argv[0] !== SECRET_COMMAND) return { kind: 'run', config: readConfig(given, environment) }
    for (const name of given.keys()) throw new UsageError(`replicator secret takes no flags, yet -${name} is there; leave it away`)
    return { kind: 'secret', text: newSecret() }
  } catch (error) {
    if (error instanceof UsageError) return { kind: 'usage-error', message: error.message }
    throw error
  }
}

/** Pairs flags with their values; `help` or `version` when one of these comes first. */
function pair(argv: readonly string[]): Given | 'help' | 'version' {
  const given: Given = new Map()
  for (let index = 0; index < argv.length; index += 1) {
    const { name, value } = split(argv[index] ?? '')
    if (name === 'help' || name === 'version') {
      if (value !== undefined) throw new UsageError(`-${name} takes no value; leave away what follows the "="`)
      return name
    }
    const flag = findFlag(name)
    if (value === undefined) index += 1
    const text = value ?? argv[index]
    if (text === undefined) throw new UsageError(`-${name} needs a value: -${name} ${flag.placeholder}; ${HELP_HINT}`)
    const texts = given.get(name) ?? []
    if (texts.length > 0 && !flag.repeatable) throw new UsageError(`-${name} is there twice; give it once`)
    given.set(name, [...texts, text])
  }
  return given
}

/** Takes a flag apart: `-name`, `--name`, `-name=value`, `--name=value`. */
function split(argument: string): { readonly name: string; readonly value: string | undefined } {
  const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument)
  if (match?.[1] !== undefined) return { name: match[1], value: match[2] }
  if (/^--?[^-]/.test(argument)) throw new UsageError(`unknown flag ${show(argument)}; ${HELP_HINT}`)
  throw new UsageError(`stray argument ${show(argument)}; everything after replicator is a flag or its value; ${HELP_HINT}`)
}

function findFlag(name: string): Flag<unknown> {
  const flag = Object.values<Flag<unknown>>(FLAGS).find((known) => known.name === name)
  if (flag === undefined) throw new UsageError(`unknown flag ${show(`-${name}`)}; ${HELP_HINT}`)
  return flag
}

function readConfig(given: Given, environment: Environment): Config {
  const fields = Object.entries<Flag<unknown>>(FLAGS).map(([field, flag]) => [field, readValue(flag, given, environment)])
  // Every field has its row in FLAGS, typed as the field is; only the detour through entries loses sight of it.
  return Object.freeze(Object.fromEntries(fields)) as Config
}

/** The value of a flag: from the flag, else from its variable, else its default. */
function readValue<T>(flag: Flag<T>, given: Given, environment: Environment): T {
  const texts = given.get(flag.name)
  if (texts !== undefined) return parse(flag, texts, `-${flag.name} `)
  const variable = variableOf(flag.name)
  const ofVariable = textsOfVariable(flag, environment[variable] ?? '')
  if (ofVariable.length > 0) return parse(flag, ofVariable, `${variable}=`)
  if (flag.fallback !== 'required') return flag.fallback.value
  throw new UsageError(`-${flag.name} is missing; name the cluster to join, for example -${flag.name} cluster-1; ${HELP_HINT}`)
}

function textsOfVariable(flag: Flag<unknown>, text: string): string[] {
  const texts = flag.repeatable ? text.split(',').map((part) => part.trim()) : [text]
  return texts.filter((part) => part !== '')
}

function parse<T>(flag: Flag<T>, texts: readonly string[], shownBefore: string): T {
  try {
    return flag.parse(texts)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`${shownBefore}${texts.map(show).join(', ')}: ${error.message}`, { cause: error })
  }
}

/** A text as it can stand in one line. */
function show(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text)
}
