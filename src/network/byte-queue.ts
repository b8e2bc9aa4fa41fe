/**
 * Bytes on their way into one stream: in order, in pieces of the best size, held back while the
 * stream is full and bounded while they are.
 */

/** The part of a libp2p stream that is written to. */
export interface WritableStream {
  /** False when the stream is full: nothing more until it says `drain`. */
  send(bytes: Uint8Array): boolean
}

/**
 * Bytes given to the stream at a time. With the multiplexer's header they fill exactly one
 * encrypted packet; 65,536 would make two of each and halve the speed.
 */
export const PIECE_BYTES = 65_280

/**
 * A queue that never empties is cut this often: rarely enough to cost nothing, often enough to stay
 * short.
 */
const COMPACT_FRAMES = 4_096

export class ByteQueue {
  readonly #stream: WritableStream
  #frames: Uint8Array[] = []
  /** The first of `#frames` not handed over yet, and how much of it was. */
  #next = 0
  #offset = 0
  #waitingBytes = 0
  #full = false
  #pumping = false

  constructor(stream: WritableStream) {
    this.#stream = stream
  }

  /** Bytes not handed to the stream yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /**
   * Takes frames, in order, and hands over what the stream takes now. @throws what `send` throws
   * when the stream is closing.
   */
  push(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      this.#frames.push(frame)
      this.#waitingBytes += frame.length
    }
    this.#pump()
  }

  /** The stream said `drain`. @throws as `push`. */
  drained(): void {
    this.#full = false
    this.#pump()
  }

  /** Lets everything go. */
  clear(): void {
    this.#frames = []
    this.#next = 0
    this.#offset = 0
    this.#waitingBytes = 0
    this.#full = true
  }

  /** A send can make the stream say `drain` before it returns, hence the guard. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (!this.#full && this.#waitingBytes > 0) {
        const piece = this.#take()
        this.#waitingBytes -= piece.length
        this.#full = true
        if (this.#stream.send(piece)) this.#full = false
      }
    } finally {
      this.#pumping = false
    }
  }

  /** The next piece: a part of a large frame as it lies there, or small frames put together. */
  #take(): Uint8Array {
    const first = this.#frames[this.#next]
    if (first === undefined) throw new Error('the queue counts bytes that it does not hold')
    const rest = first.length - this.#offset
    if (rest >= PIECE_BYTES || this.#next === this.#frames.length - 1) {
      const piece = first.subarray(this.#offset, this.#offset + PIECE_BYTES)
      this.#advance(piece.length)
      return piece
    }
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, this.#waitingBytes))
    let filled = 0
    while (filled < piece.length) {
      const frame = this.#frames[this.#next]
      if (frame === undefined) break
      const part = frame.subarray(this.#offset, this.#offset + piece.length - filled)
      piece.set(part, filled)
      filled += part.length
      this.#advance(part.length)
    }
    return piece
  }

  #advance(bytes: number): void {
    this.#offset += bytes
    if (this.#offset < (this.#frames[this.#next]?.length ?? 0)) return
    this.#offset = 0
    this.#frames[this.#next] = NOTHING
    this.#next += 1
    if (this.#next === this.#frames.length) {
      this.#frames = []
      this.#next = 0
    } else if (this.#next >= COMPACT_FRAMES) {
      this.#frames.splice(0, this.#next)
      this.#next = 0
    }
  }
}

/**
 * Stands where a frame was handed over, so that its bytes are let go before the rest of the queue
 * is.
 */
const NOTHING = new Uint8Array(0)
