/**
 * Whether the head of a request has one meaning. What stands in front of a peer and the peer itself
 * must not read it in two ways: a header that may be there once and is there twice counts for one
 * of them to either, and a coding that only one of them knows hides where the request ends.
 */
import type { IncomingMessage } from 'node:http'
import type { ProblemName } from './problems.ts'

/** Headers of which Node drops all but the first, and that mean something here. */
const SINGLE = ['host', 'content-type', 'authorization'] as const

export interface BadHead {
  readonly problem: ProblemName
  readonly header: string
  readonly detail: string
}

/** What is wrong with the head of a request; undefined when nothing is. */
export function faultOfHead({ rawHeaders, headers }: IncomingMessage): BadHead | undefined {
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    const detail = 'The only transfer coding is "chunked", by itself: values are kept as they are.'
    return { problem: 'unsupported-coding', header: 'Transfer-Encoding', detail }
  }
  const repeated = repeatedHeader(rawHeaders)
  if (repeated === undefined) return undefined
  return { problem: 'bad-header', header: repeated, detail: `${repeated} is there more than once, and may be there once.` }
}

function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  let seen = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    const single = SINGLE.findIndex((known) => known.length === name.length && known === name.toLowerCase())
    if (single < 0) continue
    if ((seen & (1 << single)) !== 0) return name
    seen |= 1 << single
  }
  return undefined
}
