/**
 * Bounds of libp2p's store of peers. Whatever a stranger says of itself goes into it, it compares
 * each address of a peer with each other, and it forgets nothing: so few addresses of each peer are
 * taken, and few peers are kept.
 */
import type { Peer, PeerData, PeerId, PeerStore } from '@libp2p/interface'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'

/** Peers kept, those connected now not counted: more than are ever connected. Some 2 kB each. */
export const STORED_PEERS_MAX = 2_048
/** Protocols that one peer speaks, and the characters of the name of one. */
const PROTOCOLS_MAX = 32
const PROTOCOL_CHARACTERS_MAX = 128
/** Bytes of a text that a peer says of itself: its release, and the like. */
const METADATA_BYTES_MAX = 256
/** Bytes of a signed record of addresses; sixteen take some hundred. */
const ENVELOPE_BYTES_MAX = 4_096

export interface PeerStoreBounds {
  readonly self: PeerId
  readonly isConnected: (peerId: PeerId) => boolean
}

/** Keeps a store to the bounds, from now on and for good. */
export function boundPeerStore(store: PeerStore, { self, isConnected }: PeerStoreBounds): void {
  const [merge, patch, save] = [store.merge.bind(store), store.patch.bind(store), store.save.bind(store)]
  /** The one that was written longest ago comes first. */
  const stored = new Map<string, PeerId>()
  const wrote = (peerId: PeerId): void => {
    const name = peerId.toString()
    stored.delete(name)
    stored.set(name, peerId)
    if (stored.size <= STORED_PEERS_MAX) return
    const idle = [...stored.values()].find((other) => !isConnected(other))
    if (idle === undefined) return
    stored.delete(idle.toString())
    // Whoever writes to it at the same time writes anew.
    store.delete(idle).catch(() => {})
  }
  store.patch = async (peerId, data, options) => {
    if (self.equals(peerId)) return patch(peerId, data, options)
    wrote(peerId)
    return patch(peerId, bounded(data), options)
  }
  store.save = async (peerId, data, options) => {
    if (self.equals(peerId)) return save(peerId, data, options)
    wrote(peerId)
    return save(peerId, bounded(data), options)
  }
  store.merge = async (peerId, data, options) => {
    if (self.equals(peerId)) return merge(peerId, data, options)
    wrote(peerId)
    const { addresses, multiaddrs, ...rest } = bounded(data)
    const added = [...(addresses ?? []), ...(multiaddrs ?? []).map((multiaddr) => ({ multiaddr, isCertified: false }))]
    if (added.length === 0) return merge(peerId, rest, options)
    const before = await store.get(peerId, options).catch(() => undefined)
    // What was told last stays, so a patch, which replaces, and not a merge, which adds.
    await patch(peerId, { addresses: newestOf(added, before) }, options)
    return merge(peerId, rest, options)
  }
}

type Addresses = Peer['addresses']

function newestOf(added: Addresses, before: Peer | undefined): Addresses {
  const newest = new Map<string, Addresses[number]>()
  for (const address of [...added, ...(before?.addresses ?? [])]) {
    const name = address.multiaddr.toString()
    const same = newest.get(name)
    if (same === undefined) newest.set(name, address)
    else if (address.isCertified) newest.set(name, { ...same, isCertified: true })
  }
  return [...newest.values()].slice(0, ADDRESSES_MAX)
}

function bounded(data: PeerData): PeerData {
  const { addresses, multiaddrs, protocols, metadata, peerRecordEnvelope } = data
  return {
    ...data,
    ...(addresses && { addresses: addresses.slice(0, ADDRESSES_MAX) }),
    ...(multiaddrs && { multiaddrs: multiaddrs.slice(0, ADDRESSES_MAX) }),
    ...(protocols && { protocols: protocols.filter((name) => name.length <= PROTOCOL_CHARACTERS_MAX).slice(0, PROTOCOLS_MAX) }),
    ...(metadata && { metadata: shortened(metadata) }),
    ...(peerRecordEnvelope && { peerRecordEnvelope: peerRecordEnvelope.length > ENVELOPE_BYTES_MAX ? undefined : peerRecordEnvelope }),
  } as PeerData
}

type Metadata = NonNullable<PeerData['metadata']>

function shortened(metadata: Metadata): Metadata {
  const entries = metadata instanceof Map ? [...metadata] : Object.entries(metadata)
  return Object.fromEntries(entries.map(([name, value]) => [name, value?.subarray(0, METADATA_BYTES_MAX)]))
}
