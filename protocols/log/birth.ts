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

/** What a value is written as. A later build reads it too. */
const FORMAT = 1
/** As `FORMAT`, and a byte of flags at the end. */
const FORMAT_WITH_FLAGS = 2
const LEASED = 1
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/
const NUMBER = /^[1-9][0-9]{0,8}$/
/** Bytes of the kind of a store. */
const KIND_BYTES_MAX = 32

export interface Birth {
  readonly name: string
  /** From 1 on: a log that is created again after its end begins its next life. */
  readonly life: number
  /** 32 lower-case hexadecimal digits. */
  readonly logId: string
  /** 0 at the birth; it rises when the log goes on from one survivor. */
  readonly generation: number
  /** The kind of store that each replica applies to, as `kv`. */
  readonly store: string
  /** The wish for where voters are, as `cluster:c1`. */
  readonly place: string
  readonly electionMs: number
  /** Each with its store: a peer that lost its disk is not among them any more. */
  readonly voters: readonly Identity[]
  /** Its leader may answer reads by lease. */
  readonly isLeased: boolean
}

/** What a key of the type decides. */
export interface LogKey {
  /**
   * `generation`: how the log goes on when the majority of its voters is gone for good. `end`: it
   * goes on no more.
   */
  readonly kind: 'birth' | 'generation' | 'end'
  readonly name: string
  readonly life: number
  /** 0 but for the key of a generation. */
  readonly generation: number
}

/** 1 to 64 of letters, digits, `.`, `_` and `-`, and neither `.` nor `..`. */
export function isLogName(name: string): boolean {
  return NAME.test(name)
}

/** The name of the key that decides the birth of a log. */
export function birthKey(name: string, life: number): string {
  return `birth/${name}/${life}`
}

/** The name of the key that decides who goes on with a log. It is decided once: there is one successor. */
export function generationKey(name: string, life: number, generation: number): string {
  return `generation/${name}/${life}/${generation}`
}

/** The name of the key that ends a log. */
export function endKey(name: string, life: number): string {
  return `end/${name}/${life}`
}

/** Undefined for a key of something else. */
export function readLogKey(key: string): LogKey | undefined {
  const [kind, name = '', life = '', generation, ...more] = key.split('/')
  if (more.length > 0 || !isLogName(name) || !NUMBER.test(life)) return undefined
  if (kind === 'generation')
    return generation !== undefined && NUMBER.test(generation)
      ? { kind, name, life: Number(life), generation: Number(generation) }
      : undefined
  const isKnown = (kind === 'birth' || kind === 'end') && generation === undefined
  return isKnown ? { kind, name, life: Number(life), generation: 0 } : undefined
}

export function writeBirth({ logId, generation, store, place, electionMs, voters, isLeased }: Birth, utf8: Utf8): Uint8Array {
  const writer = new ByteWriter(utf8)
  writer.u8(isLeased ? FORMAT_WITH_FLAGS : FORMAT)
  writer.hex(logId)
  writer.varint(generation)
  writer.text(store)
  writer.text(place)
  writer.varint(electionMs)
  writeIdentities(writer, voters, VOTERS_READ_MAX)
  if (isLeased) writer.u8(LEASED)
  return writer.finish()
}

/** @returns undefined for a format, or a flag, that is not known here. @throws MalformedBytes */
export function readBirth(name: string, life: number, bytes: Uint8Array, utf8: Utf8): Birth | undefined {
  const reader = new ByteReader(bytes, utf8)
  const format = reader.u8()
  if (format !== FORMAT && format !== FORMAT_WITH_FLAGS) return undefined
  const birth = {
    name,
    life,
    logId: reader.hex(LOG_ID_BYTES),
    generation: reader.varint(),
    store: reader.text(KIND_BYTES_MAX),
    place: reader.text(PLACE_BYTES_MAX),
    electionMs: reader.varint(),
    voters: readIdentities(reader, VOTERS_READ_MAX),
  }
  const flags = format === FORMAT ? 0 : reader.u8()
  if (flags > LEASED) return undefined
  reader.end()
  return { ...birth, isLeased: flags === LEASED }
}
