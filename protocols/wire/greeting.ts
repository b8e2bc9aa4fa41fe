/** What a peer says of itself once both ends have proved themselves. */
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import {
  readAddresses,
  readCeiling,
  readClusterId,
  readIdentity,
  readInstalledEpoch,
  readNetworkIdIfAny,
  readPeerName,
  writeAddresses,
  writeCeiling,
  writeClusterId,
  writeIdentity,
  writeInstalledEpoch,
  writeNetworkIdIfAny,
  writePeerName,
} from './fields.ts'
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, NetworkId, PeerName } from '../base/identity.ts'

/** What a peer says of itself once both ends have proved themselves. */
export interface Greeting {
  /** Lowest and highest protocol version spoken. */
  readonly protocolMin: number
  readonly protocolMax: number
  /** Undefined for a peer that has not joined a network yet. */
  readonly networkId: NetworkId | undefined
  readonly clusterId: ClusterId
  readonly identity: Identity
  /** -1 when no config is installed. */
  readonly epoch: number
  readonly ceiling: Ceiling
  /** Peers its cluster needs before it votes, as this peer was told. */
  readonly minPeers: number
  /** Multiaddrs in text form where it can be reached. */
  readonly addresses: readonly string[]
  /** What people call it, where it was told. */
  readonly name?: PeerName
}

export function writeGreeting(writer: ByteWriter, greeting: Greeting): void {
  writer.varint(greeting.protocolMin)
  writer.varint(greeting.protocolMax)
  writeNetworkIdIfAny(writer, greeting.networkId)
  writeClusterId(writer, greeting.clusterId)
  writeIdentity(writer, greeting.identity)
  writeInstalledEpoch(writer, greeting.epoch)
  writeCeiling(writer, greeting.ceiling)
  writer.varint(greeting.minPeers)
  writeAddresses(writer, greeting.addresses)
  // Without a name the bytes are those of before there were any.
  if (greeting.name !== undefined) writePeerName(writer, greeting.name)
}

export function readGreeting(reader: ByteReader): Greeting {
  const protocolMin = reader.varint()
  const protocolMax = reader.varint()
  const networkId = readNetworkIdIfAny(reader)
  const clusterId = readClusterId(reader)
  const identity = readIdentity(reader)
  const epoch = readInstalledEpoch(reader)
  const ceiling = readCeiling(reader)
  const minPeers = reader.varint()
  const addresses = readAddresses(reader)
  const told = { protocolMin, protocolMax, networkId, clusterId, identity, epoch, ceiling, minPeers, addresses }
  return reader.remaining === 0 ? told : { ...told, name: readPeerName(reader) }
}
