/** What stores in servers have in common. */

export interface ServerStoreInit {
  readonly url: string
  /** In place of one in the URL. */
  readonly password: string | undefined
  /** Where a backup is written before it is read; it does not stay there. */
  readonly scratchPath: string
}

/** @param password in place of the one in the URL */
export function withPassword(url: string, password: string | undefined): string {
  const whole = new URL(url)
  if (password !== undefined) whole.password = encodeURIComponent(password)
  return whole.href
}
