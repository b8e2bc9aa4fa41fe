/**
 * Small things a peer remembers to start faster. Nothing is decided by them, and a peer without
 * them does as well, later.
 */
import type { PeerId } from '../../protocols/base/identity.ts'

export interface KnownAddresses {
  readonly peerId: PeerId
  /** Multiaddrs in text form. */
  readonly addresses: readonly string[]
}

export interface Facts {
  /** TCP ports chosen freely before, by the line of the command line that left the choice. */
  readonly listenPorts: Readonly<Record<string, number>>
  /** Where other peers were last known to be. */
  readonly peers: readonly KnownAddresses[]
  /** What peers were called, by peer id. */
  readonly names: Readonly<Record<string, string>>
}

export const FACTS_NONE: Facts = { listenPorts: {}, peers: [], names: {} }

const PORT_MAX = 65_535
/** Stands for a command line that names no address. */
const EVERYWHERE = '*'

/**
 * Reads facts from JSON; what is not of the right shape is left out. @throws SyntaxError when it is
 * no JSON
 */
export function parseFacts(json: string): Facts {
  const found = JSON.parse(json) as unknown
  if (!isObject(found)) throw new SyntaxError('not an object')
  const { listenPorts, listenPort, peers, names } = found
  return {
    // Before there was one a line, there was one in all.
    listenPorts: portsOf(isObject(listenPorts) ? listenPorts : { [EVERYWHERE]: listenPort }),
    peers: Array.isArray(peers) ? peers.flatMap(parsePeer) : [],
    names: isObject(names) ? textsOf(names) : {},
  }
}

function portsOf(found: Record<string, unknown>): Record<string, number> {
  const ports = Object.entries(found).filter((entry): entry is [string, number] => isPort(entry[1]))
  return Object.fromEntries(ports)
}

function textsOf(found: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function isPort(found: unknown): found is number {
  return typeof found === 'number' && Number.isInteger(found) && found > 0 && found <= PORT_MAX
}

function parsePeer(found: unknown): KnownAddresses[] {
  if (!isObject(found)) return []
  const { peerId, addresses } = found
  if (typeof peerId !== 'string' || !Array.isArray(addresses)) return []
  return [{ peerId: peerId as PeerId, addresses: addresses.filter((address) => typeof address === 'string') }]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
