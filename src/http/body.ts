/** Reading a value off the wire: bounded in bytes and in time, and copied at most once. */
import type { Exchange } from './exchange.ts'

/** Why there is no body. `gone`: nobody is left to be told. */
export type BodyFault = 'too-large' | 'overloaded' | 'timeout' | 'gone'

const EMPTY = new Uint8Array(0)

/**
 * Reads the body of a request, and counts its bytes as held. Bodies whose length was told are counted before they are read.
 *
 * @param exchange whose body; a client that waits for a 100 gets it
 * @param bytesMax the largest that is read
 * @param done called once with the body, or with why there is none; may be called before this returns
 */
export function readBody(exchange: Exchange, bytesMax: number, done: (body: Uint8Array | BodyFault) => void): void {
  const { request, response } = exchange
  const told = request.headers['content-length']
  const isChunked = request.headers['transfer-encoding'] !== undefined
  const size = told === undefined ? 0 : Number(told)
  if (size > bytesMax) return done('too-large')
  if (!exchange.hold(size)) return done('overloaded')
  if (size === 0 && !isChunked) return done(EMPTY)
  if (request.headers.expect !== undefined) {
    exchange.continued = true
    response.writeContinue()
  }
  new BodyReader(exchange, bytesMax, isChunked ? undefined : size, done)
}

class BodyReader {
  readonly #exchange: Exchange
  readonly #bytesMax: number
  /** The whole size when it was told; undefined for a chunked body. */
  readonly #told: number | undefined
  readonly #done: (body: Uint8Array | BodyFault) => void
  readonly #timer: NodeJS.Timeout
  #bytes: Uint8Array = EMPTY
  #size = 0

  constructor(exchange: Exchange, bytesMax: number, told: number | undefined, done: (body: Uint8Array | BodyFault) => void) {
    this.#exchange = exchange
    this.#bytesMax = bytesMax
    this.#told = told
    this.#done = done
    this.#timer = setTimeout(() => this.#finish('timeout'), exchange.context.bodyTimeoutMs)
    exchange.onGone = () => this.#finish('gone')
    exchange.request.on('data', this.#take)
    exchange.request.on('end', this.#end)
  }

  readonly #take = (chunk: Buffer): void => {
    const size = this.#size + chunk.length
    if (this.#told === undefined) {
      if (size > this.#bytesMax) return this.#finish('too-large')
      if (!this.#exchange.hold(chunk.length)) return this.#finish('overloaded')
    }
    if (this.#size === 0 && (size === this.#told || this.#told === undefined)) {
      // Most bodies come in one piece, which is ours to keep unless it is a view of something larger.
      this.#bytes = chunk.length === chunk.buffer.byteLength ? new Uint8Array(chunk.buffer) : new Uint8Array(chunk)
    } else {
      this.#reserve(size)
      this.#bytes.set(chunk, this.#size)
    }
    this.#size = size
  }

  /** Makes room in one array: a list of pieces could take many times the bytes that it counts for. */
  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const room = this.#told ?? Math.min(Math.max(size, this.#bytes.length * 2), this.#bytesMax)
    const grown = new Uint8Array(room)
    grown.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = grown
  }

  readonly #end = (): void => {
    this.#finish(this.#size === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#size))
  }

  #finish(body: Uint8Array | BodyFault): void {
    clearTimeout(this.#timer)
    this.#exchange.onGone = undefined
    this.#exchange.request.off('data', this.#take)
    this.#exchange.request.off('end', this.#end)
    this.#done(body)
  }
}
