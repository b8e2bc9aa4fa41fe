/**
 * A store in a server of SQL: one database, or one schema of it. One session applies, and others read
 * beside it.
 */
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { StoreUnavailable } from '../../ports/log-store.ts'
import type { LogStore, StoreAnswer, StoreBackup, StoreBatch, StoreClaim, StorePosition } from '../../ports/log-store.ts'
import { framed, framesIn, inFile } from '../frames.ts'
import { checkOrder } from '../heads.ts'
import { ServerApplying } from './server-applying.ts'
import { ServerAsking } from './server-asking.ts'
import type { SqlServer } from './server.ts'

/**
 * Opens the store for a log, and claims it for one replica.
 *
 * @param scratchPath where a backup is written before it is read; it does not stay there
 * @throws StoreRefused, StoreUnavailable
 */
export async function openServerStore(server: SqlServer, scratchPath: string, claim: StoreClaim): Promise<LogStore> {
  const applying = new ServerApplying(server, claim)
  await applying.open()
  return new ServerStore(server, applying, scratchPath)
}

class ServerStore implements LogStore {
  readonly #applying: ServerApplying
  readonly #asking: ServerAsking
  readonly #scratchPath: string
  #isClosed = false
  #isFilling = false
  /** One piece of work at a time, but for what reads. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(server: SqlServer, applying: ServerApplying, scratchPath: string) {
    this.#applying = applying
    this.#asking = new ServerAsking(server)
    this.#scratchPath = scratchPath
  }

  get at(): StorePosition {
    const { position, members, atMs, outcomeDigest, recordHash } = this.#applying.head
    // A server that answers a commit before it is durable is refused as it is opened.
    return { position, members, atMs, durableIndex: position.index, outcomeDigest: Buffer.from(outcomeDigest).toString('hex'), recordHash }
  }

  get warnings(): readonly string[] {
    return this.#applying.warnings
  }

  apply(batch: StoreBatch): Promise<readonly StoreOutcome[]> {
    return this.#alone(() => {
      this.#checkWhole()
      checkOrder(this.at.position.index, batch.entries)
      return this.#applying.apply(batch)
    })
  }

  async query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    this.#checkWhole()
    return this.#asking.query(query, indexMin)
  }

  async backup(signal: AbortSignal): Promise<StoreBackup> {
    const { position, frames } = await this.#alone(() => {
      this.#checkWhole()
      return this.#asking.dump(signal)
    })
    return { position, stream: await inFile(this.#scratchPath, framed(frames)) }
  }

  restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition> {
    return this.#alone(async () => {
      this.#checkOpen()
      this.#isFilling = true
      await this.#applying.replace(framesIn(stream))
      this.#isFilling = false
      return this.at
    })
  }

  digest(slice: number): Promise<string> {
    return this.#alone(() => {
      this.#checkWhole()
      return this.#asking.digest(slice)
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#applying.close()
    await this.#asking.close()
  }

  async #alone<Value>(run: () => Value | Promise<Value>): Promise<Value> {
    const work = this.#work.then(run)
    this.#work = work.catch(() => {})
    return work
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
