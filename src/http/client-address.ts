/**
 * Who sent a request, as far as addresses tell: what bounds, rates and the audit go by. The
 * socket's address cannot be made up. What a header says is believed of those proxies alone that
 * the peer was started with, and of it only the last hop, which the proxy itself has seen; what
 * stands before it may come from anybody.
 */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import type { IncomingMessage } from 'node:http'
import type { AddressRange } from '../settings/settings.ts'

/** Of requests by a socket file, which have none: they come from this machine. */
const NO_ADDRESS = 'local'
/** An IPv4 address as a socket for both families shows it. */
const MAPPED = '::ffff:'
const IPV6_GROUPS = 8
/** Whoever has one IPv6 address has the 2^64 beside it. */
const SOURCE_GROUPS = 4

/** Proxies whose word is taken for who asks. */
export class Proxies {
  readonly #ranges: BlockList | undefined

  constructor(ranges: readonly AddressRange[]) {
    if (ranges.length === 0) return
    this.#ranges = new BlockList()
    for (const { address, prefix, family } of ranges) this.#ranges.addSubnet(address, prefix, family)
  }

  /** @param address in plain form */
  has(address: string): boolean {
    if (this.#ranges === undefined || address === NO_ADDRESS) return false
    return this.#ranges.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}

/** The address of the other end of a socket; `local` where that is a file. */
export function peerAddress(remoteAddress: string | undefined): string {
  return remoteAddress === undefined ? NO_ADDRESS : plain(remoteAddress)
}

/**
 * The address of the client of a request.
 *
 * @returns an IP address, IPv4 wherever it is one; `local` for a socket file; the proxy's own where
 * it names no client
 */
export function clientAddress({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>, proxies: Proxies): string {
  const address = peerAddress(socket.remoteAddress)
  return proxies.has(address) ? (lastHop(headers['x-forwarded-for']) ?? address) : address
}

/**
 * Whom an address counts for: an IPv4 address is its own source, an IPv6 address counts for its
 * /64.
 */
export function sourceOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // A tail that ends in an IPv4 address has one group more than it shows, and lies behind the first
  // four all the same.
  const zeros = tail === undefined ? 0 : IPV6_GROUPS - groups.length - after.length
  const network = [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, SOURCE_GROUPS)
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** The last item, with or without a port; undefined when it is no address. */
function lastHop(forwardedFor: string | string[] | undefined): string | undefined {
  const last = String(forwardedFor ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  if (last === undefined) return undefined
  const bare = /^\[(.*)\](?::\d+)?$/.exec(last)?.[1] ?? /^([\d.]+):\d+$/.exec(last)?.[1] ?? last
  return isIP(bare) === 0 ? undefined : plain(bare)
}

function plain(address: string): string {
  const lower = address.toLowerCase()
  const inner = lower.startsWith(MAPPED) ? lower.slice(MAPPED.length) : ''
  return isIPv4(inner) ? inner : lower
}
