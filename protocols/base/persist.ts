/** What is written to the store: plain data, in the order in which it was decided. */
import type { Ceiling } from './ballot.ts'
import type { Accepted, ValueRecord } from './record.ts'
import { isConfigKey, slotOf } from './register.ts'
import type { RegisterKey } from './register.ts'
import type { RowWrite } from './rows.ts'
import type { Slot } from './slot.ts'

/**
 * Where a write belongs and how urgent it is: all that a runtime, a send gate and a disk need to
 * know of it.
 */
export interface Placed {
  readonly slot: Slot
  /**
   * Its sync comes no sooner than that of everything written before it, and every send that follows
   * waits for it.
   */
  readonly isBarrier: boolean
  /**
   * Nothing is lost with it but a question to others: it may wait for a sync that somebody needs.
   */
  readonly isLazy: boolean
}

/**
 * What a table of the store makes of it; each kind belongs to one table, that of its slot's type.
 */
type Written =
  | { readonly kind: 'accepted'; readonly key: RegisterKey; readonly accepted: Accepted }
  /**
   * Replaces what was accepted of the key, in one write. `digest`: 16 bytes, kept so that the tree
   * is rebuilt without hashing.
   */
  | { readonly kind: 'chosen'; readonly key: RegisterKey; readonly record: ValueRecord; readonly digest: Uint8Array }
  /** This peer lost its vote: what it accepted and what was not chosen is let go. */
  | { readonly kind: 'accepted-dropped'; readonly key: RegisterKey }
  /**
   * Another record than the chosen one held here was told as chosen: evidence, kept beside it for
   * good. The key is served no more.
   */
  | { readonly kind: 'diverged'; readonly key: RegisterKey; readonly told: ValueRecord }
  | { readonly kind: 'ceiling'; readonly ceiling: Ceiling }

export type Persist = Placed & Written

/**
 * A write of a further type of data, to the table of that type. What its rows say nobody knows but
 * the type.
 */
export interface TypeWrite extends Placed {
  readonly kind: 'typed'
  /** All of them are on disk together, or none is. No two are of one name. */
  readonly rows: readonly RowWrite[]
}

/** Whatever a core may write. */
export type AnyWrite = Persist | TypeWrite

type Write<Kind extends Written['kind']> = Extract<Persist, { readonly kind: Kind }>

const CEILING_SLOT: Slot = { type: 'facts', name: 'ceiling' }

export function acceptedWrite(key: RegisterKey, accepted: Accepted): Write<'accepted'> {
  return { kind: 'accepted', slot: slotOf(key), isBarrier: false, isLazy: false, key, accepted }
}

/** Rows of a further type. @param slot of that type, for sends that wait for this write */
export function rowsWrite(slot: Slot, rows: readonly RowWrite[], urgency: 'barrier' | 'lazy' | 'usual' = 'usual'): TypeWrite {
  return { kind: 'typed', slot, isBarrier: urgency === 'barrier', isLazy: urgency === 'lazy', rows }
}

/** A config that is chosen is installed: everything that follows rests on it. */
export function chosenWrite(key: RegisterKey, record: ValueRecord, digest: Uint8Array): Write<'chosen'> {
  return { kind: 'chosen', slot: slotOf(key), isBarrier: isConfigKey(key), isLazy: true, key, record, digest }
}

export function droppedWrite(key: RegisterKey): Write<'accepted-dropped'> {
  return { kind: 'accepted-dropped', slot: slotOf(key), isBarrier: false, isLazy: false, key }
}

export function divergedWrite(key: RegisterKey, told: ValueRecord): Write<'diverged'> {
  return { kind: 'diverged', slot: slotOf(key), isBarrier: false, isLazy: false, key, told }
}

export function ceilingWrite(ceiling: Ceiling): Write<'ceiling'> {
  return { kind: 'ceiling', slot: CEILING_SLOT, isBarrier: true, isLazy: false, ceiling }
}
