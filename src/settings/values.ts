/**
 * Turns the text of a flag into its value. Each throws a UsageError that says what the text should
 * have been.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import type { Component } from '@multiformats/multiaddr'
import { isClusterId, isPeerName, PEER_NAME_BYTES_MAX } from '../../protocols/base/identity.ts'
import type { ClusterId, NetworkId, PeerId, PeerName } from '../../protocols/base/identity.ts'
import { isLogName } from '../../protocols/log/birth.ts'
import { readWish } from '../../protocols/log/placement.ts'
import { isPeerId } from '../peer-id.ts'
import { isSetName } from '../set-name.ts'
import { SECRET_MODES } from '../security/private-file.ts'
import type { SecretMode } from '../security/private-file.ts'
import { parseOrder } from './order-url.ts'
import { LOG_LEVELS } from './settings.ts'
import type {
  AddressRange,
  HttpAddress,
  HraftdDoor,
  LogLevel,
  LogOffer,
  LogOrder,
  LogPlace,
  LwwDoor,
  NexusDoor,
  StorePassword,
} from './settings.ts'
import { UsageError } from './usage-error.ts'

/** Only this machine, unless a host is named. */
const LOOPBACK = '127.0.0.1'
const PORT_MAX = 65_535
const SECOND_MS = 1_000
const YEAR_SECONDS = 31_536_000
const DAY_MS = 86_400_000
/** A century. */
const DAYS_MAX = 36_500
/**
 * libp2p sends a protocol id as a line of at most 1,024 bytes; ours are longer than their prefix.
 */
const PROTOCOL_ID_CHARACTERS_MAX = 256
const RENDEZVOUS_BYTES_MAX = 256
/**
 * A host name of labels with letters, digits, `-` and `_` (which names of containers have), as long
 * as DNS allows.
 */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/
const NUMERIC_HOST = /^[0-9.]+$/
const WHOLE_NUMBER = /^(0|[1-9][0-9]{0,15})$/
const HTTP_EXAMPLES = '8000, 0.0.0.0:8000 or [::1]:8000; 0 is a free port'
const MULTIADDR_HOSTS = ['ip4', 'ip6', 'dns', 'dns4', 'dns6']

/** 1 to 64 of letters, digits, `.`, `_`, `-`. */
export function parseClusterId(text: string): ClusterId {
  if (!isClusterId(text)) throw new UsageError('a cluster id is 1 to 64 of letters, digits, ".", "_" and "-"')
  return text
}

/** 32 lower-case hexadecimal digits. */
export function parseNetworkId(text: string): NetworkId {
  if (!/^[0-9a-f]{32}$/.test(text)) {
    throw new UsageError(
      'a network id is 32 hexadecimal digits in lower case, as the first peer printed after "New network" and /status shows',
    )
  }
  return text as NetworkId
}

/** `PORT`, `HOST:PORT` or `[IPV6]:PORT`. */
export function parseHttpAddress(text: string): HttpAddress {
  const colon = text.lastIndexOf(':')
  const host = colon === -1 ? LOOPBACK : parseHost(text.slice(0, colon))
  const port = Number(text.slice(colon + 1))
  if (!WHOLE_NUMBER.test(text.slice(colon + 1)) || port > PORT_MAX) {
    throw new UsageError(`an HTTP address ends in a port from 0 to ${PORT_MAX}: ${HTTP_EXAMPLES}`)
  }
  return Object.freeze({ host, port })
}

/** `HOST:PORT` of what listens there; `PORT` for this machine. */
export function parseStatsdAddress(text: string): HttpAddress {
  const address = parseHttpAddress(text)
  if (address.port === 0) throw new UsageError('name the port that StatsD listens on, as in 127.0.0.1:8125')
  return address
}

function parseHost(text: string): string {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1]
  if (bracketed !== undefined && isIPv6(bracketed)) return bracketed
  if (isIPv6(text)) throw new UsageError(`an IPv6 address stands in brackets, as in [${text}]:8000`)
  if (isIPv4(text) || (HOST_NAME.test(text) && !NUMERIC_HOST.test(text))) return text
  throw new UsageError(`${JSON.stringify(text)} is no host; write ${HTTP_EXAMPLES}`)
}

