/**
 * As much of a NATS client as a load needs: one connection, one request at a time, its answer.
 * Written out rather than taken from a package, because it is small, and because a generator must
 * cost little beside the servers it measures.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

const LINE_END = Buffer.from('\r\n')

export class NatsConnection {
  readonly #socket: Socket
  /** Where its answers are sent, and nobody else's. */
  readonly #inbox = `_INBOX.${randomUUID()}`
  #unread: Buffer = Buffer.alloc(0)
  #answered: ((payload: Buffer) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', (error) => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('the connection is closed')))
  }

  /**
   * @param answerMs a request without an answer fails after that: a server without a leader drops
   * what it is sent
   */
  static async open(port: number, answerMs: number): Promise<NatsConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const connection = new NatsConnection(socket)
    socket.setTimeout(answerMs, () => socket.destroy(new Error(`NATS gave no answer in ${answerMs} ms`)))
    socket.write(
      `CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}\r\nSUB ${connection.#inbox} 1\r\n`,
    )
    return connection
  }

  /**
   * Sends a message and waits for the one that comes back. @throws Error when the connection breaks
   * first
   */
  request(subject: string, payload: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection is closed'))
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(`PUB ${subject} ${this.#inbox} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    for (;;) {
      const end = this.#unread.indexOf(LINE_END)
      if (end < 0) return
      const words = this.#unread.toString('latin1', 0, end).split(' ')
      const [verb] = words
      const isMessage = verb === 'MSG' || verb === 'HMSG'
      const size = isMessage ? Number(words.at(-1)) + LINE_END.length : 0
      const from = end + LINE_END.length
      if (this.#unread.length < from + size) return
      const payload = this.#unread.subarray(from, from + Math.max(0, size - LINE_END.length))
      this.#unread = this.#unread.subarray(from + size)
      if (verb === 'PING') this.#socket.write('PONG\r\n')
      else if (verb === '-ERR') this.#failed?.(new Error(words.join(' ')))
      else if (isMessage) this.#answered?.(payload)
    }
  }
}
