/** All commands that have a row, in the order of the help text. */
import { CLIENT_COMMANDS } from './client-commands.ts'
import type { ClientCommand } from './client-commands.ts'
import type { CommandRow } from './command-row.ts'
import { COMMANDS } from './commands.ts'
import type { OperatorCommand } from './commands.ts'
import { KLUSTER_COMMANDS } from './kluster-commands.ts'
import type { KlusterCommand } from './kluster-commands.ts'
import { LOG_COMMANDS } from './log-commands.ts'
import type { LogCommand } from './log-commands.ts'
import { REGISTER_COMMANDS } from './register-commands.ts'
import type { RegisterCommand } from './register-commands.ts'
import { REPL_COMMANDS } from './repl-command.ts'
import type { ReplCommand } from './repl-command.ts'
import { SET_COMMANDS } from './set-commands.ts'
import type { SetCommand } from './set-commands.ts'

/** A command as it was given. */
export type Command = ClientCommand | RegisterCommand | OperatorCommand | SetCommand | LogCommand | KlusterCommand | ReplCommand

/** By name. Names of two words begin with a noun that has several verbs. */
export const ALL_COMMANDS: Readonly<Record<Command['name'], CommandRow>> = {
  ...CLIENT_COMMANDS,
  ...REGISTER_COMMANDS,
  ...COMMANDS,
  ...SET_COMMANDS,
  ...LOG_COMMANDS,
  ...KLUSTER_COMMANDS,
  ...REPL_COMMANDS,
}

export function isCommandName(text: string | undefined): text is Command['name'] {
  return text !== undefined && Object.hasOwn(ALL_COMMANDS, text)
}
