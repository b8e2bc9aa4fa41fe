/**
 * Who may change the configuration: programs on this machine, unless a flag opens it. Judged by what nobody far away can
 * make up, the address of the socket. Pages in a browser were refused before (`src/security/site.ts`).
 */
import { isIPv4 } from 'node:net'
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
 * A request that a proxy on this machine passes on is not one of this machine.
 *
 * @param remoteAddress of the socket
 */
export function refusedOrigin(from: ChangesFrom, remoteAddress: string | undefined, headers: IncomingHttpHeaders): string | undefined {
  if (from === 'anywhere') return undefined
  const how = 'ask on the machine of the peer, or start the peer with -changes-from anywhere'
  if (!isLoopback(remoteAddress))
    return `Only programs on this peer's machine may ask for that, and this came from ${remoteAddress}: ${how}.`
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) {
    return `Only programs on this peer's machine may ask for that, and this was passed on by a proxy: ${how}.`
  }
  return undefined
}
