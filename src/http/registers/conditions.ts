/** What a write asks of the register that it is made on, as RFC 9110 (13.1) has clients say it. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Condition } from '../../../protocols/registers/requests.ts'
import { isVersionText, VERSION_MAX } from './versions.ts'

export const AFTER_HEADER = 'Replicator-After'
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/
const STRONG_VERSION = /^"(\d{1,16})"$/

export interface Conditions {
  readonly condition: Condition | undefined
  /** The version that was current at the first try of this write; undefined when nobody says so. */
  readonly after: number | undefined
}

/** A header that will not do. */
interface BadHeader {
  readonly header: string
  readonly detail: string
}

export function readConditions(headers: IncomingHttpHeaders): Conditions | BadHeader {
  const after = headers['replicator-after']
  if (after !== undefined && !(typeof after === 'string' && isVersionText(after))) {
    return { header: AFTER_HEADER, detail: `${AFTER_HEADER} must be a version, a whole number below ${VERSION_MAX}.` }
  }
  const given = after === undefined ? undefined : Number(after)
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (match !== undefined && noneMatch !== undefined) {
    return { header: 'If-None-Match', detail: 'If-Match asks for a live register and If-None-Match for none; send one of them.' }
  }
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*') return { condition: { kind: 'absent' }, after: given }
    return { header: 'If-None-Match', detail: 'If-None-Match of a write can only be "*": nothing live may be there.' }
  }
  return match === undefined ? { condition: undefined, after: given } : readMatch(match, given)
}

function readMatch(match: string, after: number | undefined): Conditions | BadHeader {
  if (match.trim() === '*') return { condition: { kind: 'live' }, after }
  const tags = match.split(',').map((tag) => tag.trim())
  if (!tags.every((tag) => TAG.test(tag))) {
    return { header: 'If-Match', detail: 'If-Match must be "*", or versions as ETag tells them, like "5", with commas between.' }
  }
  // Weak tags never match here (RFC 9110, 8.8.3.2), and neither do tags that are no version.
  const versions = tags.map((tag) => Number(STRONG_VERSION.exec(tag)?.[1])).filter(Number.isSafeInteger)
  const [only] = versions
  return { condition: { kind: 'versions', versions }, after: after ?? (tags.length === 1 ? only : undefined) }
}
