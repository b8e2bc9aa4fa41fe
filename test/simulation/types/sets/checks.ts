/**
 * What a single answer is held to: that it is on disk where it must be, and that it did what it
 * says.
 */
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import type { Config } from '../../../../protocols/base/config.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { isMember } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import { isKept } from '../../../../protocols/sets/keeping.ts'
import { NO_STAMP } from '../../../../protocols/sets/requests.ts'
import type { Entry, SetAnswer } from '../../../../protocols/sets/requests.ts'
import type { Row } from '../../../../protocols/sets/rows.ts'
import { check } from '../../checkers/violation.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { ChangeRequest } from './clients.ts'
import type { Answered, Model } from './model.ts'
import { cutOnDisk, stampsOnDisk } from './on-disk.ts'

/** What came of a request at the peer that was asked. */
export interface Change {
  readonly peer: SimulatedPeer
  readonly by: IdentityId
  readonly request: ChangeRequest
  /** What the peer showed of the elements right after it. */
  readonly held: readonly Entry[]
  /** What it wrote of them for it. */
  readonly written: readonly Row[]
}

/** The stamps that the request brought or was given, by element. */
export function operationsOf({ by, request, held }: Change, shiftMs: number): Answered[] {
  const { set } = request
  if (request.kind === 'update') {
    const move = (stamp: number): number => (stamp === NO_STAMP ? NO_STAMP : stamp + shiftMs)
    return request.entries.map(({ element, added, removed }) => ({
      set,
      key: keyOfElement(element),
      stamps: { added: move(added), removed: move(removed) },
      by,
    }))
  }
  const given = ({ added, removed }: Stamps): Stamps =>
    request.kind === 'insert' ? { added, removed: NO_STAMP } : { added: NO_STAMP, removed }
  return held.map((entry) => ({ set, key: keyOfElement(entry.element), stamps: given(entry), by }))
}

export function checkRefused({ peer, request, written }: Change, answer: SetAnswer): void {
  check(written.length === 0, 'C5', () => `${peer.peerId} answers ${answer.kind} to ${request.kind}, and wrote ${written.length} rows`)
}

/** C4: it took effect at once. */
export function checkEffect(change: Change, operations: readonly Answered[]): void {
  const { peer, request, held, written } = change
  for (const entry of held) {
    const isRight = request.kind === 'update' || isMember(entry) === (request.kind === 'insert')
    check(isRight, 'C4', () => `${request.kind} at ${peer.peerId} leaves ${entry.added} ${entry.removed}`)
  }
  for (const { key, stamps } of operations) {
    const row = written.find((each) => each.key === key)
    const isExact = (told: number, became: number | undefined): boolean => told === NO_STAMP || became === undefined || became === told
    const isSo = isExact(stamps.added, row?.added) && isExact(stamps.removed, row?.removed)
    check(isSo, 'C4', () => `${request.kind} of ${stamps.added} ${stamps.removed} at ${peer.peerId} wrote ${row?.added} ${row?.removed}`)
  }
}

/** C2: whoever answers has it on disk. */
export function checkDurable(model: Model, peer: SimulatedPeer, { set, key, stamps }: Answered): void {
  const held = stampsOnDisk(peer, set, key)
  const told = (): string =>
    `${peer.peerId} answers ${key} of ${set} ${stamps.added} ${stamps.removed}, its disk has ${held.added} ${held.removed}`
  check(model.shows(held, cutOnDisk(peer, set), { stamps }, set, key), 'C2', told)
}

/**
 * C3: by one of these configs enough voters have it on disk. A voter whose disk was lost meanwhile
 * may have had it.
 */
export function checkKept(
  model: Model,
  change: Change,
  peers: readonly SimulatedPeer[],
  configs: readonly Config[],
  operations: readonly Answered[],
): void {
  const { peer, request } = change
  const has = (voter: IdentityId): boolean => {
    const keeper = peers.find(({ identity }) => identity.id === voter)
    if (keeper === undefined) return true
    return operations.every(({ set, key, stamps }) =>
      model.shows(stampsOnDisk(keeper, set, key), cutOnDisk(keeper, set), { stamps }, set, key),
    )
  }
  const isSo = configs.some((config) => isKept(config, peer.clusterId, request.wait, has))
  check(isSo, 'C3', () => `${peer.peerId} answers ${request.kind} with wait=${request.wait}, and too few voters have it`)
}
