/**
 * What a read round shows. A record is chosen when one voter says so, or when a quorum accepted it
 * at one ballot of the very epoch that is counted; absent when a quorum holds nothing; in doubt
 * otherwise. A value that is only accepted is never shown.
 */
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot } from '../base/ballot.ts'
import type { Ballot } from '../base/ballot.ts'
import { equalRecords } from '../base/record.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import { Tally } from '../base/quorum.ts'
import type { Quorum } from '../base/quorum.ts'
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
}

export class ReadCount {
  private readonly quorum: Quorum
  private readonly epoch: number
  private readonly replied: Tally
  private readonly empty: Tally
  private readonly groups: Group[] = []

  /** @param epoch the epoch of the config that the quorum is of */
  constructor(quorum: Quorum, epoch: number) {
    this.quorum = quorum
    this.epoch = epoch
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
      const isOfThisEpoch = body.accepted.ballot.epoch === this.epoch
      if (isOfThisEpoch && group.tally.verdict() === 'won') return { kind: 'chosen', ...group.accepted }
    }
    return this.replied.verdict() === 'won' ? DOUBT : PENDING
  }

  private group(accepted: Accepted): Group {
    const found = this.groups.find((group) => compareBallots(group.accepted.ballot, accepted.ballot) === 0)
    if (found === undefined) {
      const group = { accepted, tally: new Tally(this.quorum) }
      this.groups.push(group)
      return group
    }
    assert(equalRecords(found.accepted.record, accepted.record), `two records at one ballot ${formatBallot(accepted.ballot)}`)
    return found
  }
}
