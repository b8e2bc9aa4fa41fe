/**
 * What is open on one client connection. Node tells of a lost connection only through the answer
 * that is being written, so pipelined requests behind it would never learn of it; and it hands over
 * pipelined requests all at once, though a put must be finished before what follows it begins (RFC
 * 9112, 9.3.2).
 *
 * Whoever sends many requests without reading an answer decides how many are handed over, so
 * nothing here recurses or looks through all of them, only some of them begin in one turn of the
 * loop, and the socket is not read on while there are too many.
 */
import type { Socket } from 'node:net'
import type { Exchange } from './exchange.ts'
import type { Waiter } from './turns.ts'

/**
 * Requests of one connection that are worked on at once. With so many unanswered ones its socket is
 * not read.
 */
const OPEN_MAX = 256
/**
 * A client that ends its direction may be gone or may wait for its answers, and nothing tells
 * which. Reads go on for so long, which most are done in; what a put has begun goes on in any case.
 */
const HALF_CLOSED_READ_MS = 1_000

const connections = new WeakMap<Socket, Connection>()

export class Connection implements Waiter {
  /** Called when the first request comes, and when the last is answered. */
  onBusy: (() => void) | undefined
  onIdle: (() => void) | undefined
  readonly #socket: Socket
  /** Begun, and without a complete answer. */
  readonly #open = new Set<Exchange>()
  /**
   * In the order of their arrival. What came in one piece with the last that was allowed is more
   * than that, so it waits here.
   */
  readonly #waiting: Exchange[] = []
  /**
   * Of those that are open, the ones that may change something: there is one at most, and it is
   * alone.
   */
  #unsafeCount = 0
  #isStarting = false
  #isHeldBack = false

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.once('close', () => this.#close())
    socket.once('end', () => this.#halfClose())
  }

  /** The connection of a socket; the same one for each of its requests. */
  static of(socket: Socket): Connection {
    let connection = connections.get(socket)
    if (connection === undefined) {
      connection = new Connection(socket)
      connections.set(socket, connection)
    }
    return connection
  }

  /** Requests without a complete answer, begun or not. */
  get unansweredCount(): number {
    return this.#open.size + this.#waiting.length
  }

  /** The one of them that came first. */
  get first(): Exchange | undefined {
    const [first = this.#waiting[0]] = this.#open
    return first
  }

  /** Takes a request in and starts it, now or as soon as what it must come after is finished. */
  begin(exchange: Exchange): void {
    if (this.unansweredCount === 0) this.onBusy?.()
    this.#waiting.push(exchange)
    this.#advance()
    if (this.unansweredCount >= OPEN_MAX) this.#holdBack()
  }

  /** Lets go of a request that is finished. */
  end(exchange: Exchange): void {
    if (!this.#open.delete(exchange)) return
    if (!exchange.isSafe) this.#unsafeCount -= 1
    this.#advance()
    if (this.unansweredCount === 0) this.onIdle?.()
    if (this.#isHeldBack && this.unansweredCount < OPEN_MAX) this.#readOn()
  }

  /** Starts the first of what waits; true when another may start in a turn to come. */
  goOn(): boolean {
    if (this.#next !== undefined) this.#start()
    return this.#next !== undefined
  }

  /**
   * Starts the first of what waits, if nothing else is open and this turn has time. The rest starts
   * in turns: pipelined requests come many in one call, in which nobody sees what the first of them
   * costs.
   */
  #advance(): void {
    if (this.#isStarting) return
    for (let next = this.#next; next !== undefined; next = this.#next) {
      const { context, client } = next
      if (this.#open.size > 0 || !context.turns.mayBegin()) return context.turns.wait(client.share, this)
      this.#start()
    }
  }

  /**
   * The first of what waits, if it may start. On a lost connection nothing starts: all of it is
   * closed in a moment.
   */
  get #next(): Exchange | undefined {
    const first = this.#waiting[0]
    return first !== undefined && !this.#socket.destroyed && this.#mayStart(first) ? first : undefined
  }

  /**
   * A start that ends its request at once comes back to `end`, which starts no other: whoever
   * called this goes on.
   */
  #start(): void {
    const exchange = this.#waiting.shift() as Exchange
    this.#open.add(exchange)
    if (!exchange.isSafe) this.#unsafeCount += 1
    this.#isStarting = true
    exchange.start()
    this.#isStarting = false
  }

  #mayStart(exchange: Exchange): boolean {
    if (this.#open.size === 0) return true
    return exchange.isSafe && this.#unsafeCount === 0 && this.#open.size < OPEN_MAX
  }

  #holdBack(): void {
    if (this.#isHeldBack) return
    this.#isHeldBack = true
    this.#socket.on('resume', this.#pause)
    this.#socket.pause()
  }

  #readOn(): void {
    this.#isHeldBack = false
    this.#socket.off('resume', this.#pause)
    this.#socket.resume()
  }

  /** Node resumes a socket by itself when an answer is written or a body is dropped. */
  readonly #pause = (): void => {
    this.#socket.pause()
  }

  #halfClose(): void {
    if (this.unansweredCount === 0) return
    const cancel = (): void => {
      for (const exchange of this.#open) if (exchange.isSafe) exchange.cancel()
    }
    const timer = setTimeout(cancel, HALF_CLOSED_READ_MS).unref()
    this.#socket.once('close', () => clearTimeout(timer))
  }

  #close(): void {
    const unanswered = [...this.#open, ...this.#waiting.splice(0)]
    for (const exchange of unanswered) exchange.close()
  }
}
