/** The target of a request, in its two halves, as they came. */
import type { IncomingMessage } from 'node:http'

/** What follows the question mark, or the empty text. */
export function queryOf({ url = '' }: IncomingMessage): string {
  const cut = url.indexOf('?')
  return cut < 0 ? '' : url.slice(cut + 1)
}

/** What comes before the question mark. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const cut = url.indexOf('?')
  return cut < 0 ? url : url.slice(0, cut)
}
