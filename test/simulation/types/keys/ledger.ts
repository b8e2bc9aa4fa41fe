/**
 * What is chosen of clients' keys, worked out from durable acceptances alone, whoever may know it:
 * a record is chosen once a quorum of its ballot's config accepted it at that ballot, or once it was
 * offered and its home accepted it last. The other
 * checkers of keys compare against this. It checks by itself that a key is chosen once (S1).
 */
import { compareBallots } from '../../../../protocols/base/ballot.ts'
import type { Ballot } from '../../../../protocols/base/ballot.ts'
import type { Identity } from '../../../../protocols/base/identity.ts'
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import { equalRecords } from '../../../../protocols/base/record.ts'
import type { ValueRecord } from '../../../../protocols/base/record.ts'
import { isConfigKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import { Acceptances } from '../../checkers/acceptances.ts'
import type { AtBallot } from '../../checkers/acceptances.ts'
import type { Ledger } from '../../checkers/ledger.ts'
import { isOfferChosen } from '../../checkers/offers.ts'
import { holdsData } from '../../checkers/quorums.ts'
import { check } from '../../checkers/violation.ts'
import { describeBallot, describeRecord } from '../../describe.ts'

export interface Chosen {
  readonly record: ValueRecord
  readonly ballot: Ballot
}

export class KeyLedger {
  /** The configs that acceptances count in. */
  readonly configs: Ledger
  /** Keys that were chosen by an offer first. */
  offersChosen = 0
  private readonly onChosen: (key: RegisterKey, chosen: Chosen) => void
  private readonly accepted: Acceptances
  private readonly data = new Map<RegisterKey, Chosen>()

  /** @param onChosen told of each key when it is chosen */
  constructor(configs: Ledger, onChosen: (key: RegisterKey, chosen: Chosen) => void) {
    this.configs = configs
    this.onChosen = onChosen
    this.accepted = new Acceptances((epoch) => configs.config(epoch))
  }

  chosen(key: RegisterKey): Chosen | undefined {
    return this.data.get(key)
  }

  /** Every key that is chosen. */
  keys(): Iterable<[RegisterKey, Chosen]> {
    return this.data
  }

  /** A write is on the disk of this identity. */
  hardened(by: Identity, write: AnyWrite): void {
    if (write.kind !== 'accepted' || isConfigKey(write.key)) return
    const { key } = write
    const { at, config } = this.accepted.add(by, write)
    check(!config.forming, 'S11', () => `${by.id} accepted ${key} while its network is still forming`)
    const isPlainly = holdsData(config, (voter) => at.voters.has(voter))
    const isOffered = at.home !== undefined && isOfferChosen(config, at.home, at.voters, at.holders)
    if (isOffered && !this.data.has(key)) this.offersChosen += 1
    if (isPlainly || isOffered) this.choose(key, at)
  }

  private choose(key: RegisterKey, { ballot, record }: AtBallot): void {
    const before = this.data.get(key)
    if (before === undefined) {
      const chosen = { record, ballot }
      this.data.set(key, chosen)
      return this.onChosen(key, chosen)
    }
    const was = `${describeRecord(before.record)} at ${describeBallot(before.ballot)}`
    check(
      equalRecords(before.record, record),
      'S1',
      () => `${key} was chosen as ${was}, then as ${describeRecord(record)} at ${describeBallot(ballot)}`,
    )
    // A lower ballot may still be completed; that it carries the same record is what was checked.
    if (compareBallots(ballot, before.ballot) < 0) this.data.set(key, { record, ballot })
  }
}
