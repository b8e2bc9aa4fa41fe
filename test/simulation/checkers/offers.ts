/**
 * The rules of offers once more, in the dumbest way: the checkers may not rest on what they check.
 */
import { compareBallots } from '../../../protocols/base/ballot.ts'
import type { Config } from '../../../protocols/base/config.ts'
import type { IdentityId } from '../../../protocols/base/identity.ts'
import type { Accepted } from '../../../protocols/base/record.ts'
import type { Home } from '../../../protocols/base/units.ts'

interface NamedUnit {
  readonly name: string
  readonly voters: readonly IdentityId[]
}

/** The clusters of a config, or the voters of its only one. */
function named({ clusters }: Config): NamedUnit[] {
  if (clusters.size > 1)
    return [...clusters].map(([cluster, voters]) => ({ name: `cluster ${cluster}`, voters: voters.map(({ id }) => id) }))
  return [...clusters.values()].flat().map(({ id }) => ({ name: `voter ${id}`, voters: [id] }))
}

function nameOf(home: Home): string {
  return home.kind === 'cluster' ? `cluster ${home.cluster}` : `voter ${home.voter.id}`
}

function needed(units: number): number {
  return [0, 1, 2, 2, 3][units] ?? units - 1
}

/**
 * Whether an offer is chosen: its home holds it plainly after enough other units have taken it
 * whole; or all voters of the one cluster have taken it.
 *
 * @param plain who accepted it plainly at its ballot, ever. @param all who accepted it in any way
 */
export function isOfferChosen(config: Config, home: Home, plain: ReadonlySet<IdentityId>, all: ReadonlySet<IdentityId>): boolean {
  if (config.next !== undefined) return false
  const units = named(config)
  const own = units.find(({ name }) => name === nameOf(home))
  const isWhole = ({ voters }: NamedUnit): boolean => voters.every((id) => all.has(id))
  if (config.clusters.size === 1 && units.every((unit) => isWhole(unit))) return true
  if (own === undefined || own.voters.filter((id) => plain.has(id)).length <= own.voters.length / 2) return false
  return units.filter((unit) => unit !== own && isWhole(unit)).length >= needed(units.length) - 1
}

/** What a quorum that shows this would have to commit. */
export function foundBy(config: Config, shown: ReadonlyMap<IdentityId, Accepted | undefined>): Accepted | undefined {
  const units = named(config)
  const isAt = (id: IdentityId, ballot: Accepted['ballot']): boolean => {
    const accepted = shown.get(id)
    return accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0
  }
  const mayBeWhole = ({ voters }: NamedUnit, ballot: Accepted['ballot']): boolean =>
    voters.every((id) => !shown.has(id) || isAt(id, ballot))
  const isAlive = ({ ballot, home }: Accepted): boolean => {
    if (home === undefined) return false
    if (config.clusters.size === 1 && units.every((unit) => mayBeWhole(unit, ballot))) return true
    const own = units.find(({ name }) => name === nameOf(home))
    if (own !== undefined && own.voters.filter((id) => shown.has(id)).length > own.voters.length / 2) return false
    return units.filter((unit) => unit !== own && mayBeWhole(unit, ballot)).length >= needed(units.length) - 1
  }
  const all = [...shown.values()].flatMap((accepted) => (accepted === undefined ? [] : [accepted]))
  const highest = (some: readonly Accepted[]): Accepted | undefined => some.toSorted((a, b) => compareBallots(b.ballot, a.ballot))[0]
  const plain = highest(all.filter(({ home }) => home === undefined))
  const alive = highest(all.filter((accepted) => isAlive(accepted)))
  if (alive !== undefined && (plain === undefined || compareBallots(alive.ballot, plain.ballot) > 0)) return alive
  return plain ?? highest(all)
}
