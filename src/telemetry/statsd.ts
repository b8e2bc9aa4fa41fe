/**
 * Lines for StatsD, with tags as Datadog has them: `name:value|type|#tag:value`. Those of a moment
 * go in one datagram. What nobody takes is lost, and holds up nothing.
 */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'

/** What one datagram carries over any usual network. */
const DATAGRAM_BYTES_MAX = 1_432
/** How long a line waits for others, in milliseconds. */
const GATHER_MS = 100

export interface StatsdInit {
  readonly host: string
  readonly port: number
  /** In front of each name, with its dot. */
  readonly prefix: string
  /** Of every line. */
  readonly tags: Readonly<Record<string, string>>
  /** Told once, when the first line cannot be sent. */
  readonly warn: (text: string) => void
}

export class Statsd {
  readonly #init: StatsdInit
  readonly #socket: Socket
  #lines: string[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #hasFailed = false
  #isClosed = false

  constructor(init: StatsdInit) {
    this.#init = init
    this.#socket = createSocket(init.host.includes(':') ? 'udp6' : 'udp4').unref()
    this.#socket.on('error', (error) => this.#failed(error))
  }

  count(name: string, tags: Readonly<Record<string, string>> = {}): void {
    this.#add(name, '1|c', tags)
  }

  /** @param milliseconds how long it took */
  time(name: string, milliseconds: number, tags: Readonly<Record<string, string>> = {}): void {
    this.#add(name, `${Math.round(milliseconds)}|ms`, tags)
  }

  /** Sends what waits, and no more. */
  async close(): Promise<void> {
    this.#flush()
    this.#isClosed = true
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#socket.close(() => resolve())
    await promise
  }

  #add(name: string, value: string, tags: Readonly<Record<string, string>>): void {
    if (this.#isClosed) return
    const { prefix, tags: always } = this.#init
    const told = Object.entries({ ...always, ...tags }).map(([tag, text]) => `${tag}:${text}`)
    const line = `${prefix}${name}:${value}|#${told.join(',')}`
    const bytes = Buffer.byteLength(line) + 1
    if (this.#bytes + bytes > DATAGRAM_BYTES_MAX) this.#flush()
    this.#lines.push(line)
    this.#bytes += bytes
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines.length === 0) return
    const datagram = this.#lines.join('\n')
    this.#lines = []
    this.#bytes = 0
    const { host, port } = this.#init
    this.#socket.send(datagram, port, host, (error) => {
      if (error !== null) this.#failed(error)
    })
  }

  #failed(error: Error): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const { host, port, warn } = this.#init
    warn(`lines for StatsD cannot be sent to ${host}:${port}: ${error.message}`)
  }
}
