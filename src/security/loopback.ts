/** Addresses that nobody on another machine can reach. */
import { isIPv4 } from 'node:net'

/** An IPv4 address as a socket for both families shows it. */
const MAPPED = '::ffff:'

/**
 * True for 127.0.0.0/8, ::1, and the former as an IPv6 address. @param address as a socket tells it
 */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

/** True for a host to listen on that only this machine reaches: such an address, or `localhost`. */
export function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || isLoopback(host)
}
