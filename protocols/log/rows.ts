/**
 * One log on disk: its hard state, where it begins, and its entries, as rows of a type of data. So
 * keys and entries share one sync. The rows of a write are made durable together, and writes of one
 * log in their order.
 */
import { assert } from '../base/assert.ts'
import type { Utf8 } from '../base/bytes.ts'
import type { Rows, RowWrite } from '../base/rows.ts'
import { readFlag, readIdentity, writeFlag, writeIdentity } from '../wire/fields.ts'
import { ByteReader } from '../wire/reader.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { Entry } from './entry.ts'
import { ORIGIN } from './entry.ts'
import { readEntry, readMembership, writeEntry, writeMembership } from './entry-bytes.ts'
import type { LogWrite } from './events.ts'
import type { Membership } from './membership.ts'
import type { StoredLog } from './state.ts'

/** Behind the log's id in the name of a row. */
const HARD_STATE = 's'
const BASE = 'b'
const ENTRY = 'e'
const DIFFERING = 'd'
const GENERATION = 'g'
/** Hexadecimal digits of an index: 2^53-1 has as many, and names are in the order of indexes. */
const INDEX_DIGITS = 14

export class LogRows {
  private readonly logId: string
  private readonly rows: Rows
  private readonly utf8: Utf8
  private readonly writer: ByteWriter
  /** Where the entries held begin and end, by all that was read and given out here; undefined before. */
  private held: { readonly first: number; readonly last: number } | undefined

  /**
   * Whoever writes a log writes it by one of these alone, or reads it anew.
   *
   * @param rows that show every write issued so far
   */
  constructor(logId: string, rows: Rows, utf8: Utf8) {
    this.logId = logId
    this.rows = rows
    this.utf8 = utf8
    this.writer = new ByteWriter(utf8)
  }

  /** @param firstMembers of the birth, for a log that holds nothing yet */
  stored(firstMembers: Membership): StoredLog {
    const { base, members } = this.base() ?? { base: ORIGIN, members: firstMembers }
    const entries: Entry[] = []
    for (const { name, bytes } of this.rows.range(this.logId + ENTRY)) {
      const index = this.indexOf(name)
      assert(index === base.index + entries.length + 1, `entry ${index} on disk after ${base.index + entries.length}`)
      entries.push(this.read(bytes, (reader) => readEntry(reader, index)))
    }
    this.held = { first: base.index + 1, last: base.index + entries.length }
    return { ...this.hardState(), base, membersAtBase: members, entries, differingIndex: this.number(DIFFERING) }
  }

  /** Of what is held here; 0 for a log that goes on as it was born, or of which nothing is held. */
  get generation(): number {
    return this.number(GENERATION) ?? 0
  }

  /**
   * What changes where the log goes on, in a later generation, from what is held here: all of it
   * counts, and this replica alone votes, by an entry of a term of its own. The wish for where voters
   * are stays.
   */
  goingOn(generation: number, firstMembers: Membership): RowWrite[] {
    const stored = this.stored(firstMembers)
    const last = stored.entries.at(-1) ?? { ...stored.base, atMs: 0 }
    const term = Math.max(stored.term, last.term) + 1
    const named = stored.entries.findLast(({ body }) => body.kind === 'members')?.body
    const { place } = named?.kind === 'members' ? named.members : stored.membersAtBase
    const body = { kind: 'members', members: { ...firstMembers, place } } as const
    const entry: Entry = { term, index: last.index + 1, atMs: last.atMs, body }
    const entries: LogWrite = { kind: 'entries', from: entry.index, entries: [entry] }
    return [...this.of({ kind: 'hard-state', term, vote: undefined }), ...this.of(entries), this.numberRow(GENERATION, generation)]
  }

  /** What changes where the log goes on elsewhere: nothing that is held here counts. */
  begunAnew(generation: number): RowWrite[] {
    return [...this.gone(), this.numberRow(GENERATION, generation)]
  }

  /** What changes where nobody needs the log any more. */
  gone(): RowWrite[] {
    this.held = undefined
    return [...this.rows.range(this.logId)].map(({ name }) => ({ name, bytes: undefined }))
  }

