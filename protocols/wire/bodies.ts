/** Every kind of message: its code, and its two directions. */
import { unreachable } from '../base/assert.ts'
import type { Identity } from '../base/identity.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../config/config.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import {
  readAddresses,
  readBallot,
  readCeiling,
  readClusterId,
  readConfigs,
  readFlag,
  readIdentity,
  readInstalledEpoch,
  readKey,
  readNetworkIdIfAny,
  readPeerId,
  readRecord,
  writeAddresses,
  writeBallot,
  writeCeiling,
  writeClusterId,
  writeConfigs,
  writeCount,
  writeFixed,
  writeFlag,
  writeIdentity,
  writeInstalledEpoch,
  writeKey,
  writeNetworkIdIfAny,
  writePeerId,
  writeRecord
} from './fields.ts'
import { KEYS_PER_MESSAGE_MAX, LEAVES_PER_MESSAGE_MAX, ROSTER_ENTRIES_MAX, TARGETS_MAX } from './messages.ts'
import type { Health, Message, RosterEntry } from './messages.ts'
import { readByCode, readersByCode } from './tables.ts'
import type { Codes, Readers } from './tables.ts'
import { readRequestBody, readVote, writeRequestBody, writeVote } from './votes.ts'

type Of<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>

/** The first byte of a message. */
export const MESSAGE_CODES: Codes<Message> = {
  request: 0,
  reply: 1,
  relay: 2,
  relayed: 3,
  learn: 4,
  want: 5,
  'configs-wanted': 6,
  configs: 7,
  heartbeat: 8,
  'heartbeat-ack': 9,
  roster: 10,
  'doubts-wanted': 11,
  doubts: 12,
  'hashes-wanted': 13,
  hashes: 14,
  'leaves-wanted': 15,
  leaves: 16,
  'records-wanted': 17,
  records: 18,
  'covered-wanted': 19,
  covered: 20
}

/** Bytes of a digest, of a hash of the tree and of its root. */
const DIGEST_BYTES = 16
/** The hashes below one node of the tree. */
const HASHES_BYTES = 256 * DIGEST_BYTES
/** The tree has 65,536 leaves. */
const LEAF_MAX = 65_535
/** All voters of a config. */
const SOURCES_MAX = VOTERS_PER_CLUSTER_MAX * VOTING_CLUSTERS_MAX

/** Writes the code and the fields of a message. */
export function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(MESSAGE_CODES[message.kind])
  switch (message.kind) {
    case 'request':
      return writeRequest(writer, message)
    case 'reply':
      return writeReply(writer, message)
    case 'relay':
      return writeRelay(writer, message)
    case 'relayed':
      return writeRelayed(writer, message)
    case 'learn':
      return writeLearn(writer, message)
    case 'want':
      return writeKey(writer, message.key)
    case 'configs-wanted':
      return writeConfigsWanted(writer, message)
    case 'configs':
      return writeConfigs(writer, message.configs)
    case 'heartbeat':
      return writeHeartbeat(writer, message)
    case 'heartbeat-ack':
      return writer.f64(message.sentAtMs)
    case 'roster':
      return writeRoster(writer, message)
    case 'doubts-wanted':
      return writeDoubtsWanted(writer, message)
    case 'doubts':
      return writeDoubts(writer, message)
    case 'hashes-wanted':
      return writeHashesWanted(writer, message)
    case 'hashes':
      return writeHashes(writer, message)
    case 'leaves-wanted':
      return writeLeavesWanted(writer, message)
    case 'leaves':
      return writeLeaves(writer, message)
    case 'records-wanted':
      return writeRecordsWanted(writer, message)
    case 'records':
      return writeRecords(writer, message)
    case 'covered-wanted':
      return writer.varint(message.epoch)
    case 'covered':
      return writeCovered(writer, message)
    default:
      return unreachable(message)
  }
}

const readers: Readers<Message> = {
  request: reader => ({ kind: 'request', id: reader.varint(), target: readIdentity(reader), body: readRequestBody(reader) }),
  reply: reader => ({ kind: 'reply', id: reader.varint(), vote: readVote(reader) }),
  relay: reader => ({ kind: 'relay', id: reader.varint(), targets: readIdentities(reader, TARGETS_MAX), body: readRequestBody(reader) }),
  relayed: readRelayed,
  learn: readLearn,
  want: reader => ({ kind: 'want', key: readKey(reader) }),
  'configs-wanted': reader => ({ kind: 'configs-wanted', networkId: readNetworkIdIfAny(reader), since: reader.varint() }),
  configs: reader => ({ kind: 'configs', configs: readConfigs(reader) }),
  heartbeat: reader => ({ kind: 'heartbeat', sentAtMs: reader.f64(), health: readHealth(reader) }),
  'heartbeat-ack': reader => ({ kind: 'heartbeat-ack', sentAtMs: reader.f64() }),
  roster: readRoster,
  'doubts-wanted': reader => ({ kind: 'doubts-wanted', id: reader.varint(), minEpoch: reader.varint(), after: readKeyIfAny(reader) }),
  doubts: reader => ({ kind: 'doubts', id: reader.varint(), keys: readKeys(reader), more: readFlag(reader) }),
  'hashes-wanted': reader => ({ kind: 'hashes-wanted', id: reader.varint(), minEpoch: reader.varint(), group: readGroupIfAny(reader) }),
  hashes: reader => ({ kind: 'hashes', id: reader.varint(), group: readGroupIfAny(reader), hashes: reader.raw(HASHES_BYTES) }),
  'leaves-wanted': readLeavesWanted,
  leaves: readLeaves,
  'records-wanted': reader => ({ kind: 'records-wanted', id: reader.varint(), keys: readKeys(reader) }),
  records: readRecords,
  'covered-wanted': reader => ({ kind: 'covered-wanted', epoch: reader.varint() }),
  covered: readCovered
}
const table = readersByCode(MESSAGE_CODES, readers)

