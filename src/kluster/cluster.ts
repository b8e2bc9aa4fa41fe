/**
 * A client of databases that Kafka keeps in one order. A command goes to the topic that orders, and
 * then its request to the topic that says who answers. It waits for the answer as long as it is told,
 * and drops one that comes later.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { utf8 } from '../bytes.ts'
import { reach } from '../orderers/kafka/connection.ts'
import { Producing } from '../orderers/kafka/producing.ts'
import { AccessRefused } from '../orderers/kafka/refusals.ts'
import { Tail } from '../orderers/kafka/tail.ts'
import { orderOf, parseOrder } from '../settings/order-url.ts'
import type { KafkaOrder } from '../settings/order-url.ts'
import { answerIn, outcomeIn } from './outcomes.ts'
import type { Answer, Outcome, SqlResult } from './outcomes.ts'

/** How long an answer is waited for unless it is said, in milliseconds. */
const TIMEOUT_MS = 10_000
/** Commands and queries that wait at once. */
const WAITING_MAX = 10_000
/** Between tries to have a command ordered, in milliseconds. */
const RETRY_MS = 200

/** Nothing was sent. */
export class TooManyWait extends Error {
  static override readonly name = 'TooManyWait'
  override readonly name = 'TooManyWait'
}

export type SqlParams = readonly unknown[] | Readonly<Record<string, unknown>>

export interface Statement {
  readonly command: string
  readonly params?: SqlParams
  /** Rows that it has to change: else all is undone. */
  readonly rows?: number
}

export interface ExecOptions {
  /**
   * Names the command, up to 255 bytes: it takes effect once, however often it is sent. Random unless
   * it is said.
   */
  readonly id?: string
  /** The longest that it may take, in milliseconds; 10,000 unless said. */
  readonly timeoutMs?: number
  /** The end of the log at the first try, for one that is made again after more than 15 minutes. */
  readonly since?: number
}

export interface QueryOptions {
  readonly timeoutMs?: number
  /** Nothing older than this position, which an outcome told: what a program reads of its own. */
  readonly after?: number
  /** Nothing older than the call. */
  readonly linearizable?: boolean
}

export interface ClusterInit {
  /** Of the log: its topics are NAME-all, NAME-one and NAME-response. */
  readonly name?: string
  /** `kafka://HOST:PORT,…`, with the names of topics, TLS and the user; the variables of the environment unless said. */
  readonly order?: string
}

export interface Cluster {
  /** Orders a statement for all databases. @throws Error when too many wait, it is closed, or the brokers refuse this program */
  exec(sql: string, params?: SqlParams, options?: ExecOptions): Promise<Outcome<SqlResult>>
  /** Orders several as one: all take effect, or none. */
  transaction(statements: readonly Statement[], options?: ExecOptions): Promise<Outcome<readonly SqlResult[]>>
  /** Asks one database. */
  query(sql: string, params?: SqlParams, options?: QueryOptions): Promise<Answer>
  /** Whatever waits for an answer is told that none came. */
  close(): Promise<void>
}

/** Opens nothing yet: the first call does. @throws Error of one line for a setting that will not do */
export function cluster({ name = 'kluster', order }: ClusterInit = {}): Cluster {
  const found = order === undefined ? orderOf(process.env, name) : parseOrder(order, name)
  if (found === undefined) throw new Error('no brokers are named: give order, or KAFKA_BOOTSTRAP_SERVERS')
  if (found.one === undefined) throw new Error('this client needs a topic of requests: name one')
  return new KafkaCluster({ ...found, one: found.one })
}

interface Open {
  readonly producing: Producing
  readonly tail: Tail
  /** Of the topic of answers: this client's. */
  readonly partition: number
}

class KafkaCluster implements Cluster {
  readonly #order: KafkaOrder & { readonly one: string }
  readonly #waiting = new Map<string, (value: string | undefined) => void>()
  #opening: Promise<Open> | undefined
  #isClosed = false

  constructor(order: KafkaOrder & { readonly one: string }) {
    this.#order = order
  }

