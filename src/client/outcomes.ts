/**
 * What became of a request, as a value to switch on. An outcome is never a guess: what cannot be
 * known is `in-doubt`, and says how to find out.
 */

/** A stored key without its value. */
export interface Stored {
  readonly key: string
  /** Bytes of the value. */
  readonly size: number
  /** The same at every peer; with its quotes. */
  readonly etag: string
  /** RFC 3339, UTC, milliseconds. */
  readonly writtenAt: string
}

/** Nobody could do it in time, and nothing of it was begun. */
export interface Unavailable {
  readonly kind: 'unavailable'
  /** What the last peer said, or why it was not reached. */
  readonly detail: string
}

/** A peer refused it, and so would every other: the request itself must be mended. */
export interface Refused {
  readonly kind: 'refused'
  /** The problem's name, as `bad-key` or `forbidden`. */
  readonly problem: string
  readonly status: number
  readonly detail: string
  /** Of `bad-stamp`: the lowest stamp that the set takes now, in milliseconds. */
  readonly least?: number
}

export type PutOutcome =
  /** Stored, by this put. */
  | { readonly kind: 'created'; readonly stored: Stored; readonly idempotencyKey: string }
  /** Stored by an earlier put of the same Idempotency-Key, or by an earlier try of this one. */
  | { readonly kind: 'stored-before'; readonly stored: Stored; readonly idempotencyKey: string }
  /** Another put has the key, for good. What is stored is told only to whoever may read it. */
  | { readonly kind: 'conflict'; readonly stored: Stored | undefined }
  /**
   * This Idempotency-Key stored this key with another value or content type: a mistake of the
   * caller.
   */
  | { readonly kind: 'reused'; readonly stored: Stored | undefined }
  /** It may be stored now or later: put it again with this Idempotency-Key to find out. */
  | { readonly kind: 'in-doubt'; readonly idempotencyKey: string; readonly detail: string }
  | Unavailable
  | Refused

export type Consistency = 'linearizable' | 'local'

export interface Found {
  readonly kind: 'found'
  readonly value: Uint8Array
  readonly contentType: string
  readonly etag: string
  readonly consistency: Consistency
}

export type GetOutcome =
  | Found
  /** No put of it had finished when this was asked; with `local`: it is not known at that peer. */
  | { readonly kind: 'absent'; readonly consistency: Consistency }
  | Unavailable
  | Refused

/** A stored key, and how its value is to be read. */
export interface Facts extends Stored {
  readonly contentType: string
}

export type StatOutcome =
  | { readonly kind: 'known'; readonly facts: Facts; readonly consistency: Consistency }
  | { readonly kind: 'absent'; readonly consistency: Consistency }
  | Unavailable
  | Refused

export type WaitOutcome = Found | Unavailable | Refused

/** Thrown where there is no outcome to give: by lists and by what is asked of one peer. */
export class ClientFailed extends Error {
  override readonly name = 'ClientFailed'
  readonly outcome: Unavailable | Refused

  constructor(outcome: Unavailable | Refused) {
    super(outcome.detail)
    this.outcome = outcome
  }
}
