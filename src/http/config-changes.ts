/** `POST /config/changes` and `POST /config/new-epoch`: what changes who votes. */
import { json } from './answers.ts'
import { takeWhole } from './body.ts'
import { CHANGE_BYTES_MAX, parseAnewRequest, parseChangeRequest } from './change-body.ts'
import type { Read } from './change-body.ts'
import type { Exchange } from './exchange.ts'
import { changeAnswerTo } from './outcomes.ts'
import { problem } from './problems.ts'
import { parsePutQuery } from './query.ts'
import { queryOf } from './target.ts'

const JSON_TYPE = /^application\/json\s*(;|$)/i

/** Has the configuration changed, and waits for it for as long as the query says. */
export function changeConfig(exchange: Exchange): void {
  const times = parsePutQuery(queryOf(exchange.request))
  if ('parameter' in times) return exchange.refuse('bad-parameter', times.detail, { parameter: times.parameter })
  const { replicator } = exchange.context
  takeBody(exchange, parseChangeRequest, (request) => {
    const work = replicator.change({ request, timeoutMs: times.timeoutMs, signal: exchange.signal })
    exchange.follow(work, times.timeoutMs, (outcome) => exchange.send(changeAnswerTo(outcome, replicator.config())))
  })
}

/** Has this peer give up its network, and begin another with what it holds. */
export function beginAnew(exchange: Exchange): void {
  takeBody(exchange, parseAnewRequest, (networkId) => {
    const outcome = exchange.context.replicator.beginAnew(networkId)
    const { kind } = outcome
    exchange.send(
      kind === 'restarting'
        ? json(202, { outcome: kind, networkId: outcome.networkId, epoch: outcome.epoch })
        : problem(kind, outcome.detail),
    )
  })
}

/** Reads a body of JSON. */
function takeBody<T>(exchange: Exchange, parse: (body: Uint8Array) => Read<T>, then: (value: T) => void): void {
  const { request } = exchange
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    return exchange.refuse('unsupported-media-type', 'The body must be JSON, sent with Content-Type: application/json.')
  if (request.headers['content-encoding'] !== undefined)
    return exchange.refuse('unsupported-encoding', 'The body must be sent as it is, without a Content-Encoding.', {
      header: 'Content-Encoding',
    })
  takeWhole(exchange, CHANGE_BYTES_MAX, 'Nothing was changed.', (body) => {
    const read = parse(body)
    if ('fault' in read) exchange.refuse('bad-body', read.fault)
    else then(read.value)
  })
}
