/**
 * How a log begins: by a write-once key of the network, so that there is one list of first voters
 * and two peers that begin a log at once end in one log. A peer opens a replica only of a log whose
 * birth is decided.
 */
import type { Utf8 } from '../base/bytes.ts'
import type { Identity } from '../base/identity.ts'
import { readIdentities, writeIdentities } from '../wire/fields.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import { PLACE_BYTES_MAX, VOTERS_READ_MAX } from './limits.ts'
import { LOG_ID_BYTES } from './messages.ts'

/** What every value is written as. A later build reads it too. */
const FORMAT = 1
/** Of the key: whoever begins a log of an ended name begins a further life. */
const FIRST_LIFE = 1
const PREFIX = 'birth/'
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/
/** Bytes of the kind of a store. */
const KIND_BYTES_MAX = 32

export interface Birth {
  readonly name: string
  /** 32 lower-case hexadecimal digits. */
  readonly logId: string
  readonly generation: number
  /** The kind of store that each replica applies to, as `kv`. */
  readonly store: string
  /** The wish for where voters are, as `cluster:c1`. */
  readonly place: string
  readonly electionMs: number
  /** Each with its store: a peer that lost its disk is not among them any more. */
  readonly voters: readonly Identity[]
}

/** 1 to 64 of letters, digits, `.`, `_` and `-`, and neither `.` nor `..`. */
export function isLogName(name: string): boolean {
  return NAME.test(name)
}

/** The name of the key that decides the birth of a log. */
export function birthKey(name: string): string {
  return `${PREFIX}${name}/${FIRST_LIFE}`
}

/** The log whose birth a key decides; undefined for a key of something else. */
export function nameOfBirthKey(key: string): string | undefined {
  const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length, key.lastIndexOf('/')) : ''
  return isLogName(name) && birthKey(name) === key ? name : undefined
}

export function writeBirth({ logId, generation, store, place, electionMs, voters }: Birth, utf8: Utf8): Uint8Array {
  const writer = new ByteWriter(utf8)
  writer.u8(FORMAT)
  writer.hex(logId)
  writer.varint(generation)
  writer.text(store)
  writer.text(place)
  writer.varint(electionMs)
  writeIdentities(writer, voters, VOTERS_READ_MAX)
  return writer.finish()
}

/** @returns undefined for a format that is not known here. @throws MalformedBytes */
export function readBirth(name: string, bytes: Uint8Array, utf8: Utf8): Birth | undefined {
  const reader = new ByteReader(bytes, utf8)
  if (reader.u8() !== FORMAT) return undefined
  const birth = {
    name,
    logId: reader.hex(LOG_ID_BYTES),
    generation: reader.varint(),
    store: reader.text(KIND_BYTES_MAX),
    place: reader.text(PLACE_BYTES_MAX),
    electionMs: reader.varint(),
    voters: readIdentities(reader, VOTERS_READ_MAX),
  }
  reader.end()
  return birth
}
