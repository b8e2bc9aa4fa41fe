/**
 * What is kept, as bytes. Checksums stand in front of whatever they cover, the key included, so
 * that neither a damaged value nor a damaged key is ever served.
 *
 *     chosen     checksum of the head u32 | checksum of the record u32 | digest 16 bytes | bytes of the value u32
 *                | number of the row before it in its leaf u32 | bytes of the key u16 | key | record  (the head ends with the key)
 *     accepted   checksum u32 | accepted                                  (the checksum covers the key, too)
 *     diverged   checksum u32 | record                                    (likewise)
 *     typed      checksum u32 | what the type wrote                       (likewise)
 *     fact       checksum u32 | JSON                                      (likewise)
 *
 * Numbers are big-endian, checksums are CRC-32. The head stands first, so that a start reads no
 * records to rebuild the tree.
 */
import { crc32 } from 'node:zlib'
import type { Accepted, ValueRecord } from '../../protocols/base/record.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../bytes.ts'
import { DamagedStore } from './errors.ts'
import { DIGEST_BYTES } from './rules.ts'

const CHECKSUM_BYTES = 4
const RECORD_CHECKSUM_AT = CHECKSUM_BYTES
const DIGEST_AT = RECORD_CHECKSUM_AT + CHECKSUM_BYTES
const VALUE_BYTES_AT = DIGEST_AT + DIGEST_BYTES
const BEFORE_AT = VALUE_BYTES_AT + 4
const KEY_BYTES_AT = BEFORE_AT + 4
const KEY_AT = KEY_BYTES_AT + 2

/** What stands in front of a chosen record. */
export interface ChosenHead {
  readonly key: RegisterKey
  /** 16 bytes. */
  readonly digest: Uint8Array
  /** Bytes of key and value. */
  readonly bytes: number
  /** The number of the row before it in its leaf of the hash tree; 0: it is the first. */
  readonly before: number
}

/**
 * @param digest 16 bytes
 * @param before the number of the row before it in its leaf, 0 for none
 */
export function chosenRow(key: RegisterKey, record: ValueRecord, digest: Uint8Array, before: number, codec: Codec): Buffer {
  const encoded = codec.encodeRecord(record)
  const keyBytes = Buffer.byteLength(key)
  const row = Buffer.allocUnsafe(KEY_AT + keyBytes + encoded.length)
  row.writeUInt32BE(crc32(encoded), RECORD_CHECKSUM_AT)
  row.set(digest, DIGEST_AT)
  row.writeUInt32BE(record.value.length, VALUE_BYTES_AT)
  row.writeUInt32BE(before, BEFORE_AT)
  row.writeUInt16BE(keyBytes, KEY_BYTES_AT)
  row.write(key, KEY_AT)
  row.set(encoded, KEY_AT + keyBytes)
  row.writeUInt32BE(crc32(row.subarray(CHECKSUM_BYTES, KEY_AT + keyBytes)), 0)
  return row
}

/**
 * Reads the head of a chosen row. Nothing in it is a view of the row, whose memory may be used
 * again.
 *
 * @throws DamagedStore when the head is not as it was written
 */
export function readChosenHead(row: Uint8Array): ChosenHead {
  const keyEnd = checkedHead(row)
  const digest = Buffer.allocUnsafe(DIGEST_BYTES)
  for (let index = 0; index < DIGEST_BYTES; index += 1) digest[index] = row[DIGEST_AT + index] as number
  const key = Buffer.prototype.utf8Slice.call(row, KEY_AT, keyEnd) as RegisterKey
  return { key, digest, bytes: keyEnd - KEY_AT + readU32(row, VALUE_BYTES_AT), before: readU32(row, BEFORE_AT) }
}

/**
 * The value is a view of the row. @throws DamagedStore when the row is not as it was written, or
 * that of another key
 */
