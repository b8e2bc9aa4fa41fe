/** The fields that messages are made of, each with its two directions side by side. */
import { assert } from '../base/assert.ts'
import type { Ballot, Ceiling } from '../base/ballot.ts'
import { CLUSTER_ID_BYTES_MAX, isClusterId, isPeerName, PEER_NAME_BYTES_MAX } from '../base/identity.ts'
import type { ClusterId, Identity, NetworkId, PeerId, PeerName } from '../base/identity.ts'
import { isContentType } from '../base/record.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import { configKey, dataKey, epochOfConfigKey, isConfigKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Home } from '../base/units.ts'
import { refuse } from './malformed.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { PEER_ID_BYTES_MAX, readIdentity, writeIdentity } from './identities.ts'
import {
  ADDRESSES_MAX,
  ADDRESS_BYTES_MAX,
  CONTENT_TYPE_BYTES_MAX,
  KEY_BYTES_MAX,
  VALUE_BYTES_MAX,
  WRITE_ID_BYTES_MAX,
} from '../base/limits.ts'

export { readIdentity, writeIdentity } from './identities.ts'

/** Bytes of a network id. */
const NETWORK_ID_BYTES = 16
/** The first byte of a key says whose register it is. */
const DATA_SPACE = 0
const CONFIG_SPACE = 1
/**
 * What stands before an accepted record, in the place of a flag. A build that knows no offers refuses
 * the last, so that it takes none for what was accepted plainly.
 */
const ACCEPTED_NOTHING = 0
const ACCEPTED_PLAINLY = 1
const ACCEPTED_AS_OFFER = 2
/** What a home is. */
const HOME_CLUSTER = 0
const HOME_VOTER = 1

/**
 * What most records hold, so that it is recognized rather than read and looked at: the content type
 * read last.
 */
let usualContentType = 'application/octet-stream'

/** One byte: 0 for false, 1 for true. */
export function writeFlag(writer: ByteWriter, value: boolean): void {
  writer.u8(value ? 1 : 0)
}

export function readFlag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) refuse(`${value} where 0 or 1 is allowed`)
  return value === 1
}

/** A varint count, to be followed by as many entries. */
export function writeCount(writer: ByteWriter, count: number, max: number): void {
  writeBoundedNumber(writer, count, max)
  writer.entries += count
}

/** A varint that a reader will refuse when it is above `max`. */
export function writeBoundedNumber(writer: ByteWriter, value: number, max: number): void {
  if (value > max) assert(false, `${value} where at most ${max} is allowed`)
  writer.varint(value)
}

/** A list that `writeCount` began. */
export function readList<Entry>(reader: ByteReader, max: number, readEntry: (reader: ByteReader) => Entry): Entry[] {
  const entries: Entry[] = []
  const count = reader.varintTo(max)
  reader.entries += count
  for (let left = count; left > 0; left -= 1) entries.push(readEntry(reader))
  return entries
}

/** Bytes whose number both sides know. */
export function writeFixed(writer: ByteWriter, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) assert(false, `${bytes.length} bytes where ${length} are due`)
  writer.raw(bytes)
}

export function writeIdentities(writer: ByteWriter, identities: readonly Identity[], max: number): void {
  writeCount(writer, identities.length, max)
  for (const one of identities) writeIdentity(writer, one)
}

export function readIdentities(reader: ByteReader, max: number): Identity[] {
  return readList(reader, max, readIdentity)
}

export function writeBallot(writer: ByteWriter, ballot: Ballot): void {
  writer.varint(ballot.epoch)
  writer.varint(ballot.round)
  writeIdentity(writer, ballot.by)
}

export function readBallot(reader: ByteReader): Ballot {
  const epoch = reader.varint()
  const round = reader.varint()
  return { epoch, round, by: readIdentity(reader) }
}

export function writeCeiling(writer: ByteWriter, ceiling: Ceiling): void {
  writer.varint(ceiling.epoch)
  writer.varint(ceiling.round)
}

export function readCeiling(reader: ByteReader): Ceiling {
  const epoch = reader.varint()
  return { epoch, round: reader.varint() }
}

export function writeKey(writer: ByteWriter, key: RegisterKey): void {
  if (isConfigKey(key)) {
    writer.u8(CONFIG_SPACE)
    writer.varint(epochOfConfigKey(key))
    return
  }
  if (key.length === 0) assert(false, 'an empty key')
  writer.u8(DATA_SPACE)
  writeBounded(writer, key, KEY_BYTES_MAX)
}

export function readKey(reader: ByteReader): RegisterKey {
  const space = reader.u8()
  if (space === CONFIG_SPACE) return configKey(reader.varint())
  if (space !== DATA_SPACE) refuse(`no such space of keys: ${space}`)
  const key = reader.text(KEY_BYTES_MAX)
  // U+0000 marks the registers of configs: a client's key with it could pass for one.
  if (key.length === 0 || key.includes('\u0000')) refuse('key that is empty or holds U+0000')
  return dataKey(key)
}

export function writeRecord(writer: ByteWriter, record: ValueRecord): void {
  writeBounded(writer, record.writeId, WRITE_ID_BYTES_MAX)
  const { contentType } = record
  if (contentType !== usualContentType && !isContentType(contentType)) assert(false, `not a content type: ${contentType.slice(0, 80)}`)
  writeBounded(writer, contentType, CONTENT_TYPE_BYTES_MAX)
  writer.varint(record.writtenAtMs)
  if (record.value.length > VALUE_BYTES_MAX) assert(false, `a value of ${record.value.length} bytes`)
  writer.sized(record.value)
}

