/**
 * The fields that messages and rows of registers are made of, each with its two directions side by
 * side.
 */
import { isContentType } from '../base/record.ts'
import { isConfigKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import { CONTENT_TYPE_BYTES_MAX, VALUE_BYTES_MAX, WRITE_ID_BYTES_MAX } from '../base/limits.ts'
import { assert } from '../base/assert.ts'
import { readBallot, readFlag, readKey, writeBallot, writeFlag } from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import type { ByteReader } from '../wire/reader.ts'
import type { ByteWriter } from '../wire/writer.ts'
import type { Swept } from './cells.ts'
import type { Shown } from './questions.ts'
import { MARK_BYTES, RecentWrites } from './recent.ts'
import { RECENT_MOST, isStub, stub } from './record.ts'
import type { Entry, Mark, RegisterRecord } from './record.ts'

/** Batches are remembered with what was before them. */
const RECENT_READ_MAX = 2 * RECENT_MOST
/** What a record's first byte says. */
const IS_STUB = 1
const IS_DELETED = 2
const HAS_TTL = 4
const WAS_ABSENT = 8

export function readRegisterKey(reader: ByteReader): RegisterKey {
  const key = readKey(reader)
  return isConfigKey(key) ? refuse('the register of a config among clients’ registers') : key
}

export function writeRegisterRecord(writer: ByteWriter, record: RegisterRecord): void {
  const { version, value, contentType, isDeleted, ttlMs, writeId, mark, writtenAtMs, wasAbsent, recent, since } = record
  if (isStub(record)) {
    writer.u8(IS_STUB)
    writer.varint(version)
    return
  }
  assert(isContentType(contentType) && value.length <= VALUE_BYTES_MAX, `not a record of a register: version ${version}`)
  writer.u8((isDeleted ? IS_DELETED : 0) | (ttlMs === undefined ? 0 : HAS_TTL) | (wasAbsent ? WAS_ABSENT : 0))
  writer.varint(version)
  writer.text(writeId)
  writer.hex(mark)
  writer.varint(writtenAtMs)
  writer.varint(since)
  recent.write(writer, RECENT_READ_MAX)
  if (ttlMs !== undefined) writer.varint(ttlMs)
  if (isDeleted) return
  writer.text(contentType)
  writer.sized(value)
}

/** The value is a view of the bytes read from, not a copy. */
export function readRegisterRecord(reader: ByteReader): RegisterRecord {
  const flags = reader.u8()
  const version = reader.varint()
  if (version === 0) refuse('version 0')
  if (flags === IS_STUB) return stub(version)
  const wasAbsent = (flags & WAS_ABSENT) !== 0
  const kind = flags & ~WAS_ABSENT
  if (kind !== 0 && kind !== IS_DELETED && kind !== HAS_TTL) refuse('no such kind of record')
  const isDeleted = kind === IS_DELETED
  const writeId = reader.visible(WRITE_ID_BYTES_MAX)
  const mark = reader.hex(MARK_BYTES) as Mark
  const writtenAtMs = reader.varint()
  const since = reader.varint()
  const recent = RecentWrites.read(reader, RECENT_READ_MAX)
  const ttlMs = kind === HAS_TTL ? reader.varint() : undefined
  const contentType = isDeleted ? '' : reader.text(CONTENT_TYPE_BYTES_MAX)
  if (!isContentType(contentType)) refuse('content type that no header can hold')
  const value = isDeleted ? new Uint8Array() : reader.sized(VALUE_BYTES_MAX)
  return { version, value, contentType, isDeleted, ttlMs, writeId, mark, writtenAtMs, wasAbsent, recent, since }
}

export function writeEntry(writer: ByteWriter, { ballot, record }: Entry): void {
  writeBallot(writer, ballot)
  writeRegisterRecord(writer, record)
}

export function readEntry(reader: ByteReader): Entry {
  const ballot = readBallot(reader)
  return { ballot, record: readRegisterRecord(reader) }
}

export function writeShown(writer: ByteWriter, { held, accepted, sweptTo, number }: Shown): void {
  writeIfAny(writer, held, writeEntry)
  writeIfAny(writer, accepted, writeEntry)
  writeIfAny(writer, sweptTo, writeBallot)
  writer.varint(number)
}

export function readShown(reader: ByteReader): Shown {
  const held = readIfAny(reader, readEntry)
  const accepted = readIfAny(reader, readEntry)
  const sweptTo = readIfAny(reader, readBallot)
  return { held, accepted, sweptTo, number: reader.varint() }
}

export function writeSwept(writer: ByteWriter, { ballot, number }: Swept): void {
  writeBallot(writer, ballot)
  writer.varint(number)
}

export function readSwept(reader: ByteReader): Swept {
  const ballot = readBallot(reader)
  return { ballot, number: reader.varint() }
}

/** A flag, then what it stands for. */
export function writeIfAny<Field>(writer: ByteWriter, field: Field | undefined, write: (writer: ByteWriter, field: Field) => void): void {
  writeFlag(writer, field !== undefined)
  if (field !== undefined) write(writer, field)
}

export function readIfAny<Field>(reader: ByteReader, read: (reader: ByteReader) => Field): Field | undefined {
  return readFlag(reader) ? read(reader) : undefined
}
