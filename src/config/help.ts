/** The help text, made from the table of flags. */
import { COMMANDS, SECRET, SECRET_COMMAND } from './commands.ts'
import type { Command, CommandRow } from './commands.ts'
import { SET_COMMANDS } from './set-commands.ts'
import type { SetCommand } from './set-commands.ts'
import { FLAGS, variableOf } from './flags.ts'
import type { Flag } from './flags.ts'

type CommandName = Command['name'] | SetCommand['name'] | typeof SECRET_COMMAND

/** All that are listed. */
const LISTED: Readonly<Record<Exclude<CommandName, typeof SECRET_COMMAND>, CommandRow>> = { ...COMMANDS, ...SET_COMMANDS }

/** Fits a terminal of the usual width. */
const LINE_CHARACTERS_MAX = 80
const INDENT = '      '

const USAGE = `Usage: replicator -cid ID [flag…]                  starts a network
       replicator -cid ID -peer MULTIADDR [flag…]  joins one
       replicator secret [-out FILE]               makes a new shared secret
       replicator COMMAND [flag…]                  asks a running peer

One dash or two, -name value or -name=value. Each flag also has an environment
variable; an empty one is unset, those of repeatable flags take a list separated
by commas, and a flag replaces its variable.`

const WITHOUT_VALUE = `  --help
${INDENT}This text.
  --version
${INDENT}The version.`

/** The whole text, without a line end after the last line. */
export function helpText(): string {
  const names = Object.keys(LISTED) as (keyof typeof LISTED)[]
  const commands = names.map((name) => [`  ${usageOf(name)}`, ...wrap(LISTED[name].meaning)].join('\n'))
  const hint = 'replicator COMMAND --help lists the flags of one.'
  return `${USAGE}\n\n${[...Object.values(FLAGS).map(describe), WITHOUT_VALUE].join('\n')}\n\nCommands:\n${commands.join('\n')}\n\n${hint}`
}

/** The text of one command. */
export function commandHelp(name: CommandName): string {
  const { meaning, flags } = rowOf(name)
  const rows = [...Object.values<Flag<unknown>>(flags).map(describe), WITHOUT_VALUE]
  return `Usage: replicator ${usageOf(name)} [flag…]\n${wrap(meaning).join('\n')}\n\n${rows.join('\n')}`
}

function rowOf(name: CommandName): CommandRow {
  return name === SECRET_COMMAND ? SECRET : LISTED[name]
}

function usageOf(name: CommandName): string {
  const { operands, optional, rest } = rowOf(name)
  const placeholders = operands.map(([, placeholder]) => placeholder)
  return [
    name,
    ...placeholders,
    ...(optional === undefined ? [] : [`[${optional[1]}]`]),
    ...(rest === undefined ? [] : [`${rest[1]}…`]),
  ].join(' ')
}

function describe(flag: Flag<unknown>): string {
  const variable = flag.hasVariable === true ? wrap(`Default: not [${variableOf(flag.name)}=on]`) : []
  if (flag.placeholder === undefined) return [`  -${flag.name}`, ...wrap(flag.meaning), ...variable].join('\n')
  const repeatable = flag.repeatable ? '  (repeatable)' : ''
  const otherwise = flag.fallback === 'required' ? 'Required' : `Default: ${flag.fallback.text}`
  return [
    `  -${flag.name} ${flag.placeholder}${repeatable}`,
    ...wrap(flag.meaning),
    ...wrap(`${otherwise} [${variableOf(flag.name)}]`),
  ].join('\n')
}

/** Breaks a text into indented lines, at its spaces. */
function wrap(text: string): string[] {
  const lines: string[] = []
  let line = INDENT
  for (const word of text.split(' ')) {
    if (line !== INDENT && line.length + 1 + word.length > LINE_CHARACTERS_MAX) {
      lines.push(line)
      line = INDENT
    }
    line += line === INDENT ? word : ` ${word}`
  }
  return [...lines, line]
}
