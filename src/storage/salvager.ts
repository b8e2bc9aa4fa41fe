/**
 * Run as a process of its own: copies what is sound in a damaged store into another one, for as
 * long as reading goes well.
 *
 *     node salvager.ts DAMAGED TARGET forward|backward
 *
 * What is chosen is chosen for good, so each such record that is as it was written may be kept.
 * What was accepted and not chosen stays behind, and the ceiling with it: the target has another
 * incarnation, which never promised or accepted anything. Exit code 0: the end was reached.
 */
import { equalBytes } from '../../protocols/base/record.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { configKey, epochOfConfigKey, isConfigKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { DIGEST_NONE } from '../../protocols/config/chain.ts'
import { chosenWrite, divergedWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../bytes.ts'
import type { Storage } from '../ports/storage.ts'
import { endChild } from './child.ts'
import { isDamage } from './errors.ts'
import { openLmdbStorage } from './lmdb.ts'
import { readChosenHead, readChosenRow, readDivergedRow } from './rows.ts'
import { ALL_FROM, CLIENT_FROM, openEnvironment } from './environment.ts'
import type { Environment } from './environment.ts'
import { ROW_MAX } from './tables/registers.ts'

/**
 * Bytes of rows written in one transaction: what is lost of sound ones where reading ends the
 * process.
 */
const BATCH_BYTES = 65_536

const codec = new Codec(utf8)

class Salvage {
  readonly #tables: Environment
  readonly #target: Storage
  #gathered: Persist[] = []
  #gatheredBytes = 0
  /**
   * Configs by their register. They are written in order and without gaps, for the chain knows
   * none.
   */
  #configs = new Map<RegisterKey, ValueRecord>()

  constructor(tables: Environment, target: Storage) {
    this.#tables = tables
    this.#target = target
  }

  /**
   * What is found by its key, before the long way through all rows that may not come to its end.
   */
  async configs(): Promise<void> {
    for (const { value: row } of this.#tables.chosen.getRange({ start: ALL_FROM, end: CLIENT_FROM })) {
      const bytes = this.#tables.rows.getBinary(row)
      if (bytes !== undefined) this.#take(bytes)
    }
    await this.#writeConfigs()
  }

  async rows(isForward: boolean): Promise<void> {
    const range = isForward ? { start: 1 } : { start: ROW_MAX, end: 0, reverse: true }
    try {
      for (const { value: row } of this.#tables.rows.getRange(range)) {
        this.#take(row)
        if (this.#gatheredBytes >= BATCH_BYTES) await this.#write()
      }
    } finally {
      await this.#write()
      await this.#writeConfigs()
    }
  }

  async diverged(): Promise<void> {
    for (const { key, value: row } of this.#tables.diverged.getRange({ start: ALL_FROM })) {
      const told = sound(() => readDivergedRow(key as RegisterKey, row, codec))
      if (told !== undefined) this.#gathered.push(divergedWrite(key as RegisterKey, told))
    }
    await this.#write()
  }

  #take(row: Uint8Array): void {
    // The value is a view of memory that is used again, and it is written only later.
    const kept = Buffer.from(row)
    const head = sound(() => readChosenHead(kept))
    if (head === undefined || this.#target.registers.read(head.key)?.chosen !== undefined) return
    const record = sound(() => readChosenRow(head.key, kept, codec))
    if (record === undefined) return
    if (isConfigKey(head.key)) this.#configs.set(head.key, record)
    // A second sum, and a stronger one, over what nobody may doubt later.
    else if (equalBytes(codec.recordDigest(sha256, head.key, record), head.digest)) {
      this.#gathered.push(chosenWrite(head.key, record, head.digest))
      this.#gatheredBytes += kept.length
    }
  }

  async #writeConfigs(): Promise<void> {
    const writes: Persist[] = []
    const held = this.#target.registers.newestEpoch()
    // A network that began anew has no config 0.
    const least = Math.min(...[...this.#configs.keys()].map((key) => epochOfConfigKey(key)))
    for (let epoch = held < 0 ? least : held + 1; ; epoch += 1) {
      const record = this.#configs.get(configKey(epoch))
      if (record === undefined) break
      writes.push(chosenWrite(configKey(epoch), record, DIGEST_NONE))
    }
    await this.#target.write(writes)
  }

  async #write(): Promise<void> {
    const writes = this.#gathered
    this.#gathered = []
    this.#gatheredBytes = 0
    await this.#target.write(writes)
  }
}

/** Undefined when what is read is not as it was written. */
function sound<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

const [source, target, direction] = process.argv.slice(2) as [string, string, string]
const storage = await openLmdbStorage(target, codec)
const salvage = new Salvage(openEnvironment(source), storage)
if (direction === 'forward') {
  await salvage.configs()
  await salvage.diverged()
}
await salvage.rows(direction === 'forward')
await storage.close()
endChild(0, '')
