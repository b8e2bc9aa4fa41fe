/**
 * The durable store. One transaction is under way at a time; writes given meanwhile are gathered and make the next one, so that
 * what is on disk is always a prefix of what was given, and one sync serves all that wait for it.
 *
 * What is read is the disk's own memory map, with the writes under way laid over it. A failed write ends the store: nothing is
 * tried again, for after a failed sync nobody knows what the disk holds.
 */
import { randomBytes } from 'node:crypto'
import type { Database } from 'lmdb'
import { assert } from '../../protocols/base/assert.ts'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import type { Incarnation } from '../../protocols/base/identity.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { epochOfConfigKey, isConfigKey } from '../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { KEY_BYTES_MAX } from '../../protocols/base/limits.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { ChosenSummary, Diverged, Listing, Storage } from '../ports/storage.ts'
import { DamagedStore, StorageFailed, UnknownFormat, isDamage } from './errors.ts'
import { syncDirectory } from './files.ts'
import { commit } from './commit.ts'
import type { Change } from './commit.ts'
import { checkHeader } from './header.ts'
import { HeldFiles, dataFileOf } from './held-files.ts'
import { NewestRows } from './newest-rows.ts'
import { Overlay } from './overlay.ts'
import { Page } from './page.ts'
import {
  acceptedRow,
  chosenRow,
  divergedRow,
  factRow,
  numberingSum,
  readAcceptedRow,
  readChosenRow,
  readDivergedRow,
  readFactRow,
} from './rows.ts'
import { assertKey, changes, isRegisterWrite } from './rules.ts'
import type { ChosenHead } from './rows.ts'
import { appendRow, openTables } from './tables.ts'
import type { Tables } from './tables.ts'
import { Undecided } from './undecided.ts'

/** The format written here. It rises when an older version could no longer read the store rightly. */
const FORMAT = 2
/** Below every key, config registers included. */
export const ALL_FROM = '\u0000'
/** Below every client's key and above every config register. */
export const CLIENT_FROM = '\u0001'
const INCARNATION = /^[0-9a-f]{32}$/
const INCARNATION_BYTES = 16
/** Above the number of every row. */
export const ROW_MAX = 0xffff_ffff

/** What a transaction is made of. */
type Write = Persist | { readonly kind: 'configs-dropped' }

interface Waiting {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * Opens the store in a directory, and makes it when there is none; a new one is on disk, with its incarnation, before this
 * resolves. The caller sees to it that nobody else has it open.
 *
 * @param directory an existing directory that holds nothing but the store
 * @throws UnknownFormat when it was written by a version that this one does not know
 * @throws DamagedStore when it is not what was written, or no store at all
 */
export async function openLmdbStorage(directory: string, codec: Codec): Promise<Storage> {
  await checkHeader(directory)
  let tables: Tables
  try {
    tables = openTables(directory)
  } catch (error) {
    if (isDamage(error)) throw new DamagedStore(`cannot open the store in ${directory}: ${text(error)}`, { cause: error })
    throw new Error(`cannot open the store in ${directory}: ${text(error)}`, { cause: error })
  }
  try {
    await begun(tables, directory)
    return new LmdbStorage(tables, directory, codec)
  } catch (error) {
    await tables.root.close()
    throw error
  }
}

/** Checks the format, and begins an empty store. */
async function begun({ root, chosen, accepted, facts }: Tables, directory: string): Promise<void> {
  const format = readFact(facts, 'format')
  if (format === FORMAT) return
  if (format !== undefined)
    throw new UnknownFormat(`the store in ${directory} has format ${JSON.stringify(format)}; this version knows ${FORMAT}`)
  if (hasKeys(chosen) || hasKeys(accepted)) throw new DamagedStore(`the store in ${directory} has lost its format`)
  root.transactionSync(() => {
    facts.putSync('format', factRow('format', FORMAT))
    facts.putSync('incarnation', factRow('incarnation', randomBytes(INCARNATION_BYTES).toString('hex')))
  })
  await syncDirectory(directory)
}

class LmdbStorage implements Storage {
  readonly incarnation: Incarnation
  #tables: Tables
  #directory: string
  #held: HeldFiles
  #codec: Codec
  #ceiling: Ceiling
  #newestEpoch = -1
  #overlay = new Overlay()
  #undecided = new Undecided()
  /** Second records told since the store was opened. They are few: each is an alarm. */
  #divergences = new Map<RegisterKey, ValueRecord>()
  #newestRows = new NewestRows()
  /** True once the newest row of each leaf is known, which the first whole look at all rows sees to. */
  #rowsSeen = false
  /** The number of the newest row. */
  #lastRow: number
  /** Given, and part of the next transaction. */
  #gathered: Write[] = []
  #waiting: Waiting[] = []
  /** The transaction under way; it never rejects. */
  #underway: Promise<void> | undefined
  #serial = 0
  /** Rows of the transaction under way. */
  #unsettled: { readonly leaf: number; readonly number: number }[] = []
  #closing: Promise<void> | undefined
  /** Why nothing can be done any more: closed, or failed. */
  #ended: Error | undefined

