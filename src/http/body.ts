/**
 * Reading a body off the wire: bounded in bytes, in time and in pace. A request counts as arriving
 * until its body is complete, and its bytes count as they come: what a client only announces costs
 * nobody anything.
 */
import type { Exchange } from './exchange.ts'
import type { Flow } from './flows.ts'
import type { ProblemExtensions } from './problems.ts'

/** Why there is no body. `gone`: nobody is left to be told. */
export type BodyFault = 'too-large' | 'timeout' | 'slow' | 'gone'

const EMPTY = new Uint8Array(0)
/** Room that is made at first; it doubles while bytes come. */
const ROOM_BYTES_MIN = 65_536

/**
 * Reads the body of a request, and enters the request, first as arriving and then as work. Where
 * there is too much in flight, it is refused as overloaded, and that is all.
 *
 * @param exchange whose body; a client that waits for a 100 gets it
 * @param bytesMax the largest that is read
 * @param done called once with the body, or with why there is none; may be called before this
 * returns
 */
export function readBody(exchange: Exchange, bytesMax: number, done: (body: Uint8Array | BodyFault) => void): void {
  const { request, response } = exchange
  const told = request.headers['content-length']
  const isChunked = request.headers['transfer-encoding'] !== undefined
  const size = told === undefined ? 0 : Number(told)
  if (size > bytesMax) return done('too-large')
  if (size === 0 && !isChunked) {
    if (exchange.enter()) done(EMPTY)
    return
  }
  if (!exchange.enter('arriving')) return
  if (request.headers.expect !== undefined) {
    exchange.continued = true
    response.writeContinue()
  }
  new BodyReader(exchange, bytesMax, isChunked ? undefined : size, done)
}

/**
 * Reads the body of a request as above, or answers that it could not be read: what is told of a
 * bound is that bound.
 *
 * @param nothing what did not happen then, as a sentence
 * @param done called with the body, if there is one
 */
export function takeWhole(exchange: Exchange, bytesMax: number, nothing: string, done: (body: Uint8Array) => void): void {
  readBody(exchange, bytesMax, (body) => {
    if (typeof body !== 'string') done(body)
    else refuseBody(exchange, body, { detail: `The body may have at most ${bytesMax} bytes. ${nothing}` }, nothing)
  })
}

/**
 * Answers a request whose body could not be read.
 *
 * @param tooLarge what is said of one that is too large
 * @param nothing what did not happen, as a sentence
 */
export function refuseBody(exchange: Exchange, fault: BodyFault, tooLarge: Refusal, nothing: string): void {
  switch (fault) {
    case 'too-large':
      return exchange.refuse('too-large', tooLarge.detail, tooLarge.extensions)
    case 'timeout':
      return exchange.refuse('body-timeout', `The body was not complete within ${exchange.context.bodyTimeoutMs / 1000} s. ${nothing}`)
    case 'slow':
      return exchange.refuse('body-timeout', `The body came at less than 1 kB a second for 10 s. ${nothing}`)
    case 'gone':
      return
  }
}

interface Refusal {
  readonly detail: string
  readonly extensions?: ProblemExtensions
}

class BodyReader implements Flow {
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
    this.#timer = setTimeout(() => this.#fail('timeout'), exchange.context.bodyTimeoutMs)
    exchange.context.flows.add(this)
    exchange.onGone = () => this.#fail('gone')
    exchange.request.on('data', this.#take)
    exchange.request.on('end', this.#end)
  }

  get movedBytes(): number {
    return this.#size
  }

  cut(): void {
    this.#exchange.context.metrics.cuts.body += 1
    this.#fail('slow')
  }

  readonly #take = (chunk: Buffer): void => {
    const size = this.#size + chunk.length
    if (size > this.#bytesMax) return this.#fail('too-large')
    if (!this.#exchange.hold(chunk.length)) {
      this.#stop()
      return this.#exchange.refuse('overloaded', 'Too many bytes of bodies are in flight. Nothing of this request has begun.')
    }
    if (this.#size === 0 && (size === this.#told || this.#told === undefined)) {
      // Most bodies come in one piece, which is ours to keep unless it is a view of something
      // larger.
      this.#bytes = chunk.length === chunk.buffer.byteLength ? new Uint8Array(chunk.buffer) : new Uint8Array(chunk)
    } else {
      this.#reserve(size)
      this.#bytes.set(chunk, this.#size)
    }
    this.#size = size
  }

  /**
   * Makes room in one array: a list of pieces could take many times the bytes that it counts for.
   */
  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const room = Math.min(Math.max(size, this.#bytes.length * 2, ROOM_BYTES_MIN), this.#told ?? this.#bytesMax)
    const grown = new Uint8Array(room)
    grown.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = grown
  }

  readonly #end = (): void => {
    this.#stop()
    const body = this.#size === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#size)
    if (this.#exchange.enter()) this.#done(body)
  }

  #fail(fault: BodyFault): void {
    this.#stop()
    this.#done(fault)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#exchange.context.flows.delete(this)
    this.#exchange.onGone = undefined
    this.#exchange.request.off('data', this.#take)
    this.#exchange.request.off('end', this.#end)
  }
}
