/** The head of a store in Redis: whose it is and where it stands, as the fields of a hash. */
import { readMembership, writeMembership } from '../../../protocols/log/entry-bytes.ts'
import { ORIGIN } from '../../../protocols/log/entry.ts'
import type { Position } from '../../../protocols/log/entry.ts'
import type { Membership } from '../../../protocols/log/membership.ts'
import { ByteReader } from '../../../protocols/wire/reader.ts'
import { ByteWriter } from '../../../protocols/wire/writer.ts'
import { utf8 } from '../../bytes.ts'
import { StoreRefused } from '../../ports/log-store.ts'
import type { StoreClaim } from '../../ports/log-store.ts'
import { keptOf } from '../heads.ts'
import { DIGEST_BYTES } from '../kv-rows.ts'

/** What this file writes. A head of another format is not read. */
const FORMAT = '2'

export type Fields = Readonly<Record<string, string>>

export interface RedisHead {
  readonly position: Position
  readonly members: Membership
  readonly atMs: number
  readonly outcomeDigest: string
}

/** Of a store that nothing was applied to. */
export function emptyFields({ firstMembers, ...claim }: StoreClaim): Fields {
  return {
    format: FORMAT,
    ...claimFields(claim),
    index: String(ORIGIN.index),
    term: String(ORIGIN.term),
    atMs: '0',
    digest: '0'.repeat(2 * DIGEST_BYTES),
    forgotten: '0',
    members: membersText(firstMembers),
  }
}

/** What every script is told of whoever runs it. */
export function claimFields({ logId, generation, owner }: Pick<StoreClaim, 'logId' | 'generation' | 'owner'>): Fields {
  return { logId, generation: String(generation), owner: owner.id }
}

/**
 * The head as the claimant goes on from it. @returns undefined for what is to be dropped first
 *
 * @throws StoreRefused for a store that is not the claimant's
 */
export function claimedFields(fields: Fields, claim: StoreClaim): Fields | undefined {
  const { format, logId = '', generation = '', owner = '' } = fields
  if (format !== FORMAT) throw new StoreRefused('store-format', 'it was written by another version')
  const kept = keptOf({ logId, generation: Number(generation), ownerId: owner }, claim)
  if (kept === 'nothing' || !isWhole(fields)) return undefined
  if (kept === 'all') return fields
  const { place } = membersIn(fields.members ?? '')
  return { ...fields, ...claimFields(claim), members: membersText({ ...claim.firstMembers, place }) }
}

/** A store that is being filled, or that a script left half, holds nothing that counts. */
function isWhole({ filling, torn }: Fields): boolean {
  return filling === undefined && torn === undefined
}

export function headOf({ term, index, members = '', atMs, digest = '' }: Fields): RedisHead {
  return {
    position: { term: Number(term), index: Number(index) },
    members: membersIn(members),
    atMs: Number(atMs),
    outcomeDigest: digest,
  }
}

export function membersText(members: Membership): string {
  const writer = new ByteWriter(utf8)
  writeMembership(writer, members)
  return Buffer.from(writer.finish()).toString('hex')
}

/** @throws MalformedBytes */
export function membersIn(text: string): Membership {
  return readMembership(new ByteReader(Buffer.from(text, 'hex'), utf8))
}
