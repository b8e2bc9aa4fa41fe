/**
 * A short way to write histories of one key: who asked what, from when to when, and what came back.
 */
import type { Answer, Operation } from '../chaos/history.ts'

interface PutOptions {
  /** The client chose the writeId. */
  readonly given?: boolean
  /** The value, where it is not the one that goes with the writeId. */
  readonly value?: string
}

export type Span = readonly [beganMs: number, endedMs: number]

export function put(span: Span, writeId: string, answer: Answer, { given = false, value = writeId }: PutOptions = {}): Operation {
  return operation(span, { kind: 'put', writeId, isGiven: given, etag: value }, answer)
}

export function get(span: Span, answer: Answer): Operation {
  return operation(span, { kind: 'get', consistency: 'linearizable' }, answer)
}

export function local(span: Span, answer: Answer): Operation {
  return operation(span, { kind: 'get', consistency: 'local' }, answer)
}

function operation([beganMs, endedMs]: Span, call: Operation['call'], answer: Answer): Operation {
  return { key: 'key', peer: 'peer', call, beganMs, endedMs, answer, told: '' }
}

export const created = (etag: string): Answer => ({ kind: 'created', etag })
export const storedBefore = (etag: string): Answer => ({ kind: 'stored-before', etag })
export const conflict = (etag: string): Answer => ({ kind: 'conflict', etag })
export const found = (etag: string): Answer => ({ kind: 'found', etag })
export const ABSENT: Answer = { kind: 'absent' }
export const REUSED: Answer = { kind: 'reused' }
export const IN_DOUBT: Answer = { kind: 'in-doubt' }
export const NOT_STORED: Answer = { kind: 'not-stored' }
export const REFUSED: Answer = { kind: 'refused' }
export const UNKNOWN: Answer = { kind: 'unknown' }