  exec(sql: string, params: SqlParams = [], options: ExecOptions = {}): Promise<Outcome<SqlResult>> {
    return this.#command({ command: sql, params }, options)
  }

  transaction(statements: readonly Statement[], options: ExecOptions = {}): Promise<Outcome<readonly SqlResult[]>> {
    return this.#command({ statements }, options)
  }

  async query(sql: string, params: SqlParams = [], options: QueryOptions = {}): Promise<Answer> {
    const { timeoutMs = TIMEOUT_MS, after, linearizable = false } = options
    const id = randomUUID()
    const value = await this.#answer(id, timeoutMs, async ({ producing, partition }) => {
      const message = { replicator: 1, query: sql, params, ...(after !== undefined && { after }), linearizable, reply: { partition } }
      await producing.send({ topic: this.#order.one, key: utf8.encode(id), partition: undefined, value: JSON.stringify(message) })
    })
    return value === undefined ? { kind: 'unavailable' } : answerIn(value)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of this.#waiting.values()) end(undefined)
    const open = await this.#opening?.catch(() => undefined)
    await Promise.allSettled([open?.tail.close(), open?.producing.close()])
  }

  async #command<Result>(content: object, { id = randomUUID(), timeoutMs = TIMEOUT_MS, since }: ExecOptions): Promise<Outcome<Result>> {
    const deadlineMs = performance.now() + timeoutMs
    const value = await this.#answer(id, timeoutMs, async ({ producing, partition }) => {
      const { all, one } = this.#order
      const key = utf8.encode(id)
      const reply = { partition }
      const message = JSON.stringify({ replicator: 1, ...content, ...(since !== undefined && { since }), reply })
      // Ordered twice it takes effect once: its key is its name.
      const ordered = await this.#insisted(() => producing.send({ topic: all, key, partition: 0, value: message }), deadlineMs)
      const request = JSON.stringify({ replicator: 1, ordered, reply })
      await this.#insisted(() => producing.send({ topic: one, key, partition: undefined, value: request }), deadlineMs)
    })
    return value === undefined ? { kind: 'in-doubt', id } : outcomeIn(value, id)
  }

  /** @returns undefined when none came in time */
  async #answer(id: string, timeoutMs: number, send: (open: Open) => Promise<void>): Promise<string | undefined> {
    if (this.#isClosed) throw new Error('the cluster is closed')
    if (this.#waiting.size >= WAITING_MAX) throw new TooManyWait(`${WAITING_MAX} commands and queries wait already`)
    if (this.#waiting.has(id)) throw new Error(`a command with the id ${id} waits already`)
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
    const timer = setTimeout(() => resolve(undefined), timeoutMs)
    this.#waiting.set(id, resolve)
    try {
      // Whatever cannot be sent is not known to be nowhere: the clock ends it.
      this.#open()
        .then(send)
        .catch((error: unknown) => {
          // Nothing went to brokers that let nobody in.
          if (error instanceof AccessRefused) reject(error)
        })
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Once; again after it failed. */
  #open(): Promise<Open> {
    this.#opening ??= this.#opened().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #opened(): Promise<Open> {
    const { brokers, response } = this.#order
    const kafka = await reach(brokers)
    const client = kafka.base('replicator-client')
    try {
      const { topics } = await client.metadata({ topics: [response] })
      const partition = randomInt(topics.get(response)?.partitionsCount ?? 1)
      const tail = new Tail(kafka, response, partition, ({ key, value }) => {
        if (key !== undefined && value !== undefined) this.#waiting.get(utf8.decode(key))?.(utf8.decode(value))
      })
      await tail.start()
      return { producing: new Producing(kafka, 'replicator-client'), tail, partition }
    } finally {
      await client.close()
    }
  }

  async #insisted<Value>(run: () => Promise<Value>, deadlineMs: number): Promise<Value> {
    for (;;) {
      try {
        return await run()
      } catch (error) {
        if (this.#isClosed || performance.now() + RETRY_MS > deadlineMs) throw error
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }
}
