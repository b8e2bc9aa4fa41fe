/** Versions as they stand in headers and queries. */

/** Above every version that a client may name. */
export const VERSION_MAX: number = 2 ** 52

export function isVersionText(text: string): boolean {
  return /^\d{1,16}$/.test(text) && Number(text) < VERSION_MAX
}

/** The entity tag of a version: the same at every peer. */
export function versionTag(version: number): string {
  return `"${version}"`
}
