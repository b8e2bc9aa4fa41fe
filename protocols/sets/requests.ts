/**
 * What clients ask of sets, and what they are told: the port between the rules and whoever speaks
 * to clients. Elements are canonical bytes, made at the edge. Whoever asks sends an event of kind
 * `typed` with the type `SETS` and one of these requests; the answer comes in an outcome of kind
 * `typed`.
 */

/** The name of this type: of its slots, requests and answers. */
export const SETS = 'sets'

/** Bytes of a set's name: letters, digits, `.`, `_`, `-`. */
export const SET_NAME_BYTES_MAX = 64
/** Bytes of an element in canonical form. */
export const ELEMENT_BYTES_MAX = 4_096
/** Elements of one request. */
export const ELEMENTS_MAX = 10_000
/** Sets of one network: every peer holds all of them. */
export const SETS_MAX = 1_000

/**
 * One element in canonical form: equal elements are equal bytes. 1 to `ELEMENT_BYTES_MAX`; nobody
 * changes them any more.
 */
export type Element = Uint8Array

/** In place of a stamp: the element was never added, or never removed. */
export const NO_STAMP = -1

/** Milliseconds, a whole number from 0 to 2^53 - 1; or `NO_STAMP`. */
export type Stamp = number

/** An element, with both of its stamps. It is a member when it was added after it was removed. */
export interface Entry {
  readonly element: Element
  readonly added: Stamp
  readonly removed: Stamp
}

/**
 * Where the answer waits to be durable besides this peer's own disk: at a majority of the own
 * cluster's voters, or at one voter in each of a majority of the voting clusters.
 */
export type Wait = 'here' | 'cluster' | 'network'

/** What is known of the clock of a client that gives stamps of its own. */
export type ClientClock =
  /** Its stamps are by the time of day. */
  | { readonly kind: 'right' }
  /**
   * Its clock shows this now, in milliseconds: its stamps are moved by the difference to this
   * peer's.
   */
  | { readonly kind: 'shows'; readonly nowMs: number }
  /** As it was told by an earlier try of the same update. */
  | { readonly kind: 'shifted'; readonly byMs: number }

/** How far forgetting went in a set. Both stamps are `NO_STAMP` before anything was forgotten. */
export interface Cut {
  /** How many cuts there were. */
  readonly number: number
  /** Removals at or below it are forgotten. */
  readonly stamp: Stamp
  /** No stamp at or below it is given, nor taken from a client. */
  readonly bar: Stamp
}

/** */
export type SetRequest =
  /** Each element once. At least one element: what names none is answered at the edge. */
  | { readonly kind: 'insert' | 'delete'; readonly set: string; readonly elements: readonly Element[]; readonly wait: Wait }
  /** Each element once, with at least one stamp. */
  | {
      readonly kind: 'update'
      readonly set: string
      readonly entries: readonly Entry[]
      readonly clock: ClientClock
      readonly wait: Wait
    }
  | { readonly kind: 'members'; readonly set: string }
  /** Stamps strictly above `since`; all of them from `NO_STAMP` on. */
  | { readonly kind: 'updates-since'; readonly set: string; readonly since: number }
  /** Changes after the cursor, each element once; undefined: from the first on. */
  | { readonly kind: 'updates-after'; readonly set: string; readonly after: string | undefined }
  | { readonly kind: 'contains'; readonly set: string; readonly element: Element }
  | { readonly kind: 'list' }
  /**
   * Answered with `changes`, again and again, until `cursor-gone` or until the client is cancelled.
   * The first answer comes at once, with what changed after the cursor; undefined: nothing, from
   * now on.
   */
  | { readonly kind: 'watch'; readonly set: string; readonly after: string | undefined }
  /** All entries, with the cut that they are of: to be kept elsewhere. */
  | { readonly kind: 'snapshot'; readonly set: string }
  /**
   * Entries that were kept elsewhere come back, as from a peer of their cut. At most `ELEMENTS_MAX`
   * at a time, the last so marked.
   */
  | { readonly kind: 'restore'; readonly set: string; readonly entries: readonly Entry[]; readonly cut: Cut; readonly isLast: boolean }

/** How the peers stand that were heard lately. */
export type Equality = 'equal' | 'different' | 'unknown'

/** A set, as this peer sees it. */
export interface SetView {
  readonly set: string
  readonly memberCount: number
  /** Members, and elements whose removal is remembered. */
  readonly entryCount: number
  readonly equality: Equality
  readonly cut: Cut
}

/**
 * Lists are as things were when the request came. They may be long, and are made while they are
 * walked, once or more often.
 */
export type SetAnswer =
  /**
   * On this peer's disk, and where the request waited for it. `shiftMs`: what was added to the
   * client's stamps.
   */
  | { readonly kind: 'stored'; readonly shiftMs: number }
  /**
   * On this peer's disk, and spreading; that it is where the request waited for it was not seen in
   * time.
   */
  | { readonly kind: 'in-doubt'; readonly shiftMs: number; readonly detail: string }
  /**
   * Nothing of the request is done. `entry`: the first whose stamp is refused, as it was given.
   * `least` and `most`: what was allowed, by the client's clock.
   */
  | {
      readonly kind: 'bad-stamp'
      readonly entry: Entry
      readonly stamp: number
      readonly why: 'ahead' | 'barred' | 'no-stamp'
      readonly least: number
      readonly most: number
    }
  /** This peer's clock is too far off those of others for it to give stamps. Nothing is done. */
  | { readonly kind: 'clock-off'; readonly offByMs: number }
  /** This peer has not yet been given what others hold. Nothing is done. */
  | { readonly kind: 'not-ready'; readonly detail: string }
  | { readonly kind: 'too-many-sets' }
  /** No such set here. */
  | { readonly kind: 'no-set' }
  | { readonly kind: 'members'; readonly count: number; readonly elements: Iterable<Element>; readonly cursor: string }
  /**
   * Stamps that are not to be told are `NO_STAMP`. The cursor is undefined where stamps were asked
   * for.
   */
  | { readonly kind: 'updates'; readonly count: number; readonly entries: Iterable<Entry>; readonly cursor: string | undefined }
  /** Another peer, another store, or a change above the cursor is forgotten: start over. */
  | { readonly kind: 'cursor-gone'; readonly detail: string }
  | { readonly kind: 'contained'; readonly isMember: boolean; readonly entry: Entry }
  | { readonly kind: 'sets'; readonly sets: readonly SetView[] }
  /**
   * Each change once, in the order in which it became visible here, each with the cursor behind it.
   */
  | { readonly kind: 'changes'; readonly changes: readonly { readonly entry: Entry; readonly cursor: string }[]; readonly cursor: string }
  | { readonly kind: 'snapshot'; readonly count: number; readonly entries: Iterable<Entry>; readonly cut: Cut }

/**
 * Members that went when a later cut was taken over, because whoever had it did not know them.
 * Perhaps nobody else has them.
 */
export interface DroppedLot {
  readonly set: string
  /** The number of the cut. */
  readonly cut: number
  readonly entries: readonly Entry[]
}

/** What whoever runs the peer asks, not clients. */
export type DroppedRequest =
  /**
   * What went and is not yet kept elsewhere, at most `ELEMENTS_MAX` entries of each lot: to be
   * written to a file.
   */
  | { readonly kind: 'dropped' }
  /** These entries of the lot are kept elsewhere. Answered `stored`. */
  | { readonly kind: 'dropped-kept'; readonly lot: DroppedLot }

export interface DroppedAnswer {
  readonly kind: 'dropped'
  readonly lots: readonly DroppedLot[]
}
