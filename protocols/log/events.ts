/** What a replica is told, and what it has done: plain data, both. */
import type { Identity } from '../base/identity.ts'
import type { Entry, Position, SubmitId } from './entry.ts'
import type { MemberChange, Membership } from './membership.ts'
import type { LogMessage } from './message.ts'
import type { Refusal, StoreOutcome } from './outcome.ts'

/** A number of a client's request, unique in one run of the process. */
export type LogClient = number

export interface Submit {
  readonly client: LogClient
  readonly submitId: SubmitId
  /** The client gave the name: forwarders may send it again, and an earlier try of it may live. */
  readonly isNamedByClient: boolean
  readonly since: number
  readonly command: Uint8Array
  readonly deadlineMs: number
}

/**
 * `lease`: as `linearizable`, and without a round of heartbeats where the log was born so and its
 * leader holds a lease. `after`: at least this position, so that a client reads what it wrote.
 * `local`: whatever is here.
 */
export type Consistency = 'linearizable' | 'lease' | 'local' | { readonly after: Position }

export interface Question {
  readonly client: LogClient
  readonly consistency: Consistency
  readonly deadlineMs: number
}

/** What the store made of one entry. */
export interface Applied {
  readonly position: Position
  readonly outcome: StoreOutcome
}

/** Where a store stands. */
export interface StoreAt {
  readonly position: Position
  /** The members at that position, as the store has them. */
  readonly members: Membership
  /** The log's clock at that position. */
  readonly atMs: number
  /** What survives any crash of the store. */
  readonly durableIndex: number
}

export type LogEvent =
  | { readonly kind: 'tick' }
  | { readonly kind: 'connected' | 'disconnected'; readonly peer: Identity }
  | { readonly kind: 'message'; readonly message: LogMessage }
  /** All that a turn brings: they are one append. */
  | { readonly kind: 'submit'; readonly submits: readonly Submit[] }
  /** All that a turn brings: they share one question to the leader. */
  | { readonly kind: 'query'; readonly questions: readonly Question[] }
  | { readonly kind: 'cancel'; readonly client: LogClient }
  /**
   * The store was opened, or filled from a snapshot. It is told before anything that was applied
   * upon it.
   */
  | { readonly kind: 'store-opened'; readonly at: StoreAt }
  /** The store holds these, in order, and applying goes on. */
  | { readonly kind: 'applied'; readonly outcomes: readonly Applied[]; readonly durableIndex: number }
  /** The store refuses the entry at this index: it is tried again until it is taken. */
  | { readonly kind: 'stalled'; readonly index: number; readonly code: string }
  /** The store stands at the entry `check` of this index, and its slice was hashed. */
  | { readonly kind: 'checked'; readonly index: number; readonly digest: string }
  /** The whole of a snapshot lies here, not in the store yet. */
  | { readonly kind: 'snapshot-staged'; readonly position: Position }
  /** A snapshot that was to be given is in the store there, at this position; or it will not be. */
  | { readonly kind: 'snapshot-given'; readonly to: Identity; readonly position: Position | undefined }
  | {
      readonly kind: 'change'
      readonly client: LogClient
      readonly changes: readonly MemberChange[]
      readonly wish: WishChange
      readonly isForced: boolean
      /** All that leave were removed from the network, or lost their disk: they are waited for in nothing. */
      readonly isOfLost?: boolean
    }
  | { readonly kind: 'transfer'; readonly client: LogClient; readonly to: Identity }
  /** All contents are to be compared. */
  | { readonly kind: 'check'; readonly client: LogClient }
  | { readonly kind: 'verdict'; readonly client: LogClient; readonly index: number; readonly code: string; readonly isForced: boolean }

/**
 * What becomes of the wish for where voters are: it stays, it becomes the voters after the change,
 * so that nobody undoes it, or it is said anew.
 */
export type WishChange = 'kept' | 'voters' | { readonly place: string }

export type LogWrite =
  | { readonly kind: 'hard-state'; readonly term: number; readonly vote: Identity | undefined }
  /** What is held from `from` on is replaced. */
  | { readonly kind: 'entries'; readonly from: number; readonly entries: readonly Entry[] }
  /** What is held up to the base is dropped. */
  | { readonly kind: 'compacted'; readonly base: Position; readonly members: Membership }
  /** The store differs from most others since a check at this index; undefined when it is another. */
  | { readonly kind: 'differing'; readonly index: number | undefined }
  /** All entries are dropped, and the log begins behind the base. */
  | { readonly kind: 'reset'; readonly base: Position; readonly members: Membership }

/**
 * What a send waits for, of the writes of its own log: none, the newest hard state, or all. They
 * become durable in order.
 */
export type LogAfter = 'nothing' | 'hard-state' | 'everything'

export type LogAnswer =
  | { readonly kind: 'outcome'; readonly position: Position; readonly outcome: StoreOutcome }
  /** It is certain that it is not in the log and never will be. */
  | { readonly kind: 'not-ordered'; readonly why: Refusal | 'no-leader' | 'leader-changed' }
  | { readonly kind: 'in-doubt' }
  /** A query that could not be answered in time, or here. */
  | { readonly kind: 'unavailable'; readonly why: 'no-majority' | 'stalled' }
  | { readonly kind: 'changed' }
  | { readonly kind: 'not-changed'; readonly why: NotChanged }

export type NotChanged =
  | 'not-leader'
  | 'not-begun'
  | 'change-in-flight'
  | 'unreachable'
  | 'too-many-voters'
  | 'no-voters'
  | 'given-up'
  | 'applied-somewhere'
  | 'no-store-left'

export type LogNote =
  | { readonly kind: 'role'; readonly role: string; readonly term: number; readonly leader: Identity | undefined }
  | { readonly kind: 'members'; readonly members: Membership; readonly index: number }
  | { readonly kind: 'lacks-store' }
  /** A check found contents that differ: here, or without a majority to say which are right. */
  | { readonly kind: 'differs'; readonly index: number; readonly isHere: boolean }
  | { readonly kind: 'halted'; readonly why: string }

export type LogEffect =
  | { readonly kind: 'persist'; readonly write: LogWrite }
  | { readonly kind: 'send'; readonly message: LogMessage; readonly after: LogAfter }
  /**
   * Committed and next for the store, in order. What comes while a snapshot is restored comes again
   * after `store-opened`.
   */
  | { readonly kind: 'apply'; readonly entries: readonly Entry[] }
  /**
   * The entry at `index` counts as rejected: it comes before the `apply` that has the entry, or
   * late for one that was applied.
   */
  | { readonly kind: 'verdict'; readonly index: number; readonly code: string }
  /** The store has applied what the query must see: ask it now. */
  | { readonly kind: 'read-ready'; readonly client: LogClient; readonly index: number }
  /** A backup of any ready store, at this index or above, is to reach that member. */
  | { readonly kind: 'give-snapshot'; readonly to: Identity; readonly indexMin: number }
  /** The staged snapshot is to be restored into the store; `store-opened` ends it. */
  | { readonly kind: 'take-snapshot'; readonly position: Position }
  | { readonly kind: 'answer'; readonly client: LogClient; readonly answer: LogAnswer }
  | { readonly kind: 'note'; readonly note: LogNote }
