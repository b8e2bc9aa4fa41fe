/**
 * A connection to the Redis of a store. It is made when it is first needed, and anew after it was
 * lost: whoever gave the command that failed tries again. A command that is not answered in time
 * costs the connection, because what Redis made of it is not known.
 */
import type * as Redis from 'redis'
import { StoreUnavailable } from '../../ports/log-store.ts'
import { loadDriver } from '../../driver.ts'
import { withPassword } from '../drivers.ts'
import type { Script } from './scripts.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** A Redis that takes a command and does not answer makes the store unavailable after so long. */
const ANSWER_TIMEOUT_MS = 10_000

export type Argument = string | Buffer
type Client = Awaited<ReturnType<typeof connected>>

/** What Redis says before the first blank of an error, and the code of a store for it. */
const CODES: Readonly<Record<string, string>> = {
  OOM: 'out-of-memory',
  // Only SHUTDOWN NOSAVE ends a script that has written.
  BUSY: 'store-stuck: a script does not end; SHUTDOWN NOSAVE ends it',
  UNKILLABLE: 'store-stuck: a script does not end; SHUTDOWN NOSAVE ends it',
  MISCONF: 'disk-fails',
  LOADING: 'loading',
  READONLY: 'read-only',
  NOAUTH: 'password-missing',
  WRONGPASS: 'password-wrong',
  NOPERM: 'no-permission',
}

export class RedisStoreLink {
  readonly #url: string
  readonly #password: string | undefined
  #client: Promise<Client> | undefined
  #isClosed = false

  /** @param password in place of the one in the URL */
  constructor(url: string, password: string | undefined) {
    this.#url = url
    this.#password = password
  }

  /** @returns bulk replies as bytes. @throws StoreUnavailable */
  async command(...command: readonly Argument[]): Promise<unknown> {
    return this.#answered(await this.#connection(), command)
  }

  /** As many commands at once. */
  async commands(commands: readonly (readonly Argument[])[]): Promise<unknown[]> {
    const client = await this.#connection()
    return Promise.all(commands.map((command) => this.#answered(client, command)))
  }

  /**
   * @param way `EVALSHA_RO` for one that must not write
   * @throws StoreUnavailable
   */
  async run(script: Script, values: readonly Argument[], way: 'EVALSHA' | 'EVALSHA_RO' = 'EVALSHA'): Promise<unknown> {
    const client = await this.#connection()
    try {
      return await this.#answered(client, [way, script.sha1, '0', ...values])
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || error.code !== 'NOSCRIPT') throw error
      await this.#answered(client, ['SCRIPT', 'LOAD', script.text])
      return this.#answered(client, [way, script.sha1, '0', ...values])
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const client = await this.#client?.catch(() => undefined)
    client?.destroy()
  }

  async #connection(): Promise<Client> {
    if (this.#isClosed) throw new StoreUnavailable('closed')
    const opening = (this.#client ??= connected(this.#url, this.#password))
    try {
      const client = await opening
      if (client.isReady) return client
    } catch (error) {
      if (this.#client === opening) this.#client = undefined
      throw unavailable(error, 'no-connection')
    }
    // It was lost since it was last used.
    if (this.#client === opening) this.#client = undefined
    return this.#connection()
  }

  async #answered(client: Client, command: readonly Argument[]): Promise<unknown> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      reject(new StoreUnavailable('no-answer'))
      if (client.isOpen) client.destroy()
    }, ANSWER_TIMEOUT_MS)
    try {
      return await Promise.race([client.sendCommand([...command]), promise])
    } catch (error) {
      throw unavailable(error, 'connection-lost')
    } finally {
      clearTimeout(timer)
    }
  }
}

async function connected(url: string, password: string | undefined) {
  const { createClient, RESP_TYPES } = await loadDriver<Pick<typeof Redis, 'createClient' | 'RESP_TYPES'>>(
    'redis',
    'a store in Redis',
    () => import('redis'),
  )
  const client = createClient({
    url: withPassword(url, password),
    RESP: 2,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  })
  // Whoever gave a command is told.
  client.on('error', () => {})
  await client.connect()
  return client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
}

/** Whatever Redis or the way to it says is not known to be deterministic. */
function unavailable(error: unknown, otherwise: string): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  const word = error instanceof Error ? /^[A-Z]{2,}(?= )/.exec(error.message)?.[0] : undefined
  return new StoreUnavailable(word === undefined ? otherwise : (CODES[word] ?? word), { cause: error })
}
