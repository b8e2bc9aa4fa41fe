/**
 * Which protocol version a config asks of its voters. It rises with the changes of the config, when
 * everybody concerned speaks more, and never falls: what it once let peers use may have been used.
 */
import type { Identity } from '../base/identity.ts'
import type { Clusters, Config } from '../base/config.ts'
import type { KnownNow } from './known.ts'
import { members } from './transfer.ts'

/**
 * The `protocolMin` of the joint config that leads to `next`: the lowest of the latest versions
 * that the peers known here speak, this one among them. It stays as it is while a voter of either
 * set does not answer, for nothing tells what that will speak when it is back; and both sets count,
 * for a withdrawal leaves the old one. Learners that do not answer hold nothing up.
 */
export function protocolMinAfter(config: Config, next: Clusters, { peers, isUp }: KnownNow): number {
  const there = peers.filter(({ identity, hindrance }) => isUp(identity) || hindrance !== 'silent')
  const answers = (voter: Identity): boolean => isUp(voter) && there.some(({ identity }) => identity.id === voter.id)
  if (![...members(config.clusters), ...members(next)].every(answers)) return config.protocolMin
  return Math.max(config.protocolMin, Math.min(...there.map(({ protocolMax }) => protocolMax)))
}
