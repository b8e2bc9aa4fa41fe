/**
 * A connection to a Redis. The package that speaks to it is optional, so it is loaded when a Redis
 * is named. A connection that is lost is made anew by itself; until then every command fails at
 * once, and whoever gave it tries again later.
 */
import type * as Redis from 'redis'

const CONNECT_TIMEOUT_MS = 5_000
/** Between tries to connect again. */
const RETRY_MS_MAX = 5_000
const RETRY_MS_MIN = 100
/** A Redis that takes a command and never answers holds up nobody for longer. */
const ANSWER_TIMEOUT_MS = 60_000

/** A command and its arguments. */
export type Command = readonly [name: string, ...parameters: string[]]

export interface RedisLink {
  /** Resolves once there is a connection, or none could be made. */
  readonly settled: Promise<void>
  /** @throws Error when there is no connection, or Redis refuses it */
  command(command: Command): Promise<unknown>
  /** The transaction that follows fails when one of these keys changes before it. */
  watch(keys: readonly string[]): Promise<void>
  /** All or none. @returns false, and nothing is done, when a watched key changed */
  transact(commands: readonly Command[]): Promise<boolean>
  close(): void
}

/** @throws Error of one line when the package is not installed, or the URL is none */
export async function openRedisLink(url: string): Promise<RedisLink> {
  const { createClient, WatchError } = await loadPackage()
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout: ANSWER_TIMEOUT_MS },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) => Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(retries, 10)),
    },
  })
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  // It goes on trying by itself; until it succeeds, whoever gives a command is told.
  client.on('error', () => settle())
  client.on('ready', () => settle())
  client.connect().catch(() => settle())
  return {
    settled,
    command: (command) => client.sendCommand([...command]),
    watch: async (keys) => void (await client.watch([...keys])),
    transact: async (commands) => {
      const transaction = client.multi()
      for (const command of commands) transaction.addCommand([...command])
      try {
        await transaction.exec()
        return true
      } catch (error) {
        if (error instanceof WatchError) return false
        throw error
      }
    },
    close: () => client.destroy(),
  }
}

async function loadPackage(): Promise<Pick<typeof Redis, 'createClient' | 'WatchError'>> {
  try {
    return await import('redis')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error('-set-redis needs the package redis, which is not installed: npm install redis', { cause: error })
  }
}
