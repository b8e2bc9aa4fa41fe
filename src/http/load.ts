/** How much is being worked on. What would go beyond the bounds is refused at once, before anything of it begins. */

export class Load {
  #requests = 0
  #bodyBytes = 0
  readonly #requestsMax: number
  readonly #bodyBytesMax: number

  constructor(requestsMax: number, bodyBytesMax: number) {
    this.#requestsMax = requestsMax
    this.#bodyBytesMax = bodyBytesMax
  }

  get requests(): number {
    return this.#requests
  }

  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** Counts one more request; false, and not counted, when there are too many. */
  enter(): boolean {
    if (this.#requests >= this.#requestsMax) return false
    this.#requests += 1
    return true
  }

  leave(): void {
    this.#requests -= 1
  }

  /** Counts bytes of a body that is held; false, and not counted, when that would be too much. */
  hold(bytes: number): boolean {
    if (this.#bodyBytes + bytes > this.#bodyBytesMax) return false
    this.#bodyBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#bodyBytes -= bytes
  }
}