export function readChosenRow(key: RegisterKey, row: Buffer | Uint8Array, codec: Codec): ValueRecord {
  const keyEnd = checkedHead(row)
  const encoded = row.subarray(keyEnd)
  if (Buffer.prototype.utf8Slice.call(row, KEY_AT, keyEnd) !== key)
    throw new DamagedStore(`another row stands in the place of ${quoted(key)}`)
  if (crc32(encoded) !== readU32(row, RECORD_CHECKSUM_AT)) throw mismatch(quoted(key))
  return decoded(key, () => codec.decodeRecord(encoded))
}

export function acceptedRow(key: RegisterKey, accepted: Accepted, codec: Codec): Buffer {
  return sealed(key, codec.encodeAccepted(accepted))
}

/** The value is a view of the row. @throws DamagedStore when the row is not as it was written */
export function readAcceptedRow(key: RegisterKey, row: Uint8Array, codec: Codec): Accepted {
  const content = opened(key, row)
  return decoded(key, () => codec.decodeAccepted(content))
}

/** A second record that was told of a chosen key. */
export function divergedRow(key: RegisterKey, told: ValueRecord, codec: Codec): Buffer {
  return sealed(key, codec.encodeRecord(told))
}

/** The value is a view of the row. @throws DamagedStore when the row is not as it was written */
export function readDivergedRow(key: RegisterKey, row: Uint8Array, codec: Codec): ValueRecord {
  const content = opened(key, row)
  return decoded(key, () => codec.decodeRecord(content))
}

/** @param fact anything that JSON can say */
export function factRow(name: string, fact: unknown): Buffer {
  return sealed(name, utf8.encode(JSON.stringify(fact)))
}

/** @throws DamagedStore when the row is not as it was written */
export function readFactRow(name: string, row: Uint8Array): unknown {
  const content = opened(name, row)
  return decoded(name, (): unknown => JSON.parse(utf8.decode(content)))
}

/** A row of a further type. @param key that it lies by */
export function typedRow(key: string, bytes: Uint8Array): Buffer {
  return sealed(key, bytes)
}

/** The bytes are the caller's own. @throws DamagedStore when the row is not as it was written */
export function readTypedRow(key: string, row: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(opened(key, row))
}

/**
 * What one key and the number of its row add to a sum over all of them, by which two tables are
 * compared.
 */
export function numberingSum(key: string, row: number): number {
  return crc32(key, row)
}

/** Where the key ends, and the head with it. */
function checkedHead(row: Uint8Array): number {
  // Memory that lmdb lends is longer than what is in it; its `length` is right.
  if (row.length < KEY_AT) throw mismatch('a chosen key')
  const keyEnd = KEY_AT + (((row[KEY_BYTES_AT] as number) << 8) | (row[KEY_BYTES_AT + 1] as number))
  if (keyEnd > row.length || crc32(row.subarray(CHECKSUM_BYTES, keyEnd)) !== readU32(row, 0)) throw mismatch('a chosen key')
  return keyEnd
}

function sealed(key: string, content: Uint8Array): Buffer {
  const row = Buffer.allocUnsafe(CHECKSUM_BYTES + content.length)
  row.set(content, CHECKSUM_BYTES)
  row.writeUInt32BE(crc32(key, crc32(content)), 0)
  return row
}

function opened(key: string, row: Uint8Array): Uint8Array {
  const content = row.subarray(CHECKSUM_BYTES)
  if (row.length < CHECKSUM_BYTES || crc32(key, crc32(content)) !== readU32(row, 0)) throw mismatch(quoted(key))
  return content
}

function decoded<T>(key: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    // The checksum holds, so these are the bytes that were written: by another version of the
    // codec, or by a bug of ours.
    throw new DamagedStore(`what is stored of ${quoted(key)} cannot be decoded`, { cause: error })
  }
}

function mismatch(what: string): DamagedStore {
  return new DamagedStore(`what is stored of ${what} is not what was written: its checksum does not match`)
}

function quoted(key: string): string {
  return JSON.stringify(key)
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  )
}
