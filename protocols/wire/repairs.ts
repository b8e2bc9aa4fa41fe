/** The messages of repair and transfer. */
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'
import { VOTERS_PER_CLUSTER_MAX, VOTING_CLUSTERS_MAX } from '../base/config.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import {
  readFlag,
  readIdentities,
  readIdentity,
  readKey,
  readList,
  readRecord,
  writeBoundedNumber,
  writeCount,
  writeFixed,
  writeFlag,
  writeIdentities,
  writeIdentity,
  writeKey,
  writeRecord,
} from './fields.ts'
import { KEYS_PER_MESSAGE_MAX, LEAVES_PER_MESSAGE_MAX } from './messages.ts'
import type { Message } from './messages.ts'

type Of<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>

/** Bytes of a digest, of a hash of the tree and of its root. */
const DIGEST_BYTES = 16
/** The hashes below one node of the tree. */
const HASHES_BYTES = 256 * DIGEST_BYTES
/** The tree has 65,536 leaves. */
const LEAF_MAX = 65_535
/** All voters of a config. */
const SOURCES_MAX = VOTERS_PER_CLUSTER_MAX * VOTING_CLUSTERS_MAX

export function writeDoubtsWanted(writer: ByteWriter, message: Of<'doubts-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeKeyIfAny(writer, message.after)
}

export function readDoubtsWanted(reader: ByteReader): Of<'doubts-wanted'> {
  return { kind: 'doubts-wanted', id: reader.varint(), minEpoch: reader.varint(), after: readKeyIfAny(reader) }
}

export function writeDoubts(writer: ByteWriter, message: Of<'doubts'>): void {
  writer.varint(message.id)
  writeKeys(writer, message.keys)
  writeFlag(writer, message.more)
}

export function readDoubts(reader: ByteReader): Of<'doubts'> {
  return { kind: 'doubts', id: reader.varint(), keys: readKeys(reader), more: readFlag(reader) }
}

export function writeHashesWanted(writer: ByteWriter, message: Of<'hashes-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeGroupIfAny(writer, message.group)
}

export function readHashesWanted(reader: ByteReader): Of<'hashes-wanted'> {
  return { kind: 'hashes-wanted', id: reader.varint(), minEpoch: reader.varint(), group: readGroupIfAny(reader) }
}

export function writeHashes(writer: ByteWriter, message: Of<'hashes'>): void {
  writer.varint(message.id)
  writeGroupIfAny(writer, message.group)
  writeFixed(writer, message.hashes, HASHES_BYTES)
}

export function readHashes(reader: ByteReader): Of<'hashes'> {
  return { kind: 'hashes', id: reader.varint(), group: readGroupIfAny(reader), hashes: reader.raw(HASHES_BYTES) }
}

export function writeLeavesWanted(writer: ByteWriter, message: Of<'leaves-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeCount(writer, message.leaves.length, LEAVES_PER_MESSAGE_MAX)
  for (const leaf of message.leaves) writeBoundedNumber(writer, leaf, LEAF_MAX)
  writeKeyIfAny(writer, message.after)
}

export function readLeavesWanted(reader: ByteReader): Of<'leaves-wanted'> {
  const id = reader.varint()
  const minEpoch = reader.varint()
  const leaves = readList(reader, LEAVES_PER_MESSAGE_MAX, readLeaf)
  return { kind: 'leaves-wanted', id, minEpoch, leaves, after: readKeyIfAny(reader) }
}

function readLeaf(reader: ByteReader): number {
  return reader.varintTo(LEAF_MAX)
}

export function writeLeaves(writer: ByteWriter, message: Of<'leaves'>): void {
  writer.varint(message.id)
  writeCount(writer, message.entries.length, KEYS_PER_MESSAGE_MAX)
  for (const entry of message.entries) {
    writeKey(writer, entry.key)
    writeFixed(writer, entry.digest, DIGEST_BYTES)
  }
  writeBoundedNumber(writer, message.leavesDone, LEAVES_PER_MESSAGE_MAX)
  writeKeyIfAny(writer, message.after)
}

export function readLeaves(reader: ByteReader): Of<'leaves'> {
  const id = reader.varint()
  const entries = readList(reader, KEYS_PER_MESSAGE_MAX, readLeafEntry)
  const leavesDone = reader.varintTo(LEAVES_PER_MESSAGE_MAX)
  return { kind: 'leaves', id, entries, leavesDone, after: readKeyIfAny(reader) }
}

function readLeafEntry(reader: ByteReader): LeafEntry {
  return { key: readKey(reader), digest: reader.raw(DIGEST_BYTES) }
}

export function writeRecordsWanted(writer: ByteWriter, message: Of<'records-wanted'>): void {
  writer.varint(message.id)
  writeKeys(writer, message.keys)
}

export function readRecordsWanted(reader: ByteReader): Of<'records-wanted'> {
  return { kind: 'records-wanted', id: reader.varint(), keys: readKeys(reader) }
}

export function writeRecords(writer: ByteWriter, message: Of<'records'>): void {
  writer.varint(message.id)
  writeCount(writer, message.records.length, KEYS_PER_MESSAGE_MAX)
  for (const { key, record } of message.records) {
    writeKey(writer, key)
    writeRecord(writer, record)
  }
  writeBoundedNumber(writer, message.keysDone, KEYS_PER_MESSAGE_MAX)
}

export function readRecords(reader: ByteReader): Of<'records'> {
  const id = reader.varint()
  const records = readList(reader, KEYS_PER_MESSAGE_MAX, readKeyedRecord)
  return { kind: 'records', id, records, keysDone: reader.varintTo(KEYS_PER_MESSAGE_MAX) }
}

function readKeyedRecord(reader: ByteReader): { key: RegisterKey; record: ValueRecord } {
  return { key: readKey(reader), record: readRecord(reader) }
}

export function writeCovered(writer: ByteWriter, message: Of<'covered'>): void {
  writer.varint(message.epoch)
  writeIdentity(writer, message.sender)
  writeIdentities(writer, message.sources, SOURCES_MAX)
}

export function readCovered(reader: ByteReader): Of<'covered'> {
  const epoch = reader.varint()
  const sender = readIdentity(reader)
  return { kind: 'covered', epoch, sender, sources: readIdentities(reader, SOURCES_MAX) }
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
