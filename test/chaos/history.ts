/**
 * What clients asked of which peer, when, and what they were told: all that the checkers know of a
 * run. Times are of one clock that never goes back, in the process that asks.
 */
import { createHash } from 'node:crypto'

/**
 * A put under one writeId; two puts with the same one are tries of one write, or a writeId used
 * again for another value.
 */
export interface PutCall {
  readonly kind: 'put'
  /**
   * The Idempotency-Key; where none was given, a name of its own until an answer tells the one that
   * was drawn.
   */
  writeId: string
  readonly isGiven: boolean
  /** Of the value and content type that were sent. */
  readonly etag: string
}

export interface GetCall {
  readonly kind: 'get'
  /** What the answer may be taken for; a hit is final either way. */
  readonly consistency: 'linearizable' | 'local'
}

export type Answer =
  | { readonly kind: 'created'; readonly etag: string }
  | { readonly kind: 'stored-before'; readonly etag: string }
  /** The etag is of what is stored. */
  | { readonly kind: 'conflict'; readonly etag: string }
  | { readonly kind: 'reused' }
  | { readonly kind: 'not-stored' }
  /** It may have been stored, or may be yet. */
  | { readonly kind: 'in-doubt' }
  /** Nothing was begun. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'found'; readonly etag: string }
  | { readonly kind: 'absent' }
  /** A get that was not answered: it says nothing. */
  | { readonly kind: 'unknown' }

export interface Operation {
  readonly key: string
  readonly peer: string
  readonly call: PutCall | GetCall
  readonly beganMs: number
  readonly endedMs: number
  readonly answer: Answer
  /** How it was answered, for people. */
  readonly told: string
}

export class History {
  readonly byKey: Map<string, Operation[]> = new Map()
  /** Operations by what was asked and answered. */
  readonly counts: Map<string, number> = new Map()
  /** Answers that no rule allows, whatever came before. */
  readonly oddities: string[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(operation: Operation): void {
    this.#size += 1
    const operations = this.byKey.get(operation.key)
    if (operations === undefined) this.byKey.set(operation.key, [operation])
    else operations.push(operation)
    const name = `${operation.call.kind} ${operation.answer.kind}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}

/**
 * The etag that the interface promises: 128 bits, hex, quoted, of SHA-256 over content type, a zero
 * byte, value.
 */
export function etagOf(contentType: string, value: Uint8Array): string {
  const digest = createHash('sha256').update(contentType, 'latin1').update(Buffer.of(0)).update(value).digest('hex')
  return `"${digest.slice(0, 32)}"`
}

/** The etag of what is stored, as far as the answer tells. */
export function shownBy({ answer }: Operation): string | undefined {
  return 'etag' in answer ? answer.etag : undefined
}

/** One line an operation, in the order they began. */
export function describeOperations(operations: readonly Operation[]): string[] {
  return operations
    .toSorted((a, b) => a.beganMs - b.beganMs)
    .map(({ peer, call, beganMs, endedMs, told, answer }) => {
      const asked = call.kind === 'put' ? `put ${call.etag} as ${call.isGiven ? '' : '(drawn) '}${call.writeId}` : `${call.consistency} get`
      return `${beganMs.toFixed(1)} to ${endedMs.toFixed(1)} ms  ${peer}  ${asked}: ${answer.kind}${'etag' in answer ? ` ${answer.etag}` : ''} (${told})`
    })
}
