/**
 * A whole peer as a service of somebody's own libp2p node, by the conventions of js-libp2p. The node
 * has the key, the addresses and the connections; the peer has its data directory, its HTTP, and
 * streams of its own protocol. It starts and stops with the node.
 */
import { serviceCapabilities } from '@libp2p/interface'
import type {
  ComponentLogger,
  Connection,
  PeerId,
  PrivateKey,
  Startable,
  StreamHandler,
  StreamHandlerOptions,
  Topology,
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import type { Logger } from 'pino'
import { Client } from '../client/client.ts'
import { fetchBy } from '../commands/fetch-by.ts'
import { wayBySocket } from '../commands/way.ts'
import { keyOf, startPeer } from '../peer/start-peer.ts'
import type { Hosting, RunningPeer } from '../peer/start-peer.ts'
import { Reloads } from '../reloads.ts'
import { socketOfDirectory } from '../security/operator-socket.ts'
import type { Settings } from '../settings/settings.ts'
import { openDataDirectory } from '../storage/directory.ts'
import { hasOperatorSocket, settingsOf } from './settings-of.ts'
import type { ReplicatorInit } from './settings-of.ts'

export type { ReplicatorInit } from './settings-of.ts'

/** Between looks at whether it is ready. */
const LOOK_MS = 50
/** What its own client calls it; nobody is asked by that name over a network. */
const SELF = 'http://replicator.invalid'

/** What is used of a node. */
export interface ReplicatorComponents {
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string): Promise<void>
    register(protocol: string, topology: Topology): Promise<string>
    unregister(id: string): void
  }
  readonly connectionManager: {
    openConnection(addresses: Multiaddr[], options: { readonly signal: AbortSignal }): Promise<Connection>
    getConnections(peerId?: PeerId): Connection[]
  }
  readonly addressManager: { getAddresses(): Multiaddr[] }
}

export interface Replicator {
  /** Everything that a client can ask of the peer, without a way over a network. */
  readonly client: Client
  /** Where it serves HTTP, if it does: for the commands, and the console at `/console`. */
  readonly url: string | undefined
  /** Why it has ended by itself: its store is broken, or nobody could be joined. */
  readonly failure: Error | undefined
  /** Resolves once it can take puts. @throws what the signal says, or `failure` */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>
}

/**
 * For `services` of `createLibp2p`.
 *
 * @param init settings by the names of the flags; `cid` and `data` must be among them
 * @throws TypeError when a setting is wrong
 */
export function replicator(init: ReplicatorInit): (components: ReplicatorComponents) => Replicator {
  const config = settingsOf(init)
  return (components) => new ReplicatorService(config, components)
}

/**
 * The key of a data directory, made when there is none yet: for `privateKey` of `createLibp2p`, so
 * that the node is the same peer at each start.
 *
 * @throws Error when the directory is in use, or another cluster's
 */
export async function peerKey(init: ReplicatorInit): Promise<PrivateKey> {
  const { clusterId, dataDirectory: directory } = settingsOf(init)
  const opened = await openDataDirectory({ clusterId, directory, workingDirectory: process.cwd() })
  try {
    return await keyOf(opened)
  } finally {
    await opened.close()
  }
}

class ReplicatorService implements Replicator, Startable {
  readonly [Symbol.toStringTag] = '@replicator/peer'
  readonly [serviceCapabilities]: string[] = ['@replicator/peer']
  readonly #config: Settings
  readonly #hosting: Hosting
  readonly #logger: Logger
  #peer: RunningPeer | undefined
  #client: Client | undefined
  #failure: Error | undefined

  constructor(config: Settings, components: ReplicatorComponents) {
    this.#config = config
    this.#hosting = hostingOf(components)
    const log = components.logger.forComponent('replicator')
    this.#logger = pino({ level: config.logLevel, base: null }, { write: (line: string) => log(line.trimEnd()) })
  }

  get client(): Client {
    return started(this.#client)
  }

  get url(): string | undefined {
    return started(this.#peer).url
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      if (this.#failure !== undefined) throw this.#failure
      if (started(this.#peer).readiness().ready) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  async start(): Promise<void> {
    this.#failure = undefined
    const peer = await startPeer({
      config: this.#config,
      hosting: this.#hosting,
      logger: this.#logger,
      reloads: new Reloads(),
      print: (lines) => this.#logger.info(lines.join('; ')),
      failed: (error) => void this.#failed(error),
    })
    this.#peer = peer
    this.#client = clientOf(peer)
  }

  /** While the node's connections are still there: what was begun is finished over them. */
  async beforeStop(): Promise<void> {
    await this.#peer?.stop()
    this.#peer = undefined
  }

  stop(): void {}

  /** Nothing more may be answered; the rest of the node goes on. */
  async #failed(error: Error): Promise<void> {
    this.#failure ??= error
    this.#logger.error(error)
    try {
      await this.beforeStop()
    } catch (why) {
      this.#logger.error(why)
    }
  }
}

function hostingOf({ privateKey, registrar, connectionManager, addressManager }: ReplicatorComponents): Hosting {
  return {
    privateKey,
    host: {
      dial: (addresses, options) => connectionManager.openConnection(addresses, options),
      getConnections: (peerId) => connectionManager.getConnections(peerId),
      getMultiaddrs: () => addressManager.getAddresses(),
      handle: (protocol, handler, options) => registrar.handle(protocol, handler, options),
      unhandle: (protocol) => registrar.unhandle(protocol),
      register: (protocol, topology) => registrar.register(protocol, topology),
      unregister: (id) => registrar.unregister(id),
    },
  }
}

/** With the rights of the operator, where the peer has a socket for them. */
function clientOf({ url, dataDirectory }: RunningPeer): Client {
  if (url !== undefined && !hasOperatorSocket(dataDirectory)) return new Client({ peers: [url] })
  return new Client({ peers: [SELF], fetch: fetchBy(new Map([[SELF, wayBySocket(socketOfDirectory(dataDirectory))]])) })
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the peer is not started: start the libp2p node first')
  return part
}
