/**
 * Where the DHT keeps what it is told: provider records, few of each peer and few in all, and
 * nothing else. The DHT itself keeps whatever it is sent, for as long as it is valid, and looks
 * through all of it for each answer.
 */
import type { KadDHTComponents } from '@libp2p/kad-dht'
import type { DhtCounters } from './refusals.ts'

type Datastore = KadDHTComponents['datastore']
type Key = Parameters<Datastore['put']>[0]
type Query = Parameters<Datastore['query']>[0]
interface Pair {
  readonly key: Key
  readonly value: Uint8Array
}

/**
 * Of one peer: its cluster and its rendezvous, and the same again when it has moved from another.
 */
export const RECORDS_PER_PEER_MAX = 4
/** In all: those of a network of two thousand peers, some 2 MB. */
export const RECORDS_MAX = 4_096
/** Providers that one answer tells of; of more, the newest. */
export const PROVIDERS_TOLD_MAX = 100
/** `/dht/provider/CID/PEER`, split at its slashes. */
const RECORD_PARTS = 5

export interface ProviderRecordsInit {
  readonly counters: DhtCounters
  /** Peers that are here, this one included: their records are the last to make room for others. */
  readonly here: () => ReadonlySet<string>
}

/** As much of a datastore as the DHT uses. */
export class ProviderRecords {
  readonly #init: ProviderRecordsInit
  /** The oldest first. */
  readonly #records = new Map<string, Pair>()
  /** Names of each peer's records, the oldest first. */
  readonly #ofPeer = new Map<string, Set<string>>()

  constructor(init: ProviderRecordsInit) {
    this.#init = init
  }

  /** @throws Error for anything but a provider record */
  async put(key: Key, value: Uint8Array): Promise<Key> {
    const name = key.toString()
    const peerId = providerOf(name)
    if (peerId === undefined) {
      this.#init.counters.refused.value += 1
      throw new Error(`the DHT holds provider records alone, and not ${name}`)
    }
    if (!this.#records.has(name)) this.#makeRoomFor(peerId)
    this.#remove(name)
    this.#records.set(name, { key, value })
    const names = this.#ofPeer.get(peerId) ?? new Set()
    this.#ofPeer.set(peerId, names.add(name))
    this.#init.counters.providersHeld = this.#records.size
    return key
  }

  /** @throws Error of the name `NotFoundError` */
  async get(key: Key): Promise<Uint8Array> {
    const found = this.#records.get(key.toString())
    if (found !== undefined) return found.value
    const error = new Error(`no record ${key.toString()}`)
    error.name = 'NotFoundError'
    throw error
  }

  async has(key: Key): Promise<boolean> {
    return this.#records.has(key.toString())
  }

  async delete(key: Key): Promise<void> {
    this.#remove(key.toString())
    this.#init.counters.providersHeld = this.#records.size
  }

  async *query({ prefix = '' }: Query): AsyncGenerator<Pair> {
    const found = [...this.#records].filter(([name]) => name.startsWith(prefix)).map(([, pair]) => pair)
    const isOfOneCid = prefix.split('/').length >= RECORD_PARTS - 1
    yield* isOfOneCid ? found.slice(-PROVIDERS_TOLD_MAX) : found
  }

  #makeRoomFor(peerId: string): void {
    const own = this.#ofPeer.get(peerId)
    const oldestOwn = own !== undefined && own.size >= RECORDS_PER_PEER_MAX ? own.values().next().value : undefined
    const least = oldestOwn ?? (this.#records.size >= RECORDS_MAX ? this.#leastOfAll() : undefined)
    if (least === undefined) return
    this.#init.counters.refused.records += 1
    this.#remove(least)
  }

  #leastOfAll(): string | undefined {
    const here = this.#init.here()
    for (const name of this.#records.keys()) if (!here.has(providerOf(name) ?? '')) return name
    return this.#records.keys().next().value
  }

  #remove(name: string): void {
    if (!this.#records.delete(name)) return
    const peerId = providerOf(name) ?? ''
    const names = this.#ofPeer.get(peerId)
    names?.delete(name)
    if (names?.size === 0) this.#ofPeer.delete(peerId)
  }
}

/** The peer that a record is of; undefined when it is no provider record. */
function providerOf(name: string): string | undefined {
  const parts = name.split('/')
  return parts.length === RECORD_PARTS && parts[2] === 'provider' ? parts[4] : undefined
}
