/**
 * Messages of logs as bytes: the table of their kinds, inside the message that every further type
 * of data has.
 */
import type { Utf8 } from '../base/bytes.ts'
import { readFlag, readIdentity, readList, writeCount, writeFlag, writeIdentity } from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { Table } from '../wire/rows.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { Entry, Position, SubmitId } from './entry.ts'
import { readEntry, writeEntry } from './entry-bytes.ts'
import {
  CHECK_DIGEST_BYTES,
  CODE_BYTES_MAX,
  ENTRIES_PER_APPEND_MAX,
  LOG_LIMITS,
  RESULT_BYTES_MAX,
  RESULTS_PER_MESSAGE_MAX,
  SUBMITS_PER_MESSAGE_MAX,
  SUBMIT_ID_BYTES_MAX,
} from './limits.ts'
import type { Forwarded, LogMessage, MessageBody, Result } from './message.ts'
import type { Refusal, StoreOutcome } from './outcome.ts'

/** Bytes of a log's id. */
export const LOG_ID_BYTES = 16
/** In the order of their codes. */
const REFUSALS: readonly Refusal[] = ['overloaded', 'too-large', 'stalled']

export const LOG_MESSAGES: Table<MessageBody> = new Table<MessageBody>({
  vote: {
    code: 0,
    write: (writer, { last, isTest, isHanded }) => {
      writePosition(writer, last)
      writeFlag(writer, isTest)
      writeFlag(writer, isHanded)
    },
    read: (reader) => ({ kind: 'vote', last: readPosition(reader), isTest: readFlag(reader), isHanded: readFlag(reader) }),
  },
  voted: {
    code: 1,
    write: (writer, { isTest, isGranted, wallMs }) => {
      writeFlag(writer, isTest)
      writeFlag(writer, isGranted)
      writer.varint(wallMs)
    },
    read: (reader) => ({ kind: 'voted', isTest: readFlag(reader), isGranted: readFlag(reader), wallMs: reader.varint() }),
  },
  append: { code: 2, write: writeAppend, read: readAppend },
  appended: {
    code: 3,
    write: (writer, { index }) => writer.varint(index),
    read: (reader) => ({ kind: 'appended', index: reader.varint() }),
  },
  refused: {
    code: 4,
    write: (writer, { before, hint }) => {
      writer.varint(before)
      writePosition(writer, hint)
    },
    read: (reader) => ({ kind: 'refused', before: reader.varint(), hint: readPosition(reader) }),
  },
  heartbeat: {
    code: 5,
    write: (writer, { commit, round }) => {
      writer.varint(commit)
      writer.varint(round)
    },
    read: (reader) => ({ kind: 'heartbeat', commit: reader.varint(), round: reader.varint() }),
  },
  heard: {
    code: 6,
    write: (writer, { round, wallMs, applied, isStalled, lacksStore }) => {
      writer.varint(round)
      writer.varint(wallMs)
      writer.varint(applied)
      writeFlag(writer, isStalled)
      writeFlag(writer, lacksStore)
    },
    read: (reader) => ({
      kind: 'heard',
      round: reader.varint(),
      wallMs: reader.varint(),
      applied: reader.varint(),
      isStalled: readFlag(reader),
      lacksStore: readFlag(reader),
    }),
  },
  read: {
    code: 7,
    write: (writer, { number, mayLease }) => {
      writer.varint(number)
      writeFlag(writer, mayLease)
    },
    read: (reader) => ({ kind: 'read', number: reader.varint(), mayLease: readFlag(reader) }),
  },
  'read-at': {
    code: 8,
    write: (writer, { number, index }) => {
      writer.varint(number)
      writer.varint(index)
    },
    read: (reader) => ({ kind: 'read-at', number: reader.varint(), index: reader.varint() }),
  },
  submit: {
    code: 9,
    write: (writer, { start, submits }) => {
      writer.varint(start)
      writeCount(writer, submits.length, SUBMITS_PER_MESSAGE_MAX)
      for (const submit of submits) writeForwarded(writer, submit)
    },
    read: (reader) => ({ kind: 'submit', start: reader.varint(), submits: readList(reader, SUBMITS_PER_MESSAGE_MAX, readForwarded) }),
  },
  submitted: {
    code: 10,
    write: (writer, { start, refusal, numbers }) => {
      writer.varint(start)
      writer.u8(REFUSALS.indexOf(refusal))
      writeCount(writer, numbers.length, SUBMITS_PER_MESSAGE_MAX)
      for (const number of numbers) writer.varint(number)
    },
    read: (reader) => ({
      kind: 'submitted',
      start: reader.varint(),
      refusal: REFUSALS[reader.u8()] ?? refuse('no such refusal'),
      numbers: readList(reader, SUBMITS_PER_MESSAGE_MAX, (each) => each.varint()),
    }),
  },
  results: {
    code: 11,
    write: (writer, { start, results }) => {
      writer.varint(start)
      writeCount(writer, results.length, RESULTS_PER_MESSAGE_MAX)
      for (const result of results) writeResult(writer, result)
    },
    read: (reader) => ({ kind: 'results', start: reader.varint(), results: readList(reader, RESULTS_PER_MESSAGE_MAX, readResult) }),
  },
  transfer: { code: 12, write: () => {}, read: () => ({ kind: 'transfer' }) },
  ended: { code: 13, write: () => {}, read: () => ({ kind: 'ended' }) },
  checked: {
    code: 14,
    write: (writer, { index, digest }) => {
      writer.varint(index)
      writer.hex(digest)
    },
    read: (reader) => ({ kind: 'checked', index: reader.varint(), digest: reader.hex(CHECK_DIGEST_BYTES) }),
  },
  differs: {
    code: 15,
    write: (writer, { index }) => writer.varint(index),
    read: (reader) => ({ kind: 'differs', index: reader.varint() }),
  },
})