  constructor(tables: Tables, directory: string, codec: Codec) {
    this.#tables = tables
    this.#directory = directory
    this.#held = new HeldFiles([dataFileOf(directory)])
    this.#codec = codec
    const incarnation = readFact(tables.facts, 'incarnation')
    if (typeof incarnation !== 'string' || !INCARNATION.test(incarnation))
      throw new DamagedStore(`the store in ${directory} has lost its incarnation`)
    this.incarnation = incarnation as Incarnation
    this.#ceiling = (readFact(tables.facts, 'ceiling') as Ceiling | undefined) ?? CEILING_NONE
    this.#lastRow = [...tables.rows.getKeys({ start: ROW_MAX, end: 0, reverse: true, limit: 1 })][0] ?? 0
    for (const key of tables.chosen.getKeys({ start: ALL_FROM, end: CLIENT_FROM })) this.#noteEpoch(key as RegisterKey)
  }

  ceiling(): Ceiling {
    this.#assertGoing()
    return this.#ceiling
  }

  newestEpoch(): number {
    this.#assertGoing()
    return this.#newestEpoch
  }

  read(key: RegisterKey): RegisterState | undefined {
    this.#assertGoing()
    const overlaid = this.#overlay.get(key)
    if (overlaid !== undefined) return overlaid.state
    if (this.#undecided.has(key)) return this.#undecided.get(key)
    const row = this.#tables.chosen.get(key)
    if (row !== undefined) return { chosen: this.#record(key, row) }
    const accepted = this.#tables.accepted.getBinary(key)
    if (accepted !== undefined) return { accepted: readAcceptedRow(key, accepted, this.#codec) }
    this.#undecided.absent(key)
    return undefined
  }

  write(writes: readonly Persist[]): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    try {
      for (const write of writes) this.#take(write)
    } catch (error) {
      return Promise.reject(this.#end(error as Error))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#underway ??= this.#work()
    })
  }

  replaceConfigs(writes: readonly Persist[]): Promise<void> {
    assert(this.#underway === undefined, 'configs are replaced while a transaction is under way')
    if (this.#ended === undefined) this.#gathered.push({ kind: 'configs-dropped' })
    this.#undecided = new Undecided()
    return this.write(writes)
  }

  list(prefix: string, after: string, limit: number): Listing {
    this.#assertGoing()
    const page = new Page(limit)
    for (const [key, row] of this.#keysAfter(prefix, after)) {
      if (page.isFull) return page.listing(true)
      page.add(key, row === undefined ? this.#laid(key) : this.#record(key, row))
    }
    return page.listing(false)
  }

  /** Chosen client keys in order, each with the number of its row; undefined where it is not on disk yet. */
  *#keysAfter(prefix: string, after: string): Iterable<readonly [RegisterKey, number | undefined]> {
    const from = compareUtf8(after, prefix) < 0 ? prefix : after
    const laid = this.#overlay.chosenKeys((key) => key.startsWith(prefix) && compareUtf8(key, after) > 0)
    let next = 0
    // A text longer than any key is cut to one that comes before it: what lies between is skipped below.
    const start = Buffer.byteLength(from) > KEY_BYTES_MAX ? from.slice(0, KEY_BYTES_MAX / 4) : from
    for (const { key: name, value: row } of this.#tables.chosen.getRange({ start: start === '' ? CLIENT_FROM : start })) {
      const key = name as RegisterKey
      if (compareUtf8(key, from) < 0) continue
      if (!key.startsWith(prefix)) break
      while (next < laid.length && compareUtf8(laid[next] as string, key) < 0) yield [laid[next++] as RegisterKey, undefined]
      if (laid[next] === key) next += 1
      if (key !== after) yield [key, row]
    }
    while (next < laid.length) yield [laid[next++] as RegisterKey, undefined]
  }

  *chosen(): Iterable<ChosenSummary> {
    this.#assertGoing()
    const laid = this.#overlay.summaries()
    let last = 0
    let sum = 0
    let count = 0
    for (const { key: row, value: head } of this.#tables.heads.getRange({ start: 1 })) {
      last = row
      count += 1
      sum = (sum + numberingSum(head.key, row)) | 0
      if (isConfigKey(head.key)) continue
      this.#newestRows.settle(leafOf(head.key), row)
      if (laid.size > 0) laid.delete(head.key)
      yield head
    }
    if (!this.#rowsSeen) this.#checkNumbers(last, sum, count)
    this.#rowsSeen = true
    yield* laid.values()
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    this.#assertGoing()
    this.#seeRows()
    const entries = this.#overlay.leaf(leaf)
    const laid = new Set(entries.map(({ key }) => key))
    for (let row = this.#newestRows.newest(leaf); row !== 0;) {
      const { key, digest, before } = this.#head(row)
      if (before >= row) throw new DamagedStore(`row ${row} names one after it`)
      if (!laid.has(key)) entries.push({ key, digest })
      row = before
    }
    const wanted = after === undefined ? entries : entries.filter(({ key }) => compareUtf8(key, after) > 0)
    return wanted.sort((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  *inDoubt(): Iterable<RegisterKey> {
    this.#assertGoing()
    const laid = this.#overlay.doubts()
    for (const { key, value: row } of this.#tables.accepted.getRange({ start: ALL_FROM })) {
      readAcceptedRow(key as RegisterKey, row, this.#codec)
      if (laid.get(key as RegisterKey) === false) continue
      laid.delete(key as RegisterKey)
      yield key as RegisterKey
    }
    for (const [key, doubtful] of laid) if (doubtful) yield key
  }

  *diverged(): Iterable<Diverged> {
    this.#assertGoing()
    const laid = new Map(this.#divergences)
    for (const { key: name, value: row } of this.#tables.diverged.getRange({ start: ALL_FROM })) {
      const key = name as RegisterKey
      if (!laid.has(key)) yield { key, told: readDivergedRow(key, row, this.#codec) }
    }
    for (const [key, told] of laid) yield { key, told }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#underway
    this.#ended ??= new StorageFailed(`the store in ${this.#directory} is closed`)
    await this.#tables.root.close()
  }

  /**
   * A key damaged where its number is looked up would be found nowhere, as if nothing had ever been chosen for it. So all numbers
   * are checked at once, in the order they lie in, against the rows up to the last one that the sum was taken over. And where
   * nothing is being written, that must be as many rows as lmdb has noted, for a damaged page can hide those behind it.
   */
  #checkNumbers(last: number, sum: number, count: number): void {
    const noted = (this.#tables.rows.getStats() as { entryCount: number }).entryCount
    if (this.#underway === undefined && count !== noted)
      throw new DamagedStore(`the store in ${this.#directory} is damaged: ${count} of ${noted} rows are found`)
    let found = 0
    for (const { key, value: row } of this.#tables.chosen.getRange({ start: ALL_FROM })) {
      if (row <= last) found = (found + numberingSum(key, row)) | 0
    }
    if (found !== sum)
      throw new DamagedStore(`the store in ${this.#directory} is damaged: rows and the keys they are found by do not match`)
  }

  /** Shows a write to readers and gathers it for the disk, unless it is nothing new. */
  #take(write: Persist): void {
    if (write.kind === 'ceiling') {
      this.#ceiling = write.ceiling
    } else if (write.kind === 'diverged') {
      assertKey(write.key)
      this.#divergences.set(write.key, write.told)
    } else {
      assertKey(write.key)
      if (!changes(write, this.#chosenDigest(write.key))) return
      this.#overlay.add(write, this.#serial)
      this.#undecided.wrote(write)
      if (write.kind === 'chosen') this.#noteEpoch(write.key)
    }
    this.#gathered.push(write)
  }

  /** Carries out what is gathered, one transaction after another, until nothing is left or one fails. */
  async #work(): Promise<void> {
    while (this.#ended === undefined && this.#waiting.length > 0) {
      const writes = this.#gathered
      const waiting = this.#waiting
      const serial = this.#serial
      this.#gathered = []
      this.#waiting = []
      this.#serial += 1
      try {
        await commit(writes.flatMap((write) => this.#changes(write)))
        this.#held.assertThere()
      } catch (error) {
        const reason = this.#end(
          new StorageFailed(`the store in ${this.#directory} did not take a write: ${text(error)}`, { cause: error }),
        )
        for (const { reject } of waiting) reject(reason)
        break
      }
      // Only a snapshot taken from now on shows the writes; until then the overlay does.
      this.#tables.root.resetReadTxn()
      for (const { leaf, number } of this.#unsettled.splice(0)) this.#newestRows.settle(leaf, number)
      this.#overlay.settle(writes.filter((write) => write.kind !== 'configs-dropped').filter(isRegisterWrite), serial)
      for (const { resolve } of waiting) resolve()
    }
    this.#underway = undefined
  }

  /** Encodes a write. */
  #changes(write: Write): Change[] {
    const { chosen, rows, accepted, diverged, facts } = this.#tables
    switch (write.kind) {
      case 'ceiling': {
        const fact = factRow('ceiling', write.ceiling)
        return [() => facts.put('ceiling', fact)]
      }
      case 'configs-dropped':
        return [
          ...configs(chosen).flatMap(([key, row]) => [() => chosen.remove(key), () => rows.remove(row)]),
          ...configs(accepted).map(
            ([key]) =>
              () =>
                accepted.remove(key),
          ),
        ]
      case 'diverged': {
        const row = divergedRow(write.key, write.told, this.#codec)
        return [() => diverged.put(write.key, row)]
      }
      case 'accepted': {
        const row = acceptedRow(write.key, write.accepted, this.#codec)
        return [() => accepted.put(write.key, row)]
      }
      case 'accepted-dropped':
        return [() => accepted.remove(write.key)]
      case 'chosen': {
        const number = ++this.#lastRow
        const row = chosenRow(write.key, write.record, write.digest, this.#link(write.key, number), this.#codec)
        return [() => accepted.remove(write.key), () => appendRow(rows, number, row), () => chosen.put(write.key, number)]
      }
    }
  }

  /** Makes a row that is to be written the newest of its leaf. @returns the row before it; configs are in no leaf, and follow none */
  #link(key: RegisterKey, number: number): number {
    if (isConfigKey(key)) return 0
    this.#seeRows()
    const leaf = leafOf(key)
    this.#unsettled.push({ leaf, number })
    return this.#newestRows.number(leaf, number)
  }

  #seeRows(): void {
    if (!this.#rowsSeen) for (const _ of this.chosen());
  }

  #record(key: RegisterKey, row: number): ValueRecord {
    const bytes = this.#tables.rows.getBinary(row)
    if (bytes === undefined) throw new DamagedStore(`the row of ${JSON.stringify(key)} is missing`)
    return readChosenRow(key, bytes, this.#codec)
  }

  #head(row: number): ChosenHead {
    const head = this.#tables.heads.get(row)
    if (head === undefined) throw new DamagedStore(`row ${row} is missing`)
    return head
  }

  #chosenDigest(key: RegisterKey): Uint8Array | undefined {
    const overlaid = this.#overlay.get(key)
    if (overlaid !== undefined) return overlaid.digest
    if (this.#undecided.has(key)) return undefined
    const row = this.#tables.chosen.get(key)
    return row === undefined ? undefined : this.#head(row).digest
  }

  #laid(key: RegisterKey): ValueRecord {
    return this.#overlay.get(key)?.state?.chosen as ValueRecord
  }

  #noteEpoch(key: RegisterKey): void {
    if (isConfigKey(key)) this.#newestEpoch = Math.max(this.#newestEpoch, epochOfConfigKey(key))
  }

  #assertGoing(): void {
    if (this.#ended !== undefined) throw this.#ended
  }

  /** Ends the store for this reason, unless it has ended for another; whoever waits for a transaction not begun is told. */
  #end(reason: Error): Error {
    this.#ended ??= reason
    for (const { reject } of this.#waiting) reject(this.#ended)
    this.#waiting = []
    this.#gathered = []
    return this.#ended
  }
}

/** Every register of the space `config` in a table, with what is held of it. */
function configs<T>(table: Database<T, string>): (readonly [string, T])[] {
  return [...table.getRange({ start: ALL_FROM, end: CLIENT_FROM })].map(({ key, value }) => [key, value] as const)
}

function hasKeys(table: Database<unknown, string>): boolean {
  for (const _ of table.getKeys({ start: ALL_FROM, limit: 1 })) return true
  return false
}

function readFact(facts: Database<Uint8Array, string>, name: string): unknown {
  const row = facts.getBinary(name)
  return row === undefined ? undefined : readFactRow(name, row)
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
