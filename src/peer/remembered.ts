/**
 * Soft facts kept in the data directory: the ports last chosen, where other peers were, and what
 * they are called. Losing them costs time, never safety.
 */
import type { Logger } from 'pino'
import type { PeerId, PeerName } from '../../protocols/base/identity.ts'
import type { RememberedPeer } from '../network/known-peers.ts'
import type { ListenPorts } from '../network/listening.ts'
import type { Libp2pNetwork } from '../network/network.ts'
import type { DataDirectory } from '../storage/directory.ts'
import type { Facts } from '../storage/facts.ts'
import { PeerNames } from './peer-names.ts'

/** Known peers are written no more often than this. */
const WRITE_MS = 1_000

export class RememberedFacts {
  readonly names: PeerNames
  private readonly directory: DataDirectory
  private readonly logger: Logger
  private facts: Facts
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> = Promise.resolve()

  private constructor(directory: DataDirectory, logger: Logger, facts: Facts, names: PeerNames) {
    this.directory = directory
    this.logger = logger
    this.facts = facts
    this.names = names
  }

  /** @param own what this peer is called */
  static async open(directory: DataDirectory, logger: Logger, self: PeerId, own: PeerName | undefined): Promise<RememberedFacts> {
    const facts = await directory.readFacts()
    return new RememberedFacts(directory, logger, facts, new PeerNames(self, own, facts.names))
  }

  get listenPorts(): ListenPorts {
    return this.facts.listenPorts
  }

  get knownPeers(): readonly RememberedPeer[] {
    return this.facts.peers
  }

  /** The network listens now: the ports that it chose are used again at the next start. */
  async listening(network: Libp2pNetwork): Promise<void> {
    this.facts = { ...this.facts, listenPorts: network.listenPorts() }
    await this.write(network)
  }

  /** Other peers were found or lost. */
  changed(network: Libp2pNetwork): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      void this.write(network)
    }, WRITE_MS)
  }

  async close(network: Libp2pNetwork): Promise<void> {
    clearTimeout(this.timer)
    await this.write(network)
  }

  private async write(network: Libp2pNetwork): Promise<void> {
    const facts = { ...this.facts, peers: network.knownPeers(), names: this.names.all() }
    this.writing = this.writing
      .then(() => this.directory.writeFacts(facts))
      .catch((error: unknown) => {
        this.logger.warn({ error: String(error) }, 'cannot remember where other peers are')
      })
    await this.writing
  }
}
