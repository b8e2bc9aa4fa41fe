/** What is done for each request of logs. */
import { LOG_LIMITS } from '../../../protocols/log/limits.ts'
import type { SubmitId } from '../../../protocols/log/entry.ts'
import { QUERY_BYTES_MAX } from '../../../protocols/log/talk.ts'
import { utf8 } from '../../bytes.ts'
import type { OperatorRequest } from '../../../protocols/log/requests.ts'
import type { Logs } from '../../ports/logs.ts'
import { opens } from '../../security/grant.ts'
import { json } from '../answers.ts'
import { takeWhole } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import { readPutHeaders } from '../put-headers.ts'
import type { BadParameter } from '../query.ts'
import type { Read } from '../change-body.ts'
import { queryOf } from '../target.ts'
import { unlessElsewhere } from './accel.ts'
import { parseChange, parseCreation, parsePlain, parseTransfer, parseVerdict } from './operations.ts'
import { logOfPath, LOGS_PREFIX } from './names.ts'
import { changeAnswerTo, createAnswerTo, logOf, queryAnswerTo, roleAnswerTo, statusAnswerTo, submitAnswerTo } from './outcomes.ts'
import { parseAskQuery, parseReadQuery, parseRoleQuery, parseSubmitQuery, SINCE_HEADER, sinceOf } from './query.ts'
import type { ReadQuery } from './query.ts'

/** Of a body that describes a log. */
const CREATION_BYTES_MAX = 65_536
const CREATE_MS = 10_000

export class LogHandlers {
  readonly #logs: Logs

  constructor(logs: Logs) {
    this.#logs = logs
  }

  list(exchange: Exchange): void {
    exchange.follow(this.#logs.list(), 0, ({ logs }) => {
      const { grant } = exchange
      const shown = logs.filter(({ name }) => grant === undefined || opens(grant, LOGS_PREFIX + name))
      exchange.send(json(200, { logs: shown.map(logOf) }))
    })
  }

  submit(exchange: Exchange): void {
    withLog(exchange, parseSubmitQuery, (log, { timeoutMs }) => {
      const { headers } = exchange.request
      const read = readPutHeaders(headers)
      if ('problem' in read) return exchange.refuse(read.problem, read.detail, { header: read.header })
      const since = sinceOf(headers)
      if (since === undefined)
        return exchange.refuse('bad-header', `${SINCE_HEADER} is a whole number, as the answer to the first try has it.`, {
          header: SINCE_HEADER,
        })
      takeWhole(exchange, LOG_LIMITS.commandBytesMax, 'Nothing is ordered.', (command) => {
        const submitId = (read.writeId as SubmitId | undefined) ?? this.#logs.newSubmitId()
        const request = { log, submitId, isNamedByClient: read.writeId !== undefined, since, command }
        unlessElsewhere(exchange, this.#logs, log, () =>
          exchange.follow(this.#logs.submit(request, timeoutMs, exchange.signal), timeoutMs, (answer) =>
            exchange.send(submitAnswerTo(answer, submitId)),
          ),
        )
      })
    })
  }

  ask(exchange: Exchange): void {
    this.#withRead(exchange, parseAskQuery, (log, { text, ...read }) => {
      if (exchange.enter()) this.#query(exchange, log, utf8.encode(text), read)
    })
  }

  query(exchange: Exchange): void {
    this.#withRead(exchange, parseReadQuery, (log, read) =>
      takeWhole(exchange, QUERY_BYTES_MAX, 'Nothing is asked.', (query) => this.#query(exchange, log, query, read)),
    )
  }

  create(exchange: Exchange): void {
    const log = logOfPath(exchange)
    if (log === undefined) return
    takeWhole(exchange, CREATION_BYTES_MAX, 'No log is born.', (body) => {
      const read = parseCreation(body)
      if ('fault' in read) return exchange.refuse('bad-body', read.fault)
      exchange.follow(this.#logs.create({ log, ...read.value }, CREATE_MS), CREATE_MS, (answer) => exchange.send(createAnswerTo(answer)))
    })
  }

  change(exchange: Exchange): void {
    this.#operate(exchange, parseChange)
  }

  transfer(exchange: Exchange): void {
    this.#operate(exchange, parseTransfer)
  }

  verdict(exchange: Exchange): void {
    this.#operate(exchange, parseVerdict)
  }

  refill(exchange: Exchange): void {
    this.#operate(exchange, parsePlain('refill'))
  }

  check(exchange: Exchange): void {
    this.#operate(exchange, parsePlain('check'))
  }

  end(exchange: Exchange): void {
    this.#operate(exchange, parsePlain('end'))
  }

  recover(exchange: Exchange): void {
    this.#operate(exchange, parsePlain('recover'))
  }

  status(exchange: Exchange): void {
    const log = logOfPath(exchange)
    if (log !== undefined) exchange.follow(this.#logs.status(log), 0, (answer) => exchange.send(statusAnswerTo(answer)))
  }

  role(exchange: Exchange): void {
    withLog(exchange, parseRoleQuery, (log, { isWrite }) =>
      exchange.follow(this.#logs.role(log), 0, (answer) => exchange.send(roleAnswerTo(answer, isWrite))),
    )
  }

  #operate(exchange: Exchange, parse: (log: string, body: Uint8Array) => Read<OperatorRequest>): void {
    const log = logOfPath(exchange)
    if (log === undefined) return
    takeWhole(exchange, CREATION_BYTES_MAX, 'Nothing was changed.', (body) => {
      const read = parse(log, body)
      if ('fault' in read) return exchange.refuse('bad-body', read.fault)
      exchange.follow(this.#logs.change(read.value, CREATE_MS), CREATE_MS, (answer) => exchange.send(changeAnswerTo(answer)))
    })
  }

  #withRead<Query extends object>(
    exchange: Exchange,
    parse: (query: string, isByOffset: boolean) => Query | BadParameter,
    then: (log: string, query: Query) => void,
  ): void {
    const isByOffset = (log: string): boolean => this.#logs.isByOffset?.(log) === true
    withLog(exchange, (query, log) => parse(query, isByOffset(log)), then)
  }

  #query(exchange: Exchange, log: string, query: Uint8Array, { consistency, timeoutMs }: ReadQuery): void {
    exchange.follow(this.#logs.query({ log, query, consistency }, timeoutMs, exchange.signal), timeoutMs, (answer) =>
      exchange.send(queryAnswerTo(answer)),
    )
  }
}

/** Takes the target of a request apart; one that will not do is refused. */
function withLog<Query extends object>(
  exchange: Exchange,
  parse: (query: string, log: string) => Query | BadParameter,
  then: (log: string, query: Query) => void,
): void {
  const log = logOfPath(exchange)
  if (log === undefined) return
  const query = parse(queryOf(exchange.request), log)
  if (isBad(query)) return exchange.refuse('bad-parameter', query.detail, { parameter: query.parameter })
  then(log, query)
}

function isBad(query: object): query is BadParameter {
  return 'parameter' in query
}
