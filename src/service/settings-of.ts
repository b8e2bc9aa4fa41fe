/** The settings of a peer inside somebody's libp2p node: those of the command line, by its names. */
import { argumentsOf } from '../settings/arguments.ts'
import { parseCommandLine } from '../settings/command-line.ts'
import { socketOfDirectory, socketPathFault } from '../security/operator-socket.ts'
import type { Settings } from '../settings/settings.ts'

/** What the node says, and not the peer. */
const OF_THE_NODE = ['listen', 'announce', 'mdns', 'rendezvous']

/** Settings by the names of the flags; several values where a flag may be repeated. */
export interface ReplicatorInit {
  /** The cluster to join. */
  readonly cid: string
  /** The data directory. */
  readonly data: string
  readonly [flag: string]: string | number | readonly string[] | undefined
}

/**
 * HTTP is served at a port only where `http` says so.
 *
 * @throws TypeError that says what is wrong, and how to mend it
 */
export function settingsOf(init: ReplicatorInit): Settings {
  const wrong = OF_THE_NODE.find((name) => init[name] !== undefined)
  if (wrong !== undefined) throw new TypeError(`${wrong} is for the libp2p node to say`)
  const parsed = parseCommandLine(argumentsOf(init), {})
  if (parsed.kind === 'usage-error') throw new TypeError(parsed.message)
  if (parsed.kind !== 'run') throw new TypeError('name the settings of a peer, cid and data among them')
  // Without a socket its own program could not speak to it.
  const isAlone = init['http'] === undefined && hasOperatorSocket(init.data)
  return isAlone ? { ...parsed.config, http: undefined } : parsed.config
}

/** False where the system has no such sockets, or the path of the directory is too long for one. */
export function hasOperatorSocket(directory: string): boolean {
  return process.platform !== 'win32' && socketPathFault(socketOfDirectory(directory)) === undefined
}
