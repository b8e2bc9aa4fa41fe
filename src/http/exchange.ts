/**
 * One request and its answer, from its arrival until the client has the last byte or is gone: what it counts for, whether the
 * client hung up, and how an answer is written.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answers.ts'
import { Connection } from './connection.ts'
import type { HttpContext } from './context.ts'
import { discardRest } from './discard.ts'
import { problem } from './problems.ts'
import type { ProblemExtensions, ProblemName } from './problems.ts'

/** Bodies up to this size are written in one piece with the head; copying them costs less than a second piece does. */
const JOINED_BYTES_MAX = 8192
/** A refused body up to this size is read to its end and dropped, so that the connection can go on being used. */
const DROPPED_BYTES_MAX = 65_536

export class Exchange {
  readonly context: HttpContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** True for the methods that change nothing, which may overlap with others of one connection. */
  readonly isSafe: boolean
  /** Called when the client is gone before its body was complete. */
  onGone: (() => void) | undefined
  /** Names and values that each answer to this request has. */
  extraHeaders: readonly string[] = []
  readonly #connection: Connection
  readonly #route: string
  readonly #startedAtMs: number
  readonly #abort: AbortController = new AbortController()
  #counted = false
  #heldBytes = 0
  #workTimeoutMs = 0
  #closed = false

  constructor(context: HttpContext, request: IncomingMessage, response: ServerResponse, route: string) {
    this.context = context
    this.request = request
    this.response = response
    this.isSafe = request.method === 'GET' || request.method === 'HEAD'
    this.#route = route
    this.#startedAtMs = context.clock.nowMs()
    this.#connection = Connection.of(request.socket)
    // `Date` is written by us: it must agree with `Last-Modified`, which comes from the same clock.
    response.sendDate = false
    response.on('close', () => this.close())
  }

  /** Aborted when the client hangs up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Starts the work on the request, once what came before it on the connection allows that. What it throws is a 500. */
  begin(start: (exchange: Exchange) => void): void {
    this.#connection.begin(this, () => {
      try {
        start(this)
      } catch (error) {
        this.fail(error)
      }
    })
  }

  /** Counts the request as in flight until it is closed; false when there are too many, or the end has begun, and then it is answered. */
  enter(): boolean {
    if (this.context.closing) {
      this.refuse('not-ready', 'This peer is shutting down. Nothing of this request has begun.')
      return false
    }
    this.#counted = this.context.load.enter()
    if (!this.#counted) this.refuse('overloaded', 'Too many requests are in flight. Nothing of this one has begun.')
    return this.#counted
  }

  /** Counts bytes of the body until the request is closed; false when too many are held. */
  hold(bytes: number): boolean {
    const held = this.context.load.hold(bytes)
    if (held) this.#heldBytes += bytes
    return held
  }

  /**
   * Waits for the replicator's outcome. Until then the body is held in memory whether or not the client is still there,
   * so it goes on counting.
   *
   * @param timeoutMs the longest that the work may take; after it, nothing of a client that is gone counts any more
   */
  follow<T>(work: Promise<T>, timeoutMs: number, then: (outcome: T) => void): void {
    this.#workTimeoutMs = timeoutMs
    work
      .then((outcome) => {
        this.#workTimeoutMs = 0
        if (this.#closed) this.#letGo()
        else then(outcome)
      })
      .catch((error: unknown) => this.fail(error))
  }

  /** Answers with a problem. */
  refuse(name: ProblemName, detail: string, extensions?: ProblemExtensions): void {
    this.send(problem(name, detail, extensions))
  }

  /** A mistake of ours: logged in full, told without its inside. */
  fail(error: unknown): void {
    const { method, url } = this.request
    this.context.logger.error({ err: error, method, url }, 'a request failed by a mistake of ours')
    this.#workTimeoutMs = 0
    if (this.#closed) this.#letGo()
    else if (this.response.headersSent) this.response.destroy()
    else this.refuse('internal', 'This peer made a mistake; its log says more. Whether anything was stored is not known.')
  }

  /** Writes an answer. One that finds the client gone is dropped. */
  send(answer: Answer): void {
    const { request, response, context } = this
    if (this.#closed || response.headersSent) return
    const { status, headers, body } = answer
    headers.push('Date', context.dates.now(), ...this.extraHeaders)
    const rest = this.#rest()
    if (context.closing || rest !== 'none') headers.push('Connection', 'close')
    response.writeHead(status, headers)
    if (rest === 'arriving' && body !== undefined) {
      response.write(body)
      discardRest(request, () => response.end())
    } else if (body === undefined || request.method === 'HEAD') {
      response.end()
    } else if (typeof body === 'string') {
      // Text of one byte a character is the same in both encodings, and Latin-1 is the one that is written without conversion.
      response.end(body, Buffer.byteLength(body) === body.length ? 'latin1' : 'utf8')
    } else if (body.length > JOINED_BYTES_MAX) {
      response.end(body)
    } else {
      response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'), 'latin1')
    }
  }

  /** What of the body is still to come when the answer is written, and stands in the way of the connection's next request. */
  #rest(): 'none' | 'unasked' | 'arriving' {
    const { request } = this
    if (request.complete) return 'none'
    const length = request.headers['content-length']
    if (length === undefined && request.headers['transfer-encoding'] === undefined) return 'none'
    // The client waits for a 100 that never comes: it must not send its body, and what it sends next must not be read as one.
    if (request.headers.expect !== undefined && !this.continued) return 'unasked'
    return length !== undefined && Number(length) <= DROPPED_BYTES_MAX ? 'none' : 'arriving'
  }

  /** True once a client that asked for it was told to send its body. */
  continued = false

  /** The client has its answer, or is gone. May be called more than once. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const { response, context } = this
    context.metrics.observe(
      this.#route,
      this.request.method,
      response.headersSent ? response.statusCode : 0,
      context.clock.nowMs() - this.#startedAtMs,
    )
    if (!response.writableFinished) {
      this.#abort.abort()
      this.onGone?.()
    }
    if (this.#workTimeoutMs === 0) this.#letGo()
    else setTimeout(() => this.#letGo(), this.#workTimeoutMs).unref()
    this.#connection.end(this)
  }

  #letGo(): void {
    if (!this.#counted) return
    this.#counted = false
    this.context.load.release(this.#heldBytes)
    this.context.load.leave()
  }
}
