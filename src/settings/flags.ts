/**
 * The table of flags. Names, variables, defaults, types and the help text come from here and from
 * nowhere else: every field of Settings has one row, and a field without a row does not compile.
 */
import type { PeerName } from '../../protocols/base/identity.ts'
import { VALUE_BYTES_MAX } from '../../protocols/base/limits.ts'
import { LOG_LEVELS } from './settings.ts'
import type { HttpAddress, Settings } from './settings.ts'
import type { SecretMode } from '../security/private-file.ts'
import { readAdmitFile } from './admitted.ts'
import { readSecretFile } from './secret.ts'
import { parseTokensPath } from './tokens.ts'
import {
  parseAddressRange,
  parseClusterId,
  parseDialAddress,
  parseDirectory,
  parseHostName,
  parseFile,
  parseHttpAddress,
  parseListenAddress,
  parseLogLevel,
  parseHraftdDoor,
  parseLogOffer,
  parseLogOrder,
  parseLogName,
  parseLogPlace,
  parseLwwDoor,
  parseNetworkId,
  parseNexusDoor,
  parseOrigin,
  parsePeerName,
  parseProtocolId,
  parseRedisUrl,
  parseRendezvous,
  parseSecretMode,
  parseSetHistory,
  parseStatsdAddress,
  parseStorePassword,
  parseSwitch,
  parseUrl,
  parseReplaceAfter,
  wholeNumber,
} from './values.ts'

/**
 * Far above what a cluster is made of, and low enough to catch a port or a size put in its place.
 */
const MIN_PEERS_MAX = 1_000
/** A day. */
const JOIN_TIMEOUT_MAX_SECONDS = 86_400
const SECOND_MS = 1_000
/** Far above what a peer can answer. */
const RATE_MAX = 1_000_000
const REPLACE_AFTER_SECONDS = 600
const VALUE_BYTES_DEFAULT = 1_048_576

/** One row: how the value of a field of Settings is asked for. */
export interface Flag<T> {
  /** Without its dash. */
  readonly name: string
  /**
   * Of its value; undefined for one that has none, and so no variable either: it is said each time,
   * or not at all.
   */
  readonly placeholder: string | undefined
  /**
   * True for one without a value that has a variable all the same, `on` or `off`: it is said for as
   * long as a peer runs.
   */
  readonly hasVariable?: true
  readonly meaning: string
  readonly repeatable: boolean
  /**
   * True for the path of a file that holds a secret: it must be its owner's alone, unless
   * `-secret-mode` says otherwise.
   */
  readonly isPrivate?: true
  /**
   * True for the path of a file that says who may do what: its owner alone may write it, unless
   * `-secret-mode` says otherwise.
   */
  readonly isOwn?: true
  /**
   * A variable that holds what is in the file, and how it is read, for where neither the flag nor
   * its own variable is there.
   */
  readonly content?: { readonly variable: string; readonly parse: (text: string) => T }
  /**
   * What holds when neither the flag nor its variable is there; `required` when there is no such
   * thing.
   */
  readonly fallback: { readonly value: T; readonly text: string } | 'required'
  /** Takes the texts given, exactly one unless it is repeatable. @throws UsageError */
  readonly parse: (texts: readonly string[]) => T
}

const SET_AHEAD_SECONDS = 60
/** A year: what is beyond that is a mistake of units. */
const SET_AHEAD_MAX_SECONDS = 31_536_000
const SET_REDIS_EVERY_SECONDS = 60
/** A day. */
const SET_REDIS_EVERY_MAX_SECONDS = 86_400

/** Ten minutes. */
const LOG_CHECK_SECONDS = 600
/** A month. */
const LOG_CHECK_MAX_SECONDS = 2_592_000

const LOG_LAG_SECONDS = 2

const parseLogLag = wholeNumber(1, LOG_CHECK_MAX_SECONDS, 'seconds')
const parseLogCheck = wholeNumber(0, LOG_CHECK_MAX_SECONDS, 'seconds')
const parseSetAhead = wholeNumber(0, SET_AHEAD_MAX_SECONDS, 'seconds')
const parseSetRedisEvery = wholeNumber(1, SET_REDIS_EVERY_MAX_SECONDS, 'seconds')
const parseJoinTimeout = wholeNumber(1, JOIN_TIMEOUT_MAX_SECONDS, 'seconds')
const NO_ADDRESSES: readonly string[] = Object.freeze([])