/** A name that leads to this peer, without a port; in lower case. */
export function parseHostName(text: string): string {
  if (!HOST_NAME.test(text) || NUMERIC_HOST.test(text)) {
    throw new UsageError('write a host name without a port, like replicator.example; localhost and IP addresses are always taken')
  }
  return text.toLowerCase()
}

/** An origin, as browsers write it. */
export function parseOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (!/^https?:/.test(origin) || origin !== text.toLowerCase()) {
    throw new UsageError('write an origin as browsers do, scheme, host and perhaps a port, like https://app.example')
  }
  return origin
}

/**
 * IP addresses with one prefix, in the way of CIDR; one address without a prefix is itself alone.
 */
export function parseAddressRange(text: string): AddressRange {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  const prefixMax = family === 'ipv4' ? 32 : 128
  const prefix = bits === undefined ? prefixMax : Number(bits)
  if (isIP(address) === 0 || rest.length > 0 || !WHOLE_NUMBER.test(bits ?? '0') || prefix > prefixMax) {
    throw new UsageError('write addresses as 10.0.0.0/8, fd00::/8 or 192.0.2.1')
  }
  return Object.freeze({ address, prefix, family })
}

/** A multiaddr to listen on: a host and a TCP port, which may be 0. */
export function parseListenAddress(text: string): string {
  return parseMultiaddr(text, '/ip4/0.0.0.0/tcp/4001', 0)
}

/** A multiaddr that others can dial: a host and a TCP port, with or without a peer id. */
export function parseDialAddress(text: string): string {
  return parseMultiaddr(text, '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…', 1)
}

function parseMultiaddr(text: string, example: string, portMin: number): string {
  let address
  try {
    address = multiaddr(text)
  } catch (error) {
    throw new UsageError(`this is no multiaddr; write one like ${example}`, { cause: error })
  }
  const [host, tcp, p2p, ...others] = address.getComponents().filter((component) => component.name !== 'ip6zone')
  if (!isHost(host) || tcp?.name !== 'tcp' || (p2p !== undefined && p2p.name !== 'p2p') || others.length > 0) {
    throw new UsageError(`peers speak plain TCP: a multiaddr has a host, a tcp port and perhaps a peer id, like ${example}`)
  }
  if (p2p !== undefined && !isPeerId(p2p.value ?? '')) throw new UsageError(`what follows /p2p/ is no peer id; write one like ${example}`)
  if (Number(tcp.value) < portMin) throw new UsageError(`nobody can dial port 0; write the port that the peer listens on, like ${example}`)
  return address.toString()
}

/** What people call a peer. */
export function parsePeerName(text: string): PeerName {
  if (!isPeerName(text))
    throw new UsageError(
      `write a name of 1 to ${PEER_NAME_BYTES_MAX} letters, digits, ".", "_" and "-", a letter or a digit first, like berlin-1`,
    )
  return text
}

/** A peer id in its usual text form, or what people call a peer. */
export function parsePeer(text: string): PeerId | PeerName {
  if (!isPeerId(text) && !isPeerName(text))
    throw new UsageError('write a peer id or a name as replicator members and /peers show it, like 12D3KooW… or berlin-1')
  return text
}

/** An HTTP address, without a slash at its end. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw new UsageError('write the HTTP address of a peer, like http://127.0.0.1:8000')
  return url.href.replace(/\/+$/, '')
}

function isHost(component: Component | undefined): boolean {
  return component !== undefined && MULTIADDR_HOSTS.includes(component.name)
}

/**
 * A parser of whole numbers from `min` to `max`, both included; `unit` names them in the message.
 */
export function wholeNumber(min: number, max: number, unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!WHOLE_NUMBER.test(text) || value < min || value > max) {
      throw new UsageError(`write a whole number of ${unit} from ${min} to ${max}, in digits alone`)
    }
    return value
  }
}

