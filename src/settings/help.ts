/** The help text, made from the table of flags. */
import { ALL_COMMANDS } from './all-commands.ts'
import type { Command } from './all-commands.ts'
import { isClientCommand } from './client-commands.ts'
import { usageOf } from './command-row.ts'
import type { CommandRow } from './command-row.ts'
import { SECRET, SECRET_COMMAND } from './commands.ts'
import { SOURCES } from './config-file.ts'
import { FLAGS, variableOf } from './flags.ts'
import type { Flag } from './flags.ts'
import { isRegisterCommand } from './register-commands.ts'

type CommandName = Command['name'] | typeof SECRET_COMMAND

/** Fits a terminal of the usual width. */
const LINE_CHARACTERS_MAX = 80
const INDENT = '      '

const USAGE = `Usage: replicator -cid ID [flag…]                  starts a network
       replicator -cid ID -peer MULTIADDR [flag…]  joins one
       replicator secret [-out FILE]               makes a new shared secret
       replicator COMMAND [flag…]                  asks a running peer

One dash or two, -name value or -name=value. Each flag also has an environment
variable; an empty one is unset, those of repeatable flags take a list separated
by commas, and a flag replaces its variable. Both replace what -config holds.`

/** As `src/commands/exits.ts` has them. */
const EXITS_SAID =
  'Exit code: 0 done, 1 not done, 2 the command line is wrong, 3 no such key,\n4 something else is there, 5 in doubt: the same again, as it says.'

const WITHOUT_VALUE = `  --help
${INDENT}This text.
  --version
${INDENT}The version.`

/** The whole text, without a line end after the last line. */
export function helpText(): string {
  const commands = Object.entries(ALL_COMMANDS).map(([name, row]) => [`  ${usageOf(name, row)}`, ...wrap(row.meaning)].join('\n'))
  const hint = 'replicator COMMAND --help lists the flags of one.'
  return `${USAGE}\n\n${[...Object.values<Flag<unknown>>({ ...FLAGS, ...SOURCES }).map(describe), WITHOUT_VALUE].join('\n')}\n\nCommands:\n${commands.join('\n')}\n\n${hint}`
}

/** The text of one command. */
export function commandHelp(name: CommandName): string {
  const row = rowOf(name)
  const rows = [...Object.values<Flag<unknown>>(row.flags).map(describe), WITHOUT_VALUE]
  const examples = (row.examples ?? []).map((line) => `  replicator ${line}`)
  const shown = examples.length === 0 ? '' : `\n\nExamples:\n${examples.join('\n')}`
  const exits = isClientCommand({ name }) || isRegisterCommand({ name }) ? `\n\n${EXITS_SAID}` : ''
  return `Usage: replicator ${usageOf(name, row)} [flag…]\n${wrap(row.meaning).join('\n')}${shown}\n\n${rows.join('\n')}${exits}`
}

function rowOf(name: CommandName): CommandRow {
  return name === SECRET_COMMAND ? SECRET : ALL_COMMANDS[name]
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
