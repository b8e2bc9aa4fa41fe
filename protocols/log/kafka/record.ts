/**
 * What a record of the topic that orders a log means. Each record is an entry, whatever is in it: a
 * replica that passed over one would differ from another of a later version.
 *
 * The specification is README.md in this folder.
 */
import type { Sha256, Utf8 } from '../../base/bytes.ts'
import { ByteWriter } from '../../wire/writer.ts'
import type { Entry, EntryBody, SubmitId } from '../entry.ts'
import { CODE_BYTES_MAX, RECORD_HASH_BYTES, SUBMIT_ID_BYTES_MAX } from '../limits.ts'
import type { Said } from './comparing.ts'
import { MESSAGE_VERSION } from './limits.ts'

/** Characters of what a replica calls itself, and of a digest. */
const BY_MAX = 64

/** As the broker has it. */
export interface KafkaRecord {
  readonly offset: number
  /** Of the leader that appended it. */
  readonly leaderEpoch: number
  /** When it was appended, by the clock of that leader. */
  readonly atMs: number
  readonly key: Uint8Array | undefined
  readonly value: Uint8Array | undefined
}

/** Who is answered, and how. */
export interface Asker {
  /** As it came: the answer has the same. */
  readonly key: Uint8Array | undefined
  /** Of the topic of answers; undefined for any. */
  readonly partition: number | undefined
  /** The text of a message that is no JSON of ours: its answer is a text, too. */
  readonly text: string | undefined
}

export interface ReadRecord {
  readonly entry: Entry
  readonly asker: Asker
  /** Of another replica, or this one: what became of a stretch. */
  readonly said: Said | undefined
}

/** Bytes in and out. */
export interface Tools {
  readonly utf8: Utf8
  readonly sha256: Sha256
}

/** Fields of a message of ours; undefined for what is none. */
export type Fields = Readonly<Record<string, unknown>>

export function fieldsIn(text: string): Fields | undefined {
  if (!/^\s*\{/.test(text)) return undefined
  try {
    const value = JSON.parse(text) as Fields
    return 'replicator' in value ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * @param before where the log stands before it
 * @returns the entry of a record
 */
export function readRecord(record: KafkaRecord, before: { readonly index: number; readonly atMs: number }, tools: Tools): ReadRecord {
  const { offset, leaderEpoch, key, value } = record
  const text = textOf(value, tools.utf8)
  const fields = text === undefined ? undefined : fieldsIn(text)
  const entry = {
    term: Math.max(0, leaderEpoch),
    index: indexOf(offset),
    atMs: Math.max(before.atMs, record.atMs),
    body: bodyOf(record, fields, tools),
    link: { previousIndex: before.index, recordHash: hashOfRecord(record, tools) },
  }
  const asker = { key, partition: partitionIn(fields), text: fields === undefined ? (text ?? '') : undefined }
  return { entry, asker, said: saidIn(fields) }
}

/** Positions count from 1, offsets from 0. */
export function indexOf(offset: number): number {
  return offset + 1
}

export function offsetOf(index: number): number {
  return index - 1
}

/** What a record is known again by, at its place. */
export function hashOfRecord({ offset, atMs, key, value }: KafkaRecord, { utf8, sha256 }: Tools): Uint8Array {
  const writer = new ByteWriter(utf8)
  writer.varint(offset)
  writer.varint(Math.max(0, atMs))
  for (const bytes of [key, value]) {
    writer.u8(bytes === undefined ? 0 : 1)
    if (bytes !== undefined) writer.sized(bytes)
  }
  return sha256(writer.finish()).slice(0, RECORD_HASH_BYTES)
}

/** The name of a command by the key of its message, and where it has none by its place. */
export function submitIdOf(key: Uint8Array | undefined, offset: number, tools: Tools): SubmitId {
  const text = key === undefined || key.length === 0 ? undefined : textOf(key, tools.utf8)
  if (text !== undefined && key !== undefined && key.length <= SUBMIT_ID_BYTES_MAX) return text as SubmitId
  if (key === undefined || key.length === 0) return `offset:${offset}` as SubmitId
  return `key:${hex(tools.sha256(key))}` as SubmitId
}

/** The partition of the topic of answers that a message asks for. */
export function partitionIn(fields: Fields | undefined): number | undefined {
  const reply = fields?.['reply']
  if (typeof reply !== 'object' || reply === null || !('partition' in reply)) return undefined
  const { partition } = reply
  return Number.isSafeInteger(partition) && (partition as number) >= 0 ? (partition as number) : undefined
}

export function textOf(bytes: Uint8Array | undefined, utf8: Utf8): string | undefined {
  try {
    return bytes && utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function bodyOf({ offset, key, value }: KafkaRecord, fields: Fields | undefined, tools: Tools): EntryBody {
  // A record without a value, as tombstones are, does nothing.
  if (value === undefined || value.length === 0) return { kind: 'began' }
  const submitId = submitIdOf(key, offset, tools)
  if (fields === undefined) return { kind: 'command', submitId, since: 0, command: value }
  const { replicator: version, command, params, statements, since, verdict, digest } = fields
  // A later version may mean what this one cannot know: the store is not to go on without it.
  if (version !== MESSAGE_VERSION) return { kind: 'unknown', code: 0, version: typeof version === 'number' ? version : 0, bytes: value }
  if (digest !== undefined) return { kind: 'began' }
  if (verdict !== undefined) return verdictIn(verdict, offset) ?? { kind: 'began' }
  const content = statements === undefined ? { command, params } : { statements }
  return {
    kind: 'command',
    submitId,
    since: typeof since === 'number' && Number.isSafeInteger(since) && since >= 0 ? indexOf(since) : 0,
    command: tools.utf8.encode(JSON.stringify(content)),
  }
}

function saidIn(fields: Fields | undefined): Said | undefined {
  const digest = fields?.['replicator'] === MESSAGE_VERSION ? fields['digest'] : undefined
  if (typeof digest !== 'object' || digest === null) return undefined
  const { by, stretch, value } = digest as Fields
  if (typeof by !== 'string' || by.length > BY_MAX || typeof value !== 'string' || value.length > BY_MAX) return undefined
  return Number.isSafeInteger(stretch) ? { by, stretch: stretch as number, digest: value } : undefined
}

/** A message that has the command at the offset count as rejected. */
export function verdictText(offset: number): string {
  return JSON.stringify({ replicator: MESSAGE_VERSION, verdict: { offset, code: 'verdict' } })
}

/** Of an entry before it: what comes after it is not judged. */
function verdictIn(value: unknown, offset: number): EntryBody | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { offset: judged, code = 'verdict' } = value as Fields
  if (!Number.isSafeInteger(judged) || (judged as number) < 0 || (judged as number) >= offset) return undefined
  if (typeof code !== 'string' || !/^[\w.:-]+$/.test(code) || code.length > CODE_BYTES_MAX) return undefined
  return { kind: 'verdict', index: indexOf(judged as number), code }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