/** Reads the code and the fields of a message. */
export function readMessage(reader: ByteReader): Message {
  return readByCode(reader, table)
}

function writeRequest(writer: ByteWriter, message: Of<'request'>): void {
  writer.varint(message.id)
  writeIdentity(writer, message.target)
  writeRequestBody(writer, message.body)
}

function writeReply(writer: ByteWriter, message: Of<'reply'>): void {
  writer.varint(message.id)
  writeVote(writer, message.vote)
}

function writeRelay(writer: ByteWriter, message: Of<'relay'>): void {
  writer.varint(message.id)
  writeIdentities(writer, message.targets, TARGETS_MAX)
  writeRequestBody(writer, message.body)
}

function writeRelayed(writer: ByteWriter, message: Of<'relayed'>): void {
  writer.varint(message.id)
  writeCount(writer, message.votes.length, TARGETS_MAX)
  for (const vote of message.votes) writeVote(writer, vote)
}

function readRelayed(reader: ByteReader): Of<'relayed'> {
  const id = reader.varint()
  return { kind: 'relayed', id, votes: readList(reader, TARGETS_MAX, readVote) }
}

function writeLearn(writer: ByteWriter, message: Of<'learn'>): void {
  writeKey(writer, message.key)
  writeFlag(writer, message.ballot !== undefined)
  if (message.ballot !== undefined) writeBallot(writer, message.ballot)
  writeFlag(writer, message.record !== undefined)
  if (message.record !== undefined) writeRecord(writer, message.record)
  writeFlag(writer, message.spread)
}

function readLearn(reader: ByteReader): Of<'learn'> {
  const key = readKey(reader)
  const ballot = readFlag(reader) ? readBallot(reader) : undefined
  const record = readFlag(reader) ? readRecord(reader) : undefined
  return { kind: 'learn', key, ballot, record, spread: readFlag(reader) }
}

function writeConfigsWanted(writer: ByteWriter, message: Of<'configs-wanted'>): void {
  writeNetworkIdIfAny(writer, message.networkId)
  writer.varint(message.since)
}

function writeHeartbeat(writer: ByteWriter, message: Of<'heartbeat'>): void {
  const { health } = message
  writer.f64(message.sentAtMs)
  writeNetworkIdIfAny(writer, health.networkId)
  writeInstalledEpoch(writer, health.epoch)
  writeCeiling(writer, health.ceiling)
  writeFlag(writer, health.caughtUp)
  writer.varint(health.keyCount)
  writeFixed(writer, health.root, DIGEST_BYTES)
  writer.varint(health.inDoubtCount)
}

function readHealth(reader: ByteReader): Health {
  const networkId = readNetworkIdIfAny(reader)
  const epoch = readInstalledEpoch(reader)
  const ceiling = readCeiling(reader)
  const caughtUp = readFlag(reader)
  const keyCount = reader.varint()
  const root = reader.raw(DIGEST_BYTES)
  return { networkId, epoch, ceiling, caughtUp, keyCount, root, inDoubtCount: reader.varint() }
}

function writeRoster(writer: ByteWriter, message: Of<'roster'>): void {
  writeCount(writer, message.entries.length, ROSTER_ENTRIES_MAX)
  for (const entry of message.entries) {
    writePeerId(writer, entry.peerId)
    writeClusterId(writer, entry.clusterId)
    writeAddresses(writer, entry.addresses)
  }
}

function readRoster(reader: ByteReader): Of<'roster'> {
  return { kind: 'roster', entries: readList(reader, ROSTER_ENTRIES_MAX, readRosterEntry) }
}

function readRosterEntry(reader: ByteReader): RosterEntry {
  return { peerId: readPeerId(reader), clusterId: readClusterId(reader), addresses: readAddresses(reader) }
}

function writeDoubtsWanted(writer: ByteWriter, message: Of<'doubts-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeKeyIfAny(writer, message.after)
}

function writeDoubts(writer: ByteWriter, message: Of<'doubts'>): void {
  writer.varint(message.id)
  writeKeys(writer, message.keys)
  writeFlag(writer, message.more)
}

function writeHashesWanted(writer: ByteWriter, message: Of<'hashes-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeGroupIfAny(writer, message.group)
}

