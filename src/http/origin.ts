/**
 * Who may change the configuration: programs on this machine, unless a flag opens it. Judged by what nobody far away can
 * make up, the address of the socket; and no page in a browser on this machine may do it in somebody's name.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'
import type { ChangesFrom } from '../config/config.ts'

/** An IPv4 address as a socket for both families shows it. */
const MAPPED = '::ffff:'

/** True for 127.0.0.0/8, ::1, and the former as an IPv6 address. @param address as a socket tells it */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

/**
 * Why a request may not change the configuration; undefined when it may.
 *
 * A page of another origin cannot send JSON without asking first, which nobody answers (the content type is checked where the
 * body is read). One that has its own name point at this machine afterwards has that name as its host, so a name other than
 * `localhost` is refused. A request that a proxy on this machine passes on is not one of this machine.
 *
 * @param remoteAddress of the socket
 */
export function refusedOrigin(from: ChangesFrom, remoteAddress: string | undefined, headers: IncomingHttpHeaders): string | undefined {
  const { host = '', origin } = headers
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase()) {
    return `It was sent by a page of ${origin}, and not of this peer.`
  }
  if (from === 'anywhere') return undefined
  const how = 'ask on the machine of the peer, or start the peer with -changes-from anywhere'
  if (!isLoopback(remoteAddress))
    return `Only programs on this peer's machine may ask for that, and this came from ${remoteAddress}: ${how}.`
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) {
    return `Only programs on this peer's machine may ask for that, and this was passed on by a proxy: ${how}.`
  }
  if (!isPlain(host)) return `The Host must be localhost or an IP address, not a name, for any name may lead to this machine: ${how}.`
  return undefined
}

/** Host and port, in lower case; undefined when it is no origin. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

/** `localhost` or an IP address, with or without a port. */
function isPlain(host: string): boolean {
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return name === 'localhost' || isIPv4(name) || (name.startsWith('[') && name.endsWith(']') && isIPv6(name.slice(1, -1)))
}
