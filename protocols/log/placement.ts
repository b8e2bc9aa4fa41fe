/**
 * Where the voters of a log should be, by a wish, and what has to change for it: a pure decision
 * that the leader takes again and again, one change at a time. Whoever was removed from the network,
 * or lost its disk, leaves first. A voter that is gone for long is replaced, and never just dropped.
 */
import type { ClusterId, Identity, PeerId } from '../base/identity.ts'
import { compareIdentities } from '../base/identity.ts'
import { has, VOTERS_MAX } from './membership.ts'
import type { MemberChange, Membership } from './membership.ts'

/** Voters that a log in one cluster has at most. */
const CLUSTER_VOTERS_MAX = 5
/** So many voters are left where they are until others are in place. */
const KEPT_MIN = 3
/** Of a log that outlives any one cluster. */
const SPREAD_MIN = 3

export type Wish =
  /** Voters of that cluster. */
  | { readonly kind: 'cluster'; readonly clusterId: ClusterId }
  /** So many voters, and in no cluster half of them: any one may be lost. */
  | { readonly kind: 'spread'; readonly count: number }
  | { readonly kind: 'peers'; readonly peerIds: readonly PeerId[] }

/** How a peer stands that votes or could. */
export interface Placeable {
  readonly peer: Identity
  /** Undefined where that is not known. */
  readonly clusterId: ClusterId | undefined
  /**
   * `lost`: it was removed from the network, or its disk is gone. `gone`: it was not reached for
   * long. `able`: it could be a voter now. `away`: it could not, and stays what it is.
   */
  readonly standing: 'able' | 'away' | 'gone' | 'lost'
  /** It wants a replica where it does not vote. */
  readonly learns?: boolean | undefined
}

/** `cluster:ID`, `spread:N` or `peers:ID,ID,ID`. @returns undefined for anything else */
export function readWish(text: string): Wish | undefined {
  const cut = text.indexOf(':')
  const kind = text.slice(0, Math.max(0, cut))
  const value = text.slice(cut + 1)
  if (value === '') return undefined
  if (kind === 'cluster') return { kind, clusterId: value as ClusterId }
  if (kind === 'spread') {
    const count = Number(value)
    return /^[0-9]$/.test(value) && count >= SPREAD_MIN && count <= VOTERS_MAX ? { kind, count } : undefined
  }
  if (kind !== 'peers') return undefined
  const peerIds = value.split(',') as PeerId[]
  const isList = peerIds.length <= VOTERS_MAX && new Set(peerIds).size === peerIds.length && peerIds.every((peerId) => peerId !== '')
  return isList ? { kind, peerIds } : undefined
}

/** The wish for exactly these voters. */
export function peersWish(voters: readonly Identity[]): string {
  return `peers:${voters.map(({ peerId }) => peerId).join(',')}`
}

/**
 * The voters that a wish wants now.
 *
 * @param current voters
 * @param around everybody who votes or could
 */
export function wantedVoters(wish: Wish, current: readonly Identity[], around: readonly Placeable[]): readonly Identity[] {
  const inOrder = preferred(current, around)
  const chosen = chosenFor(wish, inOrder, current)
  // Others stay until so many are in place: a wish alone never leaves a log with fewer.
  const least = Math.min(KEPT_MIN, current.length, wish.kind === 'peers' ? wish.peerIds.length : KEPT_MIN)
  const kept = inOrder.filter(({ peer }) => has(current, peer.id) && !has(chosen, peer.id)).map(({ peer }) => peer)
  return [...chosen, ...kept.slice(0, Math.max(0, least - chosen.length))]
}

/** Peers that want a replica, though they do not vote, and have none. */
export function learnersToCome({ voters, learners }: Membership, around: readonly Placeable[]): readonly MemberChange[] {
  const isNew = ({ peer: { id } }: Placeable): boolean => !has(voters, id) && !has(learners, id)
  const coming = around.filter((each) => each.learns === true && each.standing === 'able' && isNew(each))
  return coming.map(({ peer }): MemberChange => ({ kind: 'learner', peer }))
}

/** What has to change; nothing when all is as it is wished, or as near to it as can be. */
export function placementChanges(wish: Wish, { voters, learners }: Membership, around: readonly Placeable[]): readonly MemberChange[] {
  const isLost = ({ id }: Identity): boolean => around.some(({ peer, standing }) => peer.id === id && standing === 'lost')
  const lost = [...voters, ...learners].filter(isLost)
  // Whoever is lost leaves at once: it waits for no newcomer to catch up.
  if (lost.length > 0 && voters.some((voter) => !isLost(voter))) return lost.map((peer): MemberChange => ({ kind: 'remove', peer }))
  const wanted = wantedVoters(wish, voters, around)
  if (wanted.length === 0) return []
  const coming = wanted.filter(({ id }) => !has(voters, id)).map((peer): MemberChange => ({ kind: 'voter', peer }))
  const leaving = voters.filter(({ id }) => !has(wanted, id))
  return [...coming, ...leaving.map((peer): MemberChange => ({ kind: 'remove', peer }))]
}

/** Voters that are well first, then whoever could come, then voters that are gone. Nobody is lost. */
function preferred(current: readonly Identity[], around: readonly Placeable[]): readonly Placeable[] {
  const rank = ({ peer, standing }: Placeable): number => {
    if (has(current, peer.id)) return standing === 'gone' ? 2 : 0
    return 1
  }
  const mayVote = ({ peer, standing }: Placeable): boolean => standing === 'able' || (standing !== 'lost' && has(current, peer.id))
  return around.filter(mayVote).toSorted((a, b) => rank(a) - rank(b) || compareIdentities(a.peer, b.peer))
}

function chosenFor(wish: Wish, inOrder: readonly Placeable[], current: readonly Identity[]): readonly Identity[] {
  switch (wish.kind) {
    case 'cluster': {
      const near = inOrder.filter(({ clusterId }) => clusterId === wish.clusterId)
      const voting = near.filter(({ peer }) => has(current, peer.id)).length
      return near.slice(0, Math.min(CLUSTER_VOTERS_MAX, Math.max(voting, worthwhile(near.length)))).map(({ peer }) => peer)
    }
    case 'spread':
      return spread(inOrder, wish.count, current)
    case 'peers':
      return inOrder.filter(({ peer }) => wish.peerIds.includes(peer.peerId)).map(({ peer }) => peer)
  }
}

/** An even number of voters bears no more losses than one fewer. */
function worthwhile(count: number): number {
  return count > 2 && count % 2 === 0 ? count - 1 : count
}

/** So many that no cluster has half of them: voters that are well stay, the rest is filled evenly. */
function spread(inOrder: readonly Placeable[], count: number, current: readonly Identity[]): readonly Identity[] {
  const inClusterMax = Math.ceil(count / 2) - 1
  const chosen: Placeable[] = []
  const take = (from: readonly Placeable[], most: number): void => {
    for (const each of from) {
      const held = chosen.filter(({ clusterId }) => clusterId === each.clusterId).length
      const isFree = chosen.length < count && each.clusterId !== undefined && held < most
      if (isFree && !chosen.includes(each)) chosen.push(each)
    }
  }
  const well = inOrder.filter(({ peer, standing }) => has(current, peer.id) && standing !== 'gone')
  take(well, inClusterMax)
  for (let most = 1; most <= inClusterMax; most += 1) take(inOrder, most)
  return chosen.map(({ peer }) => peer)
}
