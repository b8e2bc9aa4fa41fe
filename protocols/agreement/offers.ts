/**
 * What is made of offers that others left behind. An offer is a record that the units of a config
 * took at one ballot without a reserve among all of them: it is chosen when its home accepts it
 * last, after enough other units have taken it whole. Whoever reserves later asks the home, whose
 * word is final; where it cannot, it counts. (Kin to Fast Paxos, Lamport 2006, in which a fast
 * quorum must be so large that a later quorum can tell by counting alone.)
 */
import { compareBallots } from '../base/ballot.ts'
import type { Identity, IdentityId } from '../base/identity.ts'
import type { Accepted } from '../base/record.ts'
import { hasMajority, isSameHome, unitsNeeded } from '../base/units.ts'
import type { Unit } from '../base/units.ts'

/** What the voters of a reserve quorum showed, each at its promise; undefined for nothing. */
export type Shown = ReadonlyMap<IdentityId, Accepted | undefined>

/**
 * What must be committed before anything of one's own, when a quorum has promised; undefined when
 * the choice is free. An offer that is dead comes last: all may have taken it all the same, where
 * units are voters.
 *
 * @param units of the config that counts; while it is joint, of its clusters alone
 */
export function toFinish(shown: Shown, units: readonly Unit[]): Accepted | undefined {
  let plain: Accepted | undefined
  const offers: Accepted[] = []
  for (const accepted of shown.values()) {
    if (accepted === undefined) continue
    if (accepted.home !== undefined) offers.push(accepted)
    else if (plain === undefined || compareBallots(accepted.ballot, plain.ballot) > 0) plain = accepted
  }
  if (offers.length === 0) return plain
  offers.sort((a, b) => compareBallots(b.ballot, a.ballot))
  const alive = offers.find((offer) => isAlive(offer, shown, units))
  if (alive !== undefined && (plain === undefined || compareBallots(alive.ballot, plain.ballot) > 0)) return alive
  return plain ?? offers[0]
}

/** Whether the offer may be chosen, as far as the quorum can tell. */
export function isAlive({ ballot, home }: Accepted, shown: Shown, units: readonly Unit[]): boolean {
  const mayHold = ({ id }: Identity): boolean => {
    if (!shown.has(id)) return true
    const accepted = shown.get(id)
    return accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0
  }
  const areVoters = units.every((unit) => unit.home.kind === 'voter')
  // All may have taken it, which chooses it without a last step.
  if (areVoters && units.every((unit) => unit.voters.every(mayHold))) return true
  const isHome = (unit: Unit): boolean => home !== undefined && isSameHome(unit.home, home)
  // Had its home accepted it, one of these would show it plainly; they have promised, and will not.
  if (units.some((unit) => isHome(unit) && hasMajority(unit, ({ id }) => shown.has(id)))) return false
  const whole = units.filter((unit) => !isHome(unit) && unit.voters.every(mayHold))
  return whole.length >= unitsNeeded(units.length) - 1
}
