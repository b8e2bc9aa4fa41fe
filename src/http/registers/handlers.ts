/** What is done for each request of a register. */
import { mayRead } from '../../security/grant.ts'
import type { Registers } from '../../ports/registers.ts'
import { REGISTER_VALUE_BYTES_MAX } from '../../../protocols/registers/requests.ts'
import type { Contents, WriteRequest } from '../../../protocols/registers/requests.ts'
import { readBody } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { parseKey } from '../keys.ts'
import { readPutHeaders } from '../put-headers.ts'
import type { PutHeaders } from '../put-headers.ts'
import { parsePutQuery as parseDeleteQuery } from '../query.ts'
import { refuseValue } from '../store.ts'
import { readConditions } from './conditions.ts'
import type { Conditions } from './conditions.ts'
import { readAnswerTo, writeAnswerTo } from './outcomes.ts'
import { parsePutQuery, parseReadQuery } from './query.ts'

/** What every path of a register begins with. */
export const REGISTERS_PREFIX = '/kv/'

export class RegisterHandlers {
  readonly #registers: Registers

  constructor(registers: Registers) {
    this.#registers = registers
  }

  read(exchange: Exchange): void {
    withKey(exchange, (key, rawQuery) => {
      const query = parseReadQuery(rawQuery)
      if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
      const { consistency, timeoutMs, waitMs, newer: version } = query
      if (!exchange.enter(waitMs > 0 ? 'waits' : 'requests')) return
      const { context, request } = exchange
      const newer = version === undefined ? undefined : { version, waitUntilMs: context.clock.nowMs() + waitMs }
      const work = this.#registers.read({ kind: 'read', key, consistency, newer }, timeoutMs + waitMs, exchange.signal)
      exchange.follow(work, timeoutMs + waitMs, (answer) => {
        const asked = { ifNoneMatch: request.headers['if-none-match'], newer: version, isPrivate: context.credentials.isAsked }
        exchange.send(readAnswerTo(answer, asked))
      })
    })
  }

  put(exchange: Exchange): void {
    withKey(exchange, (key, rawQuery) => {
      const query = parsePutQuery(rawQuery)
      if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
      const asked = askedOf(exchange)
      if (asked === undefined) return
      const { contentType } = asked.headers
      const bytesMax = Math.min(exchange.context.valueBytesMax, REGISTER_VALUE_BYTES_MAX)
      readBody(exchange, bytesMax, (body) => {
        if (typeof body === 'string') return refuseValue(exchange, body, bytesMax)
        this.#write(exchange, { key, contents: { kind: 'value', value: body, contentType, ttlMs: query.ttlMs }, ...asked }, query.timeoutMs)
      })
    })
  }

  delete(exchange: Exchange): void {
    withKey(exchange, (key, rawQuery) => {
      const query = parseDeleteQuery(rawQuery)
      if ('parameter' in query) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
      const asked = askedOf(exchange)
      if (asked === undefined) return
      readBody(exchange, 0, (body) => {
        if (body === 'too-large') return exchange.refuse('bad-request', 'A delete has no body. Nothing was changed.')
        if (typeof body === 'string') return refuseValue(exchange, body, 0)
        this.#write(exchange, { key, contents: { kind: 'deleted' }, ...asked }, query.timeoutMs)
      })
    })
  }

  #write(exchange: Exchange, { key, contents, headers, conditions }: Asked & Named, timeoutMs: number): void {
    const { writeId } = headers
    const request: WriteRequest = {
      kind: 'write',
      key,
      contents,
      ...conditions,
      writeId: writeId ?? this.#registers.newWriteId(),
      writeIdGiven: writeId !== undefined,
      writtenAtMs: exchange.context.clock.wallMs(),
    }
    exchange.follow(this.#registers.write(request, timeoutMs, exchange.signal), timeoutMs, (answer) => {
      const { grant } = exchange
      exchange.send(writeAnswerTo(answer, request, grant === undefined || mayRead(grant, REGISTERS_PREFIX + key)))
    })
  }
}

interface Named {
  readonly key: string
  readonly contents: Contents
}

/** What the headers of a write ask. */
interface Asked {
  readonly headers: PutHeaders
  readonly conditions: Conditions
}

/** @returns undefined when a header will not do; the request is then answered */
function askedOf(exchange: Exchange): Asked | undefined {
  const headers = readPutHeaders(exchange.request.headers)
  if ('problem' in headers) {
    exchange.refuse(headers.problem, headers.detail, { header: headers.header })
    return undefined
  }
  const conditions = readConditions(exchange.request.headers)
  if (!('header' in conditions)) return { headers, conditions }
  exchange.refuse('bad-header', conditions.detail, { header: conditions.header })
  return undefined
}

/** Takes the target of a request apart; one whose key is bad is refused. */
function withKey(exchange: Exchange, then: (key: string, query: string) => void): void {
  const target = exchange.request.url ?? ''
  const cut = target.indexOf('?')
  const key = parseKey(cut < 0 ? target.slice(REGISTERS_PREFIX.length) : target.slice(REGISTERS_PREFIX.length, cut))
  if (key.fault !== undefined) return exchange.refuse('bad-key', `The key is bad: ${key.fault}.`)
  then(key.text, cut < 0 ? '' : target.slice(cut + 1))
}
