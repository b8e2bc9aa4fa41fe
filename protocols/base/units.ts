/**
 * What an offer is made to (`agreement/offers.ts`): the units of a finished config. They are its
 * clusters, or its voters where there is only one cluster. One of them is the home of the offer,
 * whose word is the last.
 */
import type { Clusters } from './config.ts'
import type { ClusterId, Identity } from './identity.ts'
import { majority } from './quorum.ts'

/** Named, never numbered: what a place in a list means changes with the config. */
export type Home = { readonly kind: 'cluster'; readonly cluster: ClusterId } | { readonly kind: 'voter'; readonly voter: Identity }

export interface Unit {
  readonly home: Home
  readonly voters: readonly Identity[]
}

/** Up to so many units more than half of them are enough for an offer; of more, all but one. */
const HALVED_UNITS_MAX = 4

/** @param clusters of the config, and never of what it leads to while it is joint */
export function unitsOf(clusters: Clusters): readonly Unit[] {
  const [only] = clusters.values()
  if (clusters.size === 1 && only !== undefined) return only.map((voter) => ({ home: { kind: 'voter', voter }, voters: [voter] }))
  return [...clusters].map(([cluster, voters]) => ({ home: { kind: 'cluster', cluster }, voters }))
}

/** How many units an offer needs, home among them. */
export function unitsNeeded(units: number): number {
  return units <= HALVED_UNITS_MAX ? Math.floor(units / 2) + 1 : units - 1
}

/** More than half of the voters of a unit. */
export function hasMajority({ voters }: Unit, has: (voter: Identity) => boolean): boolean {
  return majority(voters.filter(has).length, 0, voters.length) === 'won'
}

export function isSameHome(a: Home, b: Home): boolean {
  if (a.kind === 'cluster') return b.kind === 'cluster' && a.cluster === b.cluster
  return b.kind === 'voter' && a.voter.id === b.voter.id
}
