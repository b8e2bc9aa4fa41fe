/** What stores have in common: how the head that they keep begins, and goes on. */
import { ORIGIN } from '../../protocols/log/entry.ts'
import type { Entry } from '../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { sha256, utf8 } from '../bytes.ts'
import { StoreRefused } from '../ports/log-store.ts'
import type { StoreClaim } from '../ports/log-store.ts'
import { DIGEST_BYTES, readHead } from './kv-rows.ts'
import type { Head } from './kv-rows.ts'

const NOTHING = new Uint8Array()
export const DONE: StoreOutcome = { kind: 'done', result: NOTHING }

export function emptyHead({ logId, generation, owner, firstMembers }: StoreClaim): Head {
  const empty = {
    position: ORIGIN,
    members: firstMembers,
    atMs: 0,
    outcomeDigest: new Uint8Array(DIGEST_BYTES),
    remembered: 0,
    forgottenIndex: 0,
  }
  return { logId, generation, owner, ...empty }
}

/** @throws StoreRefused for a head that is not the claimant's */
export function claimedHead(bytes: Uint8Array, { logId, generation, owner }: StoreClaim): Head {
  const head = readHead(bytes)
  if (head === undefined) throw new StoreRefused('store-format', 'it was written by another version')
  if (head.logId !== logId || head.generation !== generation)
    throw new StoreRefused('store-of-another-log', `it belongs to ${head.logId}, generation ${head.generation}`)
  if (head.owner.id !== owner.id) throw new StoreRefused('store-claimed', `it belongs to ${head.owner.id}`)
  return head
}

/** Takes what became of the entry into the digest of all. */
export function concluded(head: Head, outcome: StoreOutcome, rows: number): { readonly head: Head; readonly outcome: StoreOutcome } {
  const told = `${head.position.index} ${outcome.kind} ${outcome.kind === 'rejected' ? outcome.class : ''} ${rows}`
  const outcomeDigest = sha256(Buffer.concat([head.outcomeDigest, utf8.encode(told)])).slice(0, DIGEST_BYTES)
  return { head: { ...head, outcomeDigest }, outcome }
}

export function hashOf(command: Uint8Array): Uint8Array {
  return sha256(command).slice(0, DIGEST_BYTES)
}

/** @throws Error for a gap */
export function checkOrder(from: number, entries: readonly Entry[]): void {
  let index = from
  for (const entry of entries) {
    if (entry.index > index + 1) throw new Error(`entry ${entry.index} applied upon ${index}`)
    index = Math.max(index, entry.index)
  }
}
