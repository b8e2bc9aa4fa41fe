/**
 * What goes on while a command waits: on standard error, in place on a terminal, else a line
 * whenever it has changed.
 */
const CLEARED = '\r\u001b[K'

export class Progress {
  #last = ''
  #isOpen = false

  /**
   * @param seconds that it has been so; shown on a terminal alone, where the line can be written
   * again
   */
  show(text: string, seconds: number): void {
    if (process.stderr.isTTY) {
      this.#isOpen = true
      process.stderr.write(`${CLEARED}${text} (${Math.round(seconds)} s)`)
    } else if (text !== this.#last) {
      process.stderr.write(`${text}\n`)
    }
    this.#last = text
  }

  /** Nothing goes on any more. */
  end(): void {
    if (this.#isOpen) process.stderr.write(CLEARED)
    this.#isOpen = false
  }
}
