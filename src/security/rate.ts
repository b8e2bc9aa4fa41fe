/** At most so many requests a second for each token and for each client address. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

const SECOND_MS = 1_000

export class RateLimit {
  readonly perSecond: number
  readonly #limiter: RateLimiterMemory

  constructor(perSecond: number) {
    this.perSecond = perSecond
    this.#limiter = new RateLimiterMemory({ points: perSecond, duration: 1 })
  }

  /**
   * Counts a request for each of its holders, up to the first that has had its share of this
   * second.
   *
   * @param holders an address, a token: each by a text of its own
   * @returns the seconds after which to ask again, or undefined when there is none that had its
   * share
   */
  async take(holders: readonly string[]): Promise<number | undefined> {
    for (const holder of holders) {
      try {
        await this.#limiter.consume(holder)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        return Math.max(1, Math.ceil(refused.msBeforeNext / SECOND_MS))
      }
    }
    return undefined
  }
}
