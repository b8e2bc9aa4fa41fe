/**
 * What clients ask of registers, and what they are told. Whoever translates for clients (HTTP)
 * parses into these and answers from them; every member of an answer has exactly one status there.
 * Requests travel as `typed` events, answers as `typed` outcomes.
 */
import type { Consistency } from '../events.ts'
import type { RegisterRecord } from './record.ts'

/** The name of the type: of its requests, answers and slots. */
export const REGISTERS = 'kv'

/** The largest value, in bytes: a voter may have to show two of them in one message. */
export const REGISTER_VALUE_BYTES_MAX = 8_000_000

/** What must hold of the version that a write is made on. */
export type Condition =
  /** Live, at one of these versions (`If-Match: "5", "7"`). */
  | { readonly kind: 'versions'; readonly versions: readonly number[] }
  /** Live, at any version (`If-Match: *`). */
  | { readonly kind: 'live' }
  /** Nothing live (`If-None-Match: *`). */
  | { readonly kind: 'absent' }

/** What a write leaves behind. A value has REGISTER_VALUE_BYTES_MAX at most. */
export type Contents =
  | { readonly kind: 'value'; readonly value: Uint8Array; readonly contentType: string; readonly ttlMs: number | undefined }
  /**
   * A delete. Where nothing is live it is refused, with no current version, whatever its condition.
   */
  | { readonly kind: 'deleted' }

export interface WriteRequest {
  readonly kind: 'write'
  readonly key: string
  readonly contents: Contents
  readonly condition: Condition | undefined
  /** The client's Idempotency-Key, or random. 1 to 128 visible ASCII characters. */
  readonly writeId: string
  /** The client chose the writeId: an earlier try of it may be under way elsewhere. */
  readonly writeIdGiven: boolean
  /**
   * The version that was current at the first try (`Replicator-After`, or the version of a single
   * `If-Match`); below 2^52.
   */
  readonly after: number | undefined
  /**
   * By the wall clock, for people and for how much is remembered of retries; no rule rests on it.
   */
  readonly writtenAtMs: number
}

export interface ReadRequest {
  readonly kind: 'read'
  readonly key: string
  readonly consistency: Consistency
  /**
   * Answer as soon as a live version above this is held here; what is held at `waitUntilMs` then.
   */
  readonly newer: { readonly version: number; readonly waitUntilMs: number } | undefined
}

export interface ListRequest {
  readonly kind: 'list'
  readonly prefix: string
  /** Keys behind this one, in the order of their UTF-8 bytes; empty for all. */
  readonly after: string
  readonly limit: number
}

export interface WatchRequest {
  readonly kind: 'watch'
  readonly prefix: string
  /**
   * Where to go on: the cursor of an event or of an end. `start`: what is live here first, then
   * changes. `now`: changes from now on.
   */
  readonly from: { readonly cursor: string } | 'start' | 'now'
  /** Events carry the values too. */
  readonly values: boolean
}

/** Watchers say how far they have read, so that the unread stays bounded. */
export interface WatchedRequest {
  readonly kind: 'watched'
  /** Bytes of events that the client has taken since the last time. */
  readonly bytes: number
}

export type RegisterRequest = WriteRequest | ReadRequest | ListRequest | WatchRequest | WatchedRequest

/** One register in a list. */
export interface Listed {
  readonly key: string
  readonly version: number
  readonly size: number
  readonly writtenAtMs: number
  /**
   * By the wall clock of the peer that took the write: nothing expires earlier by any other clock.
   * Undefined for never.
   */
  readonly expiresAtMs: number | undefined
}

export interface WatchEvent {
  readonly kind: 'put' | 'delete'
  readonly key: string
  readonly version: number
  /** Bytes of the value; 0 for a delete. */
  readonly size: number
  /** Where values are asked for. */
  readonly record: RegisterRecord | undefined
  /** Where to resume behind this event, here and in this run of the process alone. */
  readonly cursor: string
}

export type WriteAnswer =
  | {
      readonly kind: 'applied'
      readonly version: number
      /** Nothing was live before it. */
      readonly wasAbsent: boolean
      /** It had been applied by an earlier try. */
      readonly isRepeated: boolean
    }
  /**
   * The condition does not hold, or there is nothing to delete. `current`: what is live; undefined
   * for nothing.
   */
  | { readonly kind: 'refused'; readonly current: RegisterRecord | undefined; readonly number: number }
  /** It may have been applied once, so long ago that nobody can tell; it is not applied again. */
  | { readonly kind: 'forgotten'; readonly number: number; readonly commitSent: boolean }
  /** The writeId was used for other contents or conditions, which made this version. */
  | { readonly kind: 'reused'; readonly version: number }
  /** Certainly not, and it never will be. */
  | { readonly kind: 'not-applied' }
  /** Try again with this writeId and `after`. */
  | { readonly kind: 'in-doubt'; readonly writeId: string; readonly after: number }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'not-ready'; readonly detail: string }

export type ReadAnswer =
  | { readonly kind: 'found'; readonly record: RegisterRecord; readonly consistency: Consistency }
  /** Nothing is live. `number`: the highest version that was ever seen of it. */
  | { readonly kind: 'absent'; readonly number: number; readonly consistency: Consistency }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** `next`: the `after` of the following page; undefined on the last. */
export interface ListAnswer {
  readonly kind: 'listed'
  readonly registers: readonly Listed[]
  readonly next: string | undefined
}

/** Answers to a watch come again and again until an end. */
export type WatchAnswer =
  | { readonly kind: 'events'; readonly events: readonly WatchEvent[] }
  /**
   * All that was live at the beginning has been told (`from: 'start'`), or the watch has begun:
   * resume from here.
   */
  | { readonly kind: 'watching'; readonly cursor: string }
  /**
   * The cursor is of another peer or run, or older than what is remembered: list, and begin anew
   * (410). The last answer.
   */
  | { readonly kind: 'cursor-gone' }
  /** The client was too far behind. The last answer. @see WatchedRequest */
  | { readonly kind: 'watch-ended'; readonly cursor: string }

export type RegisterAnswer = WriteAnswer | ReadAnswer | ListAnswer | WatchAnswer
