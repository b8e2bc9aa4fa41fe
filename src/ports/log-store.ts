/**
 * What a replica of a log needs of a store that commands are applied to. A store is asynchronous
 * and outside the step loop: a slow one holds up no vote. Position, effects and outcomes change
 * together, in one transaction, so a store found after any crash stands at a position and is the
 * fold of the log up to there.
 */
import type { Identity } from '../../protocols/base/identity.ts'
import type { Entry, Position } from '../../protocols/log/entry.ts'
import type { Membership } from '../../protocols/log/membership.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'

/** The slices that the content of a store is compared in. */
export const STORE_SLICES = 256
/** A name and its outcome are remembered for so long by the log's clock, in milliseconds. */
export const OUTCOME_KEPT_MS: number = 15 * 60_000
/** Names that are remembered at most. */
export const OUTCOMES_KEPT_MAX = 1_000_000

/** Whose store it is to be. */
export interface StoreClaim {
  /** 32 hexadecimal digits. */
  readonly logId: string
  readonly generation: number
  readonly owner: Identity
  /** Members at the birth of the log. */
  readonly firstMembers: Membership
  /**
   * `dropped`: what is there of this very log is let go of, to be filled anew. `carried`: the log
   * goes on from this store, which may be of an earlier generation. Where this is left out, what is
   * of this generation is kept, and of an earlier one let go of. Content of anything else is refused
   * in any case.
   */
  readonly content?: 'dropped' | 'carried' | undefined
}

/** Where a store stands. */
export interface StorePosition {
  /** `ORIGIN` for a store that holds nothing. */
  readonly position: Position
  readonly members: Membership
  /** The log's clock at the position. */
  readonly atMs: number
  /** What survives any crash of the store. */
  readonly durableIndex: number
  /**
   * 32 hexadecimal digits: over index, kind, class and rows changed of every entry up to the
   * position.
   */
  readonly outcomeDigest: string
  /** Of the last entry's link; empty where it has none. */
  readonly recordHash?: Uint8Array
}

/** Entries that follow upon the position, or repeat what is before it. */
export interface StoreBatch {
  readonly entries: readonly Entry[]
  /** Codes of entries that count as rejected, by index. */
  readonly verdicts: ReadonlyMap<number, string>
}

export interface StoreAnswer {
  readonly position: Position
  /** JSON. */
  readonly result: Uint8Array
}

export interface StoreBackup {
  readonly position: Position
  readonly stream: AsyncIterable<Uint8Array>
}

export interface LogStore {
  readonly at: StorePosition
  /** What an operator must know of how the store is set up. */
  readonly warnings: readonly string[]
  /**
   * One transaction. An entry at or below the position gives its stored outcome and has no effect.
   *
   * @throws StoreUnavailable for whatever is not deterministic; nothing has changed then, and the
   * same batch may be tried again
   * @throws StoreMoved when it stands elsewhere than it did
   * @throws Error for a gap
   */
  apply(batch: StoreBatch): Promise<readonly StoreOutcome[]>
  /**
   * Changes nothing, whatever is asked.
   *
   * @throws StoreBehind when its position is below `indexMin`, tested in the same transaction
   * @throws NotAQuery for what the store does not understand as a query
   */
  query(query: Uint8Array, indexMin: number): Promise<StoreAnswer>
  /** A picture of one position; applying goes on while the stream is read. */
  backup(signal: AbortSignal): Promise<StoreBackup>
  /**
   * Holds what the backup holds, and nothing else. Until that is whole the store is marked as
   * filling: opened then, it stands at the origin.
   *
   * @throws StoreUnavailable also for a stream that was cut off or is damaged
   */
  restore(stream: AsyncIterable<Uint8Array>): Promise<StorePosition>
  /** Of the content of one slice: equal for equal content. */
  digest(slice: number): Promise<string>
  close(): Promise<void>
}

/** A kind of store that a peer keeps a log in. */
export interface OfferedStore {
  /**
   * As the birth of a log names it, 1 to 32 of letters, digits and `.-_`: at all peers that keep
   * the log the same.
   */
  readonly kind: string
  /** Called again after whatever went wrong. @throws StoreRefused, and whatever the store throws */
  open(claim: StoreClaim): Promise<LogStore>
}

/** Why a store cannot be opened for a log. */
export type StoreRefusal = 'store-of-another-log' | 'store-claimed' | 'store-not-empty' | 'store-format' | 'store-settings'

export class StoreRefused extends Error {
  static override readonly name = 'StoreRefused'
  override readonly name = 'StoreRefused'
  readonly code: StoreRefusal

  constructor(code: StoreRefusal, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
  }
}

/**
 * The store did not do it now. It is not known to be deterministic, so the replica stalls and tries
 * again.
 */
export class StoreUnavailable extends Error {
  static override readonly name = 'StoreUnavailable'
  override readonly name = 'StoreUnavailable'
  readonly code: string

  constructor(code: string, options?: ErrorOptions) {
    super(`the store is unavailable: ${code}`, options)
    this.code = code
  }
}

/**
 * The store is not where it was, or is another: it lost what was not durable, or was emptied. It is
 * to be opened again.
 */
export class StoreMoved extends StoreUnavailable {}

/** The position of the store is below what the query must see. */
export class StoreBehind extends Error {
  static override readonly name = 'StoreBehind'
  override readonly name = 'StoreBehind'
}

export class NotAQuery extends Error {
  static override readonly name = 'NotAQuery'
  override readonly name = 'NotAQuery'
}
