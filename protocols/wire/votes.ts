/** What is asked of an acceptor, and what it answers. */
import { unreachable } from '../base/assert.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readConfigs, writeConfigs } from './configs.ts'
import {
  readAcceptedIfAny,
  readBallot,
  readIdentity,
  readKey,
  readRecord,
  writeAcceptedIfAny,
  writeBallot,
  writeIdentity,
  writeKey,
  writeRecord,
} from './fields.ts'
import type { AcceptorReply, AcceptorRequest, Vote } from './messages.ts'
import { readByCode, readersByCode } from './tables.ts'
import type { Codes, Readers } from './tables.ts'

/** The first byte of what is asked. */
export const REQUEST_CODES: Codes<AcceptorRequest> = { reserve: 0, commit: 1, read: 2 }
/** The first byte of an answer. */
export const REPLY_CODES: Codes<AcceptorReply> = { promised: 0, rejected: 1, committed: 2, seen: 3, chosen: 4, stale: 5 }

export function writeRequestBody(writer: ByteWriter, body: AcceptorRequest): void {
  writer.u8(REQUEST_CODES[body.kind])
  writeKey(writer, body.key)
  switch (body.kind) {
    case 'reserve':
      return writeBallot(writer, body.ballot)
    case 'commit':
      writeBallot(writer, body.ballot)
      return writeRecord(writer, body.record)
    case 'read':
      return writer.varint(body.epoch)
    default:
      return unreachable(body)
  }
}

const requestReaders: Readers<AcceptorRequest> = {
  reserve: (reader) => ({ kind: 'reserve', key: readKey(reader), ballot: readBallot(reader) }),
  commit: (reader) => ({ kind: 'commit', key: readKey(reader), ballot: readBallot(reader), record: readRecord(reader) }),
  read: (reader) => ({ kind: 'read', key: readKey(reader), epoch: reader.varint() }),
}
const requestReadersByCode = readersByCode(REQUEST_CODES, requestReaders)

export function readRequestBody(reader: ByteReader): AcceptorRequest {
  return readByCode(reader, requestReadersByCode)
}

export function writeVote(writer: ByteWriter, vote: Vote): void {
  writeIdentity(writer, vote.sender)
  writeReplyBody(writer, vote.body)
}

export function readVote(reader: ByteReader): Vote {
  return { sender: readIdentity(reader), body: readReplyBody(reader) }
}

function writeReplyBody(writer: ByteWriter, body: AcceptorReply): void {
  writer.u8(REPLY_CODES[body.kind])
  switch (body.kind) {
    case 'promised':
      writeBallot(writer, body.ballot)
      return writeAcceptedIfAny(writer, body.accepted)
    case 'rejected':
      writeBallot(writer, body.ballot)
      return writeBallot(writer, body.higher)
    case 'committed':
      return writeBallot(writer, body.ballot)
    case 'seen':
      writer.varint(body.epoch)
      return writeAcceptedIfAny(writer, body.accepted)
    case 'chosen':
      return writeRecord(writer, body.record)
    case 'stale':
      return writeConfigs(writer, body.configs)
    default:
      return unreachable(body)
  }
}

const replyReaders: Readers<AcceptorReply> = {
  promised: (reader) => ({ kind: 'promised', ballot: readBallot(reader), accepted: readAcceptedIfAny(reader) }),
  rejected: (reader) => ({ kind: 'rejected', ballot: readBallot(reader), higher: readBallot(reader) }),
  committed: (reader) => ({ kind: 'committed', ballot: readBallot(reader) }),
  seen: (reader) => ({ kind: 'seen', epoch: reader.varint(), accepted: readAcceptedIfAny(reader) }),
  chosen: (reader) => ({ kind: 'chosen', record: readRecord(reader) }),
  stale: (reader) => ({ kind: 'stale', configs: readConfigs(reader) }),
}
const replyReadersByCode = readersByCode(REPLY_CODES, replyReaders)

function readReplyBody(reader: ByteReader): AcceptorReply {
  return readByCode(reader, replyReadersByCode)
}
