/**
 * The durable store. One transaction is under way at a time; writes given meanwhile are gathered
 * and make the next one, so that what is on disk is always a prefix of what was given, and one sync
 * serves all that wait for it.
 *
 * What is read is the disk's own memory map, with the writes under way laid over it. A failed write
 * ends the store: nothing is tried again, for after a failed sync nobody knows what the disk holds.
 */
import { statfsSync } from 'node:fs'
import { assert } from '../../protocols/base/assert.ts'
import type { AnyWrite, Placed } from '../../protocols/base/persist.ts'
import type { Rows } from '../../protocols/base/rows.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Storage } from '../ports/storage.ts'
import { commit } from '../commit.ts'
import { openEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import { DamagedStore, StorageFailed, isDamage } from './errors.ts'
import { checkHeader } from './header.ts'
import { HeldFiles, dataFileOf } from './held-files.ts'
import { checkFormat } from './format.ts'
import { LmdbFacts } from './tables/facts.ts'
import { CONFIGS_DROPPED, LmdbRegisters } from './tables/registers.ts'
import type { Table, TableInit } from './tables/table.ts'
import { LmdbTypedRows } from './tables/typed.ts'

/** Less than a page or two: no transaction fits. */
const FULL_BYTES = 65_536

interface Waiting {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * Opens the store in a directory, and makes it when there is none; a new one is on disk, with its
 * incarnation, before this resolves. The caller sees to it that nobody else has it open.
 *
 * @param directory an existing directory that holds nothing but the store
 * @throws UnknownFormat when it was written by a version that this one does not know
 * @throws DamagedStore when it is not what was written, or no store at all
 */
export async function openLmdbStorage(directory: string, codec: Codec): Promise<Storage> {
  await checkHeader(directory)
  let environment: Environment
  try {
    environment = openEnvironment(directory)
  } catch (error) {
    if (isDamage(error)) throw new DamagedStore(`cannot open the store in ${directory}: ${text(error)}`, { cause: error })
    throw new Error(`cannot open the store in ${directory}: ${text(error)}`, { cause: error })
  }
  try {
    await checkFormat(environment, directory)
    return new LmdbStorage(environment, directory, codec)
  } catch (error) {
    await environment.root.close()
    throw error
  }
}

class LmdbStorage implements Storage {
  readonly facts: LmdbFacts
  readonly registers: LmdbRegisters
  readonly #typed: LmdbTypedRows
  readonly #environment: Environment
  readonly #directory: string
  readonly #held: HeldFiles
  readonly #tables: readonly Table[]
  /** By the type of a slot. */
  readonly #byType = new Map<string, Table>()
  /** Given, and part of the next transaction. */
  #gathered: Placed[] = []
  #waiting: Waiting[] = []
  /** The transaction under way; it never rejects. */
  #underway: Promise<void> | undefined
  #serial = 0
  #closing: Promise<void> | undefined
  /** Why nothing can be done any more: closed, or failed. */
  #ended: Error | undefined

  constructor(environment: Environment, directory: string, codec: Codec) {
    this.#environment = environment
    this.#directory = directory
    this.#held = new HeldFiles([dataFileOf(directory)])
    const init: TableInit = {
      environment,
      directory,
      assertGoing: () => this.#assertGoing(),
      isWriting: () => this.#underway !== undefined,
    }
    this.facts = new LmdbFacts(init)
    this.registers = new LmdbRegisters(init, codec)
    this.#typed = new LmdbTypedRows(init)
    this.#tables = [this.facts, this.registers, this.#typed]
    for (const table of this.#tables) for (const type of table.types) this.#byType.set(type, table)
  }

  rows(type: string): Rows {
    return this.#typed.rows(type)
  }

  write(writes: readonly Placed[]): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    try {
      for (const write of writes) if (this.#tableOf(write).take(write, this.#serial)) this.#gathered.push(write)
    } catch (error) {
      return Promise.reject(this.#end(error as Error))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#underway ??= this.#work()
    })
  }

  replaceConfigs(writes: readonly Placed[]): Promise<void> {
    assert(this.#underway === undefined, 'configs are replaced while a transaction is under way')
    return this.write([CONFIGS_DROPPED, ...writes])
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#underway
    this.#ended ??= new StorageFailed(`the store in ${this.#directory} is closed`)
    await this.#environment.root.close()
  }

  /**
   * Carries out what is gathered, one transaction after another, until nothing is left or one
   * fails.
   */
  async #work(): Promise<void> {
    while (this.#ended === undefined && this.#waiting.length > 0) {
      const writes = this.#gathered
      const waiting = this.#waiting
      const serial = this.#serial
      this.#gathered = []
      this.#waiting = []
      this.#serial += 1
      try {
        await commit(writes.flatMap((write) => this.#tableOf(write).changes(write)))
        this.#held.assertThere()
      } catch (error) {
        const reason = this.#end(
          new StorageFailed(`the store in ${this.#directory} did not take a write: ${whyNot(this.#directory, error)}`, { cause: error }),
        )
        for (const { reject } of waiting) reject(reason)
        break
      }
      // Only a snapshot taken from now on shows the writes; until then each table shows what was
      // laid over it.
      this.#environment.root.resetReadTxn()
      const byTable = Map.groupBy(writes, (write) => this.#tableOf(write))
      for (const table of this.#tables) table.settled(byTable.get(table) ?? [], serial)
      for (const { resolve } of waiting) resolve()
    }
    this.#underway = undefined
  }

  #tableOf(write: Placed): Table {
    const { slot } = write
    const table = (write as AnyWrite).kind === 'typed' ? this.#typed : this.#byType.get(slot.type)
    if (table === undefined) assert(false, `no table for a write of type ${slot.type}`)
    return table
  }

  #assertGoing(): void {
    if (this.#ended !== undefined) throw this.#ended
  }

  /**
   * Ends the store for this reason, unless it has ended for another; whoever waits for a
   * transaction not begun is told.
   */
  #end(reason: Error): Error {
    this.#ended ??= reason
    for (const { reject } of this.#waiting) reject(this.#ended)
    this.#waiting = []
    this.#gathered = []
    return this.#ended
  }
}

/**
 * What the system says of a full disk differs by how it was met: as no space, or as a fault of
 * input and output.
 */
function whyNot(directory: string, error: unknown): string {
  const free = freeBytesOf(directory)
  if (free === undefined || free >= FULL_BYTES) return text(error)
  return `no space is left on its disk (${free} bytes are free); make room, and start this peer again`
}

function freeBytesOf(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
