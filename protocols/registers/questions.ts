/** What is asked of one voter of a register, and what it answers. */
import type { Ballot } from '../base/ballot.ts'
import type { Config } from '../base/config.ts'
import type { Identity } from '../base/identity.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Entry, RegisterRecord } from './record.ts'

/** The epoch of a reserve and of a commit is its ballot's. */
export type Question =
  | { readonly kind: 'reserve'; readonly key: RegisterKey; readonly ballot: Ballot }
  | { readonly kind: 'commit'; readonly key: RegisterKey; readonly ballot: Ballot; readonly record: RegisterRecord }
  | { readonly kind: 'read'; readonly key: RegisterKey; readonly epoch: number }

/** What a voter shows of a register. All of it is of one moment, and on disk before it is told. */
export interface Shown {
  readonly held: Entry | undefined
  /** Above what is held. */
  readonly accepted: Entry | undefined
  /** Only where nothing is held: up to this ballot, what is not held is gone. */
  readonly sweptTo: Ballot | undefined
  /** The highest version that was ever forgotten here. */
  readonly number: number
}

export type Answer =
  | { readonly kind: 'promised'; readonly ballot: Ballot; readonly shown: Shown }
  | { readonly kind: 'rejected'; readonly ballot: Ballot; readonly higher: Ballot }
  | { readonly kind: 'committed'; readonly ballot: Ballot; readonly version: number }
  /** Something as new is known to be chosen. */
  | { readonly kind: 'moved'; readonly ballot: Ballot; readonly held: Entry }
  | { readonly kind: 'seen'; readonly epoch: number; readonly shown: Shown }
  /** The receiver is in a later epoch; the configs that the asker lacks, oldest first. */
  | { readonly kind: 'stale'; readonly configs: readonly Config[] }

/**
 * An answer with the voter that gave it: answers are counted by this pair and never by connection.
 */
export interface Cast {
  readonly sender: Identity
  readonly body: Answer
}
