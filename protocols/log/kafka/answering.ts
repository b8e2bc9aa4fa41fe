/**
 * Answers the requests of the partitions that the group gave this replica. It waits until the store
 * has applied what a request is about, and then tells what the store says: an owner that takes over
 * finds the same. The offset of the group rises when all before it is answered, so a request is
 * answered at least once, and all answers of a command are equal.
 */
import { assert } from '../../base/assert.ts'
import type { Applied } from '../events.ts'
import { noOutcome, outcomeResponse, queryResponse } from './answers.ts'
import type { KafkaEvent, Response } from './events.ts'
import type { KafkaLimits } from './limits.ts'
import type { Outlet } from './outlet.ts'
import type { Reading } from './reading.ts'
import { indexOf, offsetOf, submitIdOf } from './record.ts'
import type { KafkaRecord, Tools } from './record.ts'
import { readRequest } from './request.ts'
import type { ReadRequest } from './request.ts'

type Step =
  /** Until the store has applied all below this offset. */
  { readonly kind: 'waits'; readonly doneOffset: number } | { readonly kind: 'asks-end' | 'recalls' | 'queries' | 'responds' | 'answered' }

interface Request extends ReadRequest {
  readonly number: number
  readonly partition: number
  readonly offset: number
  readonly deadlineMs: number
  step: Step
}

type Of<Kind extends KafkaEvent['kind']> = Extract<KafkaEvent, { readonly kind: Kind }>

export class Answering {
  private readonly limits: KafkaLimits
  private readonly tools: Tools
  private readonly outlet: Outlet
  private readonly reading: Reading
  /** In the order in which they came. */
  private readonly requests = new Map<number, Request>()
  private readonly byPartition = new Map<number, Request[]>()
  private generation = 0
  private isJoined = false
  /** Requests that wait were looked at when all below it was applied. */
  private lookedAtOffset = 0
  /** The end that the store has not reached, and since when. */
  private behind: { readonly endOffset: number; readonly sinceMs: number } | undefined

  constructor(init: { readonly limits: KafkaLimits; readonly tools: Tools; readonly outlet: Outlet; readonly reading: Reading }) {
    this.limits = init.limits
    this.tools = init.tools
    this.outlet = init.outlet
    this.reading = init.reading
  }

  /** Whether more requests may be read. */
  get hasRoom(): boolean {
    return this.requests.size < this.limits.requestsMax
  }

  /** Since when the store has not reached what was the end then; undefined when it has. */
  get behindSinceMs(): number | undefined {
    return this.behind?.sinceMs
  }

  tick(nowMs: number): void {
    this.look(nowMs)
    for (const request of this.requests.values()) if (nowMs >= request.deadlineMs) this.giveUp(request)
  }

  /** The store went on, or stopped. */
  look(nowMs: number): void {
    const { state, doneOffset, endOffset } = this.reading
    if (this.behind !== undefined && doneOffset >= this.behind.endOffset) this.behind = undefined
    if (this.behind === undefined && doneOffset < endOffset) this.behind = { endOffset, sinceMs: nowMs }
    if (!this.isJoined && state === 'ready') this.join()
    else if (this.isJoined && (state === 'halted' || this.isLate(nowMs))) this.leave()
    if (doneOffset === this.lookedAtOffset) return
    this.lookedAtOffset = doneOffset
    for (const request of this.requests.values()) this.goOn(request)
  }

  assigned({ generation }: Of<'assigned'>): void {
    this.generation = generation
    this.forget()
  }

  requested({ generation, partition, records }: Of<'requested'>, nowMs: number): void {
    if (generation !== this.generation || !this.isJoined) return
    for (const record of records) this.begin(partition, record, nowMs)
  }

  ended({ number, endOffset }: Of<'ended'>): void {
    const request = this.at(number, 'asks-end')
    if (request !== undefined) this.wait(request, endOffset)
  }

  recalled({ number, recalled }: Of<'recalled'>): void {
    const request = this.at(number, 'recalls')
    if (request === undefined) return
    if (recalled === undefined) return this.respond(request, noOutcome(request.asker, 'not-ordered'))
    this.tell(request, recalled.record, recalled.applied)
  }

  named({ number, applied }: Of<'named'>): void {
    const request = this.at(number, 'recalls')
    if (request?.asks.kind !== 'by-name') return
    if (applied === undefined) this.query(request, request.asks.query)
    else this.respond(request, outcomeResponse(request.asker, applied, this.tools.utf8))
  }

  queried({ number, said }: Of<'queried'>): void {
    const request = this.at(number, 'queries')
    if (request === undefined) return
    if (said.kind === 'not-a-query' && request.asks.kind === 'by-name')
      return this.respond(request, noOutcome(request.asker, 'not-ordered'))
    this.respond(request, queryResponse(request.asker, said))
  }

  responded({ number }: Of<'responded'>): void {
    const request = this.at(number, 'responds')
    if (request === undefined) return
    request.step = { kind: 'answered' }
    this.commit(request.partition)
  }

