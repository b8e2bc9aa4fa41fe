/**
 * What peers say to one another of sets: a table of its own, inside the message that every further
 * type has.
 */
import { assert } from '../base/assert.ts'
import type { Utf8 } from '../base/bytes.ts'
import type { Identity, PeerId } from '../base/identity.ts'
import { LEAVES } from '../base/hash-tree.ts'
import { readFlag, readIdentity, readList, readPeerId, writeCount, writeFlag, writeIdentity, writePeerId } from '../wire/fields.ts'
import { refuse } from '../wire/malformed.ts'
import { ByteReader } from '../wire/reader.ts'
import { Table } from '../wire/rows.ts'
import type { ByteWriter } from '../wire/writer.ts'
import { elementOfKey, keyOfElement } from './element.ts'
import type { ElementKey } from './element.ts'
import type { Stamps } from './join.ts'
import { ELEMENT_BYTES_MAX, SET_NAME_BYTES_MAX } from './requests.ts'
import type { Cut, Stamp } from './requests.ts'

/** Of this type among all further types of data; the outer message carries it. */
export const SETS_CODE = 1

/**
 * Sets that one message names at most. Each half of a network that was cut in two may have made as
 * many as there may be.
 */
const SETS_PER_MESSAGE_MAX = 16_384

/** Elements that one message carries at most. */
export const ROWS_PER_MESSAGE_MAX = 4_096
/**
 * Bytes of rows after which a message takes no further one: the largest row keeps it far below what
 * a frame holds.
 */
export const ROWS_BYTES = 262_144

export type IsElement = (bytes: Uint8Array) => boolean

/** An element with its stamps, as it is told. */
export interface Told extends Stamps {
  readonly key: ElementKey
}

/** Who waits to hear that something is on disk, and by which number it knows it. */
export interface Receipt {
  readonly to: PeerId
  readonly id: number
}

const PASS_ON = ['nobody', 'cluster', 'network'] as const
/** `network`: its own cluster, and one peer of each other cluster. */
export type PassOn = (typeof PASS_ON)[number]

/**
 * A place among the rows of a set: all of the leaves before this one, and in it the elements up to
 * this one.
 */
export interface Place {
  readonly leaf: number
  /** Empty: none. */
  readonly key: string
}

export const FIRST_PLACE: Place = { leaf: 0, key: '' }
export const LAST_PLACE: Place = { leaf: LEAVES, key: '' }

export const BAR_REFUSALS = ['none', 'cut', 'clock', 'not-whole'] as const
export type BarRefusal = (typeof BAR_REFUSALS)[number]

export type SetsMessage =
  /** Elements that changed; on the sender's disk. */
  | {
      readonly kind: 'changed'
      readonly set: string
      /** Whom the receiver tells: the sender told it alone of them. */
      readonly passOn: PassOn
      readonly receipt: Receipt | undefined
      readonly rows: readonly Told[]
    }
  /**
   * Elements that a receipt was wanted for are on the keeper's disk. Whoever is not meant passes it
   * on.
   */
  | { readonly kind: 'kept'; readonly receipt: Receipt; readonly keeper: Identity }
  /**
   * How the sender's clock stands, whether it holds what others held before it came, and what tells
   * all its cuts from others.
   */
  | { readonly kind: 'standing'; readonly wallMs: number; readonly isWhole: boolean; readonly cuts: number }
  | { readonly kind: 'sets-wanted' }
  | { readonly kind: 'sets'; readonly isWhole: boolean; readonly sets: readonly { readonly set: string; readonly cut: Cut }[] }
  /** Give and take no stamp at or below this one any more, for the cut of this number. */
  | { readonly kind: 'bar-wanted'; readonly id: number; readonly set: string; readonly number: number; readonly stamp: Stamp }
  /** The answer, with the number of the own cut. */
  | { readonly kind: 'barred'; readonly id: number; readonly refusal: BarRefusal; readonly number: number }
  /** All of a set, behind a place. */
  | { readonly kind: 'whole-wanted'; readonly id: number; readonly set: string; readonly after: Place }
  /**
   * All rows from there up to `to`; on the sender's disk. What is not among them, the sender does
   * not hold.
   */
  | { readonly kind: 'whole'; readonly id: number; readonly cut: Cut; readonly to: Place; readonly rows: readonly Told[] }

