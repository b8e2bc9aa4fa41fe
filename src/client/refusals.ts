/** What peers say that is no answer to the request itself: alike for keys, registers and sets. */
import { detailOf } from './answer.ts'
import type { Answer } from './answer.ts'
import type { Refused, Unavailable } from './outcomes.ts'

/** Problems of the moment, told before anything of the request began. */
export const NOT_BEGUN: ReadonlySet<string | undefined> = new Set(['not-ready', 'overloaded', 'too-many-requests'])
/**
 * Statuses of whatever stands between, and of a peer that failed: they say nothing of the request.
 */
const SERVER_FAULT = 500
const TOO_MANY = 429

/** True where the same request may be answered otherwise a moment later, or elsewhere. */
export function isTransient({ status }: Answer): boolean {
  return status >= SERVER_FAULT || status === TOO_MANY
}

export function refusedOf(answer: Answer): Refused {
  return { kind: 'refused', problem: answer.problem ?? 'unknown', status: answer.status, detail: detailOf(answer) }
}

export function unavailable(detail: string): Unavailable {
  return { kind: 'unavailable', detail }
}

export function badKey(key: string): Refused {
  const detail = `${JSON.stringify(key)} has a segment "." or "..", or is no text: no URL can carry it`
  return { kind: 'refused', problem: 'bad-key', status: 400, detail }
}
