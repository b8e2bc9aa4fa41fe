/**
 * `POST /puts`: many puts in one request, each an ordinary put of its own. They are not one: some
 * may be stored and others not, in any order, and each is answered by itself.
 */
import { mayRead, opens } from '../security/grant.ts'
import { text } from './answers.ts'
import type { Answer } from './answers.ts'
import { takeWhole } from './body.ts'
import { PUTS_BYTES_MAX, readPuts } from './bulk-body.ts'
import type { BulkPut, ReadPut } from './bulk-body.ts'
import type { Exchange } from './exchange.ts'
import { putAnswerTo } from './outcomes.ts'
import { problem } from './problems.ts'
import { parsePutQuery } from './query.ts'
import { refusesUnready, STORE_PREFIX } from './store.ts'
import { queryOf } from './target.ts'

/** Of one request, how many are under way at a time. Each counts as a request. */
const WIDTH = 32
const JSON_TYPE = 'application/json'

export function putMany(exchange: Exchange): void {
  const query = parsePutQuery(queryOf(exchange.request))
  if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
  const { context } = exchange
  if (refusesUnready(exchange)) return
  takeWhole(exchange, PUTS_BYTES_MAX, 'Nothing was stored.', (body) => {
    const puts = readPuts(body, context.valueBytesMax)
    if (typeof puts === 'string') return exchange.refuse('bad-body', puts)
    const run = new BulkRun(exchange, puts, query.timeoutMs)
    exchange.follow(run.run(), query.timeoutMs, (answers) => exchange.send(text(200, JSON_TYPE, `{"puts":[${answers.join(',')}]}`)))
  })
}

/** All puts of one request, some at a time. */
class BulkRun {
  readonly #exchange: Exchange
  readonly #puts: readonly ReadPut[]
  readonly #deadlineMs: number
  readonly #answers: string[]
  #next = 0

  constructor(exchange: Exchange, puts: readonly ReadPut[], timeoutMs: number) {
    this.#exchange = exchange
    this.#puts = puts
    this.#deadlineMs = exchange.context.clock.nowMs() + timeoutMs
    this.#answers = Array.from({ length: puts.length }, () => '')
  }

  /** @returns what each is answered, in the order in which they came */
  async run(): Promise<readonly string[]> {
    await Promise.all(Array.from({ length: Math.min(WIDTH, this.#puts.length) }, () => this.#work()))
    return this.#answers
  }

  async #work(): Promise<void> {
    while (this.#next < this.#puts.length) {
      const place = this.#next
      this.#next += 1
      this.#answers[place] = toldOf(await this.#answerOf(this.#puts[place] as ReadPut))
    }
  }

  async #answerOf(put: ReadPut): Promise<Answer> {
    if ('refused' in put) return put.refused
    const { grant, context, client } = this.#exchange
    const path = STORE_PREFIX + put.key
    if (grant !== undefined && !opens(grant, path))
      return problem('forbidden', `This key is below none of the prefixes that ${grant.name} is kept to.`)
    const leftMs = Math.floor(this.#deadlineMs - context.clock.nowMs())
    if (leftMs <= 0) return problem('overloaded', 'The time was over before this one began. Nothing of it has begun.')
    if (!context.load.take('requests', client.share, 1))
      return problem('overloaded', 'Too many requests are in flight. Nothing of this one has begun.')
    try {
      return await this.#put(put, leftMs, grant === undefined || mayRead(grant, path))
    } finally {
      context.load.give('requests', client.share, 1)
    }
  }

  async #put(put: BulkPut, timeoutMs: number, tellsFacts: boolean): Promise<Answer> {
    const { context, signal } = this.#exchange
    return putAnswerTo(await context.replicator.put({ ...put, timeoutMs, signal }), put.key, tellsFacts)
  }
}

/** An answer of a single put as one of many: its body, with its status. */
function toldOf({ status, body }: Answer): string {
  const told = String(body)
  return told.startsWith('{"type"') ? told : `{"status":${status},${told.slice(1)}`
}
