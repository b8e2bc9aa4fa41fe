/**
 * A store in Redis. Commands are texts of Lua, which one script runs; each batch is one run of it,
 * and Redis keeps all of a run or nothing. What commands wrote before they failed stays, the same at
 * every replica.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../../protocols/log/outcome.ts'
import { sha256 } from '../../bytes.ts'
import { NotAQuery, STORE_SLICES, StoreBehind, StoreMoved, StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import type { LogStore, StoreAnswer, StoreBackup, StoreBatch, StoreClaim, StorePosition } from '../../ports/log-store.ts'
import type { ServerStoreInit } from '../drivers.ts'
import { framed, framesIn, inFile } from '../frames.ts'
import { checkOrder } from '../heads.ts'
import { DIGEST_BYTES } from '../kv-rows.ts'
import { dumpOf, isOwnKey, keysOf, restoreInto } from './backup.ts'
import { Durable, readSettings } from './durability.ts'
import type { RedisSettings } from './durability.ts'
import { claimedFields, claimFields, emptyFields, headOf, membersIn, membersText } from './head.ts'
import type { Fields, RedisHead } from './head.ts'
import { RedisStoreLink } from './link.ts'
import type { Argument } from './link.ts'
import { jsonIn, outcomeIn } from './results.ts'
import { APPLY, BEGIN, CLAIM, CONTENT, FILLED, HEAD_KEY, QUERY } from './scripts.ts'

/** Keys whose content is hashed in one script. */
const HASHED_TOGETHER = 500
const FILLING: Fields = { filling: '1' }

/**
 * Opens the store for a log, and claims it for one replica.
 *
 * @throws StoreRefused, StoreUnavailable
 */
export async function openRedisStore(init: ServerStoreInit, claim: StoreClaim): Promise<LogStore> {
  const link = new RedisStoreLink(init.url, init.password)
  try {
    const settings = await readSettings(link)
    const found = await claimed(link, claim)
    const kept = claimedFields(found, claim)
    const fields = kept ?? emptyFields(claim)
    if (kept === undefined) await link.run(BEGIN, listed(fields))
    else if (kept !== found) await link.command('HSET', HEAD_KEY, ...listed(kept))
    return new RedisStore(link, claim, init.scratchPath, settings, headOf(fields))
  } catch (error) {
    await link.close()
    throw error
  }
}

/** The head, which is written where nothing is. @throws StoreRefused for what is there beside it */
async function claimed(link: RedisStoreLink, claim: StoreClaim): Promise<Fields> {
  const told = (await link.run(CLAIM, listed(emptyFields(claim)))) as Buffer[]
  if (told.length === 2) throw new StoreRefused('store-not-empty', `it holds ${String(told[1])}, and no position`)
  return Object.fromEntries(pairsOf(told.map(String)))
}

