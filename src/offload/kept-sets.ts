/**
 * Writes sets into a Redis, and reads them back: all of a write in one transaction, and only a
 * whole and sound set is read.
 */
import { NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Cut, Entry } from '../../protocols/sets/requests.ts'
import { isElement } from '../transit/documents.ts'
import { keysOf, NETWORKS_KEY, namesKey, readKept, writeKept } from './layout.ts'
import type { Kept, SetKeys } from './layout.ts'
import type { Command, RedisLink } from './redis-link.ts'

/** Elements of one command. */
const ELEMENTS_A_COMMAND = 1_000
/** Elements that are read at a time. */
const PAGE_ELEMENTS = 10_000
/** Others may write meanwhile; after so many tries they write too often for now. */
const TRIES_MAX = 5
/** KEYS: the hash and both sorted sets. */
const COUNT_SCRIPT = "return redis.call('HSET', KEYS[1], 'added', redis.call('ZCARD', KEYS[2]), 'removed', redis.call('ZCARD', KEYS[3]))"

/** What is to be written of a set. */
export interface Content {
  readonly entries: Iterable<Entry>
  readonly cut: Cut
}

/** What stands in Redis, and whether it agrees with itself. */
export interface Standing {
  /** Undefined when nothing was written yet, or what was is not ours. */
  readonly kept: Kept | undefined
  readonly added: number
  readonly removed: number
  /** Why nothing may be read from it; undefined when it is sound. */
  readonly fault: string | undefined
}

export interface ReadSet {
  readonly entries: readonly Entry[]
  readonly cut: Cut
}

export class KeptSets {
  readonly #link: RedisLink
  readonly #network: string

  constructor(link: RedisLink, network: string) {
    this.#link = link
    this.#network = network
  }

  async names(): Promise<string[]> {
    return (await this.#link.command(['SMEMBERS', namesKey(this.#network)])) as string[]
  }

  /** Networks that this Redis keeps sets of. */
  async networks(): Promise<string[]> {
    return (await this.#link.command(['SMEMBERS', NETWORKS_KEY])) as string[]
  }

  /** How a set stands. What is written next fails if that changes before. */
  async look(set: string): Promise<Standing> {
    const keys = keysOf(this.#network, set)
    await this.#link.watch([keys.added, keys.removed, keys.kept])
    const pairs = (await this.#link.command(['HGETALL', keys.kept])) as Record<string, string> | string[]
    const added = Number(await this.#link.command(['ZCARD', keys.added]))
    const removed = Number(await this.#link.command(['ZCARD', keys.removed]))
    const kept = readKept(Array.isArray(pairs) ? fieldsOf(pairs) : pairs)
    return { kept, added, removed, fault: faultOf(this.#network, kept, added, removed) }
  }

  /**
   * Writes entries, each stamp where it is above what is there.
   *
   * @param standing as it was looked at just before
   * @param isAnew empty it first
   * @returns the filling that it is now; undefined when somebody wrote in between, and nothing was
   * written
   */
  async write(set: string, { kept }: Standing, { entries, cut }: Content, isAnew: boolean): Promise<number | undefined> {
    const keys = keysOf(this.#network, set)
    const filling = (kept?.filling ?? 0) + (isAnew ? 1 : 0)
    const done = await this.#link.transact([
      ...(isAnew ? [['DEL', keys.added, keys.removed, keys.kept] as const] : []),
      ...additions(keys.added, entries, 'added'),
      ...additions(keys.removed, entries, 'removed'),
      ['HSET', keys.kept, ...writeKept({ network: this.#network, cut, filling })],
      ['EVAL', COUNT_SCRIPT, '3', keys.kept, keys.added, keys.removed],
      ['SADD', namesKey(this.#network), set],
      ['SADD', NETWORKS_KEY, this.#network],
    ])
    return done ? filling : undefined
  }

  /** Reads a whole set, as it was at one moment. @returns why it must not be taken, as text */
  async read(set: string): Promise<ReadSet | string> {
    const keys = keysOf(this.#network, set)
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { kept, fault } = await this.look(set)
      if (kept === undefined || fault !== undefined) return fault ?? 'it is not there'
      const entries = await this.#entries(keys)
      if (await this.#link.transact([['ZCARD', keys.added]])) return typeof entries === 'string' ? entries : { entries, cut: kept.cut }
    }
    return 'others write it all the time'
  }

  async #entries(keys: SetKeys): Promise<readonly Entry[] | string> {
    const rows = new Map<string, { added: number; removed: number }>()
    for (const field of ['added', 'removed'] as const) {
      for await (const [element, stamp] of this.#members(keys[field])) {
        if (!isElement(Buffer.from(element)) || !Number.isSafeInteger(stamp) || stamp < 0)
          return 'it has elements or scores that are none of ours'
        const row = rows.get(element) ?? { added: NO_STAMP, removed: NO_STAMP }
        row[field] = stamp
        rows.set(element, row)
      }
    }
    return Array.from(rows, ([element, stamps]) => ({ element: Buffer.from(element), ...stamps }))
  }

  async *#members(key: string): AsyncGenerator<readonly [element: string, stamp: number]> {
    for (let start = 0; ; start += PAGE_ELEMENTS) {
      const page = await this.#link.command(['ZRANGE', key, String(start), String(start + PAGE_ELEMENTS - 1), 'WITHSCORES'])
      const pairs = pairsOf(page as readonly unknown[])
      yield* pairs
      if (pairs.length < PAGE_ELEMENTS) return
    }
  }
}

function faultOf(network: string, kept: Kept | undefined, added: number, removed: number): string | undefined {
  if (kept === undefined) return added + removed > 0 ? 'what was written about it beside it is lost' : undefined
  if (kept.network !== network) return `it is of network ${kept.network}`
  if (kept.added === added && kept.removed === removed) return undefined
  return `it has ${added} elements added and ${removed} removed, and was written with ${kept.added} and ${kept.removed}: it lost some, or others wrote them`
}

function* additions(key: string, entries: Iterable<Entry>, field: 'added' | 'removed'): Generator<Command> {
  let parameters: string[] = []
  for (const entry of entries) {
    if (entry[field] === NO_STAMP) continue
    parameters.push(String(entry[field]), Buffer.from(entry.element).toString())
    if (parameters.length < 2 * ELEMENTS_A_COMMAND) continue
    yield ['ZADD', key, 'GT', ...parameters]
    parameters = []
  }
  if (parameters.length > 0) yield ['ZADD', key, 'GT', ...parameters]
}

/** Redis answers members and scores in turn; newer ones in pairs. */
function pairsOf(page: readonly unknown[]): (readonly [string, number])[] {
  if (Array.isArray(page[0])) return (page as readonly (readonly [string, unknown])[]).map(([element, score]) => [element, Number(score)])
  return Array.from({ length: page.length / 2 }, (_, index) => [String(page[2 * index]), Number(page[2 * index + 1])])
}

function fieldsOf(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let index = 0; index < pairs.length; index += 2) fields[pairs[index] ?? ''] = pairs[index + 1] ?? ''
  return fields
}
