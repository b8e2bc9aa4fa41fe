/**
 * Reads that last longer than the grant they began with: a wait, a stream, a large value on a slow
 * line. They end soon after their token's time is over, or its line has gone. What was begun to be
 * written is finished: a put cut in the middle would be in doubt, and was allowed when it came.
 */
import type { Credentials } from '../security/credentials.ts'
import { challenged } from './authorize.ts'
import type { Exchange } from './exchange.ts'

/**
 * Between looks; a read ends so long after its token at the latest, and what it is told may take a
 * moment.
 */
const LOOK_MS = 5_000

export class Lapses {
  readonly #credentials: Credentials
  readonly #open = new Set<Exchange>()
  #timer: NodeJS.Timeout | undefined

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /** Ends a read when its grant does. */
  watch(exchange: Exchange): void {
    if (!exchange.isSafe) return
    this.#open.add(exchange)
    exchange.whenClosed(() => this.#open.delete(exchange))
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref()
  }

  #look(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const exchange of this.#open) {
      if (exchange.grant !== undefined && !this.#credentials.holds(exchange.grant)) exchange.cut(() => challenged(exchange, 'expired'))
    }
  }
}
