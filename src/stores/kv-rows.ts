/**
 * What stores keep beside their content, as bytes: its head, and what became of commands that
 * have a name.
 */
import { readMembership, writeMembership } from '../../protocols/log/entry-bytes.ts'
import type { Position } from '../../protocols/log/entry.ts'
import { CODE_BYTES_MAX, RECORD_HASH_BYTES } from '../../protocols/log/limits.ts'
import type { Membership } from '../../protocols/log/membership.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { readIdentity, writeIdentity } from '../../protocols/wire/fields.ts'
import { ByteReader } from '../../protocols/wire/reader.ts'
import { Table } from '../../protocols/wire/rows.ts'
import { ByteWriter } from '../../protocols/wire/writer.ts'
import type { Identity } from '../../protocols/base/identity.ts'
import { utf8 } from '../bytes.ts'

/** What this file writes. A head of another format is not read. */
const FORMAT = 2
const LOG_ID_BYTES = 16
export const DIGEST_BYTES = 16
/** Bytes of a result that are remembered; of a longer one it is remembered that it was there. */
export const RESULT_KEPT_MAX = 4_096
/** In place of a result that is too long to be remembered: first and later answers are equal. */
export const TRUNCATED: Uint8Array = Uint8Array.from(utf8.encode('"truncated"'))

/** Whose store it is, and where it stands. */
export interface Head {
  readonly logId: string
  readonly generation: number
  readonly owner: Identity
  readonly position: Position
  readonly members: Membership
  readonly atMs: number
  readonly outcomeDigest: Uint8Array
  /** Names remembered, and the highest index whose name is not any more. */
  readonly remembered: number
  readonly forgottenIndex: number
  /** Of the last entry, where an order outside gave it; else empty. */
  readonly recordHash: Uint8Array
}

/** What became of a name. */
export interface Remembered {
  readonly index: number
  readonly atMs: number
  /** Of the command that had it first. */
  readonly hash: Uint8Array
  readonly outcome: StoreOutcome
}

const OUTCOMES: Table<StoreOutcome> = new Table<StoreOutcome>({
  done: {
    code: 0,
    write: (writer, { result }) => writer.sized(result),
    read: (reader) => ({ kind: 'done', result: reader.sized(RESULT_KEPT_MAX).slice() }),
  },
  rejected: {
    code: 1,
    write: (writer, { class: named, code, isPartial }) => {
      writer.text(named)
      writer.text(code)
      writer.u8(isPartial ? 1 : 0)
    },
    read: (reader) => ({
      kind: 'rejected',
      class: reader.text(CODE_BYTES_MAX),
      code: reader.text(CODE_BYTES_MAX),
      isPartial: reader.u8() === 1,
    }),
  },
  reused: { code: 2, write: () => {}, read: () => ({ kind: 'reused' }) },
  forgotten: { code: 3, write: () => {}, read: () => ({ kind: 'forgotten' }) },
})

/** One for all: each of its own would cost more than the writing. */
const writer = new ByteWriter(utf8)

export function writeHead(head: Head): Uint8Array {
  writer.clear()
  writer.u8(FORMAT)
  writer.hex(head.logId)
  writer.varint(head.generation)
  writeIdentity(writer, head.owner)
  writer.varint(head.position.term)
  writer.varint(head.position.index)
  writeMembership(writer, head.members)
  writer.varint(head.atMs)
  writer.raw(head.outcomeDigest)
  writer.varint(head.remembered)
  writer.varint(head.forgottenIndex)
  writer.raw(head.recordHash)
  return writer.finish()
}

/** @returns undefined for another format. @throws MalformedBytes */
export function readHead(bytes: Uint8Array): Head | undefined {
  const reader = new ByteReader(bytes, utf8)
  if (reader.u8() !== FORMAT) return undefined
  const head = {
    logId: reader.hex(LOG_ID_BYTES),
    generation: reader.varint(),
    owner: readIdentity(reader),
    position: { term: reader.varint(), index: reader.varint() },
    members: readMembership(reader),
    atMs: reader.varint(),
    outcomeDigest: reader.raw(DIGEST_BYTES).slice(),
    remembered: reader.varint(),
    forgottenIndex: reader.varint(),
    recordHash: reader.remaining > 0 ? reader.raw(RECORD_HASH_BYTES).slice() : new Uint8Array(),
  }
  reader.end()
  return head
}

export function writeRemembered({ index, atMs, hash, outcome }: Remembered): Uint8Array {
  writer.clear()
  writer.varint(index)
  writer.varint(atMs)
  writer.raw(hash)
  OUTCOMES.write(writer, outcome)
  return writer.finish()
}

/** @throws MalformedBytes */
export function readRemembered(bytes: Uint8Array): Remembered {
  const reader = new ByteReader(bytes, utf8)
  return { index: reader.varint(), atMs: reader.varint(), hash: reader.raw(DIGEST_BYTES).slice(), outcome: OUTCOMES.read(reader) }
}
