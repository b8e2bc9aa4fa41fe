/**
 * One request and its answer, from its arrival until the client has the last byte or is gone: what
 * it counts for, whether the client hung up, and how an answer is written.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { VALUE_BYTES_MAX } from '../../protocols/base/limits.ts'
import { COMMON_HEADERS } from './answers.ts'
import type { Grant } from '../security/grant.ts'
import type { Answer } from './answers.ts'
import type { Client } from './clients.ts'
import { Connection } from './connection.ts'
import type { HttpContext } from './context.ts'
import { discardRest } from './discard.ts'
import type { Flow } from './flows.ts'
import type { Work } from './load.ts'
import { flowOf, writeAnswer } from './answer-flow.ts'
import { StreamedAnswer } from './streamed-answer.ts'
import { problem } from './problems.ts'
import type { ProblemExtensions, ProblemName } from './problems.ts'

/**
 * Answers up to this size are few enough by the number of requests; the bytes of larger ones are
 * counted.
 */
const UNCOUNTED_BYTES_MAX = 8_192
/**
 * A refused body up to this size is read to its end and dropped, so that the connection can go on
 * being used.
 */
const DROPPED_BYTES_MAX = 65_536

/**
 * What an answer of unknown length holds at once, about: a piece in our hands, and one in those of
 * the system.
 */
const STREAM_BYTES = 131_072

const TOO_MANY_ANSWER_BYTES = 'Too many bytes of answers are under way.'

/**
 * Nobody reads why. An error made for each of thousands of requests that are lost with one client
 * would hold up the others.
 */
const HUNG_UP = 'the client hung up'

/** Most requests tell nobody of their end. */
const NOBODY: readonly (() => void)[] = []

export class Exchange {
  readonly context: HttpContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Who asks. */
  readonly client: Client
  /** True for the methods that change nothing, which may overlap with others of one connection. */
  readonly isSafe: boolean
  /** Called when the client is gone before its body was complete. */
  onGone: (() => void) | undefined
  /** Names and values that each answer to this request has. */
  extraHeaders: readonly string[] = []
  /** What the client may do: set by whoever let it in. */
  grant: Grant | undefined
  readonly #connection: Connection
  readonly #route: string
  readonly #startedAtMs: number
  /** Made for those who ask: a request that is refused has none. */
  #abort: AbortController | undefined
  #isCancelled = false
  #start: ((exchange: Exchange) => void) | undefined
  #isCounted = false
  #work: Work | undefined
  #heldBytes = 0
  #answerBytes = 0
  #flow: Flow | undefined
  #workTimeoutMs = 0
  #closed = false
  #whenClosed: readonly (() => void)[] = NOBODY

  /**
   * @param route its pattern, for the metrics @param grant of a client that has shown before what
   * it may; undefined when that is to be seen
   */
  constructor(context: HttpContext, request: IncomingMessage, response: ServerResponse, route: string, grant?: Grant) {
    this.context = context
    this.request = request
    this.response = response
    this.isSafe = request.method === 'GET' || request.method === 'HEAD'
    this.client = context.clients.ofRequest(request)
    this.#route = route
    this.grant = grant
    this.#startedAtMs = context.clock.nowMs()
    this.#connection = Connection.of(request.socket)
    // `Date` is written by us: it must agree with `Last-Modified`, which comes from the same clock.
    response.sendDate = false
    response.on('close', () => this.close())
  }

  /** Aborted when the client hangs up. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isCancelled) this.#abort.abort(HUNG_UP)
    return this.#abort.signal
  }

  /**
   * Starts the work on the request, once what came before it on the connection allows that. What it
   * throws is a 500. A client with too many unanswered ones is cut off: another answer would have
   * to wait for theirs.
   */
  begin(start: (exchange: Exchange) => void): void {
    const { load, metrics } = this.context
    const { socket } = this.request
    if (socket.destroyed) return
    this.#isCounted = load.take('unanswered', this.client.share, 1)
    if (!this.#isCounted) {
      metrics.cuts.flood += 1
      return void socket.destroy()
    }
    this.#start = start
    this.#connection.begin(this)
  }

  /** Called by its connection when its turn has come. */
  start(): void {
    try {
      this.#start?.(this)
    } catch (error) {
      this.fail(error)
    }
  }

