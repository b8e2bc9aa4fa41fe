/** Every kind of message: its code, and its two directions. */
import { unreachable } from '../base/assert.ts'
import { refuse } from './bytes.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readConfigs, writeConfigs } from './configs.ts'
import {
  readAddresses,
  readBallot,
  readCeiling,
  readClusterId,
  readFlag,
  readIdentities,
  readIdentity,
  readInstalledEpoch,
  readKey,
  readList,
  readNetworkIdIfAny,
  readPeerId,
  readRecord,
  writeAddresses,
  writeBallot,
  writeCeiling,
  writeClusterId,
  writeCount,
  writeFixed,
  writeFlag,
  writeIdentities,
  writeIdentity,
  writeInstalledEpoch,
  writeKey,
  writeNetworkIdIfAny,
  writePeerId,
  writeRecord,
} from './fields.ts'
import { DOUBTED_MAX, ROSTER_ENTRIES_MAX, TARGETS_MAX } from './messages.ts'
import type { Health, Message, RosterEntry } from './messages.ts'
import {
  readCovered,
  readDoubts,
  readDoubtsWanted,
  readHashes,
  readHashesWanted,
  readLeaves,
  readLeavesWanted,
  readRecords,
  readRecordsWanted,
  writeCovered,
  writeDoubts,
  writeDoubtsWanted,
  writeHashes,
  writeHashesWanted,
  writeLeaves,
  writeLeavesWanted,
  writeRecords,
  writeRecordsWanted,
} from './repairs.ts'
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
  covered: 20,
}

/** Bytes of the root of a hash tree. */
const ROOT_BYTES = 16

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
  request: (reader) => ({ kind: 'request', id: reader.varint(), target: readIdentity(reader), body: readRequestBody(reader) }),
  reply: (reader) => ({ kind: 'reply', id: reader.varint(), vote: readVote(reader) }),
  relay: (reader) => ({ kind: 'relay', id: reader.varint(), targets: readIdentities(reader, TARGETS_MAX), body: readRequestBody(reader) }),
  relayed: readRelayed,
  learn: readLearn,
  want: (reader) => ({ kind: 'want', key: readKey(reader) }),
  'configs-wanted': (reader) => ({ kind: 'configs-wanted', networkId: readNetworkIdIfAny(reader), since: reader.varint() }),
  configs: (reader) => ({ kind: 'configs', configs: readConfigs(reader) }),
  heartbeat: readHeartbeat,
  roster: readRoster,
  'doubts-wanted': readDoubtsWanted,
  doubts: readDoubts,
  'hashes-wanted': readHashesWanted,
  hashes: readHashes,
  'leaves-wanted': readLeavesWanted,
  leaves: readLeaves,
  'records-wanted': readRecordsWanted,
  records: readRecords,
  'covered-wanted': (reader) => ({ kind: 'covered-wanted', epoch: reader.varint() }),
  covered: readCovered,
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

/** Each at the place of its code. */
const SPREADS: readonly Of<'learn'>['spread'][] = [false, 'cluster', 'network']

function writeLearn(writer: ByteWriter, message: Of<'learn'>): void {
  writeKey(writer, message.key)
  writeFlag(writer, message.ballot !== undefined)
  if (message.ballot !== undefined) writeBallot(writer, message.ballot)
  writeFlag(writer, message.record !== undefined)
  if (message.record !== undefined) writeRecord(writer, message.record)
  writer.u8(SPREADS.indexOf(message.spread))
}

function readLearn(reader: ByteReader): Of<'learn'> {
  const key = readKey(reader)
  const ballot = readFlag(reader) ? readBallot(reader) : undefined
  const record = readFlag(reader) ? readRecord(reader) : undefined
  const spread = SPREADS[reader.u8()] ?? refuse('no such spread')
  return { kind: 'learn', key, ballot, record, spread }
}

function writeConfigsWanted(writer: ByteWriter, message: Of<'configs-wanted'>): void {
  writeNetworkIdIfAny(writer, message.networkId)
  writer.varint(message.since)
}

function writeHeartbeat(writer: ByteWriter, message: Of<'heartbeat'>): void {
  const { health } = message
  writer.f64(message.sentAtMs)
  writeFlag(writer, message.echoMs !== undefined)
  if (message.echoMs !== undefined) writer.f64(message.echoMs)
  writeFlag(writer, message.wantsAnswer)
  writeNetworkIdIfAny(writer, health.networkId)
  writeInstalledEpoch(writer, health.epoch)
  writeCeiling(writer, health.ceiling)
  writeFlag(writer, health.caughtUp)
  writer.varint(health.keyCount)
  writeFixed(writer, health.root, ROOT_BYTES)
  writer.varint(health.inDoubtCount)
  writeCount(writer, message.doubted.length, DOUBTED_MAX)
  for (const peerId of message.doubted) writePeerId(writer, peerId)
}

function readHeartbeat(reader: ByteReader): Of<'heartbeat'> {
  const sentAtMs = reader.f64()
  const echoMs = readFlag(reader) ? reader.f64() : undefined
  const wantsAnswer = readFlag(reader)
  const health = readHealth(reader)
  return { kind: 'heartbeat', sentAtMs, echoMs, wantsAnswer, health, doubted: readList(reader, DOUBTED_MAX, readPeerId) }
}

function readHealth(reader: ByteReader): Health {
  const networkId = readNetworkIdIfAny(reader)
  const epoch = readInstalledEpoch(reader)
  const ceiling = readCeiling(reader)
  const caughtUp = readFlag(reader)
  const keyCount = reader.varint()
  const root = reader.raw(ROOT_BYTES)
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
