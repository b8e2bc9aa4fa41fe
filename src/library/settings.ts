/** What a log within a program is opened with, and the settings of the peer that it has. */
import type { OfferedStore } from '../ports/log-store.ts'
import { argumentsOf } from '../settings/arguments.ts'
import { parseCommandLine } from '../settings/command-line.ts'
import type { LogLevel, Settings } from '../settings/settings.ts'
import { isLogName } from '../../protocols/log/birth.ts'

export interface OpenLogInit {
  /** Of the log: 1 to 64 of letters, digits, `.`, `_` and `-`. */
  readonly name: string
  readonly store: OfferedStore
  /** The cluster that the peer belongs to. */
  readonly cid: string
  /** The directory of the peer: its identity, its votes and the log itself. */
  readonly data: string
  /** Multiaddrs that the peer listens on; all interfaces and a free port unless said. */
  readonly listen?: string | readonly string[]
  /** Multiaddrs told to others, where those of `listen` will not do. */
  readonly announce?: string | readonly string[]
  /** Multiaddrs of peers to join through. A first peer has none, and begins the network. */
  readonly peer?: string | readonly string[]
  /** Peers that a cluster needs before it votes and the log is born; 3 unless said. */
  readonly minPeers?: number
  /** `cluster:ID`, `spread:N` or `peers:ID,ID,ID`: where the log is born; on the peer's cluster unless said. */
  readonly place?: string
  /** The file of the secret that all members share. Without it anybody who can dial may join. */
  readonly secret?: string
  /** The only network to join, as the first peer names it. */
  readonly network?: string
  /** What is written to standard error; `warn` unless said. */
  readonly logLevel?: LogLevel
  /** Called when the peer cannot go on. Unless given, the error is thrown and ends the process. */
  readonly failed?: (error: Error) => void
}

const KIND = /^[\w.-]{1,32}$/

/** @throws Error of one line */
export function settingsOf(init: OpenLogInit): Settings {
  const { name, store, cid, data, listen = [], announce = [], peer = [], minPeers, place, secret, network, logLevel = 'warn' } = init
  if (!isLogName(name)) throw new Error('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-"')
  if (!KIND.test(store.kind)) throw new Error('the kind of a store is 1 to 32 of letters, digits, ".", "_" and "-"')
  const argv = argumentsOf({
    cid,
    data,
    listen,
    announce,
    peer,
    'min-peers': minPeers,
    'log-place': place === undefined ? undefined : `${name}=${place}`,
    secret,
    network,
    'log-level': logLevel,
  })
  const read = parseCommandLine(argv, {})
  if (read.kind !== 'run') throw new Error(read.kind === 'usage-error' ? read.message : 'these are no settings of a peer')
  return { ...read.config, http: undefined }
}
