/**
 * Where a peer keeps what must survive. Adapters: `src/storage/`. Every adapter passes
 * `test/contract/storage.ts`.
 */
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { Incarnation } from '../../protocols/base/identity.ts'
import type { RegisterKey, Registers } from '../../protocols/base/register.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { Placed } from '../../protocols/base/persist.ts'
import type { Tables } from '../../protocols/base/rows.ts'

/** A chosen key with what the hash tree and the counters need of it. */
export interface ChosenSummary {
  readonly key: RegisterKey
  /** 16 bytes, as given with the persist. */
  readonly digest: Uint8Array
  /** Bytes of key and value. */
  readonly bytes: number
}

/**
 * A page of a listing ends with the record that brings its values to so many bytes, for a listing
 * holds whole records. With the largest value on top that is a bound for memory, and some
 * milliseconds of work for whoever reads a page in one go.
 */
export const PAGE_BYTES_MAX = 4_194_304

export interface Listed {
  readonly key: RegisterKey
  readonly record: ValueRecord
}

/** A page of a listing. */
export interface Listing {
  readonly entries: readonly Listed[]
  /** There are more behind the last entry. */
  readonly more: boolean
}

/** Some keys, counted in their order. */
export interface Count {
  readonly count: number
  /** Undefined where there is none. */
  readonly last: RegisterKey | undefined
  /** There are more behind the last. */
  readonly more: boolean
}

/** A key with two chosen records: what was told after the one that is held. */
export interface Diverged {
  readonly key: RegisterKey
  readonly told: ValueRecord
}

/** What a store knows of itself. */
export interface Facts {
  /** Drawn when the store was opened empty; the same at every later opening. */
  readonly incarnation: Incarnation
  /** The last ceiling written, or CEILING_NONE. */
  ceiling(): Ceiling
}

/** The registers of clients' keys and of configs, and what lists and repair need of them. */
export interface RegisterTable extends Registers {
  /** Bytes of a chosen value, found without reading it; 0 when none is chosen. */
  valueBytes(key: RegisterKey): number
  /**
   * Chosen client keys with the prefix, after the given key, in the order of their UTF-8 bytes:
   * `limit` at most, and fewer where their values come to PAGE_BYTES_MAX; one at least, if there is
   * one and the limit is not 0.
   */
  list(prefix: string, after: string, limit: number): Listing
  /** Counts those keys, `limit` of them at most, without their values. */
  count(prefix: string, after: string, limit: number): Count
  /** Every chosen client key, for rebuilding the tree at start. */
  chosen(): Iterable<ChosenSummary>
  /** Every key, of either space, that is accepted and not chosen. */
  inDoubt(): Iterable<RegisterKey>
  /**
   * Every key for which a second chosen record was told, and that record; the one held is read as
   * any other.
   */
  diverged(): Iterable<Diverged>
  /** The epoch of the newest chosen config, or -1. */
  newestEpoch(): number
}

/**
 * One table a type of data, and one order of writes over all of them. `rows` shows those of a
 * further type, of any name.
 */
export interface Storage extends Tables {
  readonly facts: Facts
  readonly registers: RegisterTable
  /**
   * Takes writes in order. Every table shows them from this call on; the promise resolves when all
   * of them, and all given earlier, are on disk. Writes of one call are one transaction. A
   * rejection is final for the process: what is on disk is then unknown, and no later call may
   * succeed.
   */
  write(writes: readonly Placed[]): Promise<void>
  /**
   * Lets go of every register of the space `config`, and takes writes, in one transaction: for a
   * peer that begins another network with the keys it holds. Nothing may be under way.
   */
  replaceConfigs(writes: readonly Placed[]): Promise<void>
  /** Waits for what was written, then lets go of the store. */
  close(): Promise<void>
}
