/** Carries out a command for clients, on the client library. @see EXITS for how it ends */
import { unreachable } from '../../protocols/base/assert.ts'
import { ClientFailed } from '../client/client.ts'
import type { Client } from '../client/client.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import type { RegisterCommand } from '../settings/register-commands.ts'
import { completionFor } from './completion.ts'
import { exportKeys } from './export.ts'
import { CommandFailed } from './failed.ts'
import { importKeys } from './import.ts'
import { getKeys, listKeys, putKey, statKeys, waitForKeys, watchKeys } from './keys.ts'
import { openClient } from './open-client.ts'
import { restore } from './backup/restore.ts'
import { getRegisters, listRegisters, putRegister, removeRegisters, watchRegisters } from './registers.ts'
import { complain, say } from './said.ts'
import { showStatus } from './status.ts'

/** What asks a peer. */
type Speaking = Exclude<ClientCommand, { readonly name: 'completion' | 'doctor' | 'backup' }> | RegisterCommand

/**
 * @returns the exit code
 * @throws CommandFailed when it is not done
 */
export async function runClientCommand(command: ClientCommand | RegisterCommand): Promise<number> {
  if (command.name === 'completion') {
    say(completionFor(command.shell))
    return 0
  }
  if (command.name === 'doctor') {
    const { examine } = await import('./doctor.ts')
    return await examine(command, process.env)
  }
  if (command.name === 'backup') {
    const { backUp } = await import('./backup/backup.ts')
    return await backUp(command)
  }
  const { client, names, warnings } = await openClient(command)
  for (const warning of warnings) complain(command.name, warning)
  try {
    return await carryOut(command, client)
  } catch (error) {
    if (!(error instanceof ClientFailed)) throw error
    throw new CommandFailed(`${names.join(', ')}: ${error.message}`, { cause: error })
  }
}

async function carryOut(command: Speaking, client: Client): Promise<number> {
  const signal = AbortSignal.timeout(command.timeoutMs)
  switch (command.name) {
    case 'put':
      return putKey(command, client, signal)
    case 'get':
      return getKeys(command, client, signal)
    case 'ls':
      return listKeys(command, client, signal)
    case 'stat':
      return statKeys(command, client, signal)
    case 'wait':
      return waitForKeys(command, client, signal)
    case 'watch':
      return watchKeys(command, client)
    case 'kv put':
      return putRegister(command, client, signal)
    case 'kv get':
      return getRegisters(command, client, signal)
    case 'kv rm':
      return removeRegisters(command, client, signal)
    case 'kv ls':
      return listRegisters(command, client, signal)
    case 'kv watch':
      return watchRegisters(command, client)
    case 'import':
      return importKeys(command, client)
    case 'export':
      return exportKeys(command, client)
    case 'restore':
      return restore(command, client)
    case 'status':
      return showStatus(command, client)
    default:
      return unreachable(command)
  }
}
