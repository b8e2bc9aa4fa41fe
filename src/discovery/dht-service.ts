/** The Kademlia DHT of libp2p, set up for a private network. It finds addresses and nothing else: no data, no votes. */
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'

/** Apart from the public DHT, and the same for every cluster, so that any peer can be anybody's bootstrap peer. */
export const DHT_PROTOCOL = '/replicator/kad/1.0.0'
/** Providers that one search ends with; a search that meets many of the dead must still meet the living. */
const BUCKET_PEERS = 32
/** Queries of one search at once. The default of 10, on 10 paths, is far too much work for networks of this size. */
const ALPHA = 3
/** The first look at one's surroundings, for which all searches wait. By default a whole second. */
const FIRST_SELF_QUERY_MS = 100
/** How long a provider record is believed: four times the interval at which a living peer repeats its own. */
const RECORD_VALIDITY_MS = 1_200_000
/** How often old records are thrown away. */
const RECORD_CLEANUP_MS = 300_000

/** For `services.dht` of libp2p. */
export function dhtService(): (components: KadDHTComponents) => KadDHT {
  return kadDHT({
    protocol: DHT_PROTOCOL,
    // By default a peer without a public address answers nobody, and private addresses are not kept.
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    kBucketSize: BUCKET_PEERS,
    alpha: ALPHA,
    disjointPaths: 1,
    initialQuerySelfInterval: FIRST_SELF_QUERY_MS,
    // `discovery.ts` repeats our own records, and asks nothing while nobody is there.
    reprovide: { validity: RECORD_VALIDITY_MS, interval: RECORD_CLEANUP_MS, threshold: 0 },
  })
}
