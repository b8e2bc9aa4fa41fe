/** What stores have in common: how the head that they keep begins, and goes on. */
import { equalBytes } from '../../protocols/base/record.ts'
import { ORIGIN, previousIndexOf } from '../../protocols/log/entry.ts'
import type { Entry } from '../../protocols/log/entry.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { sha256, utf8 } from '../bytes.ts'
import { OUTCOME_KEPT_MS, OUTCOMES_KEPT_MAX, StoreRefused } from '../ports/log-store.ts'
import type { StoreClaim } from '../ports/log-store.ts'
import { DIGEST_BYTES, readHead } from './kv-rows.ts'
import type { Head, Remembered } from './kv-rows.ts'

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
    recordHash: NOTHING,
  }
  return { logId, generation, owner, ...empty }
}

/**
 * The head as the claimant goes on from it. @returns undefined for what is to be dropped first
 *
 * @throws StoreRefused for a head that is not the claimant's
 */
export function claimedHead(bytes: Uint8Array, claim: StoreClaim): Head | undefined {
  const head = readHead(bytes)
  if (head === undefined) throw new StoreRefused('store-format', 'it was written by another version')
  const kept = keptOf({ logId: head.logId, generation: head.generation, ownerId: head.owner.id }, claim)
  if (kept === 'nothing') return undefined
  // Who goes on from an earlier generation is its only voter. The wish for where voters are stays.
  if (kept === 'all') return head
  const { place } = head.members
  return { ...head, generation: claim.generation, members: { ...claim.firstMembers, place } }
}

/** Whose a store was found to be. */
export interface FoundOwner {
  readonly logId: string
  readonly generation: number
  readonly ownerId: string
}

/**
 * What a claimant keeps of a store that it finds: `carried` is all of it, as of the claimant's
 * generation.
 *
 * @throws StoreRefused for a store that is not the claimant's
 */
export function keptOf({ logId, generation, ownerId }: FoundOwner, claim: StoreClaim): 'all' | 'carried' | 'nothing' {
  if (logId !== claim.logId || generation > claim.generation)
    throw new StoreRefused('store-of-another-log', `it belongs to ${logId}, generation ${generation}`)
  if (ownerId !== claim.owner.id) throw new StoreRefused('store-claimed', `it belongs to ${ownerId}`)
  if (claim.content === 'dropped') return 'nothing'
  if (generation === claim.generation) return 'all'
  return claim.content === 'carried' ? 'carried' : 'nothing'
}

/** @returns the head of a store that goes on to this entry. */
export function headAt(before: Head, { term, index, atMs, link }: Entry): Head {
  return { ...before, position: { term, index }, atMs, recordHash: link?.recordHash ?? NOTHING }
}

/** What an entry made of the head, and what became of it. */
export interface Concluded {
  readonly head: Head
  readonly outcome: StoreOutcome
}

/**
 * Concludes an entry of which nothing is to be run, because it is no command or its name is known.
 *
 * @returns undefined for a command that is to be run
 */
export function concludedAlone(head: Head, { body }: Entry, known: Remembered | undefined): Concluded | undefined {
  if (body.kind === 'members') return concluded({ ...head, members: body.members }, DONE, 0)
  if (body.kind !== 'command') return concluded(head, DONE, 0)
  if (known !== undefined) return concluded(head, repeated(known, body.command), 0)
  if (body.since > 0 && body.since < head.forgottenIndex) return concluded(head, { kind: 'forgotten' }, 0)
  return undefined
}

/** What is remembered of an entry that was applied before. */
export function storedOutcome({ body }: Entry, known: Remembered | undefined): StoreOutcome {
  if (body.kind !== 'command') return DONE
  return known === undefined ? { kind: 'forgotten' } : repeated(known, body.command)
}

function repeated({ hash, outcome }: Remembered, command: Uint8Array): StoreOutcome {
  return equalBytes(hash, hashOf(command)) ? outcome : { kind: 'reused' }
}

/** Whether the oldest name is to be forgotten: by the log's clock, or because there are too many. */
export function isTooOld({ atMs }: Pick<Remembered, 'atMs'>, head: Head): boolean {
  return atMs < head.atMs - OUTCOME_KEPT_MS || head.remembered >= OUTCOMES_KEPT_MAX
}

/** Takes what became of the entry into the digest of all. */
export function concluded(head: Head, outcome: StoreOutcome, rows: number): Concluded {
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
    if (previousIndexOf(entry) > index) throw new Error(`entry ${entry.index} applied upon ${index}`)
    index = Math.max(index, entry.index)
  }
}
