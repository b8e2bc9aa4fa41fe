/**
 * `replicator backup`: all that one peer holds, type by type, each as it was at one moment, in a
 * file that tells whether it is whole. It is read through the interface that everybody has, so it
 * asks for nothing but the right to read.
 */
import { ClientFailed } from '../../client/client.ts'
import type { Client, Status } from '../../client/client.ts'
import type { ClientCommand } from '../../settings/client-commands.ts'
import { EXITS } from '../exits.ts'
import { CommandFailed } from '../failed.ts'
import { openClient } from '../open-client.ts'
import { Progress } from '../progress.ts'
import { complain } from '../said.ts'
import { footLine, headLine, sectionLine, SECTIONS } from './format.ts'
import type { Section } from './format.ts'
import type { Reading } from './at-one-moment.ts'
import { keyLines } from './keys.ts'
import { registerLines } from './registers.ts'
import { setLines } from './sets.ts'
import { Sink } from './sink.ts'

type Backup = Extract<ClientCommand, { readonly name: 'backup' }>

const STANDARD_OUTPUT = '-'
const SECOND_MS = 1_000
/** Lines between looks at whether to say how far it is. */
const SHOW_LINES = 1_000

const LINES: Readonly<Record<Section, (client: Client, reading: Reading) => AsyncIterable<string>>> = {
  keys: keyLines,
  kv: registerLines,
  sets: (client, { timeoutMs }) => setLines(client, timeoutMs),
}

/** @returns the exit code */
export async function backUp(command: Backup): Promise<number> {
  const { client, status } = await onePeer(command)
  const sink = await Sink.open(command.file === STANDARD_OUTPUT ? undefined : command.file)
  const stopped = Promise.withResolvers<never>()
  const stop = (): void => stopped.reject(new CommandFailed('interrupted; nothing is left of it'))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const counts = await Promise.race([writeTo(sink, client, status, command), stopped.promise])
    await sink.end()
    return told(command, status, counts)
  } catch (error) {
    await sink.drop()
    throw error instanceof ClientFailed ? new CommandFailed(error.message, { cause: error }) : error
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

/**
 * The first of those named that answers: what is read of several is of no one moment. @throws
 * CommandFailed when nobody does
 */
async function onePeer(command: Backup): Promise<{ readonly client: Client; readonly status: Status }> {
  const failures: string[] = []
  for (const url of command.urls) {
    const { client, names, warnings } = await openClient({ ...command, urls: [url] })
    for (const warning of warnings) complain('backup', warning)
    try {
      return { client, status: await client.status({ signal: AbortSignal.timeout(command.timeoutMs / command.urls.length) }) }
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      failures.push(`${names.join(', ')}: ${error.message}`)
    }
  }
  throw new CommandFailed(failures.join('; '))
}

async function writeTo(sink: Sink, client: Client, status: Status, reading: Reading): Promise<Record<Section, number>> {
  const counts: Record<Section, number> = { keys: 0, kv: 0, sets: 0 }
  const progress = new Progress()
  const startedMs = performance.now()
  await sink.put(headLine({ networkId: status.networkId, peerId: status.peerId, startedAt: new Date().toISOString() }))
  try {
    for (const section of SECTIONS) {
      await sink.put(sectionLine(section))
      for await (const line of LINES[section](client, reading)) {
        await sink.put(line)
        counts[section] += 1
        const seconds = (performance.now() - startedMs) / SECOND_MS
        if (process.stderr.isTTY && counts[section] % SHOW_LINES === 0) progress.show(`${section}: ${counts[section]} lines`, seconds)
      }
    }
  } finally {
    progress.end()
  }
  await sink.put(footLine(counts, await sink.digest()))
  return counts
}

/** @returns the exit code: a token that opens less than all is told */
function told({ file }: Backup, status: Status, counts: Readonly<Record<Section, number>>): number {
  const where = file === STANDARD_OUTPUT ? 'standard output' : file
  complain('backup', `${counts.keys} keys, ${counts.kv} registers, ${counts.sets} lines of sets written to ${where}`)
  if (counts.keys >= status.keys.count) return EXITS.done
  complain(
    'backup',
    `${status.peerId} holds ${status.keys.count} keys, so this is a part of it: give a token that reads all, and look at the warnings of replicator status`,
  )
  return EXITS.failed
}
