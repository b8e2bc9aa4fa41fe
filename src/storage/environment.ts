/**
 * The tables of the durable store, and the settings of lmdb that make "resolved" mean "on disk".
 *
 * `overlappingSync` is off: then a commit writes its pages, waits for fdatasync, and only then
 * writes the new root through a descriptor opened with O_DSYNC, to the older of two root pages. So
 * at each instant one whole root on disk points at whole pages, and a promise of a put resolves
 * after both syncs, which run on a thread of the pool. (With it on, a commit is seen before it is
 * synced, and what is found after a loss of power is worked out from the boot id of the machine.)
 *
 * Chosen records are numbered and only ever appended, which fills their pages; the numbers are
 * found by key. So a random key touches one page of a small table, and not one of the large.
 */
import { open } from 'lmdb'
import type { Database, DatabaseOptions, PutOptions, RootDatabase } from 'lmdb'
import { UTF8_KEYS } from '../utf8-keys.ts'
import { readChosenHead } from './rows.ts'
import type { ChosenHead } from './rows.ts'

/** Below every key, config registers included. */
export const ALL_FROM = '\u0000'
/** Below every client's key and above every config register. */
export const CLIENT_FROM = '\u0001'
/**
 * Address space to map at once, in bytes; no memory and no disk is taken by it. When the store
 * outgrows it lmdb maps twice as much beside it; starting large enough makes that rare. Small
 * enough for machines with 39 bits of addresses.
 */
const MAP_BYTES = 64 * 2 ** 30
const TABLES_MAX = 8
const NUMBER_BYTES = 4
const APPENDED: PutOptions = { append: true }

/** The databases of lmdb in one environment. */
export interface Environment {
  readonly root: RootDatabase<Uint8Array, string>
  /** The number of the row of a chosen key, of either space. */
  readonly chosen: Database<number, string>
  /** Rows of chosen records, by number, from 1. */
  readonly rows: Database<Uint8Array, number>
  /** The same table; only the heads of its rows are read. */
  readonly heads: Database<ChosenHead, number>
  /** Accepted and not chosen, of both spaces, by key. */
  readonly accepted: Database<Uint8Array, string>
  /** Second records that were told of chosen keys, by key. */
  readonly diverged: Database<Uint8Array, string>
  /** Rows of further types, by type and name. */
  readonly typed: Database<Uint8Array, string>
  /** The format, the incarnation, the ceiling. */
  readonly facts: Database<Uint8Array, string>
}

/** What lmdb takes beyond what it declares. */
interface TableOptions extends DatabaseOptions {
  readonly keyEncoder?: typeof UTF8_KEYS
  readonly encoder?: { encode(value: never): Uint8Array; decode(bytes: Uint8Array): unknown }
}

const NUMBERS = {
  encode(value: number): Buffer {
    const bytes = Buffer.allocUnsafe(NUMBER_BYTES)
    bytes.writeUInt32BE(value)
    return bytes
  },
  decode(bytes: Uint8Array): number {
    return Buffer.prototype.readUInt32BE.call(bytes, 0)
  },
}

/** Heads are read in place and never written. */
const HEADS = {
  encode(): never {
    throw new Error('heads are only read')
  },
  decode: readChosenHead,
}

const BY_KEY: TableOptions = { encoding: 'binary', keyEncoder: UTF8_KEYS }
const NUMBER_BY_KEY: TableOptions = { keyEncoder: UTF8_KEYS, encoder: NUMBERS }
const BY_NUMBER: TableOptions = { encoding: 'binary', keyEncoding: 'uint32' }
const HEAD_BY_NUMBER: TableOptions = { keyEncoding: 'uint32', encoder: HEADS }

/**
 * Opens the databases, and makes those that are missing. @throws Error of lmdb when the files are
 * not its own or not writable
 */
export function openEnvironment(directory: string): Environment {
  const root = open<Uint8Array, string>({
    ...BY_KEY,
    path: directory,
    noSubdir: false,
    mapSize: MAP_BYTES,
    maxDbs: TABLES_MAX,
    overlappingSync: false,
    cache: false,
  })
  return {
    root,
    chosen: root.openDB<number, string>('chosen', NUMBER_BY_KEY),
    rows: root.openDB<Uint8Array, number>('rows', BY_NUMBER),
    heads: root.openDB<ChosenHead, number>('rows', HEAD_BY_NUMBER),
    accepted: root.openDB<Uint8Array, string>('accepted', BY_KEY),
    diverged: root.openDB<Uint8Array, string>('diverged', BY_KEY),
    typed: root.openDB<Uint8Array, string>('typed', BY_KEY),
    facts: root.openDB<Uint8Array, string>('facts', BY_KEY),
  }
}

/**
 * Puts a row behind all others, so that pages are filled and not split in halves. Resolves to false
 * when it is not the last.
 */
export function appendRow(rows: Environment['rows'], number: number, row: Uint8Array): Promise<boolean> {
  // The declarations of lmdb know these options for the synchronous put only.
  return (rows as unknown as { put(number: number, row: Uint8Array, options: PutOptions): Promise<boolean> }).put(number, row, APPENDED)
}
