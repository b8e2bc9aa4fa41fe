/**
 * What all watches of a server have written and their clients have not read. Each alone is bounded
 * where its events are made; a thousand that do not read would still take a gigabyte. Beyond a bound
 * the watch with the most unread is cut, until the others have room.
 */

/** Characters, which are bytes but for the few keys beyond ASCII. */
const UNREAD_MAX = 67_108_864

export interface UnreadWatch {
  cut(): void
}

export class Unread {
  readonly #most: number
  readonly #waiting = new Map<UnreadWatch, number>()
  #total = 0

  /** @param most less for tests */
  constructor(most: number = UNREAD_MAX) {
    this.#most = most
  }

  add(watch: UnreadWatch, characters: number): void {
    this.#waiting.set(watch, (this.#waiting.get(watch) ?? 0) + characters)
    this.#total += characters
    while (this.#total > this.#most) this.#cutLargest()
  }

  /** What a forgotten watch had is none of it any more. */
  taken(watch: UnreadWatch, characters: number): void {
    const waiting = this.#waiting.get(watch)
    if (waiting === undefined) return
    this.#waiting.set(watch, waiting - characters)
    this.#total -= characters
  }

  /** The watch is over, and its connection closed. */
  forget(watch: UnreadWatch): void {
    this.#total -= this.#waiting.get(watch) ?? 0
    this.#waiting.delete(watch)
  }

  #cutLargest(): void {
    let [largest, most] = [undefined as UnreadWatch | undefined, -1]
    for (const [watch, characters] of this.#waiting) if (characters > most) [largest, most] = [watch, characters]
    if (largest === undefined) return
    this.forget(largest)
    largest.cut()
  }
}
