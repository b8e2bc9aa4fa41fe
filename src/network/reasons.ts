/** Why a peer could not be reached, in the few words that an operator looks for. */
import type { PeerId } from '../../protocols/base/identity.ts'

/** What Noise says of a key that is not the expected one; both are shown as peer ids. */
const OTHER_KEY = /identity key (\S+) does not match expected remote identity key/

/**
 * Words of the system and of libp2p, the most telling first: of several addresses each may have
 * failed for another reason.
 */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [OTHER_KEY, 'another peer answers there'],
  [/ECONNREFUSED/, 'refused'],
  [/ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL/, 'no route'],
  [/ENOTFOUND|EAI_AGAIN/, 'unknown host name'],
  [/TimeoutError|timed? ?out|AbortError|aborted/i, 'timed out'],
  [/UnsupportedProtocolError/, 'other protocol id'],
  [/ECONNRESET|EPIPE|closed|reset/i, 'closed by the other side'],
]

/** Who answered in the place of the peer that was dialled; undefined when nobody did. */
export function peerFoundInstead(error: unknown): PeerId | undefined {
  return OTHER_KEY.exec(describe(error))?.[1] as PeerId | undefined
}

/** @param error what a dial ended with, perhaps one error for each address */
export function reasonOf(error: unknown): string {
  const text = describe(error)
  return REASONS.find(([words]) => words.test(text))?.[1] ?? 'failed'
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const parts = error instanceof AggregateError ? error.errors.map((part: unknown) => describe(part)) : []
  const { code } = error as { readonly code?: unknown }
  return [error.name, typeof code === 'string' ? code : '', error.message, ...parts].join(' ')
}
