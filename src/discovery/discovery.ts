/**
 * Tells the DHT that we are here, and asks it who else is. What it says may be old or false: whoever is found is dialled, and
 * only a greeting makes a peer of it.
 */
import type { PeerInfo } from '@libp2p/interface'
import type { CID } from 'multiformats/cid'
import type { Logger } from 'pino'
import { rendezvousCid } from './rendezvous.ts'

/** Between rounds while nobody was found. */
const ROUND_FIRST_MS = 1_000
/** Between rounds later on: by then peers tell one another of newcomers, and the DHT mends what that misses. */
const ROUND_LAST_MS = 60_000
/** How much longer each wait is than the one before, once somebody was found. */
const ROUND_GROWTH = 2
/** Our own record is repeated this often; each time its addresses are renewed where it is kept. */
const PROVIDE_AGAIN_MS = 300_000
/** One query of the DHT. Its own limit is three minutes. */
const QUERY_TIMEOUT_MS = 10_000

/** What is used of libp2p. */
export interface DiscoveryHost {
  readonly peerId: { toString(): string }
  readonly contentRouting: {
    provide(cid: CID, options: { readonly signal: AbortSignal }): Promise<void>
    findProviders(cid: CID, options: { readonly signal: AbortSignal }): AsyncIterable<PeerInfo>
  }
  /** Peers connected, members or not. */
  getPeers(): readonly unknown[]
}

export interface DiscoveryInit {
  readonly host: DiscoveryHost
  /** Rendezvous names, looked up and provided each. */
  readonly names: readonly string[]
  readonly protocolPrefix: string
  readonly logger: Logger
  /** Somebody not connected was found at these multiaddrs. */
  readonly found: (peerId: string, addresses: readonly string[]) => void
  readonly isConnected: (peerId: string) => boolean
}

export class Discovery {
  readonly #init: DiscoveryInit
  readonly #cids: readonly CID[]
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #waitMs = ROUND_FIRST_MS
  #providedAtMs = Number.NEGATIVE_INFINITY

  constructor(init: DiscoveryInit) {
    this.#init = init
    this.#cids = init.names.map((name) => rendezvousCid(init.protocolPrefix, name))
  }

  start(): void {
    this.#schedule(0)
  }

  stop(): void {
    this.#stopping.abort()
    clearTimeout(this.#timer)
  }

  #schedule(waitMs: number): void {
    if (this.#stopping.signal.aborted) return
    this.#timer = setTimeout(() => void this.#round(), waitMs)
  }

  /** Provides when it is time, then looks. Never throws. */
  async #round(): Promise<void> {
    // Without anybody connected a query would only wait for somebody.
    if (this.#init.host.getPeers().length > 0) {
      if (performance.now() - this.#providedAtMs > PROVIDE_AGAIN_MS && (await this.#provide())) this.#providedAtMs = performance.now()
      const found = await this.#find()
      if (found > 0) this.#waitMs = Math.min(this.#waitMs * ROUND_GROWTH, ROUND_LAST_MS)
    }
    this.#schedule(this.#waitMs)
  }

  /** True when every name was provided. */
  async #provide(): Promise<boolean> {
    const provided = await Promise.all(
      this.#cids.map((cid) => this.#quietly('provide', () => this.#init.host.contentRouting.provide(cid, { signal: this.#signal() }))),
    )
    return provided.every(Boolean)
  }

  /** How many others were found, known before or not. */
  async #find(): Promise<number> {
    const self = this.#init.host.peerId.toString()
    const seen = new Set<string>([self])
    for (const cid of this.#cids) {
      await this.#quietly('find', async () => {
        for await (const { id, multiaddrs } of this.#init.host.contentRouting.findProviders(cid, { signal: this.#signal() })) {
          const peerId = id.toString()
          if (seen.has(peerId)) continue
          seen.add(peerId)
          if (!this.#init.isConnected(peerId)) this.#init.found(peerId, multiaddrs.map(String))
        }
      })
    }
    return seen.size - 1
  }

  /** A query that fails is tried again in the next round; a DHT that is young or broken is not worth a warning. */
  async #quietly(what: string, query: () => Promise<void>): Promise<boolean> {
    try {
      await query()
      return true
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#init.logger.debug({ what, error: String(error) }, 'a query of the DHT failed')
      return false
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(QUERY_TIMEOUT_MS)])
  }
}