  /** What changes in the rows. */
  of(write: LogWrite): RowWrite[] {
    switch (write.kind) {
      case 'hard-state': {
        const { term, vote } = write
        const bytes = this.write((writer) => {
          writer.varint(term)
          writeFlag(writer, vote !== undefined)
          if (vote !== undefined) writeIdentity(writer, vote)
        })
        return [{ name: this.logId + HARD_STATE, bytes }]
      }
      case 'entries': {
        const last = write.from + write.entries.length - 1
        const put = write.entries.map((entry) => ({
          name: this.nameOf(entry.index),
          bytes: this.write((writer) => writeEntry(writer, entry)),
        }))
        const gone = this.without(last + 1, Number.MAX_SAFE_INTEGER)
        if (this.held !== undefined) this.held = { ...this.held, last }
        return [...put, ...gone]
      }
      case 'compacted': {
        const gone = this.without(0, write.base.index)
        if (this.held !== undefined) this.held = { ...this.held, first: write.base.index + 1 }
        return [this.baseRow(write), ...gone]
      }
      case 'differing':
        return [this.numberRow(DIFFERING, write.index)]
      case 'reset': {
        const gone = this.without(0, Number.MAX_SAFE_INTEGER)
        this.held = { first: write.base.index + 1, last: write.base.index }
        return [this.baseRow(write), ...gone]
      }
    }
  }

  private number(row: string): number | undefined {
    const bytes = this.rows.get(this.logId + row)
    return bytes === undefined ? undefined : this.read(bytes, (reader) => reader.varint())
  }

  private numberRow(row: string, number: number | undefined): RowWrite {
    const bytes = number === undefined ? undefined : this.write((writer) => writer.varint(number))
    return { name: this.logId + row, bytes }
  }

  private hardState(): Pick<StoredLog, 'term' | 'vote'> {
    const bytes = this.rows.get(this.logId + HARD_STATE)
    if (bytes === undefined) return { term: 0, vote: undefined }
    return this.read(bytes, (reader) => ({ term: reader.varint(), vote: readFlag(reader) ? readIdentity(reader) : undefined }))
  }

  private base(): { readonly base: StoredLog['base']; readonly members: Membership } | undefined {
    const bytes = this.rows.get(this.logId + BASE)
    if (bytes === undefined) return undefined
    return this.read(bytes, (reader) => ({ base: { term: reader.varint(), index: reader.varint() }, members: readMembership(reader) }))
  }

  private baseRow({ base, members }: Extract<LogWrite, { readonly kind: 'compacted' | 'reset' }>): RowWrite {
    const bytes = this.write((writer) => {
      writer.varint(base.term)
      writer.varint(base.index)
      writeMembership(writer, members)
    })
    return { name: this.logId + BASE, bytes }
  }

  /** Deletes the entries that are held from one index to another, both included. */
  private without(first: number, last: number): RowWrite[] {
    const gone: RowWrite[] = []
    // An append is written thousands of times a second: nothing is looked for on the disk then.
    if (this.held !== undefined) {
      const end = Math.min(last, this.held.last)
      for (let index = Math.max(first, this.held.first); index <= end; index += 1) gone.push({ name: this.nameOf(index), bytes: undefined })
      return gone
    }
    const after = first === 0 ? undefined : this.nameOf(first - 1)
    for (const { name } of this.rows.range(this.logId + ENTRY, after)) {
      if (this.indexOf(name) > last) break
      gone.push({ name, bytes: undefined })
    }
    return gone
  }

  private nameOf(index: number): string {
    return this.logId + ENTRY + index.toString(16).padStart(INDEX_DIGITS, '0')
  }

  private indexOf(name: string): number {
    return Number.parseInt(name.slice(this.logId.length + ENTRY.length), 16)
  }

  private write(fill: (writer: ByteWriter) => void): Uint8Array {
    this.writer.clear()
    fill(this.writer)
    return this.writer.finish()
  }

  private read<Value>(bytes: Uint8Array, take: (reader: ByteReader) => Value): Value {
    const reader = new ByteReader(bytes, this.utf8)
    const value = take(reader)
    reader.end()
    return value
  }
}
