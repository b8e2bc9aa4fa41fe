/**
 * Tells the DHT that we are here, and asks it who else is. What it says may be old or false:
 * whoever is found is dialled, and only a greeting makes a peer of it.
 */
import type { PeerInfo } from '@libp2p/interface'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import type { CID } from 'multiformats/cid'
import type { Logger } from 'pino'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import type { DhtDoorInit } from './dht-door.ts'
import { dhtService } from './dht-service.ts'
import { PROVIDERS_TOLD_MAX } from './provider-records.ts'
import { dhtCounters } from './refusals.ts'
import type { DhtCounters } from './refusals.ts'
import { rendezvousCid } from './rendezvous.ts'

/** Between the first rounds: a peer that starts wants company now. */
const ROUND_FIRST_MS = 1_000
/**
 * While nobody was found, each wait is longer than the one before by this, up to the given time.
 */
const ALONE_GROWTH = 1.1
const ALONE_LAST_MS = 10_000
/**
 * The waits once somebody was, the last of them for good: then peers tell one another of newcomers,
 * and the DHT mends what that misses. Few, for each question to another peer costs some 10 ms of a
 * processor.
 */
const FOUND_MS = [5_000, 25_000, 900_000] as const
/**
 * Of each wait a part is left to chance: peers that were started together need not search together.
 */
const CHANCE = 0.25
/**
 * Our own record is repeated in the first round after this time; each time its addresses are
 * renewed where it is kept.
 */
const PROVIDE_AGAIN_MS = 600_000
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
  /** Looked up and provided, alone and with the cluster id. */
  readonly rendezvous: string
  readonly clusterId: string
  /** Prefix of the libp2p protocol ids. */
  readonly protocolId: string
  readonly logger: Logger
}

export interface DiscoveryCalls {
  /** Somebody not connected was found at these multiaddrs. */
  readonly found: (peerId: string, addresses: readonly string[], isOfOwnCluster: boolean) => void
  readonly isConnected: (peerId: string) => boolean
}

/** To be given to `createNetwork`, which starts and stops it. */
export class Discovery {
  /** What was refused, and what is held. */
  readonly counters: DhtCounters = dhtCounters()
  readonly #logger: Logger
  readonly #clusterCid: CID
  readonly #cids: readonly CID[]
  readonly #stopping = new AbortController()
  #host: DiscoveryHost | undefined
  #calls: DiscoveryCalls | undefined
  #timer: NodeJS.Timeout | undefined
  #waitMs = ROUND_FIRST_MS
  /** Rounds that found somebody. */
  #foundCount = 0
  #providedAtMs = Number.NEGATIVE_INFINITY

  constructor({ rendezvous, clusterId, protocolId, logger }: DiscoveryInit) {
    this.#logger = logger
    this.#clusterCid = rendezvousCid(protocolId, `${rendezvous}/${clusterId}`)
    // The own cluster first: whoever is found under both names is told of as one of its peers.
    this.#cids = [this.#clusterCid, rendezvousCid(protocolId, rendezvous)]
  }

  /** For `services.dht` of libp2p. */
  service(door: Omit<DhtDoorInit, 'counters'>): (components: KadDHTComponents) => KadDHT {
    return dhtService({ ...door, counters: this.counters })
  }

  /** Begins to look, once libp2p is started. */
  start(host: DiscoveryHost, calls: DiscoveryCalls): void {
    this.#host = host
    this.#calls = calls
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
    const host = this.#host
    // Without anybody connected a query would only wait for somebody.
    if (host !== undefined && host.getPeers().length > 0) {
      if (performance.now() - this.#providedAtMs > PROVIDE_AGAIN_MS && (await this.#provide(host))) this.#providedAtMs = performance.now()
      const found = await this.#find(host)
      if (found > 0) this.#waitMs = FOUND_MS[Math.min(this.#foundCount++, FOUND_MS.length - 1)] ?? ALONE_LAST_MS
      else this.#waitMs = Math.min(this.#waitMs * ALONE_GROWTH, ALONE_LAST_MS)
    }
    this.#schedule(this.#waitMs * (1 - CHANCE * Math.random()))
  }

  /** True when every name was provided. */
  async #provide(host: DiscoveryHost): Promise<boolean> {
    const provided = await Promise.all(
      this.#cids.map((cid) => this.#quietly('provide', () => host.contentRouting.provide(cid, { signal: this.#signal() }))),
    )
    return provided.every(Boolean)
  }

  /** How many others were found, known before or not. */
  async #find(host: DiscoveryHost): Promise<number> {
    const seen = new Set<string>([host.peerId.toString()])
    for (const cid of this.#cids) {
      await this.#quietly('find', async () => {
        for await (const { id, multiaddrs } of host.contentRouting.findProviders(cid, { signal: this.#signal() })) {
          const peerId = id.toString()
          if (seen.has(peerId) || seen.size > PROVIDERS_TOLD_MAX) continue
          seen.add(peerId)
          if (this.#calls?.isConnected(peerId) === false)
            this.#calls.found(peerId, multiaddrs.slice(0, ADDRESSES_MAX).map(String), cid === this.#clusterCid)
        }
      })
    }
    return seen.size - 1
  }

  /**
   * A query that fails is tried again in the next round; a DHT that is young or broken is not worth
   * a warning.
   */
  async #quietly(what: string, query: () => Promise<void>): Promise<boolean> {
    try {
      await query()
      return true
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#logger.debug({ what, error: String(error) }, 'a query of the DHT failed')
      return false
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(QUERY_TIMEOUT_MS)])
  }
}
