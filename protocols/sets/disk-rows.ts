/**
 * How sets lie in the table of their type: a row for each element, one for each set, and a mark for
 * a peer that holds the whole.
 */
import type { Sha256, Utf8 } from '../base/bytes.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { ElementKey } from './element.ts'
import { elementOfKey, keyOfElement } from './element.ts'
import { readCut, readStamp, writeCut, writeStamp, writeTold } from './messages.ts'
import type { Told } from './messages.ts'
import type { Cut, Stamp } from './requests.ts'
import type { Row } from './rows.ts'

/** In front of rows named by their set and element. */
export const ELEMENTS = 'e/'
/** In front of rows named by their set and the hash of their element. */
export const LONG_ELEMENTS = 'h/'
/** In front of what is kept of each set. */
export const SETS_KEPT = 's/'
/** Its presence says that this peer has been given what others held before it came. */
export const WHOLE_MARK = 'whole'
/**
 * In front of rows that a cut dropped here and that nobody else has: kept until somebody has
 * written them to a file.
 */
export const DROPPED = 'd/'

/**
 * Longer elements are named by their hash, in bytes: a name takes two bytes for one, and has room
 * for no more.
 */
const NAMED_BYTES_MAX = 512

/** What is kept of a set beside its elements. */
export interface SetKept {
  readonly cut: Cut
  readonly last: Stamp
  readonly forgottenNumber: number
}

export class DiskRows {
  private readonly utf8: Utf8
  private readonly sha256: Sha256
  private readonly writer: ByteWriter

  constructor(utf8: Utf8, sha256: Sha256) {
    this.utf8 = utf8
    this.sha256 = sha256
    this.writer = new ByteWriter(utf8)
  }

  /** The name of an element's row, in the table and for repair. */
  nameOf(set: string, key: ElementKey): string {
    return key.length <= NAMED_BYTES_MAX ? `${ELEMENTS}${set}/${key}` : `${LONG_ELEMENTS}${set}/${this.hashOf(key)}`
  }

  /** 16 bytes that tell a state of an element from all others. */
  digestOf(set: string, told: Told): Uint8Array {
    const { writer } = this
    writer.text(set)
    writeTold(writer, told)
    const digest = this.sha256(writer.view()).subarray(0, 16)
    writer.clear()
    return digest
  }

  encode({ key, added, removed, number }: Row): Uint8Array {
    const { writer } = this
    writer.varint(number)
    writeStamp(writer, added)
    writeStamp(writer, removed)
    if (key.length > NAMED_BYTES_MAX) writer.raw(elementOfKey(key))
    return writer.finish()
  }

  /** @throws MalformedBytes */
  decode(name: string, bytes: Uint8Array): Row {
    const reader = new ByteReader(bytes, this.utf8)
    const number = reader.varint()
    const added = readStamp(reader)
    const removed = readStamp(reader)
    const slash = name.indexOf('/', ELEMENTS.length)
    const set = name.slice(ELEMENTS.length, slash)
    const isLong = name.startsWith(LONG_ELEMENTS)
    const key = isLong ? keyOfElement(reader.raw(reader.remaining)) : (name.slice(slash + 1) as ElementKey)
    reader.end()
    return { set, key, added, removed, number }
  }

  encodeKept({ cut, last, forgottenNumber }: SetKept): Uint8Array {
    const { writer } = this
    writeCut(writer, cut)
    writeStamp(writer, last)
    writer.varint(forgottenNumber)
    return writer.finish()
  }

  /** @throws MalformedBytes */
  decodeKept(bytes: Uint8Array): SetKept {
    const reader = new ByteReader(bytes, this.utf8)
    const kept = { cut: readCut(reader), last: readStamp(reader), forgottenNumber: reader.varint() }
    reader.end()
    return kept
  }

  private hashOf(key: ElementKey): string {
    return Array.from(this.sha256(elementOfKey(key)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}
