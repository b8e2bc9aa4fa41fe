/**
 * Carries out a command of the command line: exit code 0 when it is so now, 1 with one line why
 * when it is not.
 */
import { unreachable } from '../../protocols/base/assert.ts'
import { ClientFailed } from '../client/client.ts'
import type { Command } from '../settings/all-commands.ts'
import { isClientCommand } from '../settings/client-commands.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { isKlusterCommand } from '../settings/kluster-commands.ts'
import type { KlusterCommand } from '../settings/kluster-commands.ts'
import { isLogCommand } from '../settings/log-commands.ts'
import type { LogCommand } from '../settings/log-commands.ts'
import { isRegisterCommand } from '../settings/register-commands.ts'
import type { RegisterCommand } from '../settings/register-commands.ts'
import { MONKEY_KINDS } from '../monkeys/monkeys.ts'
import type { MonkeyKind } from '../monkeys/monkeys.ts'
import { runMonkeys } from '../monkeys/run.ts'
import type { StatusView } from '../ports/replicator.ts'
import { printLines } from '../start-up.ts'
import { Asked } from './asking.ts'
import { peerIdOf } from './called.ts'
import { changeConfig } from './change.ts'
import type { Changed } from './change.ts'
import { CommandFailed } from './failed.ts'
import { runLogCommand } from './log.ts'
import { describeMembers, readMembers } from './members.ts'
import { forceNewEpoch } from './new-epoch.ts'
import { openClient } from './open-client.ts'
import { complain } from './said.ts'
import { changeSet, listSet, watchSet } from './set.ts'
import { addToken } from './token.ts'

const EXIT_FAILED = 1

/** @returns the exit code */
export async function runCommand(command: Command): Promise<number> {
  try {
    if (isClientCommand(command) || isRegisterCommand(command)) {
      const { runClientCommand } = await import('./run-client-command.ts')
      return await runClientCommand(command)
    }
    if (command.name === 'repl') {
      const { runRepl } = await import('./repl/repl.ts')
      return await runRepl(command)
    }
    if (isKlusterCommand(command) || isOrderedByKafka(command)) {
      const { runKlusterCommand } = await import('./kluster.ts')
      return await runKlusterCommand(command)
    }
    if (command.name === 'token') printLines([await addToken(command)])
    else if (isPlaying(command)) await play(command)
    else await ask(command)
    return 0
  } catch (error) {
    if (!(error instanceof CommandFailed || error instanceof ClientFailed)) throw error
    process.stderr.write(`replicator ${command.name}: ${error.message.split('\n').join(' ')}\n`)
    return EXIT_FAILED
  }
}

/** What asks a peer. */
type AskingCommand = Exclude<Command, { readonly name: 'token' | 'repl' } | KlusterCommand | ClientCommand | RegisterCommand | Playing>
/** What brokers are asked for, and no peer. */
type OrderedByKafka = Extract<Command, { readonly name: 'log create' }> & { readonly order: string }
/** Monkeys, which ask several. */
type Playing = Extract<Command, { readonly name: `monkeys ${MonkeyKind}` }>

function isPlaying(command: Command): command is Playing {
  return command.name.startsWith('monkeys ')
}

function isOrderedByKafka(command: Command): command is OrderedByKafka {
  return command.name === 'log create' && command.order !== undefined
}

/** @throws CommandFailed with what they found */
async function play(command: Playing): Promise<void> {
  const kind = MONKEY_KINDS.find((known) => command.name === `monkeys ${known}`) ?? 'normal'
  const faults = await runMonkeys({ ...command, kind, say: (line) => printLines([line]) })
  if (faults.length > 0) throw new CommandFailed(faults.join('; '))
}

async function ask(command: AskingCommand): Promise<void> {
  const { client, names, warnings } = await openClient({ ...command, urls: [command.url] })
  for (const warning of warnings) complain(command.name, warning)
  const asked = new Asked(client, names.join(', '))
  const lines = isLogCommand(command) ? await runLogCommand(command, asked, client) : await outcomeOf(command, asked)
  if (lines.length > 0) printLines(lines)
}

/** For programs: what is so now. */
function saidAs(command: AskingCommand, what: string, { epoch, isUnchanged }: Changed): string[] {
  return command.output === 'json' ? [JSON.stringify({ done: what, epoch, unchanged: isUnchanged })] : said(what, { epoch, isUnchanged })
}

/** Does it. @returns what to say */
async function outcomeOf(command: Exclude<AskingCommand, LogCommand>, asked: Asked): Promise<string[]> {
  const { timeoutMs } = command
  switch (command.name) {
    case 'members':
      return command.output === 'json' ? [JSON.stringify(await readMembers(asked))] : describeMembers(await readMembers(asked))
    case 'add': {
      const changed = await changeConfig(asked, { add: [await peerIdOf(asked, command.peer)], force: command.force }, timeoutMs)
      return saidAs(command, `${command.peer} votes`, changed)
    }
    case 'remove': {
      const changed = await changeConfig(asked, { remove: [await peerIdOf(asked, command.peer)], force: command.force }, timeoutMs)
      return saidAs(command, `${command.peer} is removed and may be switched off`, changed)
    }
    case 'replace': {
      const { peer, successor, force } = command
      const [add, remove] = await Promise.all([peerIdOf(asked, successor), peerIdOf(asked, peer)])
      const changed = await changeConfig(asked, { add: [add], remove: [remove], force }, timeoutMs)
      return saidAs(command, `${successor} votes in the place of ${peer}, which may be switched off`, changed)
    }
    case 'remove-cluster': {
      const changed = await changeConfig(asked, { removeCluster: command.clusterId, force: command.force }, timeoutMs)
      return saidAs(command, `${command.clusterId} is removed and its peers may be switched off`, changed)
    }
    case 'leave': {
      const { peerId, name } = await asked.get<StatusView>('/status')
      const changed = await changeConfig(asked, { remove: [peerId], force: command.force }, timeoutMs)
      return saidAs(command, `${name ?? peerId} has left and may be switched off`, changed)
    }
    case 'withdraw':
      return saidAs(command, 'no change is in flight', await changeConfig(asked, { withdraw: true }, timeoutMs))
    case 'force-new-epoch':
      return forceNewEpoch(asked, command.confirmed, timeoutMs)
    case 'set ls':
      return listSet(command, asked)
    case 'set insert':
    case 'set delete':
      return changeSet(command, asked)
    case 'set watch':
      return watchSet(command, asked)
    default:
      return unreachable(command)
  }
}

function said(what: string, { epoch, isUnchanged }: Changed): string[] {
  return [`${what} (epoch ${epoch}${isUnchanged ? ', as before' : ''})`]
}
