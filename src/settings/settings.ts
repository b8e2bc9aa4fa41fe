import type { ClusterId, NetworkId, PeerName } from '../../protocols/base/identity.ts'
import type { AdmitFile } from './admitted.ts'
import type { KafkaOrder } from './order-url.ts'
import type { SecretFile } from './secret.ts'
import type { SecretMode } from '../security/private-file.ts'

/** From the one that says most to the one that says nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Kinds of stores that this release has. */
export const STORE_KINDS = ['kv', 'redis', 'sqlite', 'mysql', 'postgres'] as const
export type StoreKind = (typeof STORE_KINDS)[number]

/** Where HTTP listens. */
export interface HttpAddress {
  /** A name or an IP address; an IPv6 address without its brackets. */
  readonly host: string
  /** 0 for a free one. */
  readonly port: number
}

/** Where one set is served at the root of a port of its own. */
export interface LwwDoor {
  readonly address: HttpAddress
  readonly set: string
}

/** A store that is offered for a log. */
export interface LogOffer {
  readonly log: string
  /** As births of logs name it. */
  readonly kind: StoreKind
  /** The URL of a server, or the path of a file; empty for one in the data directory. */
  readonly at: string
}

/** Where the password of a log's store is. */
export interface StorePassword {
  readonly log: string
  readonly path: string
}

/** Where a log is to be, if it is born by itself. */
export interface LogPlace {
  readonly log: string
  /** `cluster:ID`, `spread:N` or `peers:ID,ID,ID`. */
  readonly place: string
}

/** A log that Kafka orders. */
export interface LogOrder extends KafkaOrder {
  readonly log: string
  readonly url: string
}

/** A log that is served, as hraftd serves keys, at a port of its own. */
export interface HraftdDoor {
  readonly address: HttpAddress
  readonly log: string
}

/** A log that is served, as Nexus serves its stores, at a port of its own. */
export interface NexusDoor {
  readonly address: HttpAddress
  readonly log: string
}

/** IP addresses with one prefix. */
export interface AddressRange {
  readonly address: string
  /** Bits that all of them have in common. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** All that a peer is told when it is started: checked, with the defaults filled in, frozen. */
export interface Settings {
  readonly clusterId: ClusterId
  /** What people call this peer; undefined for its id alone. */
  readonly peerName: PeerName | undefined
  /** Undefined, for a peer within another program alone: nobody comes in but by the operator's socket. */
  readonly http: HttpAddress | undefined
  /** Where health and metrics are served by themselves; undefined for nowhere. */
  readonly health: HttpAddress | undefined
  /** Logs that this peer keeps a store for, each once. */
  readonly logs: readonly LogOffer[]
  /** Each log once. */
  readonly storePasswords: readonly StorePassword[]
  /** Each log once; the others are born on this peer's cluster. */
  readonly logPlaces: readonly LogPlace[]
  /** Logs that this peer is to have a replica of for reading, where it does not vote. */
  readonly logLearns: readonly string[]
  /** Logs of `logs` that Kafka orders; peers order the others. Each once. */
  readonly logOrders: readonly LogOrder[]
  /** A store of such a log that is behind for so long is not read from. */
  readonly logLagMs: number
  /** Between comparisons of the contents of all stores of a log that this peer leads; 0 for none. */
  readonly logCheckMs: number
  /** Each of these logs has a store here, whether or not `logs` names it. */
  readonly hraftd: readonly HraftdDoor[]
  /** Logs that are served over gRPC. */
  readonly nexus: readonly NexusDoor[]
  /** Where lines for StatsD are sent; undefined for nowhere. */
  readonly statsd: HttpAddress | undefined
  /** Sets that are served at the root of a port of their own. */
  readonly lww: readonly LwwDoor[]
  /**
   * Nodes of another system with which the first of these sets is kept equal, without a slash at
   * their end.
   */
  readonly lwwExternal: readonly string[]
  /** How far a stamp that a client gives may be ahead of this peer's clock. */
  readonly setAheadMs: number
  /**
   * For how long sets remember what was removed, `off` for good. Undefined: 30 days, and for good
   * where a set has a port of its own.
   */
  readonly setHistoryMs: number | 'off' | undefined
  /** Of a Redis that sets are kept in too; undefined for none. */
  readonly setRedis: string | undefined
  readonly setRedisEveryMs: number
  /** Names, in lower case, that lead to this peer's HTTP, beside `localhost` and IP addresses. */
  readonly hostNames: readonly string[]
  /** Origins, as browsers write them, whose pages may do over HTTP what any client may. */
  readonly corsOrigins: readonly string[]
  /** Proxies in front of HTTP: behind these the last hop of X-Forwarded-For is the client. */
  readonly httpProxies: readonly AddressRange[]
  /** Paths of the certificate of HTTP and of its key; undefined, both, for HTTP without TLS. */
  readonly httpCert: string | undefined
  readonly httpKey: string | undefined
  /**
   * Path of what the certificates of clients are checked against; undefined when they need none.
   */
  readonly httpCa: string | undefined
  /** The file of the tokens that clients show; undefined when nobody is asked for one. */
  readonly tokensPath: string | undefined
  /** The file of the audit, or `-` for the log; undefined when nobody keeps one. */
  readonly auditPath: string | undefined
  /** The audit tells each write too. */
  readonly auditWrites: boolean
  /** Requests a second for each token and client address; undefined for as many as they like. */
  readonly rate: number | undefined
  /** Multiaddrs in text form; none for all interfaces and a free TCP port. */
  readonly listen: readonly string[]
  /** Multiaddrs in text form; none for what the peer listens on. */
  readonly announce: readonly string[]
  /** Multiaddrs in text form, with or without a peer id. */
  readonly peers: readonly string[]
  /** Multiaddrs in text form, dialled as `peers` are. */
  readonly bootstrap: readonly string[]
  /** The only network to join or reopen; undefined for any. */
  readonly networkId: NetworkId | undefined
  /** What all members share; undefined when anybody may join. */
  readonly secret: SecretFile | undefined
  /** Who may join, by peer id; undefined for whoever has the secret. */
  readonly admit: AdmitFile | undefined
  /** Whether files that hold secrets must be readable by their owner alone. */
  readonly secretMode: SecretMode
  /**
   * As it was written; undefined for the one below `replicator-data/CID/` that the HTTP port names,
   * or the first that nobody has locked.
   */
  readonly dataDirectory: string | undefined
  readonly minPeers: number
  /** Prefix of the libp2p protocol ids, without a slash at its end. */
  readonly protocolId: string
  readonly rendezvous: string
  /** Look for peers on the local network too, by multicast DNS. */
  readonly mdns: boolean
  readonly joinTimeoutMs: number
  readonly valueBytesMax: number
  /** A voter gone for so long gives its place to a learner of its cluster; undefined for never. */
  readonly replaceAfterMs: number | undefined
  /** Puts of keys may begin with an offer; off for the two phases alone. */
  readonly areOffersMade: boolean
  readonly logLevel: LogLevel
}
