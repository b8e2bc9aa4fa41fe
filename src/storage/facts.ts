/** Small things a peer remembers to start faster. Nothing is decided by them, and a peer without them does as well, later. */
import type { PeerId } from '../../protocols/base/identity.ts'

export interface KnownAddresses {
  readonly peerId: PeerId
  /** Multiaddrs in text form. */
  readonly addresses: readonly string[]
}

export interface Facts {
  /** The TCP port chosen freely before; undefined when none was. */
  readonly listenPort: number | undefined
  /** Where other peers were last known to be. */
  readonly peers: readonly KnownAddresses[]
}

export const FACTS_NONE: Facts = { listenPort: undefined, peers: [] }

const PORT_MAX = 65_535

/** Reads facts from JSON; what is not of the right shape is left out. @throws SyntaxError when it is no JSON */
export function parseFacts(json: string): Facts {
  const found = JSON.parse(json) as unknown
  if (!isObject(found)) throw new SyntaxError('not an object')
  const { listenPort, peers } = found
  return {
    listenPort:
      Number.isInteger(listenPort) && (listenPort as number) > 0 && (listenPort as number) <= PORT_MAX ? (listenPort as number) : undefined,
    peers: Array.isArray(peers) ? peers.flatMap(parsePeer) : [],
  }
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
