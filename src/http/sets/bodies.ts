/** What clients send of sets: read to its end, in either content type, or refused whole. */
import { takeWhole } from '../body.ts'
import type { Exchange } from '../exchange.ts'
import type { ProblemName } from '../problems.ts'
import type { FaultKind, Read } from '../../transit/fault.ts'
import type { Form } from '../../transit/transit-text.ts'

/**
 * Well above 10,000 elements of any usual size. One client may have so many bytes arriving at once.
 */
export const SET_BODY_BYTES_MAX = 16_777_216
export const TRANSIT_TYPE = 'application/transit+json'
export const JSON_TYPE = 'application/json'

const FORMS: Readonly<Record<string, Form>> = { [TRANSIT_TYPE]: 'transit', [JSON_TYPE]: 'json' }
const PROBLEM_OF: Readonly<Record<FaultKind, ProblemName>> = { bad: 'bad-body', 'too-large': 'too-large', 'bad-stamp': 'bad-stamp' }

/** Reads the body of a request, and refuses one that will not do. Nothing is changed then. */
export function takeBody<T>(exchange: Exchange, read: (body: Uint8Array, form: Form) => Promise<Read<T>>, then: (value: T) => void): void {
  const { headers } = exchange.request
  const form = FORMS[(headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '']
  if (form === undefined)
    return exchange.refuse('unsupported-media-type', `The body must be sent with Content-Type: ${TRANSIT_TYPE} or ${JSON_TYPE}.`)
  if (headers['content-encoding'] !== undefined)
    return exchange.refuse('unsupported-encoding', 'The body must be sent as it is, without a Content-Encoding.', {
      header: 'Content-Encoding',
    })
  takeWhole(exchange, SET_BODY_BYTES_MAX, 'Nothing was changed.', (body) => {
    exchange.follow(read(body, form), 0, ({ value, fault }) => {
      if (fault === undefined) then(value)
      else exchange.refuse(PROBLEM_OF[fault.kind], `The body will not do: ${fault.message}. Nothing was changed.`)
    })
  })
}
