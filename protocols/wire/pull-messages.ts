/**
 * What a pull asks of one collection of rows, and what it is told. Keys and further types ask the
 * same; they differ in what names a row and in what a row is.
 */
import { KEYS_PER_MESSAGE_MAX, LEAVES_PER_MESSAGE_MAX } from '../base/limits.ts'
import type { LeafEntry } from '../base/register.ts'
import type { ByteReader } from './reader.ts'
import type { ByteWriter } from './writer.ts'
import { readFlag, readList, writeBoundedNumber, writeCount, writeFixed, writeFlag } from './fields.ts'
import type { MessageRows } from './message-rows.ts'

// `minEpoch` above 0: answer only once a config of that epoch is installed, from memory: what
// counts in the end is what the asker has on disk.
export type PullQuestion<Key extends string> =
  /** Keys that are not settled, in an order that does not change, after the given one. */
  | { readonly kind: 'doubts-wanted'; readonly id: number; readonly minEpoch: number; readonly after: Key | undefined }
  /**
   * The hashes below one node of the tree: the 256 groups (`group` undefined) or the 256 leaves of
   * one group.
   */
  | { readonly kind: 'hashes-wanted'; readonly id: number; readonly minEpoch: number; readonly group: number | undefined }
  /**
   * The entries of these leaves, in the order asked, from the given place on in the first of them.
   */
  | {
      readonly kind: 'leaves-wanted'
      readonly id: number
      readonly minEpoch: number
      readonly leaves: readonly number[]
      readonly after: Key | undefined
    }
  | { readonly kind: 'records-wanted'; readonly id: number; readonly keys: readonly Key[] }

export type PullAnswer<Key extends string, Row> =
  | { readonly kind: 'doubts'; readonly id: number; readonly keys: readonly Key[]; readonly more: boolean }
  /** 256 hashes of 16 bytes each. */
  | { readonly kind: 'hashes'; readonly id: number; readonly group: number | undefined; readonly hashes: Uint8Array }
  /**
   * `leaves`: how many of the leaves asked for are listed whole; `after`: where the next one was
   * cut, when it was.
   */
  | {
      readonly kind: 'leaves'
      readonly id: number
      readonly entries: readonly LeafEntry<Key>[]
      readonly leavesDone: number
      readonly after: Key | undefined
    }
  /**
   * As many of the rows asked for, in order, as fit; one that is not to be had here is left out.
   * `keysDone` counts both.
   */
  | {
      readonly kind: 'records'
      readonly id: number
      readonly records: readonly { readonly key: Key; readonly record: Row }[]
      readonly keysDone: number
    }

type PullMessage<Key extends string, Row> = PullQuestion<Key> | PullAnswer<Key, Row>

/** How one collection writes what names its rows, and the rows. */
export interface RowFields<Key extends string, Row> {
  readonly writeKey: (writer: ByteWriter, key: Key) => void
  readonly readKey: (reader: ByteReader) => Key
  readonly writeRow: (writer: ByteWriter, row: Row) => void
  readonly readRow: (reader: ByteReader) => Row
  /** What makes a row large. */
  readonly valueOf: (row: Row) => Uint8Array
}

/** Bytes of a digest, of a hash of the tree and of its root. */
const DIGEST_BYTES = 16
/** The hashes below one node of the tree. */
const HASHES_BYTES = 256 * DIGEST_BYTES
/** The tree has 65,536 leaves. */
const LEAF_MAX = 65_535
/**
 * What an entry weighs besides its key and value: ids, digests, numbers. More than it is, so that a
 * bound holds.
 */
const ENTRY_BYTES = 128
/** What a character of a key is counted as; in UTF-8 it may be one to three bytes. */
const CHARACTER_BYTES = 3

