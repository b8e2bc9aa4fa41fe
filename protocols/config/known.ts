/** Who could be given a vote, as far as this peer knows, and what keeps the others from it. */
import type { Roster } from '../membership/roster.ts'
import type { RosterPeer } from '../membership/roster-peer.ts'
import type { Identity } from '../base/identity.ts'
import type { Candidate } from './growth.ts'

/** Why a peer cannot be given a vote now. */
export type Hindrance = 'silent' | 'catching up' | 'store put back' | 'protocol too old'

/** A peer that is known here, and what keeps it from voting; undefined when nothing does. */
export interface KnownPeer extends Candidate {
  /** The latest protocol version that it speaks. */
  readonly protocolMax: number
  readonly hindrance: Hindrance | undefined
}

/** What is known where the request came in. */
export interface KnownNow {
  readonly peers: readonly KnownPeer[]
  /** True for a voter that answers, as the very store that is meant. */
  readonly isUp: (voter: Identity) => boolean
}

/**
 * @param self this peer, which the roster does not hold
 * @param protocolMin of the config: who speaks none from there on may not vote
 */
export function knownPeers(self: KnownPeer, roster: Roster, protocolMin: number): KnownPeer[] {
  const known = [self]
  for (const peer of roster.all()) {
    const { identity, clusterId, minPeers, protocolMax } = peer
    known.push({ identity, clusterId, minPeers, protocolMax, hindrance: hindranceOf(peer, roster, protocolMin) })
  }
  return known
}

function hindranceOf({ identity, state, health, protocolMax }: RosterPeer, roster: Roster, protocolMin: number): Hindrance | undefined {
  if (roster.isPutBack(identity.id)) return 'store put back'
  if (protocolMax < protocolMin) return 'protocol too old'
  if (state !== 'alive') return 'silent'
  return health?.caughtUp === true ? undefined : 'catching up'
}
