/** The names of things. Branded, so that two strings of different meaning cannot be swapped. */

/** The libp2p peer id in its usual text form, `12D3KooW…`. */
export type PeerId = string & { readonly __brand: 'PeerId' }
/** 1 to 64 of letters, digits, `.`, `_`, `-`: see `isClusterId`. */
export type ClusterId = string & { readonly __brand: 'ClusterId' }
/** 32 lower-case hexadecimal digits, drawn by the founder. */
export type NetworkId = string & { readonly __brand: 'NetworkId' }
/** 32 lower-case hexadecimal digits: 128 random bits, drawn when an empty store is opened. */
export type Incarnation = string & { readonly __brand: 'Incarnation' }
/** `peerId/incarnation`, to be used as the key of maps and sets. */
export type IdentityId = string & { readonly __brand: 'IdentityId' }

/**
 * What people call a peer, as whoever started it said: see `isPeerName`. Nothing is decided by it,
 * and nobody keeps two peers from the same one.
 */
export type PeerName = string & { readonly __brand: 'PeerName' }

/** Bytes of a cluster id. */
export const CLUSTER_ID_BYTES_MAX = 64
/** Bytes of the name of a peer. Every peer id is longer, so neither passes for the other. */
export const PEER_NAME_BYTES_MAX = 40

export function isClusterId(text: string): text is ClusterId {
  return text.length <= CLUSTER_ID_BYTES_MAX && /^[A-Za-z0-9._-]+$/.test(text)
}

export function isPeerName(text: string): text is PeerName {
  return text.length <= PEER_NAME_BYTES_MAX && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)
}

/**
 * Who votes: a peer together with the store it votes from. A peer that lost its store is somebody
 * else.
 */
export interface Identity {
  readonly peerId: PeerId
  readonly incarnation: Incarnation
  readonly id: IdentityId
}

/** Makes the pair, with its text form worked out once. */
export function identity(peerId: PeerId, incarnation: Incarnation): Identity {
  return { peerId, incarnation, id: `${peerId}/${incarnation}` as IdentityId }
}

/** Orders identities by peer id, then incarnation; negative, zero or positive. */
export function compareIdentities(a: Identity, b: Identity): number {
  if (a === b) return 0
  if (a.peerId !== b.peerId) return a.peerId < b.peerId ? -1 : 1
  if (a.incarnation !== b.incarnation) return a.incarnation < b.incarnation ? -1 : 1
  return 0
}