  private begin(partition: number, record: KafkaRecord, nowMs: number): void {
    const request: Request = {
      ...readRequest(record, this.tools),
      number: this.outlet.nextNumber(),
      partition,
      offset: record.offset,
      deadlineMs: nowMs + this.limits.requestMs,
      step: { kind: 'asks-end' },
    }
    this.requests.set(request.number, request)
    const before = this.byPartition.get(partition)
    if (before === undefined) this.byPartition.set(partition, [request])
    else before.push(request)
    const { asks } = request
    if (asks.kind === 'nothing') return this.respond(request, noOutcome(request.asker, 'unavailable'))
    if (asks.kind === 'outcome') return this.wait(request, asks.index)
    if (asks.kind === 'query' && !asks.isLinearizable) return this.wait(request, asks.afterIndex)
    // The end is asked for after the request came: all that was ordered before it is below.
    this.outlet.put({ kind: 'ask-end', number: request.number })
  }

  private wait(request: Request, doneOffset: number): void {
    request.step = { kind: 'waits', doneOffset }
    this.goOn(request)
  }

  private goOn(request: Request): void {
    const { asks, step, number } = request
    if (step.kind !== 'waits' || this.reading.doneOffset < step.doneOffset || this.reading.state === 'halted') return
    if (asks.kind === 'query') return this.query(request, asks.query)
    const known =
      asks.kind === 'outcome' ? this.reading.recent.at(asks.index) : asks.kind === 'by-name' && this.reading.recent.of(asks.submitId)
    if (known !== undefined && known !== false && (asks.kind === 'outcome' || asks.kind === 'by-name')) {
      if (known.submitId !== asks.submitId) return this.respond(request, noOutcome(request.asker, 'not-ordered'))
      const position = { term: 0, index: known.index }
      return this.respond(request, outcomeResponse(request.asker, { position, outcome: known.outcome }, this.tools.utf8))
    }
    request.step = { kind: 'recalls' }
    if (asks.kind === 'by-name') return this.recallName(request, asks)
    assert(asks.kind === 'outcome', `a request that waits asks for ${asks.kind}`)
    this.outlet.put({ kind: 'recall', number, offset: offsetOf(asks.index) })
  }

  /** A store tells an entry that it has passed what it remembers of its name, and does nothing. */
  private recallName({ number }: Request, { submitId, query }: Extract<Request['asks'], { readonly kind: 'by-name' }>): void {
    const { index } = this.reading
    const body = { kind: 'command' as const, submitId, since: 0, command: this.tools.utf8.encode(query) }
    this.outlet.put({ kind: 'recall-name', number, entry: { term: 0, index, atMs: 0, body } })
  }

  private query(request: Request, query: string): void {
    request.step = { kind: 'queries' }
    // All below the offset are applied; the last of them is where the store stands at least.
    this.outlet.put({ kind: 'query', number: request.number, query, indexMin: this.reading.index })
  }

  private tell(request: Request, record: KafkaRecord, applied: Applied): void {
    const { asks, asker } = request
    const isIt = asks.kind === 'outcome' && submitIdOf(record.key, record.offset, this.tools) === asks.submitId
    const isThere = isIt && applied.position.index === indexOf(record.offset)
    this.respond(request, isThere ? outcomeResponse(asker, applied, this.tools.utf8) : noOutcome(asker, 'not-ordered'))
  }

  /** What was ordered may take effect yet; a query never does. */
  private giveUp(request: Request): void {
    const { asks, step, asker } = request
    if (step.kind === 'responds' || step.kind === 'answered') return
    this.respond(request, noOutcome(asker, asks.kind === 'query' ? 'unavailable' : 'in-doubt'))
  }

  private respond(request: Request, response: Response): void {
    request.step = { kind: 'responds' }
    this.outlet.put({ kind: 'respond', number: request.number, response })
  }

  /** The first of the partition that are answered are done with. */
  private commit(partition: number): void {
    const open = this.byPartition.get(partition) ?? []
    let count = 0
    for (const request of open) {
      if (request.step.kind !== 'answered') break
      count += 1
      this.requests.delete(request.number)
    }
    const last = open.splice(0, count).at(-1)
    if (last !== undefined) this.outlet.put({ kind: 'commit', generation: this.generation, partition, offset: last.offset + 1 })
  }

  private isLate(nowMs: number): boolean {
    return this.behind !== undefined && nowMs - this.behind.sinceMs > this.limits.behindMs
  }

  private join(): void {
    this.isJoined = true
    this.outlet.put({ kind: 'join' })
  }

  private leave(): void {
    this.isJoined = false
    this.forget()
    this.outlet.put({ kind: 'leave' })
  }

  private forget(): void {
    this.requests.clear()
    this.byPartition.clear()
  }

  private at(number: number, kind: Step['kind']): Request | undefined {
    const request = this.requests.get(number)
    return request?.step.kind === kind ? request : undefined
  }
}
