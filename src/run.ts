/**
 * From the command line to a running peer, or to a command's end: exit codes, signals, one line for
 * whoever started it.
 */
import { parseCommandLine } from './settings/command-line.ts'
import type { Environment } from './settings/command-line.ts'
import type { Settings } from './settings/settings.ts'
import { isRunByNpx, whenOrphaned } from './orphaned.ts'
import type { PeerInit, RunningPeer } from './peer/start-peer.ts'
import { Reloads } from './reloads.ts'
import { serviceManager } from './service-manager.ts'
import type { Tell } from './service-manager.ts'
import { writePrivateFile } from './security/private-file.ts'
import { printLines } from './start-up.ts'
import { logWhatLibrariesPrint } from './telemetry/libraries.ts'
import { createLogger } from './telemetry/logger.ts'
import { boundYoungSpace } from './young-space.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** How a peer is started, where it is not simply started. */
type Start = (init: PeerInit) => Promise<RunningPeer>

/**
 * Runs the program. It sets the exit code, or ends the process, when it is over.
 *
 * @param argv what follows the name of the program
 */
export async function run(argv: readonly string[], environment: Environment, start?: Start): Promise<void> {
  const commandLine = parseCommandLine(argv, environment)
  switch (commandLine.kind) {
    case 'run':
      return await runPeer(commandLine.config, environment, start)
    case 'command': {
      const { runCommand } = await import('./commands/run-command.ts')
      process.exitCode = await runCommand(commandLine.command)
      return
    }
    case 'secret':
      process.exitCode = await giveSecret(commandLine.text, commandLine.out)
      return
    case 'usage-error':
      process.stderr.write(`${commandLine.message}\n`)
      process.exitCode = EXIT_USAGE
      return
    default:
      printLines([commandLine.text])
  }
}

/** @returns the exit code */
async function giveSecret(text: string, out: string | undefined): Promise<number> {
  if (out === undefined) {
    printLines([text])
    return 0
  }
  try {
    await writePrivateFile(out, `${text}\n`)
    return 0
  } catch (error) {
    return explain(error)
  }
}

async function runPeer(config: Settings, environment: Environment, start?: Start): Promise<void> {
  boundYoungSpace()
  let peer: RunningPeer | undefined
  let tell: Tell | undefined
  let signals = 0
  const ended = Promise.withResolvers<number>()
  const stop = (): void => {
    signals += 1
    if (signals > 1) process.exit(EXIT_FAILED)
    if (peer === undefined) process.exit(0)
    tell?.({ isStopping: true, status: 'Finishing what was begun' })
    peer.stop().then(
      () => ended.resolve(0),
      (error: unknown) => ended.resolve(explain(error)),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // npx passes no signal on: the peer ends with it.
  if (isRunByNpx(environment)) whenOrphaned(stop)
  const reloads = new Reloads()
  // Read your files again. A terminal that is closed sends it too, and the peer goes on.
  process.on('SIGHUP', () => void reloads.all())
  try {
    // Loaded only to start a peer: help and mistakes are answered at once.
    const { startPeer } = await import('./peer/start-peer.ts')
    const logger = createLogger(config.logLevel)
    logWhatLibrariesPrint(logger)
    tell = serviceManager(environment, (why) => logger.warn(`the service manager is told nothing: ${why}`))
    peer = await (start ?? startPeer)({
      config,
      logger,
      reloads,
      tell,
      print: printLines,
      failed: (error) => ended.resolve(explain(error)),
    })
  } catch (error) {
    process.exit(explain(error))
  }
  process.exit(await ended.promise)
}

/**
 * One line on standard error, the last one: what ended the peer. What still waits for the log is
 * written before it.
 */
function explain(error: unknown): number {
  const text = error instanceof Error ? error.message : String(error)
  process.once('exit', () => process.stderr.write(`replicator: ${text.split('\n')[0]}\n`))
  return EXIT_FAILED
}
