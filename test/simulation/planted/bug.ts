/**
 * What a planted bug is: the places in production files that it changes. A patch names a place that
 * occurs exactly once.
 */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface PlantedBug {
  readonly name: string
  readonly what: string
  readonly patches: readonly Patch[]
}

/** A bug of one patch. */
export function bug(name: string, what: string, file: string, find: string, replace: string): PlantedBug {
  return { name, what, patches: [{ file, find, replace }] }
}
