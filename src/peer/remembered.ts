/** Soft facts kept in the data directory: the port last used, and where other peers were. Losing them costs time, never safety. */
import type { Logger } from 'pino'
import type { KnownPeer } from '../network/known-peers.ts'
import type { Libp2pNetwork } from '../network/network.ts'
import type { DataDirectory } from '../storage/directory.ts'

/** Known peers are written no more often than this. */
const WRITE_MS = 1_000
const TCP_PORT = /\/tcp\/(\d+)/

export class RememberedFacts {
  private readonly directory: DataDirectory
  private readonly logger: Logger
  private facts: { listenPort: number | undefined; knownPeers: readonly KnownPeer[] }
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> = Promise.resolve()

  private constructor(directory: DataDirectory, logger: Logger, facts: RememberedFacts['facts']) {
    this.directory = directory
    this.logger = logger
    this.facts = facts
  }

  static async open(directory: DataDirectory, logger: Logger): Promise<RememberedFacts> {
    const read = (await directory.readFacts()) as Partial<Record<string, unknown>>
    const port = read.listenPort
    const known = Array.isArray(read.knownPeers) ? (read.knownPeers as unknown[]).filter(isKnownPeer) : []
    return new RememberedFacts(directory, logger, { listenPort: typeof port === 'number' ? port : undefined, knownPeers: known })
  }

  get listenPort(): number | undefined {
    return this.facts.listenPort
  }

  get knownPeers(): readonly KnownPeer[] {
    return this.facts.knownPeers
  }

  /** The network listens now: its port is used again at the next start. */
  async listening(network: Libp2pNetwork): Promise<void> {
    const port = TCP_PORT.exec(network.addresses()[0] ?? '')?.[1]
    this.facts.listenPort = port === undefined ? undefined : Number(port)
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
    this.facts.knownPeers = network.knownPeers()
    const facts = { ...this.facts }
    this.writing = this.writing.then(() => this.directory.writeFacts(facts)).catch((error: unknown) => {
      this.logger.warn({ error: String(error) }, 'cannot remember where other peers are')
    })
    await this.writing
  }
}

function isKnownPeer(fact: unknown): fact is KnownPeer {
  if (typeof fact !== 'object' || fact === null || !('peerId' in fact) || !('addresses' in fact)) return false
  return typeof fact.peerId === 'string' && Array.isArray(fact.addresses) && fact.addresses.every((address) => typeof address === 'string')
}
