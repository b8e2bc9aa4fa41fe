/**
 * Entries and members as bytes: on the wire and in the store alike. The specification is README.md
 * in this folder.
 */
import { readIdentities, writeIdentities } from '../wire/fields.ts'
import type { ByteReader } from '../wire/reader.ts'
import type { ByteWriter } from '../wire/writer.ts'
import type { Entry, EntryBody, SubmitId } from './entry.ts'
import { CODE_BYTES_MAX, LOG_LIMITS, MEMBERS_MAX, PLACE_BYTES_MAX, SUBMIT_ID_BYTES_MAX, VOTERS_READ_MAX } from './limits.ts'
import type { Membership } from './membership.ts'

/** A code that was ever in use keeps its meaning. */
const CODES = { began: 0, command: 1, members: 2, verdict: 3, check: 4 } as const
/** What an entry of each kind is written as. A higher version is not known here. */
const VERSION = 0
/** Bytes of what an entry holds: a command, and what goes with it. */
const BODY_BYTES_MAX = LOG_LIMITS.commandBytesMax + 65_536

export function writeEntry(writer: ByteWriter, { term, atMs, body }: Entry): void {
  writer.varint(term)
  writer.varint(atMs)
  writer.u8(body.kind === 'unknown' ? body.code : CODES[body.kind])
  writer.u8(body.kind === 'unknown' ? body.version : VERSION)
  const mark = writer.openSized()
  writeBody(writer, body)
  writer.closeSized(mark)
}

/** @param index which both sides know. @throws MalformedBytes */
export function readEntry(reader: ByteReader, index: number): Entry {
  const term = reader.varint()
  const atMs = reader.varint()
  const code = reader.u8()
  const version = reader.u8()
  const outerEnd = reader.narrow(reader.varintTo(BODY_BYTES_MAX))
  const body = version === VERSION ? readBody(reader, code) : undefined
  const entry = { term, index, atMs, body: body ?? { kind: 'unknown' as const, code, version, bytes: reader.raw(reader.remaining) } }
  reader.widen(outerEnd)
  return entry
}

export function writeMembership(writer: ByteWriter, { voters, outgoing, learners, learnersNext, place }: Membership): void {
  writeIdentities(writer, voters, VOTERS_READ_MAX)
  writeIdentities(writer, outgoing, VOTERS_READ_MAX)
  writeIdentities(writer, learners, MEMBERS_MAX)
  writeIdentities(writer, learnersNext, VOTERS_READ_MAX)
  writer.text(place)
}

export function readMembership(reader: ByteReader): Membership {
  const voters = readIdentities(reader, VOTERS_READ_MAX)
  const outgoing = readIdentities(reader, VOTERS_READ_MAX)
  const learners = readIdentities(reader, MEMBERS_MAX)
  return { voters, outgoing, learners, learnersNext: readIdentities(reader, VOTERS_READ_MAX), place: reader.text(PLACE_BYTES_MAX) }
}

function writeBody(writer: ByteWriter, body: EntryBody): void {
  switch (body.kind) {
    case 'began':
      return
    case 'command':
      writer.text(body.submitId)
      writer.varint(body.since)
      return writer.raw(body.command)
    case 'members':
      return writeMembership(writer, body.members)
    case 'verdict':
      writer.varint(body.index)
      return writer.text(body.code)
    case 'check':
      return writer.u8(body.slice)
    case 'unknown':
      return writer.raw(body.bytes)
  }
}

/** Undefined for a kind that is not known. */
function readBody(reader: ByteReader, code: number): EntryBody | undefined {
  switch (code) {
    case CODES.began:
      return { kind: 'began' }
    case CODES.command: {
      const submitId = reader.text(SUBMIT_ID_BYTES_MAX) as SubmitId
      const since = reader.varint()
      return { kind: 'command', submitId, since, command: reader.raw(reader.remaining) }
    }
    case CODES.members:
      return { kind: 'members', members: readMembership(reader) }
    case CODES.verdict: {
      const index = reader.varint()
      return { kind: 'verdict', index, code: reader.text(CODE_BYTES_MAX) }
    }
    case CODES.check:
      return { kind: 'check', slice: reader.u8() }
    default:
      return undefined
  }
}
