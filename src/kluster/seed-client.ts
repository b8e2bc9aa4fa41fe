/**
 * A client as Kluster's own: it sends texts of SQL to the topics, listens to all answers and says in
 * lines what it sees. The first answer counts.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { utf8 } from '../bytes.ts'
import { reach } from '../orderers/kafka/connection.ts'
import { Producing } from '../orderers/kafka/producing.ts'
import { Tail } from '../orderers/kafka/tail.ts'
import type { KafkaOrder } from '../settings/order-url.ts'

/** Answered queries that are remembered, so that a later answer is known for one. */
const FINISHED_MAX = 1_000

export class SeedClient {
  readonly #order: KafkaOrder
  readonly #say: (line: string) => void
  readonly #waiting = new Map<string, () => void>()
  /** Answers that came before it was said that their query was sent. */
  readonly #early: (readonly [string, string])[] = []
  #sending = 0
  readonly #finished = new Map<string, Date>()
  #tails: readonly Tail[] = []
  #producing: Producing | undefined

  /** @param say is given what it sees, a line each */
  constructor(order: KafkaOrder, say: (line: string) => void) {
    this.#order = order
    this.#say = say
  }

  /** @throws as of `reach` */
  async start(): Promise<void> {
    const { brokers, response } = this.#order
    const kafka = await reach(brokers)
    const client = kafka.base('replicator-client')
    const { topics } = await client.metadata({ topics: [response] })
    await client.close()
    // The key of an answer says in which partition it is: all of them are followed.
    const partitions = Array.from({ length: topics.get(response)?.partitionsCount ?? 1 }, (_, partition) => partition)
    this.#tails = partitions.map((partition) => {
      return new Tail(kafka, response, partition, ({ key, value }) => {
        if (key === undefined || value === undefined) return
        const answer = [utf8.decode(key), utf8.decode(value)] as const
        if (this.#sending > 0) this.#early.push(answer)
        else this.#heard(...answer)
      })
    })
    await Promise.all(this.#tails.map((tail) => tail.start()))
    this.#producing = new Producing(kafka, 'replicator-client')
  }

  /** @returns the name of the query when no answer came in time. @throws what the driver throws */
  async send(sql: string, timeoutMs: number): Promise<string | undefined> {
    const { all, one } = this.#order
    const id = `${Date.now()}-${randomUUID().slice(0, 8)}`
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#waiting.set(id, () => resolve(undefined))
    this.#sending += 1
    try {
      await this.#producing?.send({ topic: all, key: utf8.encode(id), partition: 0, value: sql })
      if (one !== undefined) await this.#producing?.send({ topic: one, key: utf8.encode(id), partition: undefined, value: sql })
      this.#line('kafkaClient', `sent query for execution with id ${id}: ${sql}`)
      this.#line('futureResult', `Waiting sync for query ${id} to return`)
    } finally {
      this.#sending -= 1
      for (const answer of this.#early.splice(0)) this.#heard(...answer)
    }
    const late = await Promise.race([promise, delay(timeoutMs, id, { ref: false })])
    this.#waiting.delete(id)
    return late
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#producing?.close(), ...this.#tails.map((tail) => tail.close())])
  }

  #heard(key: string, value: string): void {
    this.#line('kafkaResultTracker', `Received result message, key=${key} val=${value}`)
    const begin = `received result for query with id ${key}`
    const before = this.#finished.get(key)
    if (before !== undefined) return this.#line('kafkaResultTracker', `${begin}, was query was already finished at ${before.toISOString()}`)
    const complete = this.#waiting.get(key)
    if (complete === undefined) return
    this.#line('kafkaResultTracker', `${begin}, completing result!`)
    this.#finished.set(key, new Date())
    for (const [oldest] of this.#finished) if (this.#finished.size > FINISHED_MAX) this.#finished.delete(oldest)
    complete()
  }

  /** As the lines of the seed's log begin. */
  #line(who: string, text: string): void {
    const [date = '', time = ''] = new Date().toISOString().split('T')
    this.#say(`${date.replaceAll('-', '/')} ${time.slice(0, 8)} [${who}] ${text}`)
  }
}
