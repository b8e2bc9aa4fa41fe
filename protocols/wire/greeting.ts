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
  writeAddresses,
  writeCeiling,
  writeClusterId,
  writeIdentity,
  writeInstalledEpoch,
  writeNetworkIdIfAny,
} from './fields.ts'
import type { Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, NetworkId } from '../base/identity.ts'

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
  return { protocolMin, protocolMax, networkId, clusterId, identity, epoch, ceiling, minPeers, addresses }
}