/** A prefix of libp2p protocol ids: `/` and visible ASCII characters, no `/` at the end. */
export function parseProtocolId(text: string): string {
  if (!/^\/[\x21-\x7e]*[\x21-\x2e\x30-\x7e]$/.test(text) || text.length > PROTOCOL_ID_CHARACTERS_MAX) {
    throw new UsageError(
      `a protocol id begins with "/" and does not end with one, like /p2p/rpc/replicator: up to ${PROTOCOL_ID_CHARACTERS_MAX} visible ASCII characters`,
    )
  }
  return text
}

/** A name for the DHT: 1 to 256 bytes of text without control characters. */
export function parseRendezvous(text: string): string {
  if (!/^\P{Cc}+$/u.test(text) || Buffer.byteLength(text) > RENDEZVOUS_BYTES_MAX) {
    throw new UsageError(`a rendezvous is 1 to ${RENDEZVOUS_BYTES_MAX} bytes of text without control characters`)
  }
  return text
}

/** The path of a directory, as it is written. */
export function parseDirectory(text: string): string {
  if (text === '' || text.includes('\0')) throw new UsageError('name a directory; it is made when it is not there')
  return text
}

/** The path of a file, as it is written. */
export function parseFile(text: string): string {
  if (text === '' || text.includes('\0')) throw new UsageError('name a file')
  return text
}

/** The path of a file that is to be made, as it is written. */
export function parseNewFile(text: string): string {
  if (text === '' || text.includes('\0')) throw new UsageError('name a file that is not there yet')
  return text
}

/** Seconds from 1 to a year as milliseconds; undefined for `0` and `off`. */
export function parseReplaceAfter(text: string): number | undefined {
  if (text === '0' || text === 'off') return undefined
  const seconds = Number(text)
  if (!WHOLE_NUMBER.test(text) || seconds > YEAR_SECONDS) {
    throw new UsageError(`write a whole number of seconds from 1 to ${YEAR_SECONDS}, in digits alone; or 0 or off for never`)
  }
  return seconds * SECOND_MS
}

/** `[HOST:]PORT` or `[HOST:]PORT=NAME`. */
export function parseLwwDoor(text: string): LwwDoor {
  const cut = text.indexOf('=')
  const set = cut < 0 ? 'main' : text.slice(cut + 1)
  if (!isSetName(set)) throw new UsageError('the name of a set is 1 to 64 of letters, digits, ".", "_" and "-", as in 3001=main')
  return Object.freeze({ address: parseHttpAddress(cut < 0 ? text : text.slice(0, cut)), set })
}

/** `NAME=URL`, where the URL says what kind of store it is. */
export function parseLogOffer(text: string): LogOffer {
  const cut = text.indexOf('=')
  const log = text.slice(0, Math.max(0, cut))
  if (!isLogName(log)) throw new UsageError('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-", as in orders=kv:')
  const url = text.slice(cut + 1)
  if (url === 'kv:') return Object.freeze({ log, kind: 'kv', at: '' })
  if (/^rediss?:/.test(url)) return Object.freeze({ log, kind: 'redis', at: parseRedisUrl(url) })
  if (url.startsWith('sqlite:') && !url.includes('\0')) return Object.freeze({ log, kind: 'sqlite', at: url.slice('sqlite:'.length) })
  const kind = serverKindOf(url)
  if (kind !== undefined) return Object.freeze({ log, kind, at: parseDatabaseUrl(url) })
  throw new UsageError(
    'the store of a log is kv:, sqlite:, sqlite:PATH, redis://HOST:PORT/DB, mysql://USER@HOST:PORT/DB or postgres://USER@HOST:PORT/DB, as in orders=kv:',
  )
}

/** A kind of store, by its name or by a URL of one. */
export function parseStoreKind(text: string): string {
  const scheme = /^(\w+):/.exec(text)?.[1] ?? text
  return serverKindOf(`${scheme}:`) ?? (scheme === 'rediss' ? 'redis' : scheme)
}

/** MariaDB and MySQL are one kind. */
function serverKindOf(url: string): 'mysql' | 'postgres' | undefined {
  if (/^(?:mysql|mariadb):/.test(url)) return 'mysql'
  return /^postgres(?:ql)?:/.test(url) ? 'postgres' : undefined
}

