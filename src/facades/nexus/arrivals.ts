/**
 * Room for messages on their way in. How much of a message has come cannot be seen before all of it
 * has, so each that is read counts for the largest there may be; the others wait unread, and the
 * flow control of HTTP/2 keeps them with their clients. No client gets more than a quarter.
 */

/** Messages that are read at a time, of at most about 1 MiB each. */
const READ_MAX = 64
const READ_OF_CLIENT_MAX: number = READ_MAX / 4

interface Waiting {
  readonly source: string
  readonly begin: () => void
}

export class Arrivals {
  #count = 0
  readonly #bySource = new Map<string, number>()
  readonly #waiting = new Set<Waiting>()

  /**
   * Has a message read as soon as there is room.
   *
   * @param source whom it counts for
   * @returns ends it, whether it was begun or not; it may be called more than once
   */
  add(source: string, begin: () => void): () => void {
    let isOver = false
    let isBegun = false
    const waiting: Waiting = {
      source,
      begin: () => {
        isBegun = true
        begin()
      },
    }
    this.#waiting.add(waiting)
    this.#go()
    return () => {
      if (isOver) return
      isOver = true
      this.#waiting.delete(waiting)
      if (isBegun) this.#leave(source)
    }
  }

  #go(): void {
    for (const waiting of this.#waiting) {
      if (this.#count >= READ_MAX) return
      const { source } = waiting
      const own = this.#bySource.get(source) ?? 0
      if (own >= READ_OF_CLIENT_MAX) continue
      this.#waiting.delete(waiting)
      this.#count += 1
      this.#bySource.set(source, own + 1)
      waiting.begin()
    }
  }

  #leave(source: string): void {
    const own = (this.#bySource.get(source) ?? 0) - 1
    this.#count -= 1
    if (own > 0) this.#bySource.set(source, own)
    else this.#bySource.delete(source)
    this.#go()
  }
}
