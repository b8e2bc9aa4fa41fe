/** What a client that gives stamps of its own says of its clock. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ClientClock } from '../../../protocols/sets/requests.ts'

export const CLOCK_HEADER = 'Replicator-Clock'
export const SHIFT_HEADER = 'Replicator-Shift'
const CLOCK = /^[0-9]{1,16}$/
const SHIFT = /^-?[0-9]{1,16}$/

/** A header that will not do. */
interface BadHeader {
  readonly header: string
  readonly detail: string
}

export function readClock(headers: IncomingHttpHeaders): ClientClock | BadHeader {
  const clock = headers['replicator-clock']
  const shift = headers['replicator-shift']
  if (clock === undefined && shift === undefined) return { kind: 'right' }
  if (clock !== undefined && shift !== undefined) {
    return {
      header: SHIFT_HEADER,
      detail: `${CLOCK_HEADER} is for the first try, and ${SHIFT_HEADER} in its place for a retry; send one of them.`,
    }
  }
  const [name, text, form] = clock === undefined ? [SHIFT_HEADER, shift, SHIFT] : [CLOCK_HEADER, clock, CLOCK]
  const value = form.test(String(text)) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) return { header: name, detail: `${name} must be a whole number of milliseconds.` }
  return clock === undefined ? { kind: 'shifted', byMs: value } : { kind: 'shows', nowMs: value }
}