function writeHashes(writer: ByteWriter, message: Of<'hashes'>): void {
  writer.varint(message.id)
  writeGroupIfAny(writer, message.group)
  writeFixed(writer, message.hashes, HASHES_BYTES)
}

function writeLeavesWanted(writer: ByteWriter, message: Of<'leaves-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeCount(writer, message.leaves.length, LEAVES_PER_MESSAGE_MAX)
  for (const leaf of message.leaves) writeCount(writer, leaf, LEAF_MAX)
  writeKeyIfAny(writer, message.after)
}

function readLeavesWanted(reader: ByteReader): Of<'leaves-wanted'> {
  const id = reader.varint()
  const minEpoch = reader.varint()
  const leaves = readList(reader, LEAVES_PER_MESSAGE_MAX, readLeaf)
  return { kind: 'leaves-wanted', id, minEpoch, leaves, after: readKeyIfAny(reader) }
}

function readLeaf(reader: ByteReader): number {
  return reader.varintTo(LEAF_MAX)
}

function writeLeaves(writer: ByteWriter, message: Of<'leaves'>): void {
  writer.varint(message.id)
  writeCount(writer, message.entries.length, KEYS_PER_MESSAGE_MAX)
  for (const entry of message.entries) {
    writeKey(writer, entry.key)
    writeFixed(writer, entry.digest, DIGEST_BYTES)
  }
  writeCount(writer, message.leavesDone, LEAVES_PER_MESSAGE_MAX)
  writeKeyIfAny(writer, message.after)
}

function readLeaves(reader: ByteReader): Of<'leaves'> {
  const id = reader.varint()
  const entries = readList(reader, KEYS_PER_MESSAGE_MAX, readLeafEntry)
  const leavesDone = reader.varintTo(LEAVES_PER_MESSAGE_MAX)
  return { kind: 'leaves', id, entries, leavesDone, after: readKeyIfAny(reader) }
}

function readLeafEntry(reader: ByteReader): LeafEntry {
  return { key: readKey(reader), digest: reader.raw(DIGEST_BYTES) }
}

function writeRecordsWanted(writer: ByteWriter, message: Of<'records-wanted'>): void {
  writer.varint(message.id)
  writeKeys(writer, message.keys)
}

function writeRecords(writer: ByteWriter, message: Of<'records'>): void {
  writer.varint(message.id)
  writeCount(writer, message.records.length, KEYS_PER_MESSAGE_MAX)
  for (const { key, record } of message.records) {
    writeKey(writer, key)
    writeRecord(writer, record)
  }
  writeCount(writer, message.keysDone, KEYS_PER_MESSAGE_MAX)
}

function readRecords(reader: ByteReader): Of<'records'> {
  const id = reader.varint()
  const records = readList(reader, KEYS_PER_MESSAGE_MAX, readKeyedRecord)
  return { kind: 'records', id, records, keysDone: reader.varintTo(KEYS_PER_MESSAGE_MAX) }
}

function readKeyedRecord(reader: ByteReader): { key: RegisterKey; record: ValueRecord } {
  return { key: readKey(reader), record: readRecord(reader) }
}

function writeCovered(writer: ByteWriter, message: Of<'covered'>): void {
  writer.varint(message.epoch)
  writeIdentity(writer, message.sender)
  writeIdentities(writer, message.sources, SOURCES_MAX)
}

function readCovered(reader: ByteReader): Of<'covered'> {
  const epoch = reader.varint()
  const sender = readIdentity(reader)
  return { kind: 'covered', epoch, sender, sources: readIdentities(reader, SOURCES_MAX) }
}

function readList<Entry>(reader: ByteReader, max: number, readEntry: (reader: ByteReader) => Entry): Entry[] {
  const entries: Entry[] = []
  for (let left = reader.varintTo(max); left > 0; left -= 1) entries.push(readEntry(reader))
  return entries
}

function writeIdentities(writer: ByteWriter, identities: readonly Identity[], max: number): void {
  writeCount(writer, identities.length, max)
  for (const one of identities) writeIdentity(writer, one)
}

function readIdentities(reader: ByteReader, max: number): Identity[] {
  return readList(reader, max, readIdentity)
}

function writeKeys(writer: ByteWriter, keys: readonly RegisterKey[]): void {
  writeCount(writer, keys.length, KEYS_PER_MESSAGE_MAX)
  for (const key of keys) writeKey(writer, key)
}

function readKeys(reader: ByteReader): RegisterKey[] {
  return readList(reader, KEYS_PER_MESSAGE_MAX, readKey)
}

function writeKeyIfAny(writer: ByteWriter, key: RegisterKey | undefined): void {
  writeFlag(writer, key !== undefined)
  if (key !== undefined) writeKey(writer, key)
}

function readKeyIfAny(reader: ByteReader): RegisterKey | undefined {
  return readFlag(reader) ? readKey(reader) : undefined
}

function writeGroupIfAny(writer: ByteWriter, group: number | undefined): void {
  writeFlag(writer, group !== undefined)
  if (group !== undefined) writer.u8(group)
}

function readGroupIfAny(reader: ByteReader): number | undefined {
  return readFlag(reader) ? reader.u8() : undefined
}
