/**
 * The registers of clients' keys and of configs on disk, with the writes under way laid over them.
 * A chosen record has a numbered row, found by its key; what is accepted and not chosen lies apart.
 */
import type { Database } from 'lmdb'
import { compareUtf8 } from '../../../protocols/base/bytes.ts'
import { leafOf } from '../../../protocols/base/hash-tree.ts'
import { KEY_BYTES_MAX } from '../../../protocols/base/limits.ts'
import type { Persist, Placed } from '../../../protocols/base/persist.ts'
import type { ValueRecord } from '../../../protocols/base/record.ts'
import { epochOfConfigKey, isConfigKey, isHiddenKey } from '../../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState } from '../../../protocols/base/register.ts'
import type { Codec } from '../../../protocols/wire/codec.ts'
import type { ChosenSummary, Count, Diverged, Listing, RegisterTable } from '../../ports/storage.ts'
import type { RowChange } from '../../commit.ts'
import { ALL_FROM, appendRow, CLIENT_FROM } from '../environment.ts'
import type { Environment } from '../environment.ts'
import { DamagedStore } from '../errors.ts'
import { NewestRows } from '../newest-rows.ts'
import { UnsyncedWrites } from '../unsynced-writes.ts'
import { Page } from '../page.ts'
import { acceptedRow, chosenRow, divergedRow, numberingSum, readAcceptedRow, readChosenRow, readDivergedRow } from '../rows.ts'
import type { ChosenHead } from '../rows.ts'
import { assertKey, changes, isRegisterWrite } from '../rules.ts'
import { Undecided } from '../undecided.ts'
import type { Table, TableInit } from './table.ts'

/** Above the number of every row. */
export const ROW_MAX = 0xffff_ffff

/** Lets go of every config, chosen or in doubt: said by the store alone. */
type ConfigsDropped = Placed & { readonly kind: 'configs-dropped' }
type Write = Exclude<Persist, { kind: 'ceiling' }> | ConfigsDropped

export const CONFIGS_DROPPED: ConfigsDropped = {
  kind: 'configs-dropped',
  slot: { type: 'configs', name: '' },
  isBarrier: true,
  isLazy: false,
}

export class LmdbRegisters implements RegisterTable, Table {
  readonly types: readonly string[] = ['keys', 'configs']
  readonly #init: TableInit
  readonly #environment: Environment
  readonly #codec: Codec
  #newestEpoch = -1
  #unsynced = new UnsyncedWrites()
  #undecided = new Undecided()
  /** Second records told since the store was opened. They are few: each is an alarm. */
  #divergences = new Map<RegisterKey, ValueRecord>()
  #newestRows = new NewestRows()
  /**
   * True once the newest row of each leaf is known, which the first whole look at all rows sees to.
   */
  #rowsSeen = false
  /** The number of the newest row. */
  #lastRow: number
  /** Rows of the transaction under way. */
  #unsettled: { readonly leaf: number; readonly number: number }[] = []

  constructor(init: TableInit, codec: Codec) {
    this.#init = init
    this.#environment = init.environment
    this.#codec = codec
    const { rows, chosen } = init.environment
    this.#lastRow = [...rows.getKeys({ start: ROW_MAX, end: 0, reverse: true, limit: 1 })][0] ?? 0
    for (const key of chosen.getKeys({ start: ALL_FROM, end: CLIENT_FROM })) this.#noteEpoch(key as RegisterKey)
  }

  newestEpoch(): number {
    this.#init.assertGoing()
    return this.#newestEpoch
  }

