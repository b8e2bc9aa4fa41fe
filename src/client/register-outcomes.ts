/** What became of a request of a register, as a value to switch on. */
import type { Consistency, Refused, Unavailable } from './outcomes.ts'

/**
 * The name of a write. Whoever sends it again sends the same name, and the write is applied once at
 * most, at whatever peer and however late.
 */
export interface WriteName {
  /** 1 to 128 visible ASCII characters, used for this write alone. */
  readonly idempotencyKey: string
  /**
   * The version that was current at the first try: whatever the write made is above it. Undefined
   * for a token that may not read; then the name holds for the next 16 writes of the register only.
   */
  readonly after?: number | undefined
}

/** What the ends of puts and deletes have in common. */
export type WriteEnd =
  /**
   * What is there is not what `when` asks for. `current` is the live version, 0 for none; undefined
   * where it is not told, to a token that may not read.
   */
  | { readonly kind: 'mismatch'; readonly current: number | undefined }
  /** The name was used for another write of this register: a mistake of the caller. */
  | { readonly kind: 'reused' }
  /**
   * So much was written since an earlier try that nobody remembers whether that was applied. It is
   * not applied again.
   */
  | { readonly kind: 'forgotten' }
  /** It may be applied now or later: make it again with this name, for the answer. */
  | { readonly kind: 'in-doubt'; readonly name: WriteName; readonly detail: string }
  | Unavailable
  | Refused

export type WriteOutcome =
  /** `wasAbsent`: nothing was live before; undefined where an earlier try of this write was it. */
  | { readonly kind: 'written'; readonly version: number; readonly wasAbsent: boolean | undefined }
  /** An earlier write of the name that was given had done it, and made this version. */
  | { readonly kind: 'written-before'; readonly version: number }
  | WriteEnd

export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly version: number }
  /** An earlier delete of the name that was given had done it. */
  | { readonly kind: 'deleted-before'; readonly version: number }
  /** Nothing is live, so nothing was changed. */
  | { readonly kind: 'absent' }
  | WriteEnd

export interface FoundRegister {
  readonly kind: 'found'
  readonly version: number
  readonly value: Uint8Array
  readonly contentType: string
  readonly consistency: Consistency
}

export type ReadOutcome =
  | FoundRegister
  /** Nothing is live. `number`: the highest version that is known to have been. */
  | { readonly kind: 'absent'; readonly number: number; readonly consistency: Consistency }
  | Unavailable
  | Refused

/** A live register without its value. */
export interface RegisterRow {
  readonly key: string
  readonly version: number
  /** Bytes of the value. */
  readonly size: number
  /** RFC 3339, UTC, milliseconds. */
  readonly writtenAt: string
  /** When it is deleted; undefined for never. */
  readonly expires?: string
}