/** One row for each field. */
export type FlagTable<Fields> = { readonly [Field in keyof Fields]: Flag<Fields[Field]> }

/** A table whose fields nobody asks for by name. */
export type AnyFlags = Readonly<Record<string, Flag<unknown>>>

/** Makes a flag without a value. */
export function toggle(): Pick<Flag<boolean>, 'placeholder' | 'repeatable' | 'parse' | 'fallback'> {
  return { placeholder: undefined, repeatable: false, parse: () => true, fallback: { value: false, text: 'not' } }
}

/** Makes the parser of a flag that stands once. */
export function once<T>(parse: (text: string) => T): Pick<Flag<T>, 'repeatable' | 'parse'> {
  return { repeatable: false, parse: (texts) => parse(texts[0] ?? '') }
}

/** Makes the parser of a flag that may be repeated. */
export function repeated<T>(parse: (text: string) => T): Pick<Flag<readonly T[]>, 'repeatable' | 'parse'> {
  return { repeatable: true, parse: (texts) => Object.freeze(texts.map(parse)) }
}

/** For the peer, and for the commands that read a file with a secret. */
export const SECRET_MODE: Flag<SecretMode> = {
  ...once(parseSecretMode),
  name: 'secret-mode',
  placeholder: 'MODE',
  meaning:
    'private: a file that holds a secret is refused when other users of this machine can read it, and -tokens and -admit when they can write it. any: it is taken, for volumes that know no modes.',
  fallback: { value: 'private', text: 'private' },
}

