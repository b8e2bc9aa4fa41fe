/** What is written to the store: plain data, in the order in which it was decided. */
import type { Ceiling } from './ballot.ts'
import type { Accepted, ValueRecord } from './record.ts'
import type { RegisterKey } from './register.ts'

export type Persist =
  | { readonly kind: 'accepted'; readonly key: RegisterKey; readonly accepted: Accepted }
  /** Replaces what was accepted of the key, in one write. `digest`: 16 bytes, kept so that the tree is rebuilt without hashing. */
  | { readonly kind: 'chosen'; readonly key: RegisterKey; readonly record: ValueRecord; readonly digest: Uint8Array }
  /** This peer lost its vote: what it accepted and what was not chosen is let go. */
  | { readonly kind: 'accepted-dropped'; readonly key: RegisterKey }
  /** Another record than the chosen one held here was told as chosen: evidence, kept beside it for good. The key is served no more. */
  | { readonly kind: 'diverged'; readonly key: RegisterKey; readonly told: ValueRecord }
  | { readonly kind: 'ceiling'; readonly ceiling: Ceiling }