const MESSAGES: Table<SetsMessage> = new Table<SetsMessage>({
  changed: {
    code: 0,
    write: (writer, { set, passOn, receipt, rows }) => {
      writer.text(set)
      writer.u8(PASS_ON.indexOf(passOn))
      writeFlag(writer, receipt !== undefined)
      if (receipt !== undefined) writeReceipt(writer, receipt)
      writeRows(writer, rows)
    },
    read: (reader) => ({
      kind: 'changed',
      set: readSetName(reader),
      passOn: PASS_ON[reader.u8()] ?? refuse('nobody known is to be told'),
      receipt: readFlag(reader) ? readReceipt(reader) : undefined,
      rows: readRows(reader),
    }),
  },
  kept: {
    code: 1,
    write: (writer, { receipt, keeper }) => {
      writeReceipt(writer, receipt)
      writeIdentity(writer, keeper)
    },
    read: (reader) => ({ kind: 'kept', receipt: readReceipt(reader), keeper: readIdentity(reader) }),
  },
  standing: {
    code: 2,
    write: (writer, { wallMs, isWhole, cuts }) => {
      writer.varint(wallMs)
      writeFlag(writer, isWhole)
      writer.varint(cuts)
    },
    read: (reader) => ({ kind: 'standing', wallMs: reader.varint(), isWhole: readFlag(reader), cuts: reader.varint() }),
  },
  'sets-wanted': { code: 3, write: () => undefined, read: () => ({ kind: 'sets-wanted' }) },
  sets: {
    code: 4,
    write: (writer, { isWhole, sets }) => {
      writeFlag(writer, isWhole)
      writeCount(writer, sets.length, SETS_PER_MESSAGE_MAX)
      for (const { set, cut } of sets) {
        writer.text(set)
        writeCut(writer, cut)
      }
    },
    read: (reader) => ({
      kind: 'sets',
      isWhole: readFlag(reader),
      sets: readList(reader, SETS_PER_MESSAGE_MAX, () => ({ set: readSetName(reader), cut: readCut(reader) })),
    }),
  },
  'bar-wanted': {
    code: 5,
    write: (writer, { id, set, number, stamp }) => {
      writer.varint(id)
      writer.text(set)
      writer.varint(number)
      writeStamp(writer, stamp)
    },
    read: (reader) => ({
      kind: 'bar-wanted',
      id: reader.varint(),
      set: readSetName(reader),
      number: reader.varint(),
      stamp: readStamp(reader),
    }),
  },
  barred: {
    code: 6,
    write: (writer, { id, refusal, number }) => {
      writer.varint(id)
      writer.u8(BAR_REFUSALS.indexOf(refusal))
      writer.varint(number)
    },
    read: (reader) => ({
      kind: 'barred',
      id: reader.varint(),
      refusal: BAR_REFUSALS[reader.u8()] ?? refuse('no such refusal of a bar'),
      number: reader.varint(),
    }),
  },
  'whole-wanted': {
    code: 7,
    write: (writer, { id, set, after }) => {
      writer.varint(id)
      writer.text(set)
      writePlace(writer, after)
    },
    read: (reader) => ({ kind: 'whole-wanted', id: reader.varint(), set: readSetName(reader), after: readPlace(reader) }),
  },
  whole: {
    code: 8,
    write: (writer, { id, cut, to, rows }) => {
      writer.varint(id)
      writeCut(writer, cut)
      writePlace(writer, to)
      writeRows(writer, rows)
    },
    read: (reader) => ({ kind: 'whole', id: reader.varint(), cut: readCut(reader), to: readPlace(reader), rows: readRows(reader) }),
  },
})

/** @param writer of all messages: one each would cost more than the writing */
export function writeSetsMessage(writer: ByteWriter, message: SetsMessage): Uint8Array {
  MESSAGES.write(writer, message)
  return writer.finish()
}

/**
 * @param isElement tells the one spelling of an element from other bytes
 * @throws MalformedBytes
 */
export function readSetsMessage(bytes: Uint8Array, utf8: Utf8, isElement: IsElement): SetsMessage {
  const reader = new ByteReader(bytes, utf8)
  const message = MESSAGES.read(reader)
  reader.end()
  if ('rows' in message) checkElements(message.rows, isElement)
  return message
}

/** @throws MalformedBytes */
export function checkElements(rows: readonly Told[], isElement: IsElement): void {
  if (!rows.every(({ key }) => isElement(elementOfKey(key)))) refuse('an element in another spelling than its own')
}

export function isSetName(text: string): boolean {
  return text.length <= SET_NAME_BYTES_MAX && /^[A-Za-z0-9._-]+$/.test(text)
}

export function readSetName(reader: ByteReader): string {
  const name = reader.visible(SET_NAME_BYTES_MAX)
  return isSetName(name) ? name : refuse('not a name of a set')
}

/** One more than the stamp, so that none is 0. */
export function writeStamp(writer: ByteWriter, stamp: Stamp): void {
  writer.varint(stamp + 1)
}

export function readStamp(reader: ByteReader): Stamp {
  return reader.varint() - 1
}

/** The element, sized, then both stamps. */
export function writeTold(writer: ByteWriter, { key, added, removed }: Told): void {
  writer.sized(elementOfKey(key))
  writeStamp(writer, added)
  writeStamp(writer, removed)
}

export function readTold(reader: ByteReader): Told {
  const element = reader.sized(ELEMENT_BYTES_MAX)
  if (element.length === 0) refuse('an element without bytes')
  return { key: keyOfElement(element), added: readStamp(reader), removed: readStamp(reader) }
}

export function writeCut(writer: ByteWriter, { number, stamp, bar }: Cut): void {
  writer.varint(number)
  writeStamp(writer, stamp)
  writeStamp(writer, bar)
}

export function readCut(reader: ByteReader): Cut {
  return { number: reader.varint(), stamp: readStamp(reader), bar: readStamp(reader) }
}

function writeRows(writer: ByteWriter, rows: readonly Told[]): void {
  writeCount(writer, rows.length, ROWS_PER_MESSAGE_MAX)
  for (const row of rows) writeTold(writer, row)
}

function readRows(reader: ByteReader): Told[] {
  return readList(reader, ROWS_PER_MESSAGE_MAX, readTold)
}

/** The leaf, then the element, sized. */
function writePlace(writer: ByteWriter, { leaf, key }: Place): void {
  writer.varint(leaf)
  writer.sized(elementOfKey(key as ElementKey))
}

function readPlace(reader: ByteReader): Place {
  const leaf = reader.varintTo(LEAVES)
  const element = reader.sized(ELEMENT_BYTES_MAX)
  return { leaf, key: element.length === 0 ? '' : keyOfElement(element) }
}

function writeReceipt(writer: ByteWriter, { to, id }: Receipt): void {
  if (!Number.isSafeInteger(id)) assert(false, `not a number of a receipt: ${id}`)
  writePeerId(writer, to)
  writer.varint(id)
}

function readReceipt(reader: ByteReader): Receipt {
  return { to: readPeerId(reader), id: reader.varint() }
}
