/** A peer with the command line of Nexus' example servers. */
import type { Environment } from '../settings/command-line.ts'
import { UsageError } from '../settings/usage-error.ts'
import { run } from '../run.ts'
import { startFirst } from './first-node.ts'
import { nexusPeerOf } from './nexus-flags.ts'
import type { NexusKind, NexusPeer } from './nexus-flags.ts'

const EXIT_USAGE = 2

/** Runs it to its end, as the program itself is run. */
export async function runNexusPeer(kind: NexusKind, argv: readonly string[], environment: Environment): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`${kind}_repl: ${text}\n`)
  let peer: NexusPeer
  try {
    peer = nexusPeerOf(kind, argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(error.message)
    process.exitCode = EXIT_USAGE
    return
  }
  if (peer.unused.length > 0) say(`without a meaning here: ${peer.unused.join(', ')}`)
  await run(peer.argv, environment, peer.isFirst ? startFirst : undefined)
}