/** The value is a view of the bytes read from, not a copy. */
export function readRecord(reader: ByteReader): ValueRecord {
  const writeId = reader.visible(WRITE_ID_BYTES_MAX)
  const contentType = reader.textLike(usualContentType, CONTENT_TYPE_BYTES_MAX)
  if (contentType !== usualContentType && !isContentType(contentType)) refuse('content type that no header can hold')
  usualContentType = contentType
  const writtenAtMs = reader.varint()
  return { writeId, value: reader.sized(VALUE_BYTES_MAX), contentType, writtenAtMs }
}

export function writeHome(writer: ByteWriter, home: Home): void {
  writer.u8(home.kind === 'cluster' ? HOME_CLUSTER : HOME_VOTER)
  if (home.kind === 'cluster') writeClusterId(writer, home.cluster)
  else writeIdentity(writer, home.voter)
}

export function readHome(reader: ByteReader): Home {
  const kind = reader.u8()
  if (kind === HOME_CLUSTER) return { kind: 'cluster', cluster: readClusterId(reader) }
  return kind === HOME_VOTER ? { kind: 'voter', voter: readIdentity(reader) } : refuse(`no such home: ${kind}`)
}

/** As in a store, where nothing follows it: an offer ends with its home, and only an offer does. */
export function writeAccepted(writer: ByteWriter, accepted: Accepted): void {
  writeBallot(writer, accepted.ballot)
  writeRecord(writer, accepted.record)
  if (accepted.home !== undefined) writeHome(writer, accepted.home)
}

/** To the end of the bytes. */
export function readAccepted(reader: ByteReader): Accepted {
  return readAcceptedAs(reader, (record) => (reader.remaining > 0 ? { ...record, home: readHome(reader) } : record))
}

/** What it is, then what was accepted, if anything was. */
export function writeAcceptedIfAny(writer: ByteWriter, accepted: Accepted | undefined): void {
  if (accepted === undefined) return writer.u8(ACCEPTED_NOTHING)
  writer.u8(accepted.home === undefined ? ACCEPTED_PLAINLY : ACCEPTED_AS_OFFER)
  writeAccepted(writer, accepted)
}

export function readAcceptedIfAny(reader: ByteReader): Accepted | undefined {
  const kind = reader.u8()
  if (kind === ACCEPTED_NOTHING) return undefined
  if (kind > ACCEPTED_AS_OFFER) refuse(`${kind} before what was accepted`)
  return readAcceptedAs(reader, (plain) => (kind === ACCEPTED_AS_OFFER ? { ...plain, home: readHome(reader) } : plain))
}

function readAcceptedAs(reader: ByteReader, read: (plain: Accepted) => Accepted): Accepted {
  const ballot = readBallot(reader)
  return read({ ballot, record: readRecord(reader) })
}

export function writeClusterId(writer: ByteWriter, clusterId: ClusterId): void {
  assert(isClusterId(clusterId), `not a cluster id: ${clusterId}`)
  writer.text(clusterId)
}

export function readClusterId(reader: ByteReader): ClusterId {
  const clusterId = reader.visible(CLUSTER_ID_BYTES_MAX)
  return isClusterId(clusterId) ? clusterId : refuse('not a cluster id')
}

export function writePeerName(writer: ByteWriter, name: PeerName): void {
  assert(isPeerName(name), `not a name of a peer: ${name}`)
  writer.text(name)
}

export function readPeerName(reader: ByteReader): PeerName {
  const name = reader.visible(PEER_NAME_BYTES_MAX)
  return isPeerName(name) ? name : refuse('not a name of a peer')
}

export function writePeerId(writer: ByteWriter, peerId: PeerId): void {
  writeBounded(writer, peerId, PEER_ID_BYTES_MAX)
}

export function readPeerId(reader: ByteReader): PeerId {
  return reader.visible(PEER_ID_BYTES_MAX) as PeerId
}

/** A flag, then 16 bytes, if there is one. */
export function writeNetworkIdIfAny(writer: ByteWriter, networkId: NetworkId | undefined): void {
  writeFlag(writer, networkId !== undefined)
  if (networkId !== undefined) writeNetworkId(writer, networkId)
}

export function readNetworkIdIfAny(reader: ByteReader): NetworkId | undefined {
  return readFlag(reader) ? readNetworkId(reader) : undefined
}

/** An installed epoch, or -1 for none, as one more than that. */
export function writeInstalledEpoch(writer: ByteWriter, epoch: number): void {
  writer.varint(epoch + 1)
}

export function readInstalledEpoch(reader: ByteReader): number {
  return reader.varint() - 1
}

/** Multiaddrs in text form. */
export function writeAddresses(writer: ByteWriter, addresses: readonly string[]): void {
  writeCount(writer, addresses.length, ADDRESSES_MAX)
  for (const address of addresses) writeBounded(writer, address, ADDRESS_BYTES_MAX)
}

export function readAddresses(reader: ByteReader): string[] {
  return readList(reader, ADDRESSES_MAX, readAddress)
}

function readAddress(reader: ByteReader): string {
  return reader.text(ADDRESS_BYTES_MAX)
}

export function writeNetworkId(writer: ByteWriter, networkId: NetworkId): void {
  if (networkId.length !== 2 * NETWORK_ID_BYTES) assert(false, `not a network id: ${networkId}`)
  writer.hex(networkId)
}

export function readNetworkId(reader: ByteReader): NetworkId {
  return reader.hex(NETWORK_ID_BYTES) as NetworkId
}

/** Text that a reader will refuse when it is longer. */
function writeBounded(writer: ByteWriter, text: string, bytesMax: number): void {
  const before = writer.length
  writer.text(text)
  // Text of the full length has two bytes of length in front, as every bound here is between 128
  // and 16,383.
  if (writer.length - before > bytesMax + 2) assert(false, `more than ${bytesMax} bytes: ${text.slice(0, 80)}`)
}
