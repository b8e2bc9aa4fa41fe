/**
 * A session whose server may stop without a word: its process stands still, or the way there is cut
 * and nothing says so. A statement may take as long as it takes, so there is no deadline for it. One
 * that lasts has its server asked something else beside it, and where that has no answer either, the
 * session is dropped. Whoever waited is told, and tries again by a session of its own.
 */
import { StoreUnavailable } from '../../ports/log-store.ts'
import type { SqlStatement, SqlValue } from './command.ts'
import type { SqlResult } from './result.ts'
import type { ServerCell, ServerSession } from './server.ts'

export interface WatchedTimes {
  /** A statement that lasts so long has its server asked whether it is there, in milliseconds. */
  readonly lastsMs: number
  /** For any answer to that, a refusal too: less than drivers wait for a connection. */
  readonly answeredMs: number
}

const TIMES: WatchedTimes = { lastsMs: 5_000, answeredMs: 4_000 }

export class WatchedSession implements ServerSession {
  readonly #session: ServerSession
  readonly #asksServer: () => Promise<void>
  readonly #answeredMs: number
  /** Drivers forget whoever waits when they are closed. */
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #timer: NodeJS.Timeout
  #isClosed = false

  /** @param asksServer ends when the server, asked by another connection, has said anything */
  constructor(session: ServerSession, asksServer: () => Promise<void>, { lastsMs, answeredMs }: WatchedTimes = TIMES) {
    this.#session = session
    this.#asksServer = asksServer
    this.#answeredMs = answeredMs
    this.#timer = setTimeout(() => void this.#look(), lastsMs).unref()
  }

  get isLost(): boolean {
    return this.#isClosed || this.#session.isLost
  }

  ask(sql: string, values?: readonly SqlValue[]): Promise<readonly (readonly ServerCell[])[]> {
    return this.#watched(this.#session.ask(sql, values))
  }

  run(statement: SqlStatement): Promise<SqlResult> {
    return this.#watched(this.#session.run(statement))
  }

  async *each(sql: string): AsyncIterable<readonly ServerCell[]> {
    const rows = this.#session.each(sql)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#watched(rows.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      // Of a session that was dropped nothing ends any more.
      if (!this.isLost) await rows.return?.()
    }
  }

  async close(): Promise<void> {
    await this.#close(new StoreUnavailable('closed'))
  }

  #watched<Value>(answer: Promise<Value>): Promise<Value> {
    this.#timer.refresh()
    const { promise, resolve, reject } = Promise.withResolvers<Value>()
    this.#waiting.add(reject)
    void answer.then(resolve, reject).finally(() => this.#waiting.delete(reject))
    return promise
  }

  async #look(): Promise<void> {
    if (this.#waiting.size === 0 || this.#isClosed) return
    if (await isAnswered(this.#asksServer(), this.#answeredMs)) this.#timer.refresh()
    else await this.#close(new StoreUnavailable('no-answer'))
  }

  async #close(told: StoreUnavailable): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const reject of this.#waiting) reject(told)
    this.#waiting.clear()
    await this.#session.close()
  }
}

async function isAnswered(asked: Promise<void>, withinMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), withinMs).unref()
  asked.then(
    () => resolve(true),
    () => resolve(true),
  )
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
