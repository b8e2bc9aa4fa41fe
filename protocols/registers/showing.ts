/**
 * What a quorum of voters says of a register together. The highest entry that anybody shows may be
 * chosen, and everything chosen is at or below it; so it is what the next version is made on. A
 * number that was ever seen is never used again.
 */
import { assert } from '../base/assert.ts'
import { compareBallots, formatBallot } from '../base/ballot.ts'
import type { Identity } from '../base/identity.ts'
import { Tally } from '../base/quorum.ts'
import type { Quorum, Verdict } from '../base/quorum.ts'
import type { Shown } from './questions.ts'
import { compareEntries, equalRegisterRecords, isStub } from './record.ts'
import type { Entry, RegisterRecord } from './record.ts'

export interface View {
  /** The highest entry shown; undefined when there is none. */
  readonly best: Entry | undefined
  /** What the next version is made on; undefined where there is nothing, or it is gone. */
  readonly base: RegisterRecord | undefined
  /** The highest version in anything shown, gone or not, and in all that was forgotten. */
  readonly number: number
  /** The base is known to be chosen, by somebody who shows it so. */
  readonly isKnown: boolean
}

export class Showing {
  private readonly quorum: Quorum
  private readonly tally: Tally
  private readonly shown: { readonly by: Identity; readonly what: Shown }[] = []

  constructor(quorum: Quorum) {
    this.quorum = quorum
    this.tally = new Tally(quorum)
  }

  add(by: Identity, what: Shown): void {
    this.tally.yes(by.id)
    this.shown.push({ by, what })
  }

  refused(by: Identity): void {
    this.tally.no(by.id)
  }

  verdict(): Verdict {
    return this.tally.verdict()
  }

  view(): View {
    const best = this.best()
    const number = this.number()
    if (best === undefined || isStub(best.record) || this.isGone(best)) return { best, base: undefined, number, isKnown: true }
    const isKnown = this.shown.some(({ what: { held } }) => held !== undefined && equalRegisterRecords(held.record, best.record))
    return { best, base: best.record, number, isKnown }
  }

  /**
   * True when a quorum shows exactly this entry as accepted. At a ballot of the epoch that is
   * counted it is then chosen.
   */
  isAcceptedByQuorum(entry: Entry): boolean {
    const tally = new Tally(this.quorum)
    for (const { by, what } of this.shown) if (isEntry(what.accepted, entry)) tally.yes(by.id)
    return tally.verdict() === 'won'
  }

  /** The highest entry that somebody holds, if it is not below the given one. */
  heldFrom(entry: Entry): Entry | undefined {
    const held = highest(this.shown.map(({ what }) => what.held))
    return held !== undefined && !isStub(held.record) && compareEntries(held, entry) >= 0 ? held : undefined
  }

  private best(): Entry | undefined {
    return highest(this.shown.flatMap(({ what: { held, accepted } }) => [held, accepted]))
  }

  /** Somebody who has forgotten up to there does not hold it. */
  private isGone(best: Entry): boolean {
    return this.shown.some(({ what }) => what.sweptTo !== undefined && compareBallots(best.ballot, what.sweptTo) <= 0)
  }

  private number(): number {
    let number = 0
    for (const { what } of this.shown) {
      number = Math.max(number, what.number, what.held?.record.version ?? 0, what.accepted?.record.version ?? 0)
    }
    return number
  }
}

function highest(entries: readonly (Entry | undefined)[]): Entry | undefined {
  let best: Entry | undefined
  for (const entry of entries) if (entry !== undefined && (best === undefined || compareEntries(entry, best) > 0)) best = entry
  return best
}

function isEntry(shown: Entry | undefined, entry: Entry): boolean {
  if (shown === undefined || compareEntries(shown, entry) !== 0) return false
  assert(equalRegisterRecords(shown.record, entry.record), `two records at ${formatBallot(entry.ballot)}, version ${entry.record.version}`)
  return true
}