export const OUTCOMES: Table<StoreOutcome> = new Table<StoreOutcome>({
  done: {
    code: 0,
    write: (writer, { result }) => writer.sized(result),
    read: (reader) => ({ kind: 'done', result: reader.sized(RESULT_BYTES_MAX) }),
  },
  rejected: {
    code: 1,
    write: (writer, { class: named, code, isPartial }) => {
      writer.text(named)
      writer.text(code)
      writeFlag(writer, isPartial)
    },
    read: (reader) => ({
      kind: 'rejected',
      class: reader.text(CODE_BYTES_MAX),
      code: reader.text(CODE_BYTES_MAX),
      isPartial: readFlag(reader),
    }),
  },
  reused: { code: 2, write: () => {}, read: () => ({ kind: 'reused' }) },
  forgotten: { code: 3, write: () => {}, read: () => ({ kind: 'forgotten' }) },
})

export function writeLogMessage(utf8: Utf8, message: LogMessage): Uint8Array {
  const writer = new ByteWriter(utf8)
  writeLogMessageTo(writer, message)
  return writer.finish()
}

export function writeLogMessageTo(writer: ByteWriter, message: LogMessage): void {
  writer.hex(message.logId)
  writer.varint(message.generation)
  writeIdentity(writer, message.from)
  writeIdentity(writer, message.to)
  writer.varint(message.term)
  LOG_MESSAGES.write(writer, message)
}

/** Commands and results are views of the bytes. @throws MalformedBytes */
export function readLogMessage(utf8: Utf8, bytes: Uint8Array): LogMessage {
  const reader = new ByteReader(bytes, utf8)
  const message = readLogMessageFrom(reader)
  reader.end()
  return message
}

export function readLogMessageFrom(reader: ByteReader): LogMessage {
  const logId = reader.hex(LOG_ID_BYTES)
  const generation = reader.varint()
  const from = readIdentity(reader)
  const to = readIdentity(reader)
  const term = reader.varint()
  const body = LOG_MESSAGES.read(reader)
  return { logId, generation, from, to, term, ...body }
}

export function writePosition(writer: ByteWriter, { term, index }: Position): void {
  writer.varint(term)
  writer.varint(index)
}

export function readPosition(reader: ByteReader): Position {
  return { term: reader.varint(), index: reader.varint() }
}

function writeAppend(writer: ByteWriter, { before, commit, entries }: Extract<MessageBody, { kind: 'append' }>): void {
  writePosition(writer, before)
  writer.varint(commit)
  writeCount(writer, entries.length, ENTRIES_PER_APPEND_MAX)
  for (const entry of entries) writeEntry(writer, entry)
}

function readAppend(reader: ByteReader): Extract<MessageBody, { kind: 'append' }> {
  const before = readPosition(reader)
  const commit = reader.varint()
  const entries: Entry[] = []
  const list = (each: ByteReader): Entry => {
    const entry = readEntry(each, before.index + entries.length + 1)
    if (entry.term < (entries.at(-1) ?? before).term) refuse('a term that falls')
    entries.push(entry)
    return entry
  }
  readList(reader, ENTRIES_PER_APPEND_MAX, list)
  return { kind: 'append', before, commit, entries }
}

function writeForwarded(writer: ByteWriter, { number, submitId, since, command }: Forwarded): void {
  writer.varint(number)
  writer.text(submitId)
  writer.varint(since)
  writer.sized(command)
}

function readForwarded(reader: ByteReader): Forwarded {
  const number = reader.varint()
  const submitId = readSubmitId(reader)
  const since = reader.varint()
  return { number, submitId, since, command: reader.sized(LOG_LIMITS.commandBytesMax) }
}

function writeResult(writer: ByteWriter, { number, position, outcome }: Result): void {
  writer.varint(number)
  writePosition(writer, position)
  OUTCOMES.write(writer, outcome)
}

function readResult(reader: ByteReader): Result {
  return { number: reader.varint(), position: readPosition(reader), outcome: OUTCOMES.read(reader) }
}

function readSubmitId(reader: ByteReader): SubmitId {
  return reader.text(SUBMIT_ID_BYTES_MAX) as SubmitId
}
