/**
 * `replicator completion`: what lets a shell complete commands and flags, made from the tables that
 * the help is made from.
 */
import { ALL_COMMANDS } from '../settings/all-commands.ts'
import { SECRET, SECRET_COMMAND } from '../settings/commands.ts'
import type { CommandRow } from '../settings/command-row.ts'
import { FLAGS } from '../settings/flags.ts'
import type { AnyFlags } from '../settings/flags.ts'

/** What stands first on a line. */
interface Word {
  readonly meaning: string
  readonly flags: AnyFlags
  /** What may stand second, of a noun that has several commands. */
  readonly verbs: readonly string[]
}

const WORDS: ReadonlyMap<string, Word> = words({ ...ALL_COMMANDS, [SECRET_COMMAND]: SECRET })

/** Commands of two words are put together under the first. */
function words(rows: Readonly<Record<string, CommandRow>>): Map<string, Word> {
  const found = new Map<string, Word>()
  for (const [name, { meaning, flags }] of Object.entries(rows)) {
    const [first = '', verb] = name.split(' ')
    const { flags: others = {}, verbs = [], meaning: before = meaning } = found.get(first) ?? {}
    found.set(first, { meaning: before, flags: { ...others, ...flags }, verbs: verb === undefined ? verbs : [...verbs, verb] })
  }
  return found
}

/** @param shell bash, zsh or fish @returns lines */
export function completionFor(shell: string): string[] {
  if (shell === 'bash') return bash()
  return shell === 'zsh' ? zsh() : fish()
}

function flagsOf(flags: AnyFlags): string[] {
  return [...Object.values(flags).map(({ name }) => `-${name}`), '--help']
}

function cases(): string[] {
  return [
    ...[...WORDS].map(([name, { flags, verbs }]) => `    ${name}) flags='${[...verbs, ...flagsOf(flags)].join(' ')}' ;;`),
    `    *) flags='${flagsOf(FLAGS).join(' ')} --version' ;;`,
  ]
}

function bash(): string[] {
  return [
    '_replicator() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} flags words',
    '  case ${COMP_WORDS[1]} in',
    ...cases(),
    '  esac',
    '  words=$flags',
    `  [ "$COMP_CWORD" = 1 ] && words="${[...WORDS.keys()].join(' ')} $flags"`,
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '}',
    'complete -o default -F _replicator replicator',
  ]
}

function zsh(): string[] {
  const commands = [...WORDS].map(([name, { meaning }]) => `    '${name}:${meaning.replaceAll("'", '’').replaceAll(':', ' ')}'`)
  return [
    '#compdef replicator',
    '_replicator() {',
    '  local flags',
    '  local -a commands',
    '  commands=(',
    ...commands,
    '  )',
    '  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command commands; return; fi',
    '  case $words[2] in',
    ...cases(),
    '  esac',
    '  if [[ $words[CURRENT] == -* || $CURRENT == 3 ]]; then compadd -- ${=flags}; else _files; fi',
    '}',
    'compdef _replicator replicator',
  ]
}

function fish(): string[] {
  const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
  const names = [...WORDS.keys()].join(' ')
  const flagLines = (condition: string, flags: AnyFlags): string[] =>
    Object.values(flags).map(({ name, placeholder, meaning }) => {
      const value = placeholder === undefined ? '' : ' -r'
      return `complete -c replicator -n ${quote(condition)} -o ${name}${value} -d ${quote(meaning)}`
    })
  return [
    ...[...WORDS].flatMap(([name, { meaning, flags, verbs }]) => [
      `complete -c replicator -n __fish_use_subcommand -a ${name} -d ${quote(meaning)}`,
      ...verbs.map((verb) => `complete -c replicator -n '__fish_seen_subcommand_from ${name}' -a ${verb}`),
      ...flagLines(`__fish_seen_subcommand_from ${name}`, flags),
    ]),
    ...flagLines(`not __fish_seen_subcommand_from ${names}`, FLAGS),
  ]
}
