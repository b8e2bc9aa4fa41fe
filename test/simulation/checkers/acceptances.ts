/**
 * Who has accepted what on disk, at which ballot: all that a register's fate is worked out from. It
 * checks by itself that a ballot carries one record (S9), that nobody accepts without a vote (S10),
 * and that ballots are of epochs that somebody decided (S11).
 */
import type { Ballot } from '../../../protocols/base/ballot.ts'
import type { Config } from '../../../protocols/base/config.ts'
import type { Home } from '../../../protocols/base/units.ts'
import type { Identity, IdentityId } from '../../../protocols/base/identity.ts'
import type { Persist } from '../../../protocols/base/persist.ts'
import { equalRecords } from '../../../protocols/base/record.ts'
import type { ValueRecord } from '../../../protocols/base/record.ts'
import type { RegisterKey } from '../../../protocols/base/register.ts'
import { describeBallot, describeKey, describeRecord } from '../describe.ts'
import { votersOf } from './quorums.ts'
import { check } from './violation.ts'

/** What was accepted of a register at one ballot. */
export interface AtBallot {
  readonly ballot: Ballot
  readonly record: ValueRecord
  /** Who accepted it plainly. */
  readonly voters: Set<IdentityId>
  /** The same, and who took it as an offer. */
  readonly holders: Set<IdentityId>
  /** Of the offer, once somebody took it as one. */
  home: Home | undefined
}

export class Acceptances {
  private readonly configOf: (epoch: number) => Config | undefined
  private readonly byKey = new Map<RegisterKey, Map<string, AtBallot>>()

  /** @param configOf the config that was decided for an epoch */
  constructor(configOf: (epoch: number) => Config | undefined) {
    this.configOf = configOf
  }

  /**
   * An acceptance is on the disk of this identity. @returns all that is accepted at its ballot, and
   * the config that counts
   */
  add({ id }: Identity, { key, accepted }: Extract<Persist, { readonly kind: 'accepted' }>): { at: AtBallot; config: Config } {
    const { ballot, record, home } = accepted
    const config = this.configOf(ballot.epoch)
    check(config !== undefined, 'S11', () => `${id} accepted ${describeKey(key)} at ${describeBallot(ballot)}, of an epoch nobody decided`)
    check(votersOf(config).includes(id), 'S10', () => `${id} accepted ${describeKey(key)} at ${describeBallot(ballot)} without a vote`)
    const at = this.at(key, ballot, record)
    at.holders.add(id)
    if (home === undefined) at.voters.add(id)
    else at.home = home
    const isFinished = home === undefined || config.next === undefined
    check(isFinished, 'offer', () => `${id} took ${describeKey(key)} at ${describeBallot(ballot)} as an offer, of a joint config`)
    return { at, config }
  }

  private at(key: RegisterKey, ballot: Ballot, record: ValueRecord): AtBallot {
    let ballots = this.byKey.get(key)
    if (ballots === undefined) this.byKey.set(key, (ballots = new Map()))
    const name = `${ballot.epoch}.${ballot.round}.${ballot.by.id}`
    const found = ballots.get(name)
    if (found === undefined) {
      const at: AtBallot = { ballot, record, voters: new Set(), holders: new Set(), home: undefined }
      ballots.set(name, at)
      return at
    }
    const detail = (): string => `${describeRecord(found.record)} and ${describeRecord(record)} at ${describeBallot(ballot)}`
    check(equalRecords(found.record, record), 'S9', () => `${describeKey(key)} has ${detail()}`)
    return found
  }
}