/** The rows of these messages. Their codes are those of keys, which had them first. */
export function pullRows<Key extends string, Row>(fields: RowFields<Key, Row>): MessageRows<PullMessage<Key, Row>> {
  const { writeKey, readKey, writeRow, readRow, valueOf } = fields
  const keyIfAny = (writer: ByteWriter, key: Key | undefined): void => {
    writeFlag(writer, key !== undefined)
    if (key !== undefined) writeKey(writer, key)
  }
  const readKeyIfAny = (reader: ByteReader): Key | undefined => (readFlag(reader) ? readKey(reader) : undefined)
  const writeKeys = (writer: ByteWriter, keys: readonly Key[]): void => {
    writeCount(writer, keys.length, KEYS_PER_MESSAGE_MAX)
    for (const key of keys) writeKey(writer, key)
  }
  const readKeys = (reader: ByteReader): Key[] => readList(reader, KEYS_PER_MESSAGE_MAX, readKey)
  return {
    'doubts-wanted': {
      code: 11,
      way: 'votes',
      write(writer, message) {
        writer.varint(message.id)
        writer.varint(message.minEpoch)
        keyIfAny(writer, message.after)
      },
      read: (reader) => ({ kind: 'doubts-wanted', id: reader.varint(), minEpoch: reader.varint(), after: readKeyIfAny(reader) }),
    },
    doubts: {
      code: 12,
      way: 'bulk',
      write(writer, message) {
        writer.varint(message.id)
        writeKeys(writer, message.keys)
        writeFlag(writer, message.more)
      },
      read: (reader) => ({ kind: 'doubts', id: reader.varint(), keys: readKeys(reader), more: readFlag(reader) }),
      bytes: ({ keys }) => bytesOfKeys(keys),
    },
    'hashes-wanted': {
      code: 13,
      way: 'votes',
      write(writer, message) {
        writer.varint(message.id)
        writer.varint(message.minEpoch)
        writeGroupIfAny(writer, message.group)
      },
      read: (reader) => ({ kind: 'hashes-wanted', id: reader.varint(), minEpoch: reader.varint(), group: readGroupIfAny(reader) }),
    },
    hashes: {
      code: 14,
      way: 'bulk',
      write(writer, message) {
        writer.varint(message.id)
        writeGroupIfAny(writer, message.group)
        writeFixed(writer, message.hashes, HASHES_BYTES)
      },
      read: (reader) => ({ kind: 'hashes', id: reader.varint(), group: readGroupIfAny(reader), hashes: reader.raw(HASHES_BYTES) }),
      bytes: ({ hashes }) => hashes.length + ENTRY_BYTES,
    },
    'leaves-wanted': {
      code: 15,
      way: 'votes',
      write(writer, message) {
        writer.varint(message.id)
        writer.varint(message.minEpoch)
        writeCount(writer, message.leaves.length, LEAVES_PER_MESSAGE_MAX)
        for (const leaf of message.leaves) writeBoundedNumber(writer, leaf, LEAF_MAX)
        keyIfAny(writer, message.after)
      },
      read(reader) {
        const id = reader.varint()
        const minEpoch = reader.varint()
        const leaves = readList(reader, LEAVES_PER_MESSAGE_MAX, readLeaf)
        return { kind: 'leaves-wanted', id, minEpoch, leaves, after: readKeyIfAny(reader) }
      },
    },
    leaves: {
      code: 16,
      way: 'bulk',
      write(writer, message) {
        writer.varint(message.id)
        writeCount(writer, message.entries.length, KEYS_PER_MESSAGE_MAX)
        for (const entry of message.entries) {
          writeKey(writer, entry.key)
          writeFixed(writer, entry.digest, DIGEST_BYTES)
        }
        writeBoundedNumber(writer, message.leavesDone, LEAVES_PER_MESSAGE_MAX)
        keyIfAny(writer, message.after)
      },
      read(reader) {
        const id = reader.varint()
        const entries = readList(reader, KEYS_PER_MESSAGE_MAX, (each) => ({ key: readKey(each), digest: each.raw(DIGEST_BYTES) }))
        const leavesDone = reader.varintTo(LEAVES_PER_MESSAGE_MAX)
        return { kind: 'leaves', id, entries, leavesDone, after: readKeyIfAny(reader) }
      },
      bytes: ({ entries }) => bytesOfKeys(entries.map(({ key }) => key)),
    },
    'records-wanted': {
      code: 17,
      way: 'votes',
      write(writer, message) {
        writer.varint(message.id)
        writeKeys(writer, message.keys)
      },
      read: (reader) => ({ kind: 'records-wanted', id: reader.varint(), keys: readKeys(reader) }),
    },
    records: {
      code: 18,
      way: 'bulk',
      write(writer, message) {
        writer.varint(message.id)
        writeCount(writer, message.records.length, KEYS_PER_MESSAGE_MAX)
        for (const { key, record } of message.records) {
          writeKey(writer, key)
          writeRow(writer, record)
        }
        writeBoundedNumber(writer, message.keysDone, KEYS_PER_MESSAGE_MAX)
      },
      read(reader) {
        const id = reader.varint()
        const records = readList(reader, KEYS_PER_MESSAGE_MAX, (each) => ({ key: readKey(each), record: readRow(each) }))
        return { kind: 'records', id, records, keysDone: reader.varintTo(KEYS_PER_MESSAGE_MAX) }
      },
      bytes: ({ records }) => records.reduce((sum, { record }) => sum + valueOf(record).length, bytesOfKeys(records.map(({ key }) => key))),
      values: ({ records }) => records.map(({ record }) => valueOf(record)),
    },
  }
}

/** Bytes that entries of these keys take, without their values. */
function bytesOfKeys(keys: readonly string[]): number {
  return keys.reduce((sum, key) => sum + key.length * CHARACTER_BYTES + ENTRY_BYTES, ENTRY_BYTES)
}

function readLeaf(reader: ByteReader): number {
  return reader.varintTo(LEAF_MAX)
}

function writeGroupIfAny(writer: ByteWriter, group: number | undefined): void {
  writeFlag(writer, group !== undefined)
  if (group !== undefined) writer.u8(group)
}

function readGroupIfAny(reader: ByteReader): number | undefined {
  return readFlag(reader) ? reader.u8() : undefined
}
