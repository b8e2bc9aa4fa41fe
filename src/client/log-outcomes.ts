/** What became of a request of a log, as a value to switch on. */
import type { Refused, Unavailable } from './outcomes.ts'

/** Where a command stands in the one order of its log. */
export interface Position {
  readonly term: number
  readonly index: number
}

/**
 * The name of a command. Whoever sends it again sends the same name, and the command takes effect
 * once at most, at whatever peer and however late.
 */
export interface CommandName {
  /** 1 to 128 visible ASCII characters, used for this command alone. */
  readonly id: string
  /**
   * An index that the log had reached at the first try. Undefined for a token that may not read;
   * then the name holds for some 15 minutes only.
   */
  readonly since?: number | undefined
}

export type SubmitOutcome =
  /** It took effect, once; `result` is what the store said. */
  | { readonly kind: 'done'; readonly position: Position; readonly result: unknown }
  /**
   * The store refuses it, at every replica alike. It is in the log and has no effect, but for what
   * a `partial` one left.
   */
  | {
      readonly kind: 'rejected'
      readonly position: Position
      /** What kind of fault it is, as `constraint`. */
      readonly class: string
      /** As the store names it. */
      readonly code: string
      readonly partial: boolean
      readonly detail: string
    }
  /** The name was used for another command of this log: a mistake of the caller. */
  | { readonly kind: 'reused' }
  /**
   * So much was ordered since an earlier try that nobody remembers whether that took effect. It
   * does not now.
   */
  | { readonly kind: 'forgotten' }
  /** It may take effect now or later: submit it again with this name, for the answer. */
  | { readonly kind: 'in-doubt'; readonly name: CommandName; readonly detail: string }
  | Unavailable
  | Refused

export type QueryOutcome =
  /** As of `position`: read on from there with `after`. */
  { readonly kind: 'answered'; readonly position: Position; readonly result: unknown } | Unavailable | Refused

export type LogRole = 'leader' | 'follower' | 'candidate' | 'learner'

/** A log, as one peer knows it. */
export interface LogRow {
  readonly name: string
  readonly logId: string
  /** The kind of store that its commands go to. */
  readonly store: string
  readonly place: string
  /** Its leader may answer reads by lease. */
  readonly lease: boolean
  readonly members: readonly { readonly peer: string; readonly role: 'voter' | 'learner' }[]
  /** What the replica of the peer that tells is; null where it has none. */
  readonly role: LogRole | null
}

export interface LogStatus extends LogRow {
  /** Null while nobody leads. */
  readonly leader: string | null
  readonly term: number
  /** The last index that a majority has. */
  readonly commit: number
  /** Members are changing. */
  readonly changing: boolean
  /** How often the log went on from one survivor. */
  readonly generation: number
  /** Those that answered within a second. */
  readonly replicas: readonly {
    readonly peer: string
    readonly role: LogRole
    readonly state: 'ready' | 'stalled' | 'no-store' | 'halted'
    readonly term: number
    /** Where its log ends, committed or not. */
    readonly last: Position
    readonly commit: number
    readonly applied: number
    /** Entries committed and not in its store. */
    readonly lag: number
    /** What its store refuses with; null where it does not. */
    readonly stalled: string | null
    /** Of all outcomes: equal where as much is applied. */
    readonly digest: string | null
  }[]
}