  /**
   * Counts the request as in flight until it is closed. One whose body is complete enters once
   * more, as the work that follows.
   *
   * @returns false when there is too much in flight, or the end has begun; the request is then
   * answered
   */
  enter(work: Work = 'requests'): boolean {
    const { load, closing } = this.context
    const { share } = this.client
    if (this.#closed) return false
    if (closing && this.#work === undefined) {
      this.refuse('not-ready', 'This peer is shutting down. Nothing of this request has begun.')
      return false
    }
    // A body is not read for a request that could not begin.
    if ((work === 'arriving' && load.lack('requests', share, 1) !== undefined) || !load.take(work, share, 1)) {
      this.refuse('overloaded', 'Too many requests are in flight. Nothing of this one has begun.')
      return false
    }
    if (this.#work !== undefined) load.give(this.#work, share, 1)
    this.#work = work
    return true
  }

  /** Counts bytes of the body until the request is closed; false when too many are held. */
  hold(bytes: number): boolean {
    const held = this.context.load.take('bodyBytes', this.client.share, bytes)
    if (held) this.#heldBytes += bytes
    return held
  }

  /**
   * Counts the bytes of the answer before anything is read for it. Their number is asked for only
   * when the largest value there may be would be too many.
   *
   * @returns false when they are too many; the request is then answered
   */
  reserve(countBytes: () => number): boolean {
    const { share } = this.client
    if (this.request.method === 'HEAD' || this.context.load.lack('answerBytes', share, VALUE_BYTES_MAX) === undefined) return true
    const hasRoom = this.#holdAnswer(countBytes())
    if (!hasRoom) this.refuse('overloaded', TOO_MANY_ANSWER_BYTES)
    return hasRoom
  }

  /**
   * Waits for the replicator's outcome. Until then the body is held in memory whether or not the
   * client is still there, so it goes on counting.
   *
   * @param timeoutMs the longest that the work may take; after it, nothing of a client that is gone
   * counts any more
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

  /**
   * Ends work that nobody may be waiting for. Its outcome is still answered: the client may have
   * closed one direction only.
   */
  cancel(): void {
    this.#isCancelled = true
    this.#abort?.abort(HUNG_UP)
  }

  /** Tells somebody when it is over. */
  whenClosed(told: () => void): void {
    this.#whenClosed = [...this.#whenClosed, told]
  }

  /** Answers with a problem. */
  refuse(name: ProblemName, detail: string, extensions?: ProblemExtensions): void {
    this.send(problem(name, detail, extensions))
  }

  /**
   * Ends work that its client may no longer wait for. @param refuse answers, where no answer has
   * begun
   */
  cut(refuse: () => void): void {
    if (this.response.headersSent) this.response.destroy()
    else refuse()
    this.cancel()
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
    const content = request.method === 'HEAD' ? undefined : body
    if (content !== undefined && !this.#holdAnswer(content.length)) return this.refuse('overloaded', TOO_MANY_ANSWER_BYTES)
    const rest = this.#writeHead(status, headers)
    const onCut = (): void => void (context.metrics.cuts.answer += 1)
    if (rest === 'arriving' && content !== undefined) {
      response.write(content)
      discardRest(request, context.flows, () => response.end())
      this.#flow = flowOf(response, onCut)
    } else {
      this.#flow = writeAnswer(response, content, onCut)
    }
    if (this.#flow !== undefined) context.flows.add(this.#flow)
  }

  /**
   * Begins an answer whose length is not known.
   *
   * @param heldBytes what it holds until its end, beside the pieces that are written
   * @returns undefined when there is nothing to write: the client is gone, asked for the head
   * alone, or is refused
   */
  stream({ status, headers }: Pick<Answer, 'status' | 'headers'>, heldBytes: number = 0): StreamedAnswer | undefined {
    const { request, response, context } = this
    if (this.#closed || response.headersSent) return undefined
    const isHead = request.method === 'HEAD'
    if (!isHead && !this.#holdAnswer(heldBytes + STREAM_BYTES)) {
      this.refuse('overloaded', TOO_MANY_ANSWER_BYTES)
      return undefined
    }
    this.#writeHead(status, headers)
    if (isHead) {
      response.end()
      return undefined
    }
    response.flushHeaders()
    const flow = new StreamedAnswer(response, () => (context.metrics.cuts.answer += 1))
    this.#flow = flow
    context.flows.add(flow)
    return flow
  }

  /** @returns what of the body is still to come */
  #writeHead(status: number, headers: string[]): 'none' | 'unasked' | 'arriving' {
    const { context } = this
    headers.push('Date', context.dates.now())
    for (const text of COMMON_HEADERS) headers.push(text)
    for (const text of this.extraHeaders) headers.push(text)
    const rest = this.#rest()
    if (context.closing || rest !== 'none') headers.push('Connection', 'close')
    this.response.writeHead(status, headers)
    return rest
  }

  /**
   * Counts the bytes of the answer, and no others, until the client has it or is gone; false when
   * too many are under way.
   */
  #holdAnswer(bytes: number): boolean {
    const { load } = this.context
    const { share } = this.client
    const counted = bytes <= UNCOUNTED_BYTES_MAX ? 0 : bytes
    const more = counted - this.#answerBytes
    if (more > 0 && !load.take('answerBytes', share, more)) return false
    if (more < 0) load.give('answerBytes', share, -more)
    this.#answerBytes = counted
    return true
  }

  /**
   * What of the body is still to come when the answer is written, and stands in the way of the
   * connection's next request.
   */
  #rest(): 'none' | 'unasked' | 'arriving' {
    const { request } = this
    if (request.complete) return 'none'
    const length = request.headers['content-length']
    if (length === undefined && request.headers['transfer-encoding'] === undefined) return 'none'
    // The client waits for a 100 that never comes: it must not send its body, and what it sends
    // next must not be read as one.
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
    if (this.#flow !== undefined) context.flows.delete(this.#flow)
    context.load.give('answerBytes', this.client.share, this.#answerBytes)
    if (this.#isCounted) context.load.give('unanswered', this.client.share, 1)
    if (!response.writableFinished) {
      this.cancel()
      this.onGone?.()
    }
    if (this.#workTimeoutMs === 0) this.#letGo()
    else setTimeout(() => this.#letGo(), this.#workTimeoutMs).unref()
    for (const told of this.#whenClosed) told()
    this.#connection.end(this)
  }

  #letGo(): void {
    if (this.#work === undefined) return
    const { load } = this.context
    load.give('bodyBytes', this.client.share, this.#heldBytes)
    load.give(this.#work, this.client.share, 1)
    this.#work = undefined
  }
}
