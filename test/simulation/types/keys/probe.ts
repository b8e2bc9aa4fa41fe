/**
 * The quorum probe: at any moment, every quorum of the newest decided config, asked from what its
 * voters have on disk alone, shows the record of every chosen key. Not a random quorum but the
 * worst one is looked at: a quorum shows a record when one of its voters has the chosen mark, or
 * when what was accepted at its highest ballot is the record; so the worst quorum is all voters
 * without a mark that accepted nothing above some other record.
 */
import { compareBallots } from '../../../../protocols/base/ballot.ts'
import type { IdentityId } from '../../../../protocols/base/identity.ts'
import { equalRecords } from '../../../../protocols/base/record.ts'
import type { Accepted, ValueRecord } from '../../../../protocols/base/record.ts'
import type { RegisterKey, RegisterState } from '../../../../protocols/base/register.ts'
import type { Config } from '../../../../protocols/base/config.ts'
import { describeAccepted, describeConfig, describeRecord } from '../../describe.ts'
import type { KeyLedger } from './ledger.ts'
import { Chance } from '../../chance.ts'
import { foundBy } from '../../checkers/offers.ts'
import { holdsData, votersOf } from '../../checkers/quorums.ts'
import { Violation } from '../../checkers/violation.ts'

/** What an identity has on disk of a register; `gone` when that identity's disk is no more. */
export type ReadSynced = (id: IdentityId, key: RegisterKey) => RegisterState | undefined | 'gone'

/** With offers every quorum is looked at, or of more than that many so many, drawn by chance. */
const ALL_OF_VOTERS_MAX = 7
const DRAWN_QUORUMS = 120

export class QuorumProbe {
  private readonly ledger: KeyLedger
  private readonly readSynced: ReadSynced
  /**
   * Keys that every voter of the newest config has on disk as chosen, with its epoch: nothing can
   * take that back.
   */
  private readonly settled = new Map<RegisterKey, number>()
  private votersNow: readonly IdentityId[] = []
  private votersEpoch = -1
  /** What was looked at last of a key with offers. */
  private readonly looked = new Map<RegisterKey, string>()
  probes = 0

  constructor(ledger: KeyLedger, readSynced: ReadSynced) {
    this.ledger = ledger
    this.readSynced = readSynced
  }

  /** @throws Violation when some quorum would not show a chosen record */
  all(): void {
    const { epoch } = this.ledger.configs.newest
    for (const [key, { record }] of this.ledger.keys()) if (this.settled.get(key) !== epoch) this.one(key, record)
  }

  one(key: RegisterKey, record: ValueRecord): void {
    const config = this.ledger.configs.newest
    this.probes += 1
    const unmarked = new Map<IdentityId, Accepted | undefined>()
    for (const id of this.voters(config)) {
      const state = this.readSynced(id, key)
      if (state === 'gone') continue
      const { chosen } = state ?? {}
      if (chosen === undefined) unmarked.set(id, state?.accepted)
      else if (!equalRecords(chosen, record)) throw new Violation('S1', `${id} holds ${describeRecord(chosen)} as the chosen one of ${key}`)
    }
    if (unmarked.size === 0) this.settled.set(key, config.epoch)
    else if ([...unmarked.values()].every((accepted) => accepted?.home === undefined)) this.refuse(config, key, record, unmarked, undefined)
    if ([...unmarked.values()].some((accepted) => accepted?.home !== undefined)) return this.withOffers(config, key, record, unmarked)
    for (const accepted of unmarked.values()) {
      if (accepted !== undefined && !equalRecords(accepted.record, record)) this.refuse(config, key, record, unmarked, accepted)
    }
  }

  /** Offers are weighed by who else is asked: no quorum is the worst for all of them. */
  private withOffers(config: Config, key: RegisterKey, record: ValueRecord, unmarked: ReadonlyMap<IdentityId, Accepted | undefined>): void {
    const ids = [...unmarked.keys()]
    const signature = `${config.epoch} ${ids.map((id) => `${id} ${describeAccepted(unmarked.get(id))}`).join('; ')}`
    if (this.looked.get(key) === signature) return
    this.looked.set(key, signature)
    const isSmall = ids.length <= ALL_OF_VOTERS_MAX
    const chance = new Chance(this.probes)
    for (let number = 0; number < (isSmall ? 2 ** ids.length : DRAWN_QUORUMS); number += 1) {
      const rate = isSmall ? 0 : chance.span(0.4, 1)
      const asked = ids.filter((_, place) => (isSmall ? Math.floor(number / 2 ** place) % 2 === 1 : chance.happens(rate)))
      if (!holdsData(config, (id) => asked.includes(id))) continue
      const found = foundBy(config, new Map(asked.map((id) => [id, unmarked.get(id)])))
      if (found !== undefined && equalRecords(found.record, record)) continue
      const quorum = asked.map((id) => `${id.slice(0, 7)} ${describeAccepted(unmarked.get(id))}`)
      throw new Violation(
        'probe',
        `${key} is ${describeRecord(record)}, but in config ${describeConfig(config)} a quorum finds ${describeAccepted(found)}: ${quorum.join('; ')}`,
      )
    }
  }

  private voters(config: Config): readonly IdentityId[] {
    if (this.votersEpoch !== config.epoch) this.votersNow = votersOf(config)
    this.votersEpoch = config.epoch
    return this.votersNow
  }

  /** No quorum may consist of voters that accepted nothing above `highest`. */
  private refuse(
    config: Config,
    key: RegisterKey,
    record: ValueRecord,
    unmarked: ReadonlyMap<IdentityId, Accepted | undefined>,
    highest: Accepted | undefined,
  ): void {
    const isBelow = (id: IdentityId): boolean => {
      if (!unmarked.has(id)) return false
      const accepted = unmarked.get(id)
      return accepted === undefined || (highest !== undefined && compareBallots(accepted.ballot, highest.ballot) <= 0)
    }
    if (!holdsData(config, isBelow)) return
    const quorum = votersOf(config)
      .filter(isBelow)
      .map((id) => `${id.slice(0, 7)} ${describeAccepted(unmarked.get(id))}`)
    throw new Violation(
      'probe',
      `${key} is ${describeRecord(record)}, but in config ${describeConfig(config)} a quorum shows: ${quorum.join('; ')}`,
    )
  }
}
