/**
 * The Kademlia DHT of libp2p, set up for a private network. It finds addresses and nothing else: no
 * data, no votes.
 */
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import { withParts } from '../parts.ts'
import { behindDoor } from './dht-door.ts'
import type { DhtDoorInit } from './dht-door.ts'
import { ProviderRecords } from './provider-records.ts'
import { dhtCounters } from './refusals.ts'
import type { DhtCounters } from './refusals.ts'

/**
 * Apart from the public DHT, and the same for every cluster, so that any peer can be anybody's
 * bootstrap peer.
 */
export const DHT_PROTOCOL = '/replicator/kad/1.0.0'
/**
 * Peers that keep a record, and providers that a search ends with; what one peer answers is taken
 * whole. Kademlia's usual 20 would make every peer of a network of some dozens ask every other. One
 * living member is enough to find: it tells of all that it knows.
 */
const BUCKET_PEERS = 10
/**
 * Queries of one search at once. The default of 10, on 10 paths, is far too much work for networks
 * of this size.
 */
const ALPHA = 3
/** The first look at one's surroundings, for which all searches wait. By default a whole second. */
const FIRST_SELF_QUERY_MS = 100
/** How long a provider record is believed: four times the longest wait between two rounds. */
const RECORD_VALIDITY_MS = 3_600_000
/** Between later looks. Each search of `discovery.ts` is one too. */
const SELF_QUERY_MS = 3_600_000
/** How often old records are thrown away. */
const RECORD_CLEANUP_MS = 300_000

/**
 * Streams that one connection may have for questions: two names are asked for at once, and both
 * again before the first are over.
 */
const QUESTIONS_MAX = 8

/** What is used of the DHT beyond its port. */
interface DhtInside {
  readonly routingTableRefresh: { refreshTable: () => void }
  readonly network: { safeDispatchEvent: () => boolean }
}

export interface DhtServiceInit extends Omit<DhtDoorInit, 'counters'> {
  readonly counters?: DhtCounters
}

/** Anybody is answered and asked. */
const OPEN: DhtServiceInit = { isTrusted: () => true }

/** For `services.dht` of libp2p. */
export function dhtService({ counters = dhtCounters(), ...door }: DhtServiceInit = OPEN): (components: KadDHTComponents) => KadDHT {
  const create = createDht()
  return (components) => {
    const { connectionManager, peerId } = components
    const here = (): Set<string> => {
      const others = connectionManager.getConnections().map(({ remotePeer }) => remotePeer.toString())
      return new Set([peerId.toString(), ...others])
    }
    const datastore = new ProviderRecords({ counters, here }) as unknown as KadDHTComponents['datastore']
    const dht = create(withParts(behindDoor(components, { ...door, counters }), { datastore }))
    const { routingTableRefresh, network } = dht as unknown as DhtInside
    // Every five minutes, and at each start, it would search for one made-up peer for each place of
    // its table: hundreds of questions, for a table that is filled by whoever is connected.
    routingTableRefresh.refreshTable = () => {}
    // Each peer that an answer names, true or made up, would be put into libp2p's store and dialled
    // to see whether it is there.
    network.safeDispatchEvent = () => true
    return dht
  }
}

function createDht(): (components: KadDHTComponents) => KadDHT {
  return kadDHT({
    protocol: DHT_PROTOCOL,
    // By default a peer without a public address answers nobody, and private addresses are not
    // kept.
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    kBucketSize: BUCKET_PEERS,
    alpha: ALPHA,
    disjointPaths: 1,
    initialQuerySelfInterval: FIRST_SELF_QUERY_MS,
    querySelfInterval: SELF_QUERY_MS,
    maxInboundStreams: QUESTIONS_MAX,
    // `discovery.ts` repeats our own records, and asks nothing while nobody is there.
    reprovide: { validity: RECORD_VALIDITY_MS, interval: RECORD_CLEANUP_MS, threshold: 0 },
  })
}
