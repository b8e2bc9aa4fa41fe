/**
 * A store in SQLite: a file of its own, in write-ahead mode with a sync a batch. One thread applies,
 * another reads beside it. What Node brings is all it needs.
 */
import { createReadStream, mkdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { StoreUnavailable } from '../../ports/log-store.ts'
import type { LogStore, StoreAnswer, StoreBackup, StoreBatch, StoreClaim, StorePosition } from '../../ports/log-store.ts'
import { framed, framesIn } from '../frames.ts'
import { checkOrder } from '../heads.ts'
import type { Head } from '../kv-rows.ts'
import type { SqliteApplying } from './applying.ts'
import type { SqliteAsking } from './asking.ts'
import { SqliteThread } from './thread.ts'

/** A query that takes longer is given up, in milliseconds. */
const QUERY_MS_MAX = 10_000
/** Its owner alone. */
const PRIVATE_FOLDER = 0o700
const PRIVATE = 0o600

/**
 * Opens the store for a log, and claims it for one replica.
 *
 * @param path of its file, which is made when it is not there
 * @throws StoreRefused, StoreUnavailable
 */
export async function openSqliteStore(path: string, claim: StoreClaim, queryMsMax: number = QUERY_MS_MAX): Promise<LogStore> {
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER })
  const applying = new SqliteThread<SqliteApplying>({ path, claim })
  try {
    return new SqliteStore(path, queryMsMax, applying, await applying.ask('open'))
  } catch (error) {
    await applying.end()
    throw error
  }
}

class SqliteStore implements LogStore {
  readonly warnings: readonly string[] = []
  readonly #path: string
  readonly #queryMsMax: number
  readonly #applying: SqliteThread<SqliteApplying>
  #asking: SqliteThread<SqliteAsking> | undefined
  #head: Head
  #isClosed = false
  #isFilling = false

  constructor(path: string, queryMsMax: number, applying: SqliteThread<SqliteApplying>, head: Head) {
    this.#path = path
    this.#queryMsMax = queryMsMax
    this.#applying = applying
    this.#head = head
  }

  get at(): StorePosition {
    const { position, members, atMs, outcomeDigest, recordHash } = this.#head
    return { position, members, atMs, durableIndex: position.index, outcomeDigest: Buffer.from(outcomeDigest).toString('hex'), recordHash }
  }

  async apply(batch: StoreBatch): Promise<readonly StoreOutcome[]> {
    this.#checkWhole()
    checkOrder(this.#head.position.index, batch.entries)
    const { head, outcomes } = await this.#applying.ask('apply', batch)
    this.#head = head
    return outcomes
  }

  async query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    this.#checkWhole()
    const asking = this.#reader()
    const timer = setTimeout(() => void asking.end(), this.#queryMsMax)
    try {
      return await asking.ask('query', query, indexMin)
    } finally {
      clearTimeout(timer)
    }
  }

  async backup(): Promise<StoreBackup> {
    this.#checkWhole()
    const path = `${this.#path}.outgoing`
    rmSync(path, { force: true })
    const position = await this.#reader().ask('backup', path)
    const file = await open(path, 'r')
    rmSync(path)
    return { position, stream: framed(createReadStream('', { fd: file, start: 0 })) }
  }

  async restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition> {
    this.#checkOpen()
    this.#isFilling = true
    const incoming = `${this.#path}.incoming`
    for (const ending of ['', '-wal', '-shm']) rmSync(incoming + ending, { force: true })
    try {
      await written(incoming, stream)
    } catch (error) {
      throw new StoreUnavailable('backup-damaged', { cause: error })
    }
    await this.#asking?.end()
    this.#head = await this.#applying.ask('replace', incoming)
    this.#isFilling = false
    return this.at
  }

  async digest(slice: number): Promise<string> {
    this.#checkWhole()
    return this.#reader().ask('digest', slice)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#asking?.end()
    await this.#applying.ask('close').catch(() => {})
    await this.#applying.end()
  }

  #reader(): SqliteThread<SqliteAsking> {
    if (this.#asking === undefined || this.#asking.isEnded) this.#asking = new SqliteThread({ path: this.#path, claim: undefined })
    return this.#asking
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreUnavailable('closed')
  }

  /** What a backup left half is neither applied upon nor shown. */
  #checkWhole(): void {
    this.#checkOpen()
    if (this.#isFilling) throw new StoreUnavailable('filling')
  }
}

/** The whole of a backup, on disk. */
async function written(path: string, stream: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w', PRIVATE)
  try {
    for await (const frame of framesIn(stream)) await file.writeFile(frame)
    await file.sync()
  } finally {
    await file.close()
  }
}
