/**
 * An answer whose length is not known when it begins: written a piece at a time, each when the
 * system has taken what came before it. So it holds one piece, however long it is and however
 * slowly its client reads; one that reads far too slowly is cut, as any answer is. While nothing
 * waits to be taken, it may be silent for as long as it likes.
 */
import type { ServerResponse } from 'node:http'
import type { Flow } from './flows.ts'

/** Characters of a piece, as a rule: what one write should have at least, to cost little. */
export const PIECE_CHARACTERS = 65_536

export class StreamedAnswer implements Flow {
  readonly #response: ServerResponse
  readonly #onCut: () => void
  #movedBytes = 0
  /** Called when the piece that is waited for was taken, or nobody is left to take it. */
  #wake: () => void = () => undefined

  /** @param onCut called when the client reads too slowly; its connection is cut afterwards */
  constructor(response: ServerResponse, onCut: () => void) {
    this.#response = response
    this.#onCut = onCut
    response.once('close', () => this.#wake())
  }

  get movedBytes(): number | undefined {
    const { socket } = this.#response
    return socket === null || socket.writableLength === 0 ? undefined : this.#movedBytes
  }

  /** Bytes that the system has not taken. */
  get waitingBytes(): number {
    return this.#response.writableLength
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded
  }

  cut(): void {
    this.#onCut()
    this.#response.destroy()
  }

  /** Writes a piece, and waits for nothing. @param taken the system has taken it */
  write(text: string, taken: () => void = () => undefined): void {
    if (!this.isOpen) return
    this.#response.write(text, 'utf8', () => {
      this.#movedBytes += text.length
      this.#wake()
      taken()
    })
  }

  /**
   * Writes all of it, in pieces, and ends the answer. Others have their turn between two pieces.
   */
  async writeAll(parts: Iterable<string>): Promise<void> {
    let piece = ''
    for (const part of parts) {
      piece += part
      if (piece.length < PIECE_CHARACTERS) continue
      await this.#taken(piece)
      if (!this.isOpen) return
      piece = ''
    }
    this.write(piece)
    this.end()
  }

  end(): void {
    if (this.isOpen) this.#response.end()
  }

  /** Writes a piece. A connection that is lost takes nothing any more, and only its end is told. */
  #taken(piece: string): Promise<void> {
    if (!this.isOpen) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    this.write(piece)
    return promise
  }
}
