/**
 * The writes before the one that made a record, as the bytes that messages and rows have of them. A
 * record is read and written far more often than a write is looked up in it, and a busy register
 * remembers hundreds: so they are taken over in one piece, and told apart only when asked for.
 */
import type { Utf8 } from '../base/bytes.ts'
import { equalBytes } from '../base/record.ts'
import { readFlag, writeCount, writeFlag } from '../wire/fields.ts'
import { HEX_OF_BYTE } from '../wire/octets.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { Mark } from './record.ts'

/** Bytes of a mark. */
export const MARK_BYTES = 12
/** Of these, those that name the write; the rest names what it asked for. */
export const WRITE_BYTES = 8

/** A write before the one that made a record. */
export interface RecentWrite {
  readonly version: number
  readonly mark: Mark
  /** By the clock of the peer that took it. Only how much is remembered rests on it. */
  readonly writtenAtMs: number
  /** Nothing was live before it. */
  readonly wasAbsent: boolean
}

/** Nothing here is text. */
const NO_TEXT: Utf8 = {
  encode: () => {
    throw new TypeError('no text among recent writes')
  },
  decode: () => {
    throw new TypeError('no text among recent writes')
  },
}
const writer = new ByteWriter(NO_TEXT)

export class RecentWrites implements Iterable<RecentWrite> {
  static readonly NONE: RecentWrites = new RecentWrites(0, new Uint8Array())

  readonly count: number
  private readonly packed: Uint8Array

  get bytes(): number {
    return this.packed.length
  }

  private constructor(count: number, packed: Uint8Array) {
    this.count = count
    this.packed = packed
  }

  /** @param writes the oldest first */
  static of(writes: Iterable<RecentWrite>): RecentWrites {
    let recent = RecentWrites.NONE
    for (const write of writes) recent = recent.with(write)
    return recent
  }

  /**
   * A view of the bytes read from, not a copy.
   *
   * @throws MalformedBytes when they are more than `max`, or are not such writes
   */
  static read(reader: ByteReader, max: number): RecentWrites {
    const count = reader.varintTo(max)
    reader.entries += count
    if (count === 0) return RecentWrites.NONE
    const from = reader.position
    for (let left = count; left > 0; left -= 1) skip(reader)
    return new RecentWrites(count, reader.bytes.subarray(from, reader.position))
  }

  write(to: ByteWriter, max: number): void {
    writeCount(to, this.count, max)
    to.raw(this.packed)
  }

  *[Symbol.iterator](): Iterator<RecentWrite> {
    const reader = this.reader()
    while (reader.remaining > 0) {
      const version = reader.varint()
      const mark = reader.hex(MARK_BYTES) as Mark
      const writtenAtMs = reader.varint()
      yield { version, mark, writtenAtMs, wasAbsent: readFlag(reader) }
    }
  }

  /** The write that a mark names, whatever it asked for. */
  find(mark: Mark): RecentWrite | undefined {
    const reader = this.reader()
    while (reader.remaining > 0) {
      const version = reader.varint()
      const at = reader.skip(MARK_BYTES)
      const writtenAtMs = reader.varint()
      const wasAbsent = readFlag(reader)
      if (isNamed(this.packed, at, mark)) return { version, mark: this.markAt(at), writtenAtMs, wasAbsent }
    }
    return undefined
  }

  /** With one more, the newest. */
  with({ version, mark, writtenAtMs, wasAbsent }: RecentWrite): RecentWrites {
    writer.raw(this.packed)
    writer.varint(version)
    writer.hex(mark)
    writer.varint(writtenAtMs)
    writeFlag(writer, wasAbsent)
    return new RecentWrites(this.count + 1, writer.finish())
  }

  /** When each was written, in milliseconds, the oldest first. */
  times(): number[] {
    const reader = this.reader()
    const times: number[] = []
    while (reader.remaining > 0) {
      reader.varint()
      reader.skip(MARK_BYTES)
      times.push(reader.varint())
      readFlag(reader)
    }
    return times
  }

  /** Without the oldest; `last` is the newest version among these, undefined without any. */
  without(oldest: number): { readonly recent: RecentWrites; readonly last: number | undefined } {
    const reader = this.reader()
    let last: number | undefined
    for (let left = oldest; left > 0; left -= 1) last = skip(reader)
    return { recent: new RecentWrites(this.count - oldest, this.packed.subarray(reader.position)), last }
  }

  equals(other: RecentWrites): boolean {
    return this.count === other.count && equalBytes(this.packed, other.packed)
  }

  private markAt(at: number): Mark {
    return new ByteReader(this.packed.subarray(at), NO_TEXT).hex(MARK_BYTES) as Mark
  }

  private reader(): ByteReader {
    return new ByteReader(this.packed, NO_TEXT)
  }
}

/** @returns the version of the write that was passed over */
function skip(reader: ByteReader): number {
  const version = reader.varint()
  reader.skip(MARK_BYTES)
  reader.varint()
  readFlag(reader)
  return version
}

function isNamed(bytes: Uint8Array, at: number, mark: Mark): boolean {
  for (let index = 0; index < WRITE_BYTES; index += 1) {
    const digits = HEX_OF_BYTE[bytes[at + index] as number] as string
    if (digits.charCodeAt(0) !== mark.charCodeAt(2 * index) || digits.charCodeAt(1) !== mark.charCodeAt(2 * index + 1)) return false
  }
  return true
}
