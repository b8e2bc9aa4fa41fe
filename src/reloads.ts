/**
 * What is read again on SIGHUP: each part that reads a file registers here, and takes itself off
 * when it is closed.
 */

export class Reloads {
  readonly #parts: Set<() => Promise<void>> = new Set()

  /**
   * @param part reads its files again. It rejects for nothing that can be wrong with them, but
   * warns
   * @returns takes it off
   */
  add(part: () => Promise<void>): () => void {
    this.#parts.add(part)
    return () => void this.#parts.delete(part)
  }

  /** Reads everything again; resolves when all of it is in force, or warned of. */
  async all(): Promise<void> {
    await Promise.all([...this.#parts].map((part) => part()))
  }
}