/** All flags that have a value, in the order of the help text. */
export const FLAGS: FlagTable<Settings> = {
  clusterId: {
    ...once(parseClusterId),
    name: 'cid',
    placeholder: 'ID',
    meaning: 'Cluster to join: 1 to 64 of letters, digits, ".", "_", "-".',
    fallback: 'required',
  },
  peerName: {
    ...once<PeerName | undefined>(parsePeerName),
    name: 'name',
    placeholder: 'NAME',
    meaning:
      'What people call this peer, like berlin-1: shown in the place of its id, and taken by commands. 1 to 40 of letters, digits, ".", "_", "-".',
    fallback: { value: undefined, text: 'its peer id' },
  },
  http: {
    ...once<HttpAddress | undefined>(parseHttpAddress),
    name: 'http',
    placeholder: '[HOST:]PORT',
    meaning: 'HTTP address; only this machine unless a host is named. 0 is a free port, [::1]:8000 works.',
    fallback: { value: parseHttpAddress('0'), text: 'a free port on 127.0.0.1' },
  },
  health: {
    ...once(parseHttpAddress),
    name: 'health',
    placeholder: '[HOST:]PORT',
    meaning: 'Serves /healthz, /readyz and /metrics here too, where no bound on clients reaches and no token is asked for.',
    fallback: { value: undefined, text: 'none' },
  },
  logs: {
    ...repeated(parseLogOffer),
    name: 'log',
    placeholder: 'NAME=URL',
    meaning:
      'Keeps a store for a log: kv: or sqlite: in the data directory, sqlite:PATH, redis://HOST:PORT/DB, mysql://USER@HOST:PORT/DB (MariaDB too) or postgres://USER@HOST:PORT/DB. Once -min-peers peers of the cluster offer one, the log is born.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  storePasswords: {
    ...repeated(parseStorePassword),
    name: 'store-password',
    placeholder: 'NAME=FILE',
    meaning: 'File with the password of the store of a log. The variable REPLICATOR_STORE_PASSWORD_NAME may hold the password itself.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  logPlaces: {
    ...repeated(parseLogPlace),
    name: 'log-place',
    placeholder: 'NAME=WISH',
    meaning: 'Where a log of a -log is born, as cluster:ID, spread:N or peers:ID,ID,ID. Give it to every peer that keeps a store for it.',
    fallback: { value: Object.freeze([]), text: 'the cluster of the peer' },
  },
  logLearns: {
    ...repeated(parseLogName),
    name: 'log-learn',
    placeholder: 'NAME',
    meaning: 'Beside a -log: where this peer does not vote on the log, it has a replica of it all the same, for local reads.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  logOrders: {
    ...repeated(parseLogOrder),
    name: 'log-order',
    placeholder: 'NAME=URL',
    meaning:
      'Beside a -log with a database of SQL: Kafka orders it, by kafka://HOST:PORT,HOST:PORT, with topics that "replicator log create NAME -order" makes. It needs the package @platformatic/kafka.',
    fallback: { value: Object.freeze([]), text: 'none: peers order it' },
  },
  logLagMs: {
    ...once((text) => parseLogLag(text) * 1_000),
    name: 'log-lag',
    placeholder: 'SECONDS',
    meaning: 'A database of a log that Kafka orders is not read from once it is behind for longer.',
    fallback: { value: LOG_LAG_SECONDS * 1_000, text: String(LOG_LAG_SECONDS) },
  },
  logCheckMs: {
    ...once((text) => parseLogCheck(text) * 1_000),
    name: 'log-check',
    placeholder: 'SECONDS',
    meaning: 'Between comparisons of the contents of all stores of a log, which its leader has made; 0 for none.',
    fallback: { value: LOG_CHECK_SECONDS * 1_000, text: String(LOG_CHECK_SECONDS) },
  },
  hraftd: {
    ...repeated(parseHraftdDoor),
    name: 'hraftd',
    placeholder: '[HOST:]PORT[=LOG]',
    meaning: 'Serves a log, kv unless named, as hraftd does at a port of its own: /key, /join, /status, /raft. It is kept here as by -log.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  nexus: {
    ...repeated(parseNexusDoor),
    name: 'nexus',
    placeholder: '[HOST:]PORT=LOG',
    meaning: 'Serves a log over gRPC at a port of its own, as Nexus does: Save, Load, ListNodes … It needs the packages of gRPC.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  statsd: {
    ...once<HttpAddress | undefined>(parseStatsdAddress),
    name: 'statsd',
    placeholder: 'HOST:PORT',
    meaning: 'Sends lines for StatsD there, by UDP: how long commands and queries of logs take, and what fails, in the names of Nexus.',
    fallback: { value: undefined, text: 'nowhere' },
  },
  lww: {
    ...repeated(parseLwwDoor),
    name: 'lww',
    placeholder: '[HOST:]PORT[=NAME]',
    meaning: 'Serves one set, main unless named, at the root of a port of its own: /, /insert, /delete, /updates, /update.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  lwwExternal: {
    ...repeated(parseUrl),
    name: 'lww-external',
    placeholder: 'URL',
    meaning: 'Node that speaks as -lww does: changes of the set of the first -lww, or of main, are sent to it, and its own are asked for.',
    fallback: { value: NO_ADDRESSES, text: 'none' },
  },
  setAheadMs: {
    ...once((text) => parseSetAhead(text) * SECOND_MS),
    name: 'set-ahead',
    placeholder: 'SECONDS',
    meaning: "How far a stamp that a client gives may be ahead of this peer's clock.",
    fallback: { value: SET_AHEAD_SECONDS * SECOND_MS, text: String(SET_AHEAD_SECONDS) },
  },
  setHistoryMs: {
    ...once<number | 'off' | undefined>(parseSetHistory),
    name: 'set-history',
    placeholder: 'DAYS',
    meaning: 'How long sets remember what was removed. off: for good.',
    fallback: { value: undefined, text: '30, and for good where a set has a port of its own' },
  },
  setRedis: {
    ...once<string | undefined>(parseRedisUrl),
    name: 'set-redis',
    placeholder: 'URL',
    meaning: 'Redis that sets are kept in too, like redis://127.0.0.1:6379/0. It needs the package redis.',
    fallback: { value: undefined, text: 'none' },
  },
  setRedisEveryMs: {
    ...once((text) => parseSetRedisEvery(text) * SECOND_MS),
    name: 'set-redis-every',
    placeholder: 'SECONDS',
    meaning: 'How often one peer of each cluster writes what changed of sets to -set-redis.',
    fallback: { value: SET_REDIS_EVERY_SECONDS * SECOND_MS, text: String(SET_REDIS_EVERY_SECONDS) },
  },
  hostNames: {
    ...repeated(parseHostName),
    name: 'http-host',
    placeholder: 'NAME',
    meaning: 'Name by which clients ask for HTTP without TLS. Under any other but localhost and IP addresses they are refused.',
    fallback: { value: NO_ADDRESSES, text: 'none' },
  },
  corsOrigins: {
    ...repeated(parseOrigin),
    name: 'http-cors',
    placeholder: 'ORIGIN',
    meaning: 'Origin whose pages may do over HTTP what any client may, like https://app.example.',
    fallback: { value: NO_ADDRESSES, text: 'none' },
  },
  httpProxies: {
    ...repeated(parseAddressRange),
    name: 'http-proxy',
    placeholder: 'CIDR',
    meaning:
      'Proxies in front of HTTP, like 10.0.0.0/8: behind these the last hop of X-Forwarded-For is the client, whom the bounds go by.',
    fallback: { value: Object.freeze([]), text: 'none' },
  },
  httpCert: {
    ...once(parseFile),
    name: 'http-cert',
    placeholder: 'FILE',
    meaning: 'Certificate, as PEM, with those that lead to its root: HTTP is served over TLS. It is read again when it changes.',
    fallback: { value: undefined, text: 'none' },
  },
  httpKey: {
    ...once(parseFile),
    name: 'http-key',
    placeholder: 'FILE',
    isPrivate: true,
    meaning: 'Private key of -http-cert, as PEM.',
    fallback: { value: undefined, text: 'none' },
  },
  httpCa: {
    ...once(parseFile),
    name: 'http-ca',
    placeholder: 'FILE',
    meaning: 'Every client must show a certificate that one of these has signed, as PEM. It gives no rights.',
    fallback: { value: undefined, text: 'none' },
  },
  tokensPath: {
    ...once(parseTokensPath),
    name: 'tokens',
    placeholder: 'FILE',
    isOwn: true,
    meaning:
      'Tokens that clients show, read again when the file changes; "replicator token" adds one. Without it whoever reaches HTTP may read and write.',
    fallback: { value: undefined, text: 'none' },
  },
  auditPath: {
    ...once(parseFile),
    name: 'audit',
    placeholder: 'FILE',
    meaning:
      'Where each operator request, refused credential and peer that is let in or refused is told in a JSON line; "-" is the log. Opened anew on SIGHUP.',
    fallback: { value: undefined, text: 'nowhere' },
  },
  auditWrites: {
    ...toggle(),
    hasVariable: true,
    name: 'audit-writes',
    meaning: 'The audit tells each write too.',
  },
  rate: {
    ...once<number | undefined>(wholeNumber(1, RATE_MAX, 'requests a second')),
    name: 'rate',
    placeholder: 'N',
    meaning: 'Most requests a second for each token and for each client address.',
    fallback: { value: undefined, text: 'as many as they like' },
  },
  listen: {
    ...repeated(parseListenAddress),
    name: 'listen',
    placeholder: 'MULTIADDR',
    meaning: 'libp2p address to listen on. A port chosen freely is remembered in the data directory and used again.',
    fallback: { value: NO_ADDRESSES, text: 'all interfaces, a free TCP port' },
  },
  announce: {
    ...repeated(parseDialAddress),
    name: 'announce',
    placeholder: 'MULTIADDR',
    meaning: 'Address told to others: behind NAT, in a container, in a cloud.',
    fallback: { value: NO_ADDRESSES, text: 'what it listens on' },
  },
  peers: {
    ...repeated(parseDialAddress),
    name: 'peer',
    placeholder: 'MULTIADDR',
    meaning: "Peer to join through; any member will do. The peer's own address is ignored.",
    fallback: { value: NO_ADDRESSES, text: 'none' },
  },
  bootstrap: {
    ...repeated(parseDialAddress),
    name: 'bootstrap',
    placeholder: 'MULTIADDR',
    meaning: 'Further DHT bootstrap peer, dialled as -peer is.',
    fallback: { value: NO_ADDRESSES, text: 'none' },
  },
  networkId: {
    ...once(parseNetworkId),
    name: 'network',
    placeholder: 'ID',
    meaning:
      'Join or reopen only this network, never start one. For service files: a first peer that lost its disk must not start a second network.',
    fallback: { value: undefined, text: 'any' },
  },
  secret: {
    ...once(readSecretFile),
    name: 'secret',
    placeholder: 'FILE',
    isPrivate: true,
    meaning:
      'Secret that all members share, at least 32 bytes; "replicator secret -out FILE" makes one. Of several lines the first is proved and any accepted; "none" is no secret. Read again when it changes. Without it anybody who can dial may join.',
    fallback: { value: undefined, text: 'none' },
  },
  secretMode: SECRET_MODE,
  admit: {
    ...once(readAdmitFile),
    name: 'admit',
    placeholder: 'FILE',
    isOwn: true,
    meaning: 'Peers that may join: a peer id a line, what follows a # left aside. Read again when it changes; others are disconnected.',
    fallback: { value: undefined, text: 'whoever has the secret' },
  },
  dataDirectory: {
    ...once(parseDirectory),
    name: 'data',
    placeholder: 'DIR',
    meaning: 'Identity, configuration and keys of this peer: of one cluster and one network, locked while in use.',
    fallback: {
      value: undefined,
      text: 'replicator-data/CID/PORT, PORT that of -http; without one replicator-data/CID/N, N the lowest number that no running peer has locked',
    },
  },
  minPeers: {
    ...once(wholeNumber(1, MIN_PEERS_MAX, 'peers')),
    name: 'min-peers',
    placeholder: 'N',
    meaning: 'Peers that a cluster needs before it votes.',
    fallback: { value: 3, text: '3' },
  },
  protocolId: {
    ...once(parseProtocolId),
    name: 'protocolid',
    placeholder: 'ID',
    meaning: 'Prefix of the libp2p protocol ids; /2.0.0 and the like are appended.',
    fallback: { value: '/p2p/rpc/replicator', text: '/p2p/rpc/replicator' },
  },
  rendezvous: {
    ...once(parseRendezvous),
    name: 'rendezvous',
    placeholder: 'NAME',
    meaning: 'Name by which peers look for one another in the DHT: the same at all of them.',
    fallback: { value: 'replicator', text: 'replicator' },
  },
  mdns: {
    ...once(parseSwitch),
    name: 'mdns',
    placeholder: 'ON|OFF',
    meaning: 'Look for peers on the local network too, by multicast DNS; with -network, a peer joins without a -peer.',
    fallback: { value: false, text: 'off' },
  },
  joinTimeoutMs: {
    ...once((text) => parseJoinTimeout(text) * SECOND_MS),
    name: 'join-timeout',
    placeholder: 'SECONDS',
    meaning: 'A new peer that reaches none of its -peer addresses by then gives up. One that has been a member before goes on trying.',
    fallback: { value: 30 * SECOND_MS, text: '30' },
  },
  valueBytesMax: {
    ...once(wholeNumber(1, VALUE_BYTES_MAX, 'bytes')),
    name: 'value-max',
    placeholder: 'BYTES',
    meaning: 'Largest value taken from a client. Peers take up to 16 MiB from one another.',
    fallback: { value: VALUE_BYTES_DEFAULT, text: String(VALUE_BYTES_DEFAULT) },
  },
  replaceAfterMs: {
    ...once(parseReplaceAfter),
    name: 'replace-after',
    placeholder: 'SECONDS',
    meaning: 'A voter gone for so long gives its place to a learner of its cluster. 0 or off: never.',
    fallback: { value: REPLACE_AFTER_SECONDS * SECOND_MS, text: String(REPLACE_AFTER_SECONDS) },
  },
  areOffersMade: {
    ...once(parseSwitch),
    name: 'offers',
    placeholder: 'ON|OFF',
    meaning: 'Begin puts that nobody contends with an offer, which saves a round trip. Off: reserve, then commit, each time.',
    fallback: { value: true, text: 'on' },
  },
  logLevel: {
    ...once(parseLogLevel),
    name: 'log-level',
    placeholder: 'LEVEL',
    meaning: `${LOG_LEVELS.join(', ')}.`,
    fallback: { value: 'info', text: 'info' },
  },
}

/** The environment variable of a flag: `REPLICATOR_MIN_PEERS` of `min-peers`. */
export function variableOf(name: string): string {
  return `REPLICATOR_${name.toUpperCase().replaceAll('-', '_')}`
}
