/**
 * What survives any crash of a Redis, by what the server itself says. With `appendfsync always`
 * that is all that it answered. Else it is what the last dump or rewrite holds that began after an
 * entry was applied and has ended well: INFO counts them, and no guess of seconds is made.
 */
import { StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import type { RedisStoreLink } from './link.ts'

/** Between looks at INFO, in milliseconds. */
const LOOK_MS = 1_000
const VERSION_MIN = 7

/** Names in INFO of what makes all that was applied before durable. */
const SAVES = {
  dump: { count: 'rdb_saves', running: 'rdb_bgsave_in_progress', status: 'rdb_last_bgsave_status' },
  rewrite: { count: 'aof_rewrites', running: 'aof_rewrite_in_progress', status: 'aof_last_bgrewrite_status' },
} as const

/** By what an applied entry becomes durable. */
type Durability = 'answer' | keyof typeof SAVES

export interface RedisSettings {
  readonly durability: Durability
  /** What an operator must know of how the server is set up. */
  readonly warnings: readonly string[]
}

/** @throws StoreRefused for settings that break what a log promises */
export async function readSettings(link: RedisStoreLink): Promise<RedisSettings> {
  const info = infoOf(await link.command('INFO'))
  const version = info.get('redis_version') ?? ''
  if (!(Number.parseInt(version, 10) >= VERSION_MIN))
    throw new StoreRefused('store-settings', `it is Redis ${version}, and ${VERSION_MIN} or later is needed`)
  if (info.get('cluster_enabled') === '1') throw new StoreRefused('store-settings', 'it is a part of a Redis Cluster')
  if (info.get('role') !== 'master') throw new StoreUnavailable('read-only')
  const config = async (name: string): Promise<string> => String(((await link.command('CONFIG', 'GET', name)) as Buffer[])[1] ?? '')
  const policy = await config('maxmemory-policy')
  if (policy !== 'noeviction' && (await config('maxmemory')) !== '0')
    throw new StoreRefused('store-settings', `maxmemory-policy is ${policy}, so that it drops keys: set noeviction`)
  const isAppending = (await config('appendonly')) === 'yes'
  const fsync = await config('appendfsync')
  const durability = isAppending ? (fsync === 'always' ? 'answer' : 'rewrite') : 'dump'
  return { durability, warnings: [...WARNINGS[durability](fsync), ...(await collationWarnings(link))] }
}

const WARNINGS: Readonly<Record<Durability, (fsync: string) => readonly string[]>> = {
  answer: () => [],
  rewrite: (fsync) => [`appendfsync is ${fsync}: a crash of the machine loses what was applied last, and it is fetched again`],
  dump: () => ['appendonly is no: a crash loses what was applied since the last dump, and it is fetched again'],
}

/** Text that compares two texts sees the locale of the server. */
async function collationWarnings(link: RedisStoreLink): Promise<readonly string[]> {
  const isByBytes = await link.command('EVAL', `return ('a' < 'B') and 0 or 1`, '0')
  return isByBytes === 1 ? [] : ['it compares text by a locale: start it with LC_ALL=C, at every replica']
}

/** Follows what of the applied entries is durable. */
export class Durable {
  readonly #link: RedisStoreLink
  readonly #durability: Durability
  #index: number
  #seen: { readonly index: number; readonly saves: number } | undefined
  #lookedMs = -Infinity
  #isLooking = false

  /** @param index that was found at opening; it counts where all that is answered is durable */
  constructor(link: RedisStoreLink, durability: Durability, index: number) {
    this.#link = link
    this.#durability = durability
    this.#index = durability === 'answer' ? index : 0
  }

  get index(): number {
    return this.#index
  }

  /** All up to there was applied and answered. */
  applied(index: number): void {
    if (this.#durability === 'answer') this.#index = index
    else if (!this.#isLooking && performance.now() - this.#lookedMs >= LOOK_MS) void this.#look(this.#durability, index)
  }

  async #look(durability: keyof typeof SAVES, index: number): Promise<void> {
    this.#isLooking = true
    this.#lookedMs = performance.now()
    try {
      const info = infoOf(await this.#link.command('INFO'))
      const { count, running, status } = SAVES[durability]
      const saves = Number(info.get(count))
      if (info.get(running) !== '0' || Number.isNaN(saves)) return
      // One that began after the last look, when none was running, and that has ended.
      if (this.#seen !== undefined && saves > this.#seen.saves && info.get(status) === 'ok')
        this.#index = Math.max(this.#index, this.#seen.index)
      this.#seen = { index, saves }
    } catch {
      // The next batch finds out.
    } finally {
      this.#isLooking = false
    }
  }
}

function infoOf(reply: unknown): ReadonlyMap<string, string> {
  const lines = String(reply).split('\r\n')
  return new Map(
    lines.filter((line) => line.includes(':')).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
}
