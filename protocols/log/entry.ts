/**
 * What a log is made of. An entry is known by its (term, index): two replicas that hold the same
 * pair hold the same entry, and the same entries before it.
 */
import type { Membership } from './membership.ts'

/** The name of a command: of a client's own choosing, or made by the peer that took it in. */
export type SubmitId = string & { readonly __brand: 'SubmitId' }

/** A place in the log. Positions of one log are ordered by index, and terms never fall along it. */
export interface Position {
  readonly term: number
  readonly index: number
}

/** What lies before the first entry. */
export const ORIGIN: Position = { term: 0, index: 0 }

export type EntryBody =
  /** The first entry of a leader. Once it is committed, so is all before it. */
  | { readonly kind: 'began' }
  | { readonly kind: 'command'; readonly submitId: SubmitId; readonly since: number; readonly command: Uint8Array }
  /**
   * The members from here on: in force as soon as the entry is appended, undone when it is cut off.
   */
  | { readonly kind: 'members'; readonly members: Membership }
  /**
   * The entry at `index`, which stores cannot apply, counts as rejected with this code, once this
   * is committed.
   */
  | { readonly kind: 'verdict'; readonly index: number; readonly code: string }
  /**
   * Every replica hashes that slice of its store as it is here, and the leader compares. It changes
   * nothing.
   */
  | { readonly kind: 'check'; readonly slice: number }
  /** Of a kind or version that this peer does not know. Its replica stops. */
  | { readonly kind: 'unknown'; readonly code: number; readonly version: number; readonly bytes: Uint8Array }

export interface Entry extends Position {
  /** The log's own clock, in milliseconds of the time of day. It never falls along the log. */
  readonly atMs: number
  readonly body: EntryBody
  /** Of an entry that an order outside gave: such orders leave gaps between indexes. */
  readonly link?: EntryLink
}

/** How an entry hangs on the one before it, where its place does not say so. */
export interface EntryLink {
  /** 0 for the first. */
  readonly previousIndex: number
  /** Of the record that it came from: it is known again by that. */
  readonly recordHash: Uint8Array
}

/** The index of the entry before. */
export function previousIndexOf({ index, link }: Entry): number {
  return link === undefined ? index - 1 : link.previousIndex
}

/** What an entry weighs besides its command, in bytes: rather too much than too little. */
const ENTRY_OUTSIDE_BYTES = 64

export function entryBytes({ body }: Entry): number {
  switch (body.kind) {
    case 'command':
      return body.command.length + body.submitId.length + ENTRY_OUTSIDE_BYTES
    case 'unknown':
      return body.bytes.length + ENTRY_OUTSIDE_BYTES
    default:
      return ENTRY_OUTSIDE_BYTES
  }
}

/**
 * Whether a log that ends at `a` is at least as far as one that ends at `b`: the later term first,
 * then the length.
 */
export function isAtLeast(a: Position, b: Position): boolean {
  return a.term === b.term ? a.index >= b.index : a.term > b.term
}
