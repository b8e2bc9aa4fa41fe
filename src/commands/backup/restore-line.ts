/**
 * What a line of a backup comes to in a running network. Nothing that is there is ever replaced: a
 * key, or a register, that is there with the same content counts as done, with other content it is
 * told.
 */
import type { Client, Entry } from '../../client/client.ts'
import { readJson } from '../../client/elements.ts'
import type { Element } from '../../client/elements.ts'
import { CommandFailed } from '../failed.ts'
import { parseLine } from '../jsonl.ts'
import { etagOf } from '../key-storer.ts'
import type { KeyStorer } from '../key-storer.ts'
import type { Section } from './format.ts'

/** How it is after a line. */
export type Restored =
  | { readonly kind: 'stored' | 'same' }
  /** It is not what was there in the end: a later line is. */
  | { readonly kind: 'passed' }
  /** There is other content already. */
  | { readonly kind: 'other'; readonly what: string }

type SetLine = { readonly set: string; readonly entries: readonly (readonly [Element, number | null, number | null])[] }

/** What writes the lines. */
export interface Restorer {
  readonly client: Client
  readonly keys: KeyStorer
  readonly timeoutMs: number
}

/** @throws CommandFailed when it cannot be done */
export async function restoreLine(
  { client, keys, timeoutMs }: Restorer,
  section: Section,
  text: string,
  number: number,
): Promise<Restored> {
  switch (section) {
    case 'keys':
      return restoreKey(keys, text, number)
    case 'kv':
      return restoreRegister(client, text, number, timeoutMs)
    case 'sets':
      return restoreSet(client, text, number, timeoutMs)
  }
}

async function restoreKey(keys: KeyStorer, text: string, number: number): Promise<Restored> {
  const line = parseLine(text, number)
  const kind = await keys.store(line, number)
  return kind === 'other' ? { kind, what: `key ${line.key}` } : { kind }
}

async function restoreRegister(client: Client, text: string, number: number, timeoutMs: number): Promise<Restored> {
  const { deleted, ttl } = JSON.parse(text) as { readonly deleted?: boolean; readonly ttl?: number }
  if (deleted === true) return { kind: 'passed' }
  const line = parseLine(text, number)
  const { key, value, contentType } = line
  const options = { contentType, when: 'absent' as const, name: { idempotencyKey: `restore-${etagOf(line)}` } }
  const signal = AbortSignal.timeout(timeoutMs)
  const outcome = await client.registers.put(key, value, { ...options, ...(ttl !== undefined && { ttlSeconds: ttl }), signal })
  if (outcome.kind === 'written') return { kind: 'stored' }
  if (outcome.kind === 'written-before') return { kind: 'same' }
  // Something is, or was, there: is it this?
  if (outcome.kind !== 'mismatch' && outcome.kind !== 'forgotten' && outcome.kind !== 'reused')
    throw new CommandFailed(`line ${number}, register ${key}: ${outcome.kind}: ${outcome.detail}`)
  const found = await client.registers.get(key, { signal })
  if (found.kind === 'unavailable' || found.kind === 'refused')
    throw new CommandFailed(`line ${number}, register ${key}: ${found.kind}: ${found.detail}`)
  const isSame = found.kind === 'found' && found.contentType === contentType && Buffer.compare(found.value, value) === 0
  return isSame ? { kind: 'same' } : { kind: 'other', what: `register ${key}` }
}

/** @param least the lowest stamp that is sent */
async function restoreSet(client: Client, text: string, number: number, timeoutMs: number, least = 0): Promise<Restored> {
  const { set, entries } = readJson(text) as SetLine
  const atLeast = (stamp: number | null): number | null => (stamp === null || stamp < least ? null : stamp)
  const taken = entries
    .map(([element, added, removed]): Entry => ({ element, added: atLeast(added), removed: atLeast(removed) }))
    .filter(({ added, removed }) => added !== null || removed !== null)
  const outcome = await client.set(set).merge(taken, { wait: 'network', signal: AbortSignal.timeout(timeoutMs) })
  // In doubt is where it is to be on other disks: it is on one, and spreads by itself.
  if (outcome.kind === 'stored' || outcome.kind === 'in-doubt') {
    const old = entries.length - taken.length
    return old === 0
      ? { kind: 'stored' }
      : { kind: 'other', what: `${old} elements of set ${set}, which are older than what it has forgotten` }
  }
  const isTooOld = outcome.kind === 'refused' && outcome.least !== undefined && outcome.least > least
  if (isTooOld) return restoreSet(client, text, number, timeoutMs, outcome.least)
  throw new CommandFailed(`line ${number}, set ${set}: ${outcome.kind}: ${outcome.detail}`)
}