/** The URL of a database of a server. */
function parseDatabaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || url.pathname.length < 2)
    throw new UsageError('write the URL of a database, like mysql://USER@127.0.0.1:3306/DB or postgres://USER@127.0.0.1:5432/DB')
  return text
}

/** `NAME=FILE`. */
export function parseStorePassword(text: string): StorePassword {
  const cut = text.indexOf('=')
  const log = text.slice(0, Math.max(0, cut))
  if (!isLogName(log)) throw new UsageError('name the log whose store it is for, and the file, as in orders=/etc/replicator/orders')
  return Object.freeze({ log, path: parseFile(text.slice(cut + 1)) })
}

/** The name of a log. */
export function parseLogName(text: string): string {
  if (!isLogName(text)) throw new UsageError('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-"')
  return text
}

/** `NAME=WISH`. */
export function parseLogPlace(text: string): LogPlace {
  const cut = text.indexOf('=')
  const log = text.slice(0, Math.max(0, cut))
  if (!isLogName(log)) throw new UsageError('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-", as in orders=spread:3')
  return Object.freeze({ log, place: parseWish(text.slice(cut + 1)) })
}

/** `NAME=kafka://…`. */
export function parseLogOrder(text: string): LogOrder {
  const cut = text.indexOf('=')
  const log = text.slice(0, Math.max(0, cut))
  if (!isLogName(log)) throw new UsageError('name the log that Kafka orders, as in orders=kafka://127.0.0.1:9092')
  const url = text.slice(cut + 1)
  return Object.freeze({ log, url, ...parseOrder(url, log) })
}

/** Where the voters of a log are wished to be. */
export function parseWish(text: string): string {
  if (readWish(text) === undefined) throw new UsageError('write cluster:ID, spread:N with N from 3 to 7, or peers:ID,ID,ID')
  return text
}

/** `[HOST:]PORT` or `[HOST:]PORT=LOG`. */
export function parseHraftdDoor(text: string): HraftdDoor {
  const cut = text.indexOf('=')
  const log = cut < 0 ? 'kv' : text.slice(cut + 1)
  if (!isLogName(log)) throw new UsageError('the name of a log is 1 to 64 of letters, digits, ".", "_" and "-", as in 8100=kv')
  return Object.freeze({ address: parseHttpAddress(cut < 0 ? text : text.slice(0, cut)), log })
}

/** `[HOST:]PORT=LOG`. */
export function parseNexusDoor(text: string): NexusDoor {
  const cut = text.indexOf('=')
  const log = text.slice(cut + 1)
  if (cut < 0 || !isLogName(log)) throw new UsageError('write a port and the name of a log, as in 9121=orders or 0.0.0.0:9121=orders')
  return Object.freeze({ address: parseHttpAddress(text.slice(0, cut)), log })
}

/** Days from 1 to 36,500 as milliseconds, or `off`. */
export function parseSetHistory(text: string): number | 'off' {
  if (text === 'off') return text
  const days = Number(text)
  if (!WHOLE_NUMBER.test(text) || days < 1 || days > DAYS_MAX) {
    throw new UsageError(`write a whole number of days from 1 to ${DAYS_MAX}, in digits alone; or off for good`)
  }
  return days * DAY_MS
}

/** The URL of a Redis, with TLS or without. */
export function parseRedisUrl(text: string): string {
  if (!URL.canParse(text) || !/^rediss?:$/.test(new URL(text).protocol) || new URL(text).hostname === '') {
    throw new UsageError('write the URL of a Redis, like redis://127.0.0.1:6379/0, or rediss:// for one with TLS')
  }
  return text
}

/** Who may read files that hold secrets. */
export function parseSecretMode(text: string): SecretMode {
  const mode = SECRET_MODES.find((known) => known === text)
  if (mode === undefined) throw new UsageError(`write ${SECRET_MODES.join(' or ')}`)
  return mode
}

/** True for on. */
export function parseSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new UsageError('write on or off')
  return text === 'on'
}

/** One of the log levels. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined) throw new UsageError(`the log levels are ${LOG_LEVELS.join(', ')}`)
  return level
}
