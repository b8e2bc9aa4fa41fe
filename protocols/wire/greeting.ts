/** What a peer says of itself once both ends have proved themselves. */
import type { ByteReader, ByteWriter } from './bytes.ts'
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
import type { Greeting } from './messages.ts'

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
