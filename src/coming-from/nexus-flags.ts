/**
 * The flags of Nexus' example servers, of its first version and of its later ones, as the flags of a
 * peer. A flag that means nothing here is known all the same, and said to be.
 */
import { join } from 'node:path'
import { multiaddrOfUrl } from '../facades/nexus/urls.ts'
import { argumentsOf } from '../settings/arguments.ts'
import { UsageError } from '../settings/usage-error.ts'

export type NexusKind = 'redis' | 'mysql'

/** The cluster and the log of everybody who comes from there. */
const NAME = 'nexus'
const REDIS_PORT = '6379'
/** A peer goes on trying for as long as anybody may take to start the others. */
const JOIN_SECONDS = 86_400
/** Peers that vote before a log is born, where so many are named. */
const MIN_PEERS_MAX = 3

/** What a flag is here, by its names there; undefined for one without a meaning. */
type Meaning = 'grpc' | 'cluster' | 'number' | 'own' | 'data' | 'statsd' | 'redis-host' | 'redis-port' | 'mysql' | undefined
const MEANINGS: Readonly<Record<string, Meaning>> = {
  nexusPort: 'grpc',
  grpcPort: 'grpc',
  nexusClusterUrl: 'cluster',
  'nexus-cluster-url': 'cluster',
  nexusNodeId: 'number',
  'nexus-node-url': 'own',
  nexusLogDir: 'data',
  'nexus-log-dir': 'data',
  'nexus-statsd-addr': 'statsd',
  statsdAddr: 'statsd',
  redisHost: 'redis-host',
  redisPort: 'redis-port',
  mysqlConnUrl: 'mysql',
  nexusJoin: undefined,
  nexusSnapDir: undefined,
  nexusReplTimeout: undefined,
  metadataDB: undefined,
  nexusLeaseBasedReads: undefined,
  'nexus-snap-dir': undefined,
  'nexus-cluster-name': undefined,
  'nexus-repl-timeout': undefined,
  'nexus-lease-based-reads': undefined,
  'nexus-node-state': undefined,
  'nexus-entry-dir': undefined,
  'nexus-entry-store': undefined,
  'nexus-max-snapshots': undefined,
  'nexus-max-wals': undefined,
  'nexus-snapshot-count': undefined,
  'nexus-snapshot-catchup-entries': undefined,
}
/** Those that stand without a value. */
const SWITCHES: ReadonlySet<string> = new Set(['nexusJoin', 'nexusLeaseBasedReads', 'nexus-lease-based-reads'])

export interface NexusPeer {
  /** The flags of the peer. */
  readonly argv: readonly string[]
  /** The directory of its data. */
  readonly data: string
  /** It may begin the network where there is none. */
  readonly isFirst: boolean
  /** Known flags without a meaning here, as they were written. */
  readonly unused: readonly string[]
}

/** @throws UsageError */
export function nexusPeerOf(kind: NexusKind, argv: readonly string[]): NexusPeer {
  const { given, unused } = paired(argv)
  const urls = (given.get('cluster') ?? '').split(',').flatMap((url) => (url.trim() === '' ? [] : [addressOf(url.trim())]))
  const number = numberOf(given, urls)
  const own = number === undefined ? given.get('own') : undefined
  const self = number === undefined ? own && addressOf(own) : urls[number - 1]
  if (self === undefined) throw new UsageError('-nexusNodeId names none of -nexusClusterUrl; say which of them this is, from 1 on')
  const data = given.get('data') ?? join('replicator-data', NAME, `node-${number ?? self.split('/').at(-1)}`)
  const peer = {
    cid: NAME,
    data,
    listen: self,
    peer: urls.filter((url) => url !== self),
    log: `${NAME}=${kind === 'redis' ? redisUrlOf(given) : mysqlUrlOf(given.get('mysql'))}`,
    nexus: `${required(given, 'grpc', 'nexusPort')}=${NAME}`,
    'min-peers': String(Math.min(Math.max(urls.length, 1), MIN_PEERS_MAX)),
    'join-timeout': String(JOIN_SECONDS),
    statsd: given.get('statsd'),
  }
  return {
    argv: argumentsOf(peer),
    data,
    isFirst: number === 1,
    unused,
  }
}

function paired(argv: readonly string[]): { readonly given: ReadonlyMap<NonNullable<Meaning>, string>; readonly unused: string[] } {
  const given = new Map<NonNullable<Meaning>, string>()
  const unused: string[] = []
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? ''
    const [, name = '', told] = /^--?([A-Za-z][A-Za-z-]*)(?:=(.*))?$/s.exec(argument) ?? []
    if (!Object.hasOwn(MEANINGS, name)) throw new UsageError(`unknown flag ${JSON.stringify(argument)}; there are ${knownFlags()}`)
    const meaning = MEANINGS[name]
    const next = argv[index + 1]
    const isAlone = told === undefined && SWITCHES.has(name) && (next === undefined || next.startsWith('-'))
    if (told === undefined && !isAlone) index += 1
    const value = isAlone ? '' : (told ?? next)
    if (value === undefined) throw new UsageError(`-${name} needs a value`)
    if (meaning === undefined) unused.push(argument)
    else given.set(meaning, value)
  }
  return { given, unused }
}

function knownFlags(): string {
  return Object.keys(MEANINGS)
    .map((name) => `-${name}`)
    .join(', ')
}

function required(given: ReadonlyMap<string, string>, meaning: string, flag: string): string {
  const value = given.get(meaning)
  if (value === undefined) throw new UsageError(`-${flag} is missing`)
  return value
}

/** Which of the cluster this is, from 1 on; undefined for one that joins it. */
function numberOf(given: ReadonlyMap<string, string>, urls: readonly string[]): number | undefined {
  const number = given.get('number')
  if (number !== undefined) {
    if (!/^[1-9][0-9]{0,3}$/.test(number)) throw new UsageError('-nexusNodeId is a whole number from 1 on')
    return Number(number)
  }
  const own = given.get('own')
  const place = own === undefined ? -1 : urls.indexOf(addressOf(own))
  return place < 0 ? undefined : place + 1
}

/** @throws UsageError for what is no `http://HOST:PORT` */
function addressOf(url: string): string {
  const address = multiaddrOfUrl(url)
  if (address === undefined) throw new UsageError(`${JSON.stringify(url)} is no URL of a node, like http://127.0.0.1:9021`)
  return address
}

function redisUrlOf(given: ReadonlyMap<string, string>): string {
  return `redis://${given.get('redis-host') ?? '127.0.0.1'}:${given.get('redis-port') ?? REDIS_PORT}/0`
}

/** `USER:PASSWORD@tcp(HOST:PORT)/DATABASE?…` as a URL. What follows the `?` is the driver's there. */
function mysqlUrlOf(text: string | undefined): string {
  const [, user = '', password = '', address = '', database = ''] =
    /^([^:@/]*)(?::(.*))?@tcp\(([^)]*)\)\/([^?]*)(?:\?.*)?$/.exec(text ?? '') ?? []
  if (address === '') throw new UsageError('-mysqlConnUrl is written like root:root@tcp(127.0.0.1:33061)/nexus')
  return `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${address}/${database}`
}
