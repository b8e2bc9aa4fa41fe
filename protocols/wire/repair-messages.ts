/** Messages of repair and transfer: questions about what another peer holds, and their answers. */
import { KEYS_PER_MESSAGE_MAX, LEAVES_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import {
  readFlag,
  readKey,
  readList,
  readRecord,
  writeBoundedNumber,
  writeCount,
  writeFixed,
  writeFlag,
  writeKey,
  writeRecord,
} from './fields.ts'
import type { MessageRows } from './message-rows.ts'

export type RepairMessage =
  // `minEpoch` above 0: answer only once a config of that epoch is installed, from memory: what counts in the
  // end is what the asker has on disk.
  /** Keys accepted and not chosen, in the order of their UTF-16 code units, after the given one. */
  | { readonly kind: 'doubts-wanted'; readonly id: number; readonly minEpoch: number; readonly after: RegisterKey | undefined }
  | { readonly kind: 'doubts'; readonly id: number; readonly keys: readonly RegisterKey[]; readonly more: boolean }
  /** The hashes below one node of the tree: the 256 groups (`group` undefined) or the 256 leaves of one group. */
  | { readonly kind: 'hashes-wanted'; readonly id: number; readonly minEpoch: number; readonly group: number | undefined }
  /** 256 hashes of 16 bytes each. */
  | { readonly kind: 'hashes'; readonly id: number; readonly group: number | undefined; readonly hashes: Uint8Array }
  /** The entries of these leaves, in the order asked, from the given place on in the first of them. */
  | {
      readonly kind: 'leaves-wanted'
      readonly id: number
      readonly minEpoch: number
      readonly leaves: readonly number[]
      readonly after: RegisterKey | undefined
    }
  /** `leaves`: how many of the leaves asked for are listed whole; `after`: where the next one was cut, when it was. */
  | {
      readonly kind: 'leaves'
      readonly id: number
      readonly entries: readonly LeafEntry[]
      readonly leavesDone: number
      readonly after: RegisterKey | undefined
    }
  | { readonly kind: 'records-wanted'; readonly id: number; readonly keys: readonly RegisterKey[] }
  /** As many of the records asked for, in order, as fit; a key that is not chosen here is left out. `keysDone` counts both. */
  | {
      readonly kind: 'records'
      readonly id: number
      readonly records: readonly { readonly key: RegisterKey; readonly record: ValueRecord }[]
      readonly keysDone: number
    }

type Of<Kind extends RepairMessage['kind']> = Extract<RepairMessage, { readonly kind: Kind }>

/** Bytes of a digest, of a hash of the tree and of its root. */
const DIGEST_BYTES = 16
/** The hashes below one node of the tree. */
const HASHES_BYTES = 256 * DIGEST_BYTES
/** The tree has 65,536 leaves. */
const LEAF_MAX = 65_535
/** What an entry weighs besides its key and value: ids, digests, numbers. More than it is, so that a bound holds. */
const ENTRY_BYTES = 128
/** What a character of a key is counted as; in UTF-8 it may be one to three bytes. */
const CHARACTER_BYTES = 3

export const REPAIR: MessageRows<RepairMessage> = {
  'doubts-wanted': {
    code: 11,
    way: 'votes',
    write: writeDoubtsWanted,
    read: readDoubtsWanted,
  },
  doubts: {
    code: 12,
    way: 'bulk',
    write: writeDoubts,
    read: readDoubts,
    bytes: ({ keys }) => bytesOfKeys(keys),
  },
  'hashes-wanted': {
    code: 13,
    way: 'votes',
    write: writeHashesWanted,
    read: readHashesWanted,
  },
  hashes: {
    code: 14,
    way: 'bulk',
    write: writeHashes,
    read: readHashes,
    bytes: ({ hashes }) => hashes.length + ENTRY_BYTES,
  },
  'leaves-wanted': {
    code: 15,
    way: 'votes',
    write: writeLeavesWanted,
    read: readLeavesWanted,
  },
  leaves: {
    code: 16,
    way: 'bulk',
    write: writeLeaves,
    read: readLeaves,
    bytes: ({ entries }) => bytesOfKeys(entries.map(({ key }) => key)),
  },
  'records-wanted': {
    code: 17,
    way: 'votes',
    write: writeRecordsWanted,
    read: readRecordsWanted,
  },
  records: {
    code: 18,
    way: 'bulk',
    write: writeRecords,
    read: readRecords,
    bytes: ({ records }) => records.reduce((sum, { record }) => sum + record.value.length, bytesOfKeys(records.map(({ key }) => key))),
    values: ({ records }) => records.map(({ record }) => record.value),
  },
}

/** Bytes that entries of these keys take, without their values. */
function bytesOfKeys(keys: readonly RegisterKey[]): number {
  return keys.reduce((sum, key) => sum + key.length * CHARACTER_BYTES + ENTRY_BYTES, ENTRY_BYTES)
}

function writeDoubtsWanted(writer: ByteWriter, message: Of<'doubts-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeKeyIfAny(writer, message.after)
}

function readDoubtsWanted(reader: ByteReader): Of<'doubts-wanted'> {
  return { kind: 'doubts-wanted', id: reader.varint(), minEpoch: reader.varint(), after: readKeyIfAny(reader) }
}

function writeDoubts(writer: ByteWriter, message: Of<'doubts'>): void {
  writer.varint(message.id)
  writeKeys(writer, message.keys)
  writeFlag(writer, message.more)
}

function readDoubts(reader: ByteReader): Of<'doubts'> {
  return { kind: 'doubts', id: reader.varint(), keys: readKeys(reader), more: readFlag(reader) }
}

function writeHashesWanted(writer: ByteWriter, message: Of<'hashes-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeGroupIfAny(writer, message.group)
}

function readHashesWanted(reader: ByteReader): Of<'hashes-wanted'> {
  return { kind: 'hashes-wanted', id: reader.varint(), minEpoch: reader.varint(), group: readGroupIfAny(reader) }
}

function writeHashes(writer: ByteWriter, message: Of<'hashes'>): void {
  writer.varint(message.id)
  writeGroupIfAny(writer, message.group)
  writeFixed(writer, message.hashes, HASHES_BYTES)
}

function readHashes(reader: ByteReader): Of<'hashes'> {
  return { kind: 'hashes', id: reader.varint(), group: readGroupIfAny(reader), hashes: reader.raw(HASHES_BYTES) }
}

function writeLeavesWanted(writer: ByteWriter, message: Of<'leaves-wanted'>): void {
  writer.varint(message.id)
  writer.varint(message.minEpoch)
  writeCount(writer, message.leaves.length, LEAVES_PER_MESSAGE_MAX)
  for (const leaf of message.leaves) writeBoundedNumber(writer, leaf, LEAF_MAX)
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
  writeBoundedNumber(writer, message.leavesDone, LEAVES_PER_MESSAGE_MAX)
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

function readRecordsWanted(reader: ByteReader): Of<'records-wanted'> {
  return { kind: 'records-wanted', id: reader.varint(), keys: readKeys(reader) }
}

function writeRecords(writer: ByteWriter, message: Of<'records'>): void {
  writer.varint(message.id)
  writeCount(writer, message.records.length, KEYS_PER_MESSAGE_MAX)
  for (const { key, record } of message.records) {
    writeKey(writer, key)
    writeRecord(writer, record)
  }
  writeBoundedNumber(writer, message.keysDone, KEYS_PER_MESSAGE_MAX)
}

function readRecords(reader: ByteReader): Of<'records'> {
  const id = reader.varint()
  const records = readList(reader, KEYS_PER_MESSAGE_MAX, readKeyedRecord)
  return { kind: 'records', id, records, keysDone: reader.varintTo(KEYS_PER_MESSAGE_MAX) }
}

function readKeyedRecord(reader: ByteReader): { key: RegisterKey; record: ValueRecord } {
  return { key: readKey(reader), record: readRecord(reader) }
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
