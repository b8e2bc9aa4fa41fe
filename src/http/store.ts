/**
 * `/store/{key}`: the hot paths. They are served in front of Express, for a path must be cut and
 * decoded by hand anyway.
 */
import type { Consistency } from '../../protocols/events.ts'
import type { GetInit, GetOutcome, PutOutcome } from '../ports/replicator.ts'
import { mayRead } from '../security/grant.ts'
import { readBody, refuseBody } from './body.ts'
import type { BodyFault } from './body.ts'
import type { Exchange } from './exchange.ts'
import { parseKey } from './keys.ts'
import { getAnswerTo, putAnswerTo } from './outcomes.ts'
import { readPutHeaders } from './put-headers.ts'
import { parseGetQuery, parsePutQuery } from './query.ts'
import type { GetQuery } from './query.ts'

/** What every path of a key begins with. */
export const STORE_PREFIX = '/store/'

/** Reads a key. */
export function getKey(exchange: Exchange): void {
  withKey(exchange, (key, rawQuery) => {
    const query = parseGetQuery(rawQuery)
    if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
    const { timeoutMs, waitMs } = query
    const { replicator } = exchange.context
    if (!exchange.enter(waitMs > 0 ? 'waits' : 'requests') || !exchange.reserve(() => replicator.valueBytes(key))) return
    const work = replicator.get(new KeyGet(exchange, key, query))
    exchange.follow(work, timeoutMs + waitMs, (outcome) => answerGet(exchange, key, outcome))
  })
}

/**
 * A get as the replicator takes it. Its signal is made when it is asked for: most gets are answered
 * at once, and need none.
 */
class KeyGet implements GetInit {
  readonly key: string
  readonly consistency: Consistency
  readonly timeoutMs: number
  readonly waitMs: number
  readonly #exchange: Exchange

  constructor(exchange: Exchange, key: string, { consistency, timeoutMs, waitMs }: GetQuery) {
    this.#exchange = exchange
    this.key = key
    this.consistency = consistency
    this.timeoutMs = timeoutMs
    this.waitMs = waitMs
  }

  get signal(): AbortSignal {
    return this.#exchange.signal
  }
}

/** Stores a key. */
export function putKey(exchange: Exchange): void {
  withKey(exchange, (key, query) => putOf(exchange, key, query))
}

/** Takes the target of a request apart; one whose key is bad is refused. */
function withKey(exchange: Exchange, then: (key: string, query: string) => void): void {
  const target = exchange.request.url ?? ''
  const cut = target.indexOf('?')
  const key = parseKey(cut < 0 ? target.slice(STORE_PREFIX.length) : target.slice(STORE_PREFIX.length, cut))
  if (key.fault !== undefined) return exchange.refuse('bad-key', `The key is bad: ${key.fault}.`)
  then(key.text, cut < 0 ? '' : target.slice(cut + 1))
}

function putOf(exchange: Exchange, key: string, rawQuery: string): void {
  const query = parsePutQuery(rawQuery)
  if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
  const headers = readPutHeaders(exchange.request.headers)
  if ('problem' in headers) return exchange.refuse(headers.problem, headers.detail, { header: headers.header })
  const { context } = exchange
  if (refusesUnready(exchange)) return
  const put: KeyPut = { key, contentType: headers.contentType, writeId: headers.writeId, timeoutMs: query.timeoutMs }
  readBody(exchange, context.valueBytesMax, (body) => {
    if (typeof body === 'string') refuseValue(exchange, body, context.valueBytesMax)
    else if (headers.mustExist) putIfPresent(exchange, put, body)
    else putValue(exchange, put, body)
  })
}

/** Until this peer was ready once, it takes no puts. */
export function refusesUnready(exchange: Exchange): boolean {
  const { context } = exchange
  if (context.wasReady) return false
  const readiness = context.replicator.readiness()
  if (!readiness.ready) exchange.refuse('not-ready', readiness.detail)
  context.wasReady = readiness.ready
  return !readiness.ready
}

interface KeyPut {
  readonly key: string
  readonly contentType: string
  readonly writeId: string | undefined
  readonly timeoutMs: number
}

function putValue(exchange: Exchange, put: KeyPut, value: Uint8Array): void {
  const work = exchange.context.replicator.put({ ...put, value, signal: exchange.signal })
  exchange.follow(work, put.timeoutMs, (outcome) => answerPut(exchange, put.key, outcome))
}

/**
 * A put with `If-Match` must find the key stored, so it can store nothing. Only when the key is
 * there does it go on, to the same answer as without the header: RFC 9110 (13.2.1) has a
 * precondition ignored where the answer would be a refusal anyway, and a write-once key that is
 * there is either one's own earlier put (200) or refused (409, 422).
 */
function putIfPresent(exchange: Exchange, put: KeyPut, value: Uint8Array): void {
  const { key, timeoutMs, writeId } = put
  const begunAtMs = exchange.context.clock.nowMs()
  const work = exchange.context.replicator.get({ key, consistency: 'linearizable', timeoutMs, waitMs: 0, signal: exchange.signal })
  exchange.follow(work, timeoutMs, (outcome) => {
    if (outcome.kind === 'absent') {
      return exchange.refuse('precondition-failed', 'If-Match asks for a stored key, and this key is absent. Nothing was stored.')
    }
    if (outcome.kind === 'unavailable') {
      return answerPut(exchange, key, writeId === undefined ? { kind: 'not-stored' } : { kind: 'in-doubt', writeId })
    }
    const leftMs = Math.max(1, timeoutMs - Math.ceil(exchange.context.clock.nowMs() - begunAtMs))
    putValue(exchange, { ...put, timeoutMs: leftMs }, value)
  })
}

/** Answers a put whose value could not be read. @param valueBytesMax the most that it might have had */
export function refuseValue(exchange: Exchange, fault: BodyFault, valueBytesMax: number): void {
  const tooLarge = { detail: `A value may have at most ${valueBytesMax} bytes here.`, extensions: { valueBytesMax } }
  refuseBody(exchange, fault, tooLarge, 'Nothing was stored.')
}

function answerPut(exchange: Exchange, key: string, outcome: PutOutcome): void {
  const { grant } = exchange
  exchange.send(putAnswerTo(outcome, key, grant === undefined || mayRead(grant, STORE_PREFIX + key)))
}

function answerGet(exchange: Exchange, key: string, outcome: GetOutcome): void {
  const { context, request } = exchange
  exchange.send(
    getAnswerTo(outcome, {
      key,
      tags: context.tags,
      ifNoneMatch: request.headers['if-none-match'],
      nowSecond: context.dates.nowSecond(),
      isPrivate: context.credentials.isAsked,
    }),
  )
}
