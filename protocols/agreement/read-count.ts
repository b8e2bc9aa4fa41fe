/**
 * What a read round shows. A record is chosen when one voter says so, or when a quorum accepted it
 * at one ballot of the very epoch that is counted; absent when a quorum holds nothing; in doubt
 * otherwise. A value that is only accepted is never shown. What was only offered counts beside what
 * the offer's home has accepted plainly, and not without it.
 */
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import type { IdentityId } from '../base/identity.ts'
import type { Installed } from '../base/installed.ts'
import { equalRecords } from '../base/record.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import { Tally } from '../base/quorum.ts'
import type { Quorum } from '../base/quorum.ts'
import { hasMajority, isSameHome } from '../base/units.ts'
import type { Home, Unit } from '../base/units.ts'
import type { Vote } from '../wire/agreement-messages.ts'

export type ReadResult =
  | { readonly kind: 'pending' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'doubt' }
  /** `ballot`: at which a quorum holds it; undefined when a voter knew it to be chosen. */
  | { readonly kind: 'chosen'; readonly record: ValueRecord; readonly ballot: Ballot | undefined }

const PENDING: ReadResult = { kind: 'pending' }
const ABSENT: ReadResult = { kind: 'absent' }
const DOUBT: ReadResult = { kind: 'doubt' }

interface Group {
  readonly accepted: Accepted
  readonly tally: Tally
  /** Who holds it plainly. */
  readonly plainly: Set<IdentityId>
  /** Of the offer, when a voter shows it as one. */
  home: Home | undefined
}

export class ReadCount {
  private readonly quorum: Quorum
  private readonly epoch: number
  private readonly replied: Tally
  private readonly empty: Tally
  private readonly groups: Group[] = []
  /** Of a finished config; no offer counts in a joint one. */
  private readonly units: readonly Unit[]

  constructor(quorum: Quorum, { config, units }: Pick<Installed, 'config' | 'units'>) {
    this.quorum = quorum
    this.epoch = config.epoch
    this.units = config.next === undefined ? units : []
    this.replied = new Tally(quorum)
    this.empty = new Tally(quorum)
  }

  add(vote: Vote): ReadResult {
    const { body, sender } = vote
    if (body.kind === 'chosen') return { kind: 'chosen', record: body.record, ballot: undefined }
    if (body.kind !== 'seen' || body.epoch !== this.epoch) return PENDING
    this.replied.yes(sender.id)
    if (body.accepted === undefined) {
      this.empty.yes(sender.id)
      if (this.empty.verdict() === 'won') return ABSENT
    } else {
      const group = this.group(body.accepted)
      group.tally.yes(sender.id)
      if (body.accepted.home === undefined) group.plainly.add(sender.id)
      else group.home = body.accepted.home
      const isOfThisEpoch = body.accepted.ballot.epoch === this.epoch
      if (isOfThisEpoch && group.tally.verdict() === 'won' && this.isHomeAgreed(group)) return chosen(group)
    }
    return this.replied.verdict() === 'won' ? DOUBT : PENDING
  }

  /** Nothing of it was offered, or its home has accepted it, which it does last. */
  private isHomeAgreed({ home, plainly }: Group): boolean {
    if (home === undefined) return true
    const unit = this.units.find((one) => isSameHome(one.home, home))
    return unit !== undefined && hasMajority(unit, ({ id }) => plainly.has(id))
  }

  private group(accepted: Accepted): Group {
    const found = this.groups.find((group) => compareBallots(group.accepted.ballot, accepted.ballot) === 0)
    if (found === undefined) {
      const group: Group = { accepted, tally: new Tally(this.quorum), plainly: new Set(), home: undefined }
      this.groups.push(group)
      return group
    }
    assert(equalRecords(found.accepted.record, accepted.record), `two records at one ballot ${formatBallot(accepted.ballot)}`)
    return found
  }
}

function chosen({ accepted: { record, ballot } }: Group): ReadResult {
  return { kind: 'chosen', record, ballot }
}
