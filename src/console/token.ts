/**
 * The token, for as long as the tab lives: nothing of it is written where another tab, or the next
 * user of this browser, would find it.
 */

const NAME = 'replicator-token'

export function readToken(): string | undefined {
  return sessionStorage.getItem(NAME) ?? undefined
}

/** @param token undefined to forget it */
export function keepToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(NAME)
  else sessionStorage.setItem(NAME, token)
}