  read(key: RegisterKey): RegisterState | undefined {
    this.#init.assertGoing()
    const overlaid = this.#unsynced.get(key)
    if (overlaid !== undefined) return overlaid.state
    if (this.#undecided.has(key)) return this.#undecided.get(key)
    const row = this.#environment.chosen.get(key)
    if (row !== undefined) return { chosen: this.#record(key, row) }
    const accepted = this.#environment.accepted.getBinary(key)
    if (accepted !== undefined) return { accepted: readAcceptedRow(key, accepted, this.#codec) }
    this.#undecided.absent(key)
    return undefined
  }

  valueBytes(key: RegisterKey): number {
    this.#init.assertGoing()
    const unsynced = this.#unsynced.get(key)
    if (unsynced !== undefined) return unsynced.state?.chosen?.value.length ?? 0
    const row = this.#undecided.has(key) ? undefined : this.#environment.chosen.get(key)
    return row === undefined ? 0 : this.#head(row).bytes - Buffer.byteLength(key)
  }

  list(prefix: string, after: string, limit: number): Listing {
    this.#init.assertGoing()
    const page = new Page(limit)
    for (const [key, row] of this.#keysAfter(prefix, after)) {
      if (isHiddenKey(key)) continue
      if (page.isFull) return page.listing(true)
      page.add(key, row === undefined ? this.#laid(key) : this.#record(key, row))
    }
    return page.listing(false)
  }

  count(prefix: string, after: string, limit: number): Count {
    this.#init.assertGoing()
    let count = 0
    let last: RegisterKey | undefined
    for (const [key] of this.#keysAfter(prefix, after)) {
      if (isHiddenKey(key)) continue
      if (count === limit) return { count, last, more: true }
      count += 1
      last = key
    }
    return { count, last, more: false }
  }

  /**
   * Chosen client keys in order, each with the number of its row; undefined where it is not on disk
   * yet.
   */
  *#keysAfter(prefix: string, after: string): Iterable<readonly [RegisterKey, number | undefined]> {
    const from = compareUtf8(after, prefix) < 0 ? prefix : after
    const laid = this.#unsynced.chosenKeys((key) => key.startsWith(prefix) && compareUtf8(key, after) > 0)
    let next = 0
    // A text longer than any key is cut to one that comes before it: what lies between is skipped
    // below.
    const start = Buffer.byteLength(from) > KEY_BYTES_MAX ? from.slice(0, KEY_BYTES_MAX / 4) : from
    for (const { key: name, value: row } of this.#environment.chosen.getRange({ start: start === '' ? CLIENT_FROM : start })) {
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
    this.#init.assertGoing()
    const laid = this.#unsynced.summaries()
    let last = 0
    let sum = 0
    let count = 0
    for (const { key: row, value: head } of this.#environment.heads.getRange({ start: 1 })) {
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
    this.#init.assertGoing()
    this.#seeRows()
    const entries = this.#unsynced.leaf(leaf)
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
    this.#init.assertGoing()
    const laid = this.#unsynced.doubts()
    for (const { key, value: row } of this.#environment.accepted.getRange({ start: ALL_FROM })) {
      readAcceptedRow(key as RegisterKey, row, this.#codec)
      if (laid.get(key as RegisterKey) === false) continue
      laid.delete(key as RegisterKey)
      yield key as RegisterKey
    }
    for (const [key, doubtful] of laid) if (doubtful) yield key
  }

  *diverged(): Iterable<Diverged> {
    this.#init.assertGoing()
    const laid = new Map(this.#divergences)
    for (const { key: name, value: row } of this.#environment.diverged.getRange({ start: ALL_FROM })) {
      const key = name as RegisterKey
      if (!laid.has(key)) yield { key, told: readDivergedRow(key, row, this.#codec) }
    }
    for (const [key, told] of laid) yield { key, told }
  }

  take(write: Write, serial: number): boolean {
    if (write.kind === 'configs-dropped') {
      this.#undecided = new Undecided()
      return true
    }
    assertKey(write.key)
    if (write.kind === 'diverged') {
      this.#divergences.set(write.key, write.told)
      return true
    }
    if (!changes(write, this.#chosenDigest(write.key))) return false
    this.#unsynced.add(write, serial)
    this.#undecided.wrote(write)
    if (write.kind === 'chosen') this.#noteEpoch(write.key)
    return true
  }

  changes(write: Write): readonly RowChange[] {
    const { chosen, rows, accepted, diverged } = this.#environment
    switch (write.kind) {
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

  settled(writes: readonly Write[], serial: number): void {
    for (const { leaf, number } of this.#unsettled.splice(0)) this.#newestRows.settle(leaf, number)
    this.#unsynced.settle(writes.filter((write) => write.kind !== 'configs-dropped').filter(isRegisterWrite), serial)
  }

  /**
   * A key damaged where its number is looked up would be found nowhere, as if nothing had ever been
   * chosen for it. So all numbers are checked at once, in the order they lie in, against the rows
   * up to the last one that the sum was taken over. And where nothing is being written, that must
   * be as many rows as lmdb has noted, for a damaged page can hide those behind it.
   */
  #checkNumbers(last: number, sum: number, count: number): void {
    const noted = (this.#environment.rows.getStats() as { entryCount: number }).entryCount
    if (!this.#init.isWriting() && count !== noted)
      throw new DamagedStore(`the store in ${this.#init.directory} is damaged: ${count} of ${noted} rows are found`)
    let found = 0
    for (const { key, value: row } of this.#environment.chosen.getRange({ start: ALL_FROM })) {
      if (row <= last) found = (found + numberingSum(key, row)) | 0
    }
    if (found !== sum)
      throw new DamagedStore(`the store in ${this.#init.directory} is damaged: rows and the keys they are found by do not match`)
  }

  /**
   * Makes a row that is to be written the newest of its leaf. @returns the row before it; configs
   * are in no leaf, and follow none
   */
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
    const bytes = this.#environment.rows.getBinary(row)
    if (bytes === undefined) throw new DamagedStore(`the row of ${JSON.stringify(key)} is missing`)
    return readChosenRow(key, bytes, this.#codec)
  }

  #head(row: number): ChosenHead {
    const head = this.#environment.heads.get(row)
    if (head === undefined) throw new DamagedStore(`row ${row} is missing`)
    return head
  }

  #chosenDigest(key: RegisterKey): Uint8Array | undefined {
    const overlaid = this.#unsynced.get(key)
    if (overlaid !== undefined) return overlaid.digest
    if (this.#undecided.has(key)) return undefined
    const row = this.#environment.chosen.get(key)
    return row === undefined ? undefined : this.#head(row).digest
  }

  #laid(key: RegisterKey): ValueRecord {
    return this.#unsynced.get(key)?.state?.chosen as ValueRecord
  }

  #noteEpoch(key: RegisterKey): void {
    if (isConfigKey(key)) this.#newestEpoch = Math.max(this.#newestEpoch, epochOfConfigKey(key))
  }
}

/** Every register of the space `config` in a table, with what is held of it. */
function configs<T>(table: Database<T, string>): (readonly [string, T])[] {
  return [...table.getRange({ start: ALL_FROM, end: CLIENT_FROM })].map(({ key, value }) => [key, value] as const)
}
