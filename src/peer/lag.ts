/**
 * How far behind peers are, in keys and in seconds. While clients write, no two peers hold just the
 * same, so that "equal" never comes; what an operator waits for is that a peer is behind by little.
 * The seconds are how long ago the network held no more keys than that peer does now.
 */
export interface Behind {
  readonly keys: number
  readonly seconds: number
}

/**
 * Moments that are remembered: an hour at one look each 5 s, and longer where nothing is written.
 */
const SAMPLES_MAX = 720
const SECOND_MS = 1_000

interface Sample {
  readonly atMs: number
  /** The most keys that any peer held. */
  readonly most: number
}

export class Lag {
  readonly #samples: Sample[] = []

  /** @param most keys that any peer is known to hold now */
  look(nowMs: number, most: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && last.most >= most) return
    this.#samples.push({ atMs: nowMs, most })
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
  }

  /** Of a peer that holds so many. */
  behind(nowMs: number, count: number): Behind {
    const most = this.#samples.at(-1)?.most ?? count
    const passed = this.#samples.find((sample) => sample.most > count)
    if (passed === undefined) return { keys: 0, seconds: 0 }
    return { keys: most - count, seconds: Math.round((nowMs - passed.atMs) / SECOND_MS) }
  }
}
