/** What a store made of a command. It is the same at every replica, or that replica stops. */

export type StoreOutcome =
  | { readonly kind: 'done'; readonly result: Uint8Array }
  /** A deterministic error. `isPartial`: the store could not undo what came before it. */
  | { readonly kind: 'rejected'; readonly class: string; readonly code: string; readonly isPartial: boolean }
  /** The id was used before for another command. Nothing took effect. */
  | { readonly kind: 'reused' }
  /** The id may have been used, and what became of it is forgotten. Nothing took effect now. */
  | { readonly kind: 'forgotten' }

/** Why a leader does not take a command. It is certain that this try is never ordered. */
export type Refusal = 'overloaded' | 'too-large' | 'stalled'
