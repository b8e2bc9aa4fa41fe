/** What a store cannot go on from. Each is final for the process; none is tried again. */

/** The disk did not take what was written. What of it is on disk is unknown until the store is opened anew. */
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
