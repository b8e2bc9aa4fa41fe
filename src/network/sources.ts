/**
 * Where a connection comes from, as far as it can be counted: whoever has one address of these has
 * them all.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** Sixteen-bit groups of an IPv6 address, and how many of them name a site. */
const GROUPS = 8
const SITE_GROUPS = 4

/**
 * The IPv4 address, or the first 64 bits of the IPv6 address, of a multiaddr in text form;
 * undefined when it has none. An IPv4 address within an IPv6 one is the same source as by itself.
 */
export function sourceOf(address: string): string | undefined {
  const [, kind, host = ''] = /^(?:\/ip6zone\/[^/]+)?\/(ip4|ip6)\/([^/]+)/.exec(address) ?? []
  if (kind === 'ip4') return isIPv4(host) ? host : undefined
  if (kind !== 'ip6' || !isIPv6(host)) return undefined
  const groups = groupsOf(host)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.')
  return `${groups
    .slice(0, SITE_GROUPS)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

function groupsOf(address: string): number[] {
  // The URL parser writes every form of an address in one, without dotted decimals.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [before, after] = [numbersOf(left), numbersOf(right ?? '')]
  return [...before, ...Array.from({ length: GROUPS - before.length - after.length }, () => 0), ...after]
}

function numbersOf(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16))
}
