/** What a store cannot go on from. Each is final for the process; none is tried again. */

/**
 * The disk did not take what was written. What of it is on disk is unknown until the store is
 * opened anew.
 */
export class StorageFailed extends Error {
  static override readonly name = 'StorageFailed'
  override readonly name = 'StorageFailed'
}

/** Bytes in the store are not those that were written. */
export class DamagedStore extends Error {
  static override readonly name = 'DamagedStore'
  override readonly name = 'DamagedStore'
}

/** The store was written in a format that this version does not know. */
export class UnknownFormat extends Error {
  static override readonly name = 'UnknownFormat'
  override readonly name = 'UnknownFormat'
}

/**
 * What lmdb says of pages that are not as it wrote them: a wrong length of a value, a transaction
 * that met such a page, a page that is not there, one of a wrong kind, and a file that is not its
 * own.
 */
const DAMAGED_CODES = new Set<unknown>([-30_781, -30_782, -30_797, -30_796, -30_793])

/**
 * True for what a damaged store throws when it is opened or read. A write that failed is none
 * (`StorageFailed`), whatever is the cause: a full disk must never pass for a damaged one.
 */
export function isDamage(error: unknown): error is Error {
  return error instanceof DamagedStore || (error instanceof Error && DAMAGED_CODES.has((error as { code?: unknown }).code))
}