class RedisStore implements LogStore {
  readonly warnings: readonly string[]
  readonly #link: RedisStoreLink
  readonly #claim: StoreClaim
  readonly #scratchPath: string
  #durable: Durable
  readonly #settings: RedisSettings
  #head: RedisHead
  #isClosed = false
  #isFilling = false
  /** One piece of work at a time, but for queries. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(link: RedisStoreLink, claim: StoreClaim, scratchPath: string, settings: RedisSettings, head: RedisHead) {
    this.#link = link
    this.#claim = claim
    this.#scratchPath = scratchPath
    this.#settings = settings
    this.#head = head
    this.warnings = settings.warnings
    this.#durable = new Durable(link, settings.durability, head.position.index)
  }

  get at(): StorePosition {
    return { ...this.#head, durableIndex: this.#durable.index }
  }

  apply({ entries, verdicts }: StoreBatch): Promise<readonly StoreOutcome[]> {
    return this.#alone(async () => {
      this.#checkWhole()
      checkOrder(this.#head.position.index, entries)
      const values = entries.flatMap((entry) => argumentsOf(entry, verdicts.get(entry.index)))
      const [kind, ...told] = (await this.#link.run(APPLY, [...this.#owner, ...values])) as [Buffer, ...Buffer[]]
      if (kind.toString() !== 'done') throw this.#refused(kind, told)
      const [index, term, atMs, digest, members, ...outcomes] = told
      this.#head = {
        position: { term: Number(term), index: Number(index) },
        atMs: Number(atMs),
        outcomeDigest: String(digest),
        members: membersIn(String(members)),
      }
      this.#durable.applied(Number(index))
      return outcomes.map(outcomeIn)
    })
  }

  async query(query: Uint8Array, indexMin: number): Promise<StoreAnswer> {
    this.#checkWhole()
    const values = [...this.#owner, String(indexMin), Buffer.from(query)]
    const [kind, ...told] = (await this.#link.run(QUERY, values, 'EVALSHA_RO')) as [Buffer, ...Buffer[]]
    switch (kind.toString()) {
      case 'done':
        return { position: { index: Number(told[0]), term: Number(told[1]) }, result: jsonIn(told[2] as Buffer) }
      case 'behind':
        throw new StoreBehind(`it is at ${String(told[0])}, and ${indexMin} is asked for`)
      case 'refused':
        throw new NotAQuery(`${String(told[0])}, ${String(told[1])}`)
      default:
        throw this.#refused(kind, told)
    }
  }

  backup(signal: AbortSignal): Promise<StoreBackup> {
    return this.#alone(async () => {
      this.#checkWhole()
      const head = pairsOf(((await this.#link.command('HGETALL', HEAD_KEY)) as Buffer[]).map(String))
      const stream = await inFile(this.#scratchPath, framed(dumpOf(this.#link, Object.fromEntries(head), signal)))
      return { position: this.#head.position, stream }
    })
  }

  restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition> {
    return this.#alone(async () => {
      this.#checkOpen()
      this.#isFilling = true
      await this.#link.run(BEGIN, listed({ ...emptyFields(this.#claim), ...FILLING }))
      const fields = await this.#restored(stream)
      const { logId, generation } = claimFields(this.#claim)
      if (fields === undefined || fields['logId'] !== logId || fields['generation'] !== generation)
        throw new StoreUnavailable('backup-of-another-log')
      // The position comes last, with the end of the mark.
      await this.#link.run(FILLED, listed({ ...fields, ...claimFields(this.#claim) }))
      this.#head = headOf(fields)
      this.#durable = new Durable(this.#link, this.#settings.durability, this.#head.position.index)
      this.#isFilling = false
      return this.at
    })
  }

  digest(slice: number): Promise<string> {
    return this.#alone(async () => {
      this.#checkWhole()
      const keys = new Map<string, Buffer>()
      for await (const some of keysOf(this.#link)) {
        for (const key of some)
          if (!isOwnKey(key) && (sha256(key)[0] as number) % STORE_SLICES === slice) keys.set(key.toString('hex'), key)
      }
      const names = [...keys].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
      const parts: Uint8Array[] = []
      for (let at = 0; at < names.length; at += HASHED_TOGETHER) {
        const some = names.slice(at, at + HASHED_TOGETHER)
        const hashes = (await this.#link.run(CONTENT, some, 'EVALSHA_RO')) as Buffer[]
        for (const [place, hash] of hashes.entries()) parts.push(sha256(some[place] as Buffer), hash)
      }
      return Buffer.from(sha256(Buffer.concat(parts))).toString('hex')
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#link.close()
  }

  get #owner(): readonly string[] {
    const { logId = '', generation = '', owner = '' } = claimFields(this.#claim)
    return [logId, generation, owner]
  }

  #refused(kind: Buffer, [word = Buffer.alloc(0)]: readonly Buffer[]): Error {
    if (kind.toString() === 'fault') return new StoreUnavailable(word.toString().toLowerCase())
    // It is another store than was opened, or an earlier state of it.
    return new StoreMoved(kind.toString() === 'behind' ? 'store-went-back' : 'store-lost')
  }

  async #restored(stream: AsyncIterable<Uint8Array>): Promise<Fields | undefined> {
    try {
      return await restoreInto(this.#link, framesIn(stream))
    } catch (error) {
      throw error instanceof StoreUnavailable ? error : new StoreUnavailable('backup-damaged', { cause: error })
    }
  }

  #alone<Value>(run: () => Promise<Value>): Promise<Value> {
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

/** As many as `ENTRY_ARGUMENTS`. */
function argumentsOf({ index, term, atMs, body }: Entry, verdict = ''): readonly Argument[] {
  const place = [String(index), String(term), String(atMs), body.kind]
  if (body.kind === 'members') return [...place, '', '0', '', membersText(body.members), '']
  if (body.kind !== 'command') return [...place, '', '0', '', '', '']
  const hash = Buffer.from(sha256(body.command).subarray(0, DIGEST_BYTES)).toString('hex')
  return [...place, body.submitId, String(body.since), hash, Buffer.from(body.command), verdict]
}

function listed(fields: Fields): readonly string[] {
  return Object.entries(fields).flat()
}

function pairsOf(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, pair) => [list[2 * pair] as string, list[2 * pair + 1] as string])
}
